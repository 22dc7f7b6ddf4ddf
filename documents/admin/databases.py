"""Pages of databases."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from documents import services
from documents.models import Database
from documents.vocabulary import COLLECTIONS
from gateway.admin import ServiceAdmin
from kernel.ids import UNIQUE_ID


class DatabaseForm(forms.ModelForm):
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
