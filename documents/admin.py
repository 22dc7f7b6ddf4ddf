"""Console pages of databases, collections and documents, with their object permissions."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest
from guardian.admin import GuardedModelAdminMixin
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from documents import services
from documents.models import Collection, Database, Document
from documents.vocabulary import COLLECTIONS
from gateway.admin import ServiceAdmin, checked
from kernel import fields
from kernel.ids import UNIQUE_ID
from kernel.permissions import CONTAINER_ACTIONS, ITEM_ACTIONS


class PermissionsField(SimpleArrayField):
    """A permission list, one `action("role")` per line."""

    def __init__(self, actions: tuple[str, ...]) -> None:
        super().__init__(
            forms.CharField(),
            delimiter="\n",
            required=False,
            validators=[checked(fields.permissions(actions))],
            widget=UnfoldAdminTextareaWidget,
            help_text='One per line, such as read("any") or update("team:writers/owner")',
        )


class DatabaseForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    class Meta:
        model = Database
        fields = ("project", "uid", "name", "description", "is_enabled")


@admin.register(Database)
class DatabaseAdmin(ServiceAdmin):
    """Databases."""

    form = DatabaseForm
    list_display = ("name", "uid", "project", "is_enabled", "created_at")
    list_filter = ("project", "is_enabled")
    search_fields = ("uid", "name")
    ordering = ("project", "name")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(deleted_at=None)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("project", "uid") if obj else ()

    def get_changeform_initial_data(self, _request: HttpRequest) -> dict[str, Any]:
        return {"uid": UNIQUE_ID}

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        made = services.create_database(
            caller=self.caller(request, values["project"].uid),
            names=COLLECTIONS,
            database_id=values["uid"],
            name=values["name"],
            enabled=values["is_enabled"],
            description=values["description"],
        )
        rows = Database.objects.in_project(values["project"].pk)
        return rows.get(uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Database, values: dict[str, Any]) -> None:
        services.update_database(
            caller=self.caller(request, obj.project.uid),
            database_id=obj.uid,
            name=values["name"],
            enabled=values["is_enabled"],
            description=values["description"],
        )

    def remove(self, request: HttpRequest, obj: Database) -> None:
        caller = self.caller(request, obj.project.uid)
        services.delete_database(caller=caller, database_id=obj.uid)


class CollectionForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    permissions = PermissionsField(CONTAINER_ACTIONS)

    class Meta:
        model = Collection
        fields = (
            "database",
            "uid",
            "name",
            "description",
            "is_enabled",
            "has_document_security",
            "permissions",
        )


@admin.register(Collection)
class CollectionAdmin(GuardedModelAdminMixin, ServiceAdmin):
    """Collections; attributes and indexes are shown with their state."""

    form = CollectionForm
    list_display = ("name", "uid", "database", "project", "is_enabled", "has_document_security")
    list_filter = ("project", "is_enabled")
    search_fields = ("uid", "name")
    ordering = ("project", "database", "name")

    def get_queryset(self, request: HttpRequest) -> Any:
        return ServiceAdmin.get_queryset(self, request).filter(deleted_at=None)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("database", "uid", "schema") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = list(super().get_fields(request, obj))
        return names if obj else [name for name in names if name != "schema"]

    def get_changeform_initial_data(self, _request: HttpRequest) -> dict[str, Any]:
        return {"uid": UNIQUE_ID}

    @admin.display(description="Attributes and indexes")
    def schema(self, collection: Collection) -> str:
        lines = [
            f"{each['key']}: {each['type']}, {each['status']}"
            for each in (*collection.attributes, *collection.indexes)
        ]
        return "\n".join(lines) or "None yet"

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        database: Database = values["database"]
        made = services.create_collection(
            caller=self.caller(request, database.project.uid),
            names=COLLECTIONS,
            database_id=database.uid,
            collection_id=values["uid"],
            name=values["name"],
            permissions=_permissions(values["permissions"], CONTAINER_ACTIONS),
            document_security=values["has_document_security"],
            enabled=values["is_enabled"],
            description=values["description"],
            attributes=(),
            indexes=(),
        )
        return Collection.objects.in_database(database.pk).get(uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Collection, values: dict[str, Any]) -> None:
        services.update_collection(
            caller=self.caller(request, obj.project.uid),
            names=COLLECTIONS,
            database_id=obj.database.uid,
            collection_id=obj.uid,
            name=values["name"],
            permissions=_permissions(values["permissions"], CONTAINER_ACTIONS),
            document_security=values["has_document_security"],
            enabled=values["is_enabled"],
            description=values["description"],
        )

    def remove(self, request: HttpRequest, obj: Collection) -> None:
        services.delete_collection(
            caller=self.caller(request, obj.project.uid),
            names=COLLECTIONS,
            database_id=obj.database.uid,
            collection_id=obj.uid,
        )


class DocumentForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    content = forms.JSONField(label="Data", widget=UnfoldAdminTextareaWidget)
    permissions = PermissionsField(ITEM_ACTIONS)

    class Meta:
        model = Document
        fields = ("collection", "uid", "content", "permissions")
        widgets = {"uid": UnfoldAdminTextInputWidget}


@admin.register(Document)
class DocumentAdmin(GuardedModelAdminMixin, ServiceAdmin):
    """Documents of one collection at a time: each lies in a partition of its own."""

    project_path = "collection__project"
    form = DocumentForm
    list_display = ("uid", "collection", "permissions", "created_at", "updated_at")
    list_filter = ("collection",)
    search_fields = ("uid",)
    ordering = ("-id",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = ServiceAdmin.get_queryset(self, request).filter(collection__deleted_at=None)
        if _is_list(request) and "collection__id__exact" not in request.GET:
            return rows.none()
        return rows

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
            form.base_fields["content"].initial = self._content(request, obj)
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
            permissions=_permissions(values["permissions"], ITEM_ACTIONS),
        )
        return Document.objects.get(collection=collection, uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Document, values: dict[str, Any]) -> None:
        services.update_document(
            **self._address(request, obj),
            data=values["content"],
            permissions=_permissions(values["permissions"], ITEM_ACTIONS),
            unless_after=None,
        )

    def remove(self, request: HttpRequest, obj: Document) -> None:
        services.delete_document(**self._address(request, obj), unless_after=None)


def _permissions(values: list[str], actions: tuple[str, ...]) -> list[str]:
    lines = [value.strip() for value in values if value.strip()]
    normal: list[str] = fields.permissions(actions)(lines)
    return normal


def _is_list(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name == "documents_document_changelist"
