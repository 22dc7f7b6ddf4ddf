"""Users without a name, and how they become lasting ones."""

import pytest

from accounts.models import User
from projects.services import operator, update_settings
from tests.conftest import PASSWORD
from tests.reference import assert_model


@pytest.fixture
def nameless(project, guest, client_for):
    """Return a client that is signed in anonymously."""
    opened = guest.post("/account/sessions/anonymous")
    return client_for(project, session=opened.cookies["a_session_blog"].value)


def test_anonymous_session_makes_a_user_and_signs_them_in(project, guest, client_for, events):
    opened = guest.post("/account/sessions/anonymous", {})
    assert opened.status == 201
    assert_model("Session", opened.json)
    assert (opened.json["provider"], opened.json["factors"]) == ("anonymous", ["anonymous"])
    user = opened.json["userId"]
    assert events.names() == [
        f"users.{user}.create",
        f"users.{user}.sessions.{opened.json['$id']}.create",
    ]
    account = client_for(project, session=opened.cookies["a_session_blog"].value).get("/account")
    assert_model("User", {**account.json, "hash": "", "password": ""})
    assert (account.json["email"], account.json["phone"], account.json["name"]) == ("", "", "")
    assert account.json["emailVerification"] is False
    assert account.json["passwordUpdate"] == ""


def test_each_anonymous_user_is_one_of_their_own(guest):
    users = {guest.post("/account/sessions/anonymous").json["userId"] for _ in range(3)}
    assert len(users) == 3


def test_signed_in_user_gets_no_anonymous_session(nameless):
    reply = nameless.post("/account/sessions/anonymous")
    assert (reply.status, reply.error) == (401, "user_session_already_exists")
    assert User.objects.count() == 1


def test_console_has_no_anonymous_users(console_project, client_for):
    reply = client_for(console_project).post("/account/sessions/anonymous")
    assert (reply.status, reply.error) == (401, "user_anonymous_console_prohibited")
    assert not User.objects.exists()


def test_user_limit_counts_anonymous_users(project, guest):
    update_settings(caller=operator(), project_id=project.uid, user_limit=1)
    assert guest.post("/account/sessions/anonymous").status == 201
    assert guest.post("/account/sessions/anonymous").error == "user_count_exceeded"


def test_address_is_limited_to_fifty_an_hour(guest, limits):
    statuses = [guest.post("/account/sessions/anonymous").status for _ in range(51)]
    assert statuses == [201] * 50 + [429]


def test_anonymous_user_becomes_a_lasting_one_by_address_and_password(guest, nameless, events):
    events.clear()
    before = nameless.get("/account").json
    changed = nameless.patch("/account/email", {"email": "Ada@example.com", "password": PASSWORD})
    assert changed.status == 200
    assert (changed.json["$id"], changed.json["email"]) == (before["$id"], "ada@example.com")
    assert changed.json["passwordUpdate"] != ""
    assert events.names() == [f"users.{before['$id']}.update.email"]
    again = guest.post(
        "/account/sessions/email", {"email": "ada@example.com", "password": PASSWORD}
    )
    assert (again.status, again.json["userId"]) == (201, before["$id"])
    wrong = nameless.patch("/account/email", {"email": "b@example.com", "password": "wrong one"})
    assert wrong.error == "user_invalid_credentials"


def test_anonymous_user_cannot_take_an_address_in_use(nameless, alice):
    reply = nameless.patch("/account/email", {"email": alice.email, "password": PASSWORD})
    assert (reply.status, reply.error) == (409, "user_email_already_exists")
    assert nameless.get("/account").json["passwordUpdate"] == ""


@pytest.mark.parametrize("password", ["", "anything long"])
def test_class_19_nobody_logs_in_to_an_anonymous_account_by_password(guest, nameless, password):
    body = {"email": "", "password": password}
    assert guest.post("/account/sessions/email", body).status == 400
