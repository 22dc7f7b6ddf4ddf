"""Pages of documents."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpRequest
from guardian.admin import GuardedModelAdminMixin
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from documents import services
from documents.admin.permissions import PermissionsField, normal_permissions
from documents.models import Collection, Document
from documents.vocabulary import COLLECTIONS
from gateway.admin import ServiceAdmin, own_field
from kernel.ids import UNIQUE_ID
from kernel.permissions import ITEM_ACTIONS


class DocumentForm(forms.ModelForm):
    content = forms.JSONField(label="Data", widget=UnfoldAdminTextareaWidget)
    permissions = PermissionsField(ITEM_ACTIONS)

    class Meta:
        model = Document
        fields = ("collection", "uid", "content", "permissions")
        widgets = {"uid": UnfoldAdminTextInputWidget}


@admin.register(Document)
class DocumentAdmin(GuardedModelAdminMixin, ServiceAdmin):
    """Documents of one collection at a time: it says which partition they are in."""

    project_path = "collection__project"
    form = DocumentForm
    list_display = ("uid", "collection", "permissions", "created_at", "updated_at")
    list_filter = ("collection",)
    search_fields = ("uid",)
    ordering = ("-id",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = ServiceAdmin.get_queryset(self, request).filter(
            collection__deleted_at=None, place=F("collection__place")
        )
        if not _is_list(request):
            return rows
        chosen = request.GET.get("collection__id__exact", "")
        collection = Collection.objects.filter(id=chosen).first() if chosen.isdecimal() else None
        if collection is None:
            return rows.none()
        return rows.filter(collection=collection, place__in=_places(collection))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if "collection__id__exact" not in request.GET:
            messages.info(request, "Choose a collection in the filter to see its documents.")
        return super().changelist_view(request, extra_context)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("collection", "uid") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"uid": UNIQUE_ID, **super().get_changeform_initial_data(request)}

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        form = super().get_form(request, obj, **options)
        if obj:
            own_field(form, "content").initial = self._content(request, obj)
        return form

    def _content(self, request: HttpRequest, obj: Document) -> dict[str, Any]:
        shown = services.get_document(queries=(), **self._address(request, obj))
        return {name: value for name, value in shown.items() if not name.startswith("$")}

    def _address(self, request: HttpRequest, obj: Document) -> dict[str, Any]:
        collection = obj.collection
        return {
            "caller": self.caller(request, collection.project.uid),
            "names": COLLECTIONS,
            "database_id": collection.database.uid,
            "collection_id": collection.uid,
            "document_id": obj.uid,
        }

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        collection: Collection = values["collection"]
        blank = Document(collection=collection, uid=values["uid"])
        made = services.create_document(
            **self._address(request, blank),
            data=values["content"],
            permissions=normal_permissions(values["permissions"], ITEM_ACTIONS),
        )
        rows = Document.objects.filter(collection=collection, place__in=_places(collection))
        return rows.get(uid=made["$id"], place=F("collection__place")).pk

    def change(self, request: HttpRequest, obj: Document, values: dict[str, Any]) -> None:
        services.update_document(
            **self._address(request, obj),
            data=values["content"],
            permissions=normal_permissions(values["permissions"], ITEM_ACTIONS),
            unless_after=None,
        )

    def remove(self, request: HttpRequest, obj: Document) -> None:
        services.delete_document(**self._address(request, obj), unless_after=None)


def _places(collection: Collection) -> set[int]:
    """Return where documents are, and where they may have moved meanwhile."""
    return {collection.place, collection.id}


def _is_list(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name == "documents_document_changelist"
