"""What the tests of the console's pages do with forms and dialogs."""

from typing import Any

from django.db.models import Model
from django.test import Client

from accounts.services import create_console_admin
from documents.models import Collection
from tests.conftest import PASSWORD


def url(model: type[Model], page: str) -> str:
    return f"/console/{model._meta.app_label}/{model._meta.model_name}/{page}/"


def entered(console: Client, page: str) -> dict[str, Any]:
    """Return what a browser would send if nothing was changed on a page."""
    form = console.get(page).context["adminform"].form
    values: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        widget = bound.field.widget
        if hasattr(widget, "decompress"):
            parts = widget.decompress(value)
            values |= {f"{bound.html_name}_{n}": part or "" for n, part in enumerate(parts)}
        elif value is not None and value is not False:
            shown = value if isinstance(value, list) else widget.format_value(value)
            values[bound.html_name] = "on" if value is True else shown or ""
    return values


def signed_in(email: str) -> Client:
    client = Client()
    user = create_console_admin(email=email, password=PASSWORD)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


class Schema:
    """The dialogs of a collection's page."""

    def __init__(self, client: Client, collection: Collection) -> None:
        self.client = client
        self.collection = collection

    def open(self, name: str) -> Any:
        return self.client.get(self._url(name))

    def submit(self, name: str, **values: Any) -> Any:
        return self.client.post(self._url(name), {"_form_submitted": "True", **values})

    def _url(self, name: str) -> str:
        return f"/console/documents/collection/{self.collection.pk}/{name}/"

    def done(self, name: str, **values: Any) -> None:
        answer = self.submit(name, **values)
        assert "HX-Redirect" in answer.headers, answer.context["form"].errors
        self.collection.refresh_from_db()

    def refused(self, name: str, **values: Any) -> str:
        answer = self.submit(name, **values)
        assert "HX-Redirect" not in answer.headers
        return str(answer.context["form"].errors)

    def states(self, part: str) -> dict[str, str]:
        self.collection.refresh_from_db()
        return {each["key"]: each["status"] for each in getattr(self.collection, part)}
