"""The console page of a project's policies: what it asks of its users, and shows of them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from gateway.admin import ServiceAdmin, own_field
from kernel.errors import ApiError
from kernel.fields import as_dict, read_input
from kernel.policies import POLICY_DEFAULTS, policy
from projects import services
from projects.inputs.policies import POLICY_INPUTS
from projects.models import ProjectPolicies

#: The titles of policies, and of their fields.
TITLES = {
    "password-dictionary": "Common passwords are refused",
    "password-history": "Former passwords are refused",
    "password-strength": "What a password has to hold",
    "password-personal-data": "What is known of a user may not be in their password",
    "password-pwned": "Passwords known from data breaches",
    "password-rotation": "Passwords grow too old",
    "deny-aliased-email": "Second names of a mailbox are refused",
    "deny-corporate-email": "Addresses of companies alone are taken",
    "deny-disposable-email": "Throw-away addresses are refused",
    "deny-free-email": "Addresses of free providers are refused",
    "session-alert": "A new session is mailed to its user",
    "session-invalidation": "A new password ends all sessions",
    "passkey": "Passkeys",
    "mfa-factors": "Second factors",
    "membership-privacy": "What members of a team see of each other",
}
FIELD_TITLES = {
    "enabled": "Switched on",
    "sessions": "Refused when signing in, until there is a new one",
    "users": "Refused as new passwords",
    "denyList": "Refused as well, one a line",
    "total": "How many (0: none)",
    "maxAge": "Seconds a password is good for",
    "min": "Characters",
    "uppercase": "A capital letter",
    "lowercase": "A small letter",
    "number": "A digit",
    "symbols": "A sign",
    "rpId": "Their domain, such as example.com",
    "totp": "Authenticator app",
    "email": "Code by mail",
    "phone": "Code by text message",
    "custom": "Code that your own server delivers",
    "required": "Every user has to show one",
    "userId": "Id",
    "userEmail": "E-mail address",
    "userPhone": "Phone number",
    "userName": "Name",
    "userMFA": "Whether they use two factors",
    "userAccessedAt": "When they were last here",
}


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


def _form_name(policy_id: str, field: str) -> str:
    return f"{policy_id}_{field}"


def _field(name: str, default: Any) -> forms.Field:
    label = FIELD_TITLES[name]
    if isinstance(default, bool):
        return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanSwitchWidget)
    if isinstance(default, int):
        return forms.IntegerField(label=label, min_value=0, widget=UnfoldAdminIntegerFieldWidget)
    if isinstance(default, str):
        return forms.CharField(label=label, required=False, widget=UnfoldAdminTextInputWidget)
    return LinesField(label=label, required=False)


class _PoliciesForm(forms.ModelForm):
    class Meta:
        model = ProjectPolicies
        fields: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        """Check each policy as the API does."""
        values: dict[str, Any] = super().clean() or {}
        for policy_id, defaults in POLICY_DEFAULTS.items():
            for name in defaults:
                if _form_name(policy_id, name) in values:
                    self._check(policy_id, name, values[_form_name(policy_id, name)])
        return values

    def _check(self, policy_id: str, name: str, value: Any) -> None:
        given = policy({}, policy_id) | {name: value}
        try:
            _read(policy_id, given)
        except ApiError as error:
            self.add_error(_form_name(policy_id, name), ValidationError(error.message))


def _read(policy_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a policy as the API would take them."""
    # Nothing remembered is null there, and a nought here.
    known = {name: value or None for name, value in fields.items()} if "total" in fields else fields
    read = as_dict(read_input(POLICY_INPUTS[policy_id], known))
    return {name: value or 0 for name, value in read.items()} if "total" in fields else read


PoliciesForm = type(
    "PoliciesForm",
    (_PoliciesForm,),
    {
        _form_name(policy_id, name): _field(name, default)
        for policy_id, defaults in POLICY_DEFAULTS.items()
        for name, default in defaults.items()
    },
)


@admin.register(ProjectPolicies)
class PolicyAdmin(ServiceAdmin):
    """Policies of a project, all on one page."""

    project_path = ""
    form = PoliciesForm
    list_display = ("name", "uid")
    search_fields = ("uid", "name")
    ordering = ("name",)
    fieldsets = tuple(
        (title, {"fields": [_form_name(policy_id, name) for name in POLICY_DEFAULTS[policy_id]]})
        for policy_id, title in TITLES.items()
    )

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        form = super().get_form(request, obj, **options)
        for policy_id in POLICY_DEFAULTS:
            for name, value in policy(obj.policies if obj else {}, policy_id).items():
                own_field(form, _form_name(policy_id, name)).initial = value
        return form

    def change(self, request: HttpRequest, obj: ProjectPolicies, values: dict[str, Any]) -> None:
        caller = self.console_user(request)
        for policy_id, defaults in POLICY_DEFAULTS.items():
            wanted = {name: values[_form_name(policy_id, name)] for name in defaults}
            fields = _read(policy_id, wanted)
            if fields != policy(obj.policies, policy_id):
                services.update_policy(
                    caller=caller, project_id=obj.uid, policy_id=policy_id, fields=fields
                )
