"""Who credentials stand for, kept for a second: nothing revoked works on by it."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from textwrap import dedent
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts import authentication
from accounts.models import Session
from kernel import clock, notify
from kernel.caller import Credentials
from projects.models import Key
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.db, pytest.mark.django_db]

WAIT_SECONDS = 30.0
BY_SESSION = "FROM session s JOIN account"
BY_KEY = "FROM api_key"
SCOPES = ["users.read", "users.write", "teams.read", "teams.write", "keys.read", "keys.write"]


@pytest.fixture(autouse=True)
def _listening(db):
    assert notify.start(timeout_seconds=WAIT_SECONDS)


@pytest.fixture(autouse=True)
def _long_memory(monkeypatch):
    """Keep identities for longer than any test runs: only word of a change drops them."""
    monkeypatch.setattr(authentication._identities, "_seconds", 600)
    monkeypatch.setattr("projects.keys._grants._seconds", 600)


@pytest.fixture
def admin(project, client_for, make_key):
    return client_for(project, key=make_key(project, SCOPES))


@pytest.fixture
def user(project, client_for, alice):
    """A client of alice's whose identity is known."""
    client = client_for(project, session=alice.session)
    assert client.get("/account").status == 200
    return client


@contextmanager
def without(statements, text):
    with statements() as seen:
        yield
    assert not [each for each in seen if text in each]


def test_a_known_session_is_not_looked_up_again(user, statements):
    with without(statements, BY_SESSION):
        assert user.get("/account").json["$id"] == "alice"


def test_a_known_jwt_is_not_looked_up_again(project, client_for, user, statements):
    client = client_for(project, jwt=user.post("/account/jwts").json["jwt"])
    assert client.get("/account").status == 200
    with without(statements, "LEFT JOIN session s"):
        assert client.get("/account").json["$id"] == "alice"


def test_a_known_key_is_not_looked_up_again(admin, statements):
    admin.get("/users")
    with without(statements, BY_KEY):
        assert admin.get("/users").status == 200


def test_unknown_credentials_are_not_kept(project, client_for, statements):
    stranger = client_for(project, key="standard_" + "0" * 256)
    for _ in range(2):
        with statements() as seen:
            assert stranger.get("/users").status == 401
        assert [each for each in seen if BY_KEY in each]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/users/alice/status", {"status": False}),
        ("DELETE", "/users/alice", None),
        ("DELETE", "/users/alice/sessions", None),
        ("PATCH", "/users/alice/password", {"password": "another long password"}),
    ],
)
def test_class_16_a_known_user_is_out_with_the_answer(user, admin, method, path, body):
    assert admin.call(method, path, body).status < 300
    assert user.get("/account").status in (401, 403)


def test_class_16_whoever_signs_out_is_out_with_the_answer(user):
    assert user.delete("/account/sessions/current").status == 204
    assert user.get("/account").status == 401


def test_class_16_a_known_jwt_dies_with_its_session(project, client_for, user):
    client = client_for(project, jwt=user.post("/account/jwts").json["jwt"])
    assert client.get("/account").status == 200
    user.delete("/account/sessions/current")
    assert client.get("/account").error == "user_jwt_invalid"


def test_class_16_a_new_password_ends_other_known_sessions(project, client_for, alice, user):
    sent = {"email": alice.email, "password": PASSWORD}
    opened = client_for(project).post("/account/sessions/email", sent)
    secret = opened.cookies[f"a_session_{project.uid}"].value
    other = client_for(project, session=secret)
    assert other.get("/account").status == 200
    changed = {"password": "another long password", "oldPassword": PASSWORD}
    assert user.patch("/account/password", changed).status == 200
    assert other.get("/account").status == 401


def test_class_16_a_known_key_is_dead_with_its_deletion(project, admin, client_for, make_key):
    key = client_for(project, key=make_key(project, ["users.read"]))
    assert key.get("/users").status == 200
    newest = Key.objects.latest("id")
    assert admin.delete(f"/project/keys/{newest.uid}").status == 204
    assert key.get("/users").status == 401


def test_a_known_key_loses_scopes_at_once(project, admin, client_for, make_key):
    key = client_for(project, key=make_key(project, ["users.read"]))
    assert key.get("/users").status == 200
    newest = Key.objects.latest("id")
    changed = {"name": "less", "scopes": ["teams.read"]}
    assert admin.put(f"/project/keys/{newest.uid}", changed).status == 200
    assert key.get("/users").status == 401


def test_class_17_a_known_session_expires_on_time(user, statements):
    end = Session.objects.get().expires_at
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        assert user.get("/account").status == 200
    with time_machine.travel(end, tick=False):
        assert user.get("/account").status == 401


def test_class_17_a_known_key_expires_on_time(project, admin, client_for, make_key):
    key = client_for(project, key=make_key(project, ["users.read"]))
    end = clock.now() + timedelta(hours=1)
    Key.objects.filter(pk=Key.objects.latest("id").pk).update(expires_at=end)
    assert key.get("/users").status == 200
    with time_machine.travel(end, tick=False):
        assert key.get("/users").error == "project_key_expired"


