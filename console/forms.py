"""Forms of the console's own pages."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordInput, UnfoldAdminTextInputWidget

from kernel import fields
from kernel.limits import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH


class FirstAdminForm(forms.Form):
    """The account that will own the installation's first projects."""

    name = forms.CharField(
        max_length=MAX_NAME_LENGTH, required=False, widget=UnfoldAdminTextInputWidget()
    )
    email = forms.CharField(
        label="E-mail address",
        max_length=MAX_EMAIL_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "email", "type": "email"}),
    )
    password = forms.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        widget=UnfoldAdminPasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_email(self) -> str:
        return _checked(fields.email, self.cleaned_data["email"])

    def clean_password(self) -> str:
        return _checked(fields.password, self.cleaned_data["password"])


def _checked(check: fields.Check, value: Any) -> str:
    try:
        return str(check(value))
    except ValueError as error:
        raise forms.ValidationError(str(error)) from None
