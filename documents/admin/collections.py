"""Pages of collections."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from guardian.admin import GuardedModelAdminMixin

from documents import services
from documents.admin.permissions import PermissionsField, normal_permissions
from documents.admin.schema import SchemaActions
from documents.attributes import PROCESSING
from documents.models import Collection, Database
from documents.progress import progress
from documents.services.indexes import load_indexes
from documents.vocabulary import COLLECTIONS
from gateway.admin import ServiceAdmin
from kernel.ids import UNIQUE_ID
from kernel.permissions import CONTAINER_ACTIONS

_ASK_AGAIN = mark_safe(
    ' hx-get="" hx-select="#schema-state" hx-swap="outerHTML" hx-trigger="every 3s"'
)


class CollectionForm(forms.ModelForm):
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
            "is_schemaless",
            "permissions",
        )


@admin.register(Collection)
class CollectionAdmin(SchemaActions, GuardedModelAdminMixin, ServiceAdmin):
    """Collections; attributes and indexes are shown with their state, and changed by actions."""

    form = CollectionForm
    list_display = ("name", "uid", "database", "project", "is_enabled", "has_document_security")
    list_filter = ("project", "is_enabled", "is_schemaless")
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
        """Tell the state of each; the page asks again while a job is at work."""
        building = [each for each in load_indexes(collection) if each.status == PROCESSING]
        percentages = progress(building)
        parts = [*collection.attributes, *collection.indexes]
        lines = [(_state(each, percentages),) for each in parts] or [("None yet",)]
        is_done = all(each["status"] != PROCESSING for each in parts)
        return format_html(
            '<div id="schema-state"{}>{}</div>',
            "" if is_done else _ASK_AGAIN,
            format_html_join(mark_safe("<br>"), "{}", lines),
        )

    def create(self, request: HttpRequest, values: dict[str, Any]) -> int:
        database: Database = values["database"]
        made = services.create_collection(
            caller=self.caller(request, database.project.uid),
            names=COLLECTIONS,
            database_id=database.uid,
            collection_id=values["uid"],
            name=values["name"],
            permissions=normal_permissions(values["permissions"], CONTAINER_ACTIONS),
            document_security=values["has_document_security"],
            enabled=values["is_enabled"],
            description=values["description"],
            attributes=(),
            indexes=(),
            schemaless=values["is_schemaless"],
        )
        return Collection.objects.in_database(database.pk).get(uid=made["$id"]).pk

    def change(self, request: HttpRequest, obj: Collection, values: dict[str, Any]) -> None:
        services.update_collection(
            caller=self.caller(request, obj.project.uid),
            names=COLLECTIONS,
            database_id=obj.database.uid,
            collection_id=obj.uid,
            name=values["name"],
            permissions=normal_permissions(values["permissions"], CONTAINER_ACTIONS),
            document_security=values["has_document_security"],
            enabled=values["is_enabled"],
            description=values["description"],
            schemaless=values["is_schemaless"],
        )

    def remove(self, request: HttpRequest, obj: Collection) -> None:
        services.delete_collection(
            caller=self.caller(request, obj.project.uid),
            names=COLLECTIONS,
            database_id=obj.database.uid,
            collection_id=obj.uid,
        )


def _state(part: dict[str, Any], percentages: dict[str, int]) -> str:
    state = f"{part['key']}: {part['type']}, {part['status']}"
    percentage = percentages.get(part.get("name", ""))
    return state if percentage is None else f"{state}, {percentage} %"