@pytest.mark.parametrize(
    ("path", "body", "role"),
    [
        ("/users/alice/labels", {"labels": ["vip"]}, "label:vip"),
        ("/users/alice/verification", {"emailVerification": True}, "users/verified"),
    ],
)
def test_a_known_user_gets_new_roles_at_once(project, user, admin, alice, path, body, role):
    method = "PUT" if "labels" in body else "PATCH"
    assert admin.call(method, path, body).status == 200
    assert role in _roles(project, alice)


@pytest.mark.parametrize("change", ["/users/alice/email", "/account/email"])
def test_a_new_address_of_a_known_user_is_unverified_at_once(project, user, admin, alice, change):
    admin.patch("/users/alice/verification", {"emailVerification": True})
    assert "users/verified" in _roles(project, alice)
    sent = {"email": "new@example.com", "password": PASSWORD}
    assert (admin if "users" in change else user).patch(change, sent).status == 200
    assert "users/unverified" in _roles(project, alice)


def test_a_known_user_joins_and_leaves_teams_at_once(project, user, admin, alice):
    admin.post("/teams", {"teamId": "crew", "name": "Crew"})
    sent = {"userId": "alice", "roles": ["cook"]}
    membership = admin.post("/teams/crew/memberships", sent).json["$id"]
    assert "team:crew/cook" in _roles(project, alice)
    admin.patch(f"/teams/crew/memberships/{membership}", {"roles": ["waiter"]})
    assert "team:crew/cook" not in _roles(project, alice)
    admin.delete("/teams/crew")
    assert not [role for role in _roles(project, alice) if role.startswith("team:")]


@pytest.mark.django_db(transaction=True)
def test_after_a_lost_connection_everything_is_looked_up_anew(user, statements, monkeypatch):
    connect, may_connect = notify._connect, threading.Event()

    def connect_late():
        may_connect.wait(WAIT_SECONDS)
        return connect()

    monkeypatch.setattr(notify, "_connect", connect_late)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database()"
            " AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_advisory%shared%')"
        )
        assert cursor.rowcount
    _until(lambda: not notify.is_listening())
    with statements() as seen:
        user.get("/account")
    assert [each for each in seen if BY_SESSION in each]
    may_connect.set()
    _until(notify.is_listening)
    with statements() as seen:
        user.get("/account")
    assert [each for each in seen if BY_SESSION in each]


class OtherProcess:
    """Another process of the same server that knows who credentials stand for."""

    PROGRAM = dedent("""
        import sys, django
        django.setup(set_prefix=False)
        from accounts import authentication
        from django.db import connection
        from kernel import notify
        from kernel.caller import Credentials
        from projects import keys
        from projects.services import find_project
        authentication._identities._seconds = keys._grants._seconds = 600
        assert notify.start(timeout_seconds=20)
        seen = []
        def note(run, statement, *rest):
            seen.append(statement)
            return run(statement, *rest)
        connection.execute_wrappers.append(note)
        print("ready", flush=True)
        for line in sys.stdin:
            kind, secret = line.split()
            project = find_project("blog")
            seen.clear()
            caller = authentication.authenticate(project, Credentials(**{kind: secret}))
            print(caller.kind, caller.is_blocked, len(seen), flush=True)
    """)

    def __init__(self):
        parts = connection.settings_dict
        process: Any = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": "appwrite_clone.settings",
                "DATABASE_URL": _with_database(os.environ["DATABASE_URL"], parts["NAME"]),
            },
        )
        self._process = process
        assert process.stdout.readline() == "ready\n"

    def ask(self, **credentials):
        """Return the kind of the caller, whether they are blocked, and how many were asked."""
        ((kind, secret),) = credentials.items()
        self._process.stdin.write(f"{kind} {secret}\n")
        self._process.stdin.flush()
        found, blocked, count = self._process.stdout.readline().split()
        return found, blocked == "True", int(count)

    def end(self):
        self._process.stdin.close()
        self._process.wait(WAIT_SECONDS)
        self._process.stdout.close()


@pytest.fixture
def other():
    process = OtherProcess()
    yield process
    process.end()


@pytest.mark.django_db(transaction=True)
def test_class_16_another_process_hears_of_a_revocation(project, alice, bob, admin, other):
    for person in (alice, bob):
        assert other.ask(session=person.session) == ("session", False, 1)
        assert other.ask(session=person.session) == ("session", False, 0)
    admin.delete("/users/alice/sessions")
    _until(lambda: other.ask(session=alice.session)[0] == "guest")
    admin.patch("/users/bob/status", {"status": False})
    _until(lambda: other.ask(session=bob.session)[1])


@pytest.mark.django_db(transaction=True)
def test_class_16_another_process_hears_of_a_deleted_key(project, admin, make_key, other):
    secret = make_key(project, ["users.read"])
    assert other.ask(key=secret)[0] == "key"
    assert other.ask(key=secret) == ("key", False, 0)
    admin.delete(f"/project/keys/{Key.objects.latest('id').uid}")
    _until(lambda: other.ask(key=secret)[0] == "guest")


def _roles(project, person):
    credentials = Credentials(session=person.session)
    return authentication.authenticate(project, credentials).roles


def _until(holds):
    """Wait until something holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _with_database(url, name):
    head, _, rest = url.rpartition("/")
    _, mark, query = rest.partition("?")
    return f"{head}/{name}{mark}{query}"
