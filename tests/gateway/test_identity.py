"""A service behind a gateway: it takes the gateway's signed identity, and nothing else."""

import time
from dataclasses import replace

import pytest
import time_machine
from django.test.client import RequestFactory
from django.urls import get_resolver

from accounts.models import User
from gateway import identity
from kernel import clock
from kernel.caller import Caller, CallerKind
from kernel.scopes import GUEST_SCOPES, USER_SCOPES
from projects import signing

pytestmark = [pytest.mark.db, pytest.mark.django_db]

DATABASES = "/databases"


@pytest.fixture(autouse=True)
def service(settings):
    """Make this process a service: documents, and whom it believes."""
    assert get_resolver().url_patterns  # found while `SERVICES` says all
    settings.API_MIDDLEWARE = "projects.behind.IdentityMiddleware"
    settings.SERVICES = frozenset({"documents"})


@pytest.fixture
def key(project):
    """A caller as the gateway would resolve an API key."""
    return Caller(
        project=project,
        kind=CallerKind.KEY,
        key_uid="k",
        roles=frozenset({"any"}),
        scopes=frozenset({"databases.read", "databases.write"}),
        ip="203.0.113.9",
    )


def request_for(method, path, body=b""):
    return RequestFactory().generic(method, f"/v1{path}", body, "application/json")


def issued(caller, method="GET", path=DATABASES, body=b"", service="documents"):
    token = identity.issue(caller, service=service, request=request_for(method, path, body))
    return {identity.IDENTITY_HEADER: token}


@pytest.fixture
def guest(client_for, project):
    """A client that sends the project and no credentials."""
    return client_for(project)


def refused(reply):
    return (reply.status, reply.error, set(reply.json)) == (
        401,
        "user_unauthorized",
        {"message", "code", "type", "version"},
    )


def test_a_signed_identity_is_the_caller(guest, key):
    reply = guest.get(DATABASES, **issued(key))
    assert reply.status == 200
    assert [each["$id"] for each in reply.json["databases"]] == ["default"]


def test_bodies_reach_the_service_whole(guest, key):
    body = b'{"databaseId": "made", "name": "Made"}'
    reply = guest.post(DATABASES, body, **issued(key, "POST", body=body))
    assert (reply.status, reply.json["$id"]) == (201, "made")


def test_every_field_of_a_caller_arrives(project):
    caller = Caller(
        project=project,
        kind=CallerKind.SESSION,
        user_id=7,
        user_uid="alice",
        session_id=8,
        session_uid="s",
        key_uid="",
        roles=frozenset({"any", "users", "team:ü"}),
        scopes=USER_SCOPES,
        is_blocked=True,
        impersonator_uid="operator",
        ip="2001:db8::1",
    )
    request = request_for("GET", "/databases?x=%C3%BC&y[]=1")
    request.META["HTTP_X_APPWRITE_IDENTITY"] = identity.issue(
        caller, service="documents", request=request
    )
    identity.accept(request, {"documents"})
    assert request.caller == caller
    assert request.project == project


def test_an_identity_of_an_older_gateway_names_nobody_behind_the_caller(guest, key, monkeypatch):
    known = tuple(name for name in identity._PLAIN_FIELDS if name != "impersonator_uid")
    with monkeypatch.context() as older:
        older.setattr(identity, "_PLAIN_FIELDS", known)
        sent = issued(key)
    assert guest.get(DATABASES, **sent).status == 200


def test_the_gateway_is_told_whose_callers_changed(guest, project, alice, settings):
    settings.SERVICES = frozenset({"accounts"})
    user = User.objects.get(uid="alice")
    caller = Caller(
        project=project,
        kind=CallerKind.SESSION,
        user_id=user.id,
        user_uid="alice",
        session_id=user.sessions.get().id,
        session_uid=user.sessions.get().uid,
        roles=frozenset({"any", "users", "user:alice"}),
        scopes=USER_SCOPES,
    )
    asked = guest.get("/account", **issued(caller, path="/account", service="accounts"))
    assert asked.status == 200, asked.content
    assert identity.RENEWED_HEADER not in asked.headers
    path = "/account/sessions/current"
    ended = guest.delete(path, **issued(caller, "DELETE", path, service="accounts"))
    assert (ended.status, ended.headers[identity.RENEWED_HEADER]) == (204, f"[{project.id}]")


def test_a_scope_the_caller_lacks_is_refused_here_too(guest, key):
    reply = guest.get(DATABASES, **issued(replace(key, scopes=GUEST_SCOPES)))
    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")


