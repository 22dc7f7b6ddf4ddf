"""Which ways to sign in a project offers, and what happens at each sign-in."""

from typing import Any

import pytest

from accounts.models import Mail, Session, User
from accounts.services import sessions as session_services
from tests.accounts.mailbox import newest_text
from tests.accounts.policies import set_policy, switch_method
from tests.conftest import PASSWORD

APP = "http://localhost:3000/in"
NEW = {"userId": "new", "email": "new@example.com"}
LOGIN = {"email": "alice@example.com", "password": PASSWORD}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
#: Per switch: the calls it ends, and what the refusal calls it.
METHODS: dict[str, tuple[str, list[tuple[str, Any]]]] = {
    "email-password": (
        "Email/Password",
        [("/account", NEW | {"password": PASSWORD}), ("/account/sessions/email", LOGIN)],
    ),
    "magic-url": ("Magic URL", [("/account/tokens/magic-url", NEW | {"url": APP})]),
    "email-otp": ("Email (OTP)", [("/account/tokens/email", NEW)]),
    "anonymous": ("Anonymous", [("/account/sessions/anonymous", None)]),
    "phone": ("Phone", [("/account/tokens/phone", {"userId": "p", "phone": "+15550009999"})]),
    "jwt": ("JWT", [("/account/jwts", None)]),
    "invites": (
        "Invites",
        [("/teams/band/memberships", {"email": "b@example.com", "roles": [], "url": APP})],
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_method_switched_off_lets_nobody_in(project, guest, own, events, method):
    own.post("/teams", {"teamId": "band", "name": "Band"})
    switch_method(project, method, enabled=False)
    name, calls = METHODS[method]
    events.clear()
    for path, body in calls:
        client = own if method in ("jwt", "invites") else guest
        reply = client.post(path, body)
        assert (reply.status, reply.error) == (501, "user_auth_method_unsupported")
        assert reply.json["message"] == f"{name} authentication is disabled for this project"
    assert events.names() == []
    switch_method(project, method, enabled=True)
    assert [
        (own if method in ("jwt", "invites") else guest).post(path, body).status
        for path, body in calls
    ] == [201] * len(calls)


def test_servers_are_not_held_to_the_switches(project, client_for, make_key):
    switch_method(project, "email-password", enabled=False)
    server = client_for(project, key=make_key(project, ["users.write", "sessions.write"]))
    assert server.post("/account", NEW | {"password": PASSWORD}).status == 201


def test_sessions_last_as_long_and_are_as_many_as_the_project_says(project, guest, alice):
    set_policy(project, "session-duration", duration=3600)
    set_policy(project, "session-limit", total=2)
    for _ in range(3):
        guest.post("/account/sessions/email", LOGIN)
    assert Session.objects.count() == 2
    newest = Session.objects.latest("id")
    assert (newest.expires_at - newest.created_at).total_seconds() == 3600


def test_sessions_are_bounded_even_without_a_limit(project, guest, alice, monkeypatch):
    set_policy(project, "session-limit", total=0)
    monkeypatch.setattr(session_services, "MAX_SESSIONS", 3)
    for _ in range(4):
        guest.post("/account/sessions/email", LOGIN)
    assert Session.objects.count() == 3


def test_users_are_as_many_as_the_project_says(project, guest, alice):
    set_policy(project, "user-limit", total=1)
    reply = guest.post("/account", NEW | {"password": PASSWORD})
    assert (reply.status, reply.error) == (400, "user_count_exceeded")
    assert not User.objects.filter(uid="new").exists()


# Alerts


def test_a_new_session_is_mailed_where_the_project_says(project, guest, alice):
    guest.post("/account/sessions/email", LOGIN)
    assert not Mail.objects.exists()
    set_policy(project, "session-alert", enabled=True)
    guest.post("/account/sessions/email", LOGIN, User_Agent=FIREFOX)
    text = newest_text("alice@example.com")
    for part in ("signed in to Blog", "Firefox", "127.0.0.1", "Linux"):
        assert part in text


def test_the_first_session_and_those_opened_by_mail_or_server_are_no_news(
    project, guest, client_for, make_key
):
    set_policy(project, "session-alert", enabled=True)
    guest.post("/account", NEW | {"password": PASSWORD})
    guest.post("/account/sessions/email", {"email": NEW["email"], "password": PASSWORD})
    server = client_for(project, key=make_key(project, ["users.write", "sessions.write"]))
    server.post("/users/new/sessions")
    code = server.post("/account/tokens/email", NEW).json["secret"]
    Mail.objects.all().delete()
    assert guest.post("/account/sessions/token", {"userId": "new", "secret": code}).status == 201
    assert not Mail.objects.exists()
    token = server.post("/users/new/tokens").json["secret"]
    assert guest.post("/account/sessions/token", {"userId": "new", "secret": token}).status == 201
    assert Mail.objects.count() == 1
