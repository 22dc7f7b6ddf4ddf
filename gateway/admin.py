"""`ServiceAdmin`: console pages whose writes are service calls of the signed-in console user."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.module_loading import import_string
from unfold.admin import ModelAdmin

from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.fields import Check


@cache
def _setting(name: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", import_string(getattr(settings, name)))


def checked(check: Check) -> Callable[[object], None]:
    """Return a check of `kernel.fields` as a validator of form fields."""

    def validate(value: object) -> None:
        try:
            check(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    return validate


def own_field(form: Any, name: str) -> Any:
    """Return a field of a form class made for one request, which may then be changed.

    Fields that a form declares are shared by all requests, and other threads serve those.
    """
    form.base_fields[name] = copy.deepcopy(form.base_fields[name])
    return form.base_fields[name]


class ServiceAdmin(ModelAdmin):
    """Rows of the projects that the console user manages, written through services only.

    Subclasses say where the project is (`project_path`, a lookup ending at the project, empty for
    the project itself) and implement `create`, `change` and `remove`; what is not implemented is
    not offered. `create` returns the new row's primary key.
    """

    project_path: ClassVar[str] = "project"
    create: ClassVar[Callable[..., int] | None] = None
    change: ClassVar[Callable[..., None] | None] = None
    remove: ClassVar[Callable[..., None] | None] = None

    def console_user(self, request: HttpRequest) -> Caller:
        """Return the console user as a caller of the console itself, holding their teams."""
        caller: Caller = _setting("APPWRITE_CONSOLE_USER")(request.user)
        return caller

    def caller(self, request: HttpRequest, project_uid: str) -> Caller:
        """Return the console user as a caller in a project that they manage.

        Raises: PROJECT_NOT_FOUND
        """
        caller: Caller = _setting("APPWRITE_CONSOLE_CALLER")(request.user, project_uid)
        return caller

    def teams(self, request: HttpRequest) -> list[str]:
        """Return the ids of the teams whose projects the console user manages."""
        teams: list[str] = _setting("APPWRITE_CONSOLE_TEAMS")(request.user)
        return teams

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        path = f"{self.project_path}__" if self.project_path else ""
        managed = models.Q(**{f"{path}team_uid__in": self.teams(request)})
        for team_uid, uids in _setting("APPWRITE_CONSOLE_PROJECTS")(request.user).items():
            managed |= models.Q(**{f"{path}team_uid": team_uid, f"{path}uid__in": uids})
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.filter(managed, **{f"{path}deleted_at": None})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer only what the console user may see."""
        related = self.admin_site._registry.get(db_field.related_model)
        if isinstance(related, ServiceAdmin):
            options["queryset"] = related.get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.create is not None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.change is not None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.remove is not None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and self.change is not None:
            self.change(request, obj, form.cleaned_data)
        elif self.create is not None:
            obj.pk = self.create(request, form.cleaned_data)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        if self.remove is not None:
            self.remove(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """Show what a service refuses as a message on the same page."""
        try:
            return cast("HttpResponse", super().changeform_view(request, *args, **options))
        except ApiError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())