def test_credentials_of_clients_are_ignored(
    client_for, project, console_project, make_key, alice, key
):
    secret = make_key(project, ["databases.read"])
    for credentials in (
        {"key": secret},
        {"session": alice.session},
        {"cookies": {f"a_session_{project.uid}": alice.session}},
        {"headers": {"X-Appwrite-Mode": "admin"}},
        {},
    ):
        client = client_for(project, **credentials)
        assert refused(client.get(DATABASES))
        assert refused(client.get("/health/version"))
        assert refused(client.get("/nowhere"))
        assert refused(client.call("OPTIONS", DATABASES))
        assert client.get(DATABASES, **issued(key)).status == 200
    as_key = client_for(project, key=secret)
    blind = replace(key, kind=CallerKind.GUEST, scopes=GUEST_SCOPES)
    assert as_key.get(DATABASES, **issued(blind)).error == "general_unauthorized_scope"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.", "x" * 40_000])
def test_junk_is_refused(guest, token):
    assert refused(guest.get(DATABASES, **{identity.IDENTITY_HEADER: token}))


def test_a_tampered_identity_is_refused(guest, key):
    token = issued(key)[identity.IDENTITY_HEADER]
    head, payload, signature = token.split(".")
    middle = len(payload) // 2
    changed = "A" if payload[middle] != "A" else "B"
    forged = f"{payload[:middle]}{changed}{payload[middle + 1 :]}"
    for text in (f"{head}.{forged}.{signature}", f"{head}.{payload}.", f"{head}.{payload}.AAAA"):
        assert refused(guest.get(DATABASES, **{identity.IDENTITY_HEADER: text}))


def test_an_identity_for_another_service_is_refused(guest, key):
    assert refused(guest.get(DATABASES, **issued(key, service="accounts")))


def test_tokens_made_for_clients_are_no_identity(guest, project, alice):
    claims = {"userId": "alice", "sessionId": ""}
    for token in (
        signing.sign(claims, project.uid, "jwt"),
        signing.sign(claims, "documents", "jwt"),
        signing.sign(claims, project.uid, identity.PURPOSE),
    ):
        assert refused(guest.get(DATABASES, **{identity.IDENTITY_HEADER: token}))


def test_an_identity_lives_for_half_a_minute(guest, key):
    now = clock.now()
    with time_machine.travel(now, tick=False):
        headers = issued(key)
    with time_machine.travel(now.timestamp() + identity.IDENTITY_SECONDS - 2, tick=False):
        assert guest.get(DATABASES, **headers).status == 200
    with time_machine.travel(now.timestamp() + identity.IDENTITY_SECONDS + 1, tick=False):
        assert refused(guest.get(DATABASES, **headers))


def test_an_identity_that_would_live_longer_is_refused(guest, key, monkeypatch):
    claims = signing.verify(issued(key)[identity.IDENTITY_HEADER], "documents", identity.PURPOSE)
    long = claims | {"exp": int(time.time()) + 3600}
    token = signing.sign(long, "documents", identity.PURPOSE)
    assert refused(guest.get(DATABASES, **{identity.IDENTITY_HEADER: token}))


def test_an_identity_is_for_one_project(client_for, other_project, key):
    assert refused(client_for(other_project).get(DATABASES, **issued(key)))


def test_an_identity_is_for_one_request(guest, key):
    body = b'{"databaseId": "made", "name": "Made"}'
    headers = issued(key, "POST", body=body)
    assert refused(guest.post(DATABASES, body.replace(b"made", b"more"), **headers))
    assert refused(guest.put(DATABASES, body, **headers))
    assert refused(guest.post(f"{DATABASES}/x", body, **headers))
    assert refused(guest.call("POST", DATABASES, body, query={"a": 1}, headers=headers))
    assert guest.post(DATABASES, body, **headers).status == 201


def test_an_identity_too_long_for_a_head_is_not_made(key):
    many = replace(key, roles=frozenset(f"team:{number:020}" for number in range(2000)))
    with pytest.raises(Exception, match="too many teams"):
        issued(many)
    assert len(issued(replace(key, roles=frozenset(f"team:{n:020}" for n in range(750))))) == 1


def test_the_request_id_of_the_gateway_is_kept(guest, key, settings):
    settings.TRUSTED_PROXIES = 1  # as the settings of a service say
    reply = guest.get(DATABASES, **issued(key), **{"X-Request-Id": "from-the-gateway"})
    assert reply.headers["X-Request-Id"] == "from-the-gateway"
