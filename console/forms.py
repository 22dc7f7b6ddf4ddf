"""Forms of the console's own pages."""

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from gateway.admin import checked
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
        validators=[checked(fields.email)],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "email", "type": "email"}),
    )
    password = forms.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        strip=False,
        validators=[checked(fields.password)],
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean_email(self) -> str:
        """Return the address as it is stored."""
        return str(fields.email(self.cleaned_data["email"]))
