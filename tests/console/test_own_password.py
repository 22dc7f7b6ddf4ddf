"""A console user's own password: changed like over the API, so that it ends what it should."""

import pytest
from django.test import Client

from accounts.models import Session, User
from accounts.services import create_console_admin
from tests.conftest import PASSWORD

NEW = "another horse battery staple"
PAGE = "/console/password_change/"

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def ada(project) -> User:
    return create_console_admin(email="ada@example.com", password=PASSWORD)


@pytest.fixture
def console(ada) -> Client:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def api_session(console_project, client_for, ada):
    """Sign the same person in over the API; returns the client."""
    body = {"email": "ada@example.com", "password": PASSWORD}
    reply = client_for(console_project).post("/account/sessions/email", body)
    assert reply.status == 201
    assert Session.objects.filter(user=ada).exists()


def change(console, old=PASSWORD, new=NEW, again=None):
    body = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return console.post(PAGE, body)


def test_new_password_ends_sessions_and_is_told(console, ada, api_session, events):
    before = ada.password_updated_at
    assert change(console).status_code == 302

    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert ada.password_updated_at > before
    assert not Session.objects.filter(user=ada).exists()
    assert events.names() == [f"users.{ada.uid}.update.password"]


def test_page_stays_signed_in_and_other_browsers_do_not(console, ada):
    other = Client()
    other.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    change(console)

    assert console.get("/console/").status_code == 200
    assert other.get("/console/").status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [("wrong password", NEW, NEW), (PASSWORD, "short", "short"), (PASSWORD, NEW, PASSWORD)],
)
def test_refused_change_leaves_everything(console, ada, api_session, events, old, new, again):
    answer = change(console, old, new, again)

    assert answer.status_code == 200
    assert b"errorlist" in answer.content or b"text-red" in answer.content
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert Session.objects.filter(user=ada).exists()
    assert events.names() == []


def test_old_password_cannot_be_guessed_for_long(console, ada):
    answers = [change(console, old=f"guess number {number}").status_code for number in range(11)]
    assert answers == [200] * 10 + [429]
    assert change(console).status_code == 429
