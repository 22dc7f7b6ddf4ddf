"""Permission lists in forms."""

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from unfold.widgets import UnfoldAdminTextareaWidget

from gateway.admin import checked
from kernel import fields


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


def normal_permissions(values: list[str], actions: tuple[str, ...]) -> list[str]:
    """Return what a `PermissionsField` holds as services take it."""
    lines = [value.strip() for value in values if value.strip()]
    normal: list[str] = fields.permissions(actions)(lines)
    return normal
