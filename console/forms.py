"""Forms of the console's own pages."""

from typing import Any, ClassVar

from django import forms
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from gateway.admin import checked
from kernel import fields
from kernel.limits import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH


class LoginForm(AuthenticationForm):
    """The way in for console users, whose logins are their e-mail addresses."""

    error_messages: ClassVar[dict[str, str]] = {
        "invalid_login": "No console user has this e-mail address and password.",
        "inactive": "This account is blocked.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].label = "E-mail address"


class FirstAdminForm(forms.Form):
    """The account that will own the installation's first projects."""

    name = forms.CharField(
        max_length=MAX_NAME_LENGTH, required=False, widget=UnfoldAdminTextInputWidget()
    )
    email = forms.CharField(
        label="E-mail address",
        max_length=MAX_EMAIL_LENGTH,
        validators=[checked(fields.email)],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "email", "type": "email"}),
    )
    password = forms.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        validators=[checked(fields.password)],
        help_text="8 characters or more",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean_email(self) -> str:
        """Return the address as it is stored."""
        return str(fields.email(self.cleaned_data["email"]))


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """A new password of the console user's own; the service that sets it checks the old one."""

    def clean_old_password(self) -> str:
        """Return what was typed: hashing it here, too, would take twice as long."""
        return str(self.cleaned_data["old_password"])

    def clean_new_password1(self) -> str:
        """Return the password when it is long enough for the API."""
        password = str(self.cleaned_data["new_password1"])
        checked(fields.password)(password)
        return password
