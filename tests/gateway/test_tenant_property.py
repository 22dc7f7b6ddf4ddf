"""Whatever a client of one project sends, no row of another is read or changed.

Both projects hold the same ids, and the second one's rows carry a word that no answer may show.
"""

import re
from dataclasses import dataclass, replace

import orjson
import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.models import PasskeyChallenge
from projects import services as projects
from projects.models import Project
from tests.client import ApiClient, Reply
from tests.conftest import PASSWORD, ClientFor
from tests.documents.blog import DATABASE
from tests.gateway.tenants import CANARY, World, rows_of, tables, world
from tests.test_contracts import served

__all__ = ["world"]  # a fixture

pytestmark = [pytest.mark.db, pytest.mark.django_db, pytest.mark.slow]
EXAMPLES = 200
#: What anybody may do in any project, and leaves a row: sign up, and begin to sign in by a passkey.
FOR_STRANGERS = {
    "account.create",
    "account.createAnonymousSession",
    "account.createPasskeyToken",
}
OPERATIONS = sorted((path, verb) for path, verb, label in served() if label.id not in FOR_STRANGERS)
PROJECTS = st.sampled_from(["", "shop", "blog", "console", "shop,blog", "blog,shop", " blog"])
CREDENTIALS = (
    "key",
    "session",
    "jwt",
    "cookie",
    "renamed cookie",
    "console cookie",
    "console as cookie of blog",
    "fallback",
    "renamed fallback",
    "console session",
)
#: Headers that mean something to somebody: another server, a proxy, a process behind the gateway.
STRAYS = {
    "Forwarded": "for=127.0.0.1;host=blog.example.com",
    "Referer": "http://localhost/",
    "X-Appwrite-Dev-Key": "{key}",
    "X-Appwrite-ID": "blog",
    "X-Appwrite-Identity": "{jwt}",
    "X-Appwrite-Impersonate-User-Email": f"{CANARY}@example.com",
    "X-Appwrite-Impersonate-User-Id": "victim",
    "X-Appwrite-Organization": "strangers",
    "X-Appwrite-User": "victim",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "blog.example.com",
    "X-Forwarded-User": "victim",
    "X-HTTP-Method-Override": "DELETE",
    "X-Original-URL": "/v1/users",
    "X-Rewrite-URL": "/v1/users",
}
IDS = {
    "attribute": ["title"],
    "challengeId": ["{challenge}"],
    "collectionId": ["posts"],
    "column": ["title"],
    "tableId": ["posts"],
    "databaseId": [DATABASE, "default"],
    "documentId": ["p", "secret"],
    "rowId": ["p", "secret"],
    "key": ["title", "by_title"],
    "keyId": ["{key}", "{own key}"],
    "membershipId": ["{membership}"],
    "methodId": ["jwt"],
    "platformId": ["{platform}"],
    "passkeyId": ["phone"],
    "policyId": ["user-limit"],
    "projectId": ["blog", "shop"],
    "protocolId": ["rest"],
    "providerId": ["github", "google"],
    "provider": ["github", "google"],
    "identityId": ["unknown"],
    "number": ["15550001111"],
    "targetId": ["device"],
    "serviceId": ["account"],
    "sessionId": ["current", "{session}"],
    "teamId": ["writers", "{team}"],
    "templateId": ["recovery"],
    "transactionId": ["{transaction}"],
    "type": ["totp"],
    "userId": ["alice", "victim"],
}
BODY = {
    "attributes": ["title"],
    "collectionId": "new",
    "commit": True,
    "columns": ["title"],
    "data": {"title": "changed"},
    "databaseId": "new",
    "default": "changed",
    "documentId": "new",
    "duration": 3600,
    "email": "changed@example.com",
    "emailVerification": True,
    "enabled": False,
    "identifier": "changed",
    "numbers": [{"phone": "+15550002222", "otp": "654321"}],
    "otp": "654321",
    "providerType": "push",
    "targetId": "new",
    "hostname": "changed.example.com",
    "key": "changed",
    "labels": ["changed"],
    "name": "changed",
    "mfa": True,
    "factor": "recoverycode",
    "number": "+4915112345678",
    "phone": "+4915112345678",
    "password": "a changed password",
    "oldPassword": PASSWORD,
    "permissions": ['read("any")', 'delete("any")', 'update("any")'],
    "platformId": "new",
    "prefs": {"changed": True},
    "projectId": "blog",
    "required": False,
    "roles": ["owner"],
    "rowId": "new",
    "scopes": ["users.read"],
    "size": 100,
    "status": False,
    "tableId": "new",
    "teamId": "{team}",
    "type": "key",
    "url": "http://localhost",
    "userId": "victim",
}


@dataclass(frozen=True)
class Attack:
    """One request: where it goes, whom it claims to be, which projects it names."""

    route: tuple[str, str]
    ids: tuple[tuple[str, str], ...]
    credentials: frozenset[str]
    projects: tuple[str, str, str]
    mode: tuple[str, str]
    has_origin: bool
    strays: frozenset[str] = frozenset()


@st.composite
def attacks(draw: st.DrawFn) -> Attack:
    route = draw(st.sampled_from(OPERATIONS))
    names = sorted(set(re.findall(r"\{(\w+)\}", route[0])))
    return Attack(
        route=route,
        ids=tuple((name, draw(st.sampled_from(IDS[name]))) for name in names),
        credentials=draw(st.frozensets(st.sampled_from(CREDENTIALS), max_size=4)),
        projects=draw(st.tuples(PROJECTS, PROJECTS, PROJECTS)),
        mode=draw(st.tuples(*[st.sampled_from(["", "admin", "ADMIN", "default"])] * 2)),
        has_origin=draw(st.booleans()),
        strays=draw(st.frozensets(st.sampled_from(sorted(STRAYS)), max_size=3)),
    )


def _send(world: World, attack: Attack) -> Reply:
    path = attack.route[0].removeprefix("/v1")
    for name, value in attack.ids:
        path = path.replace(f"{{{name}}}", value.format(**world.ids))
    header, query, body = attack.projects
    strays = {name: STRAYS[name].format(**world.held) for name in attack.strays}
    headers = (
        strays
        | _headers(world, attack)
        | {
            "X-Appwrite-Project": header,
            "X-Appwrite-Mode": attack.mode[0],
            "Origin": "http://localhost" if attack.has_origin else "",
        }
    )
    parameters = {"project": query, "mode": attack.mode[1]}
    values = BODY | {"teamId": world.ids["team"], "project": body}
    return ApiClient({name: value for name, value in headers.items() if value}).call(
        attack.route[1],
        path,
        None if attack.route[1] == "GET" else values,
        query={name: value for name, value in parameters.items() if value},
    )


def _headers(world: World, attack: Attack) -> dict[str, str]:
    held, shown = world.held, attack.credentials
    cookies = {
        "cookie": f"a_session_shop={held['session']}",
        "renamed cookie": f"a_session_blog={held['session']}",
        "console cookie": f"a_session_console={held['console']}",
        "console as cookie of blog": f"a_session_blog={held['console']}",
    }
    fallback = {
        "fallback": {"a_session_shop": held["session"]},
        "renamed fallback": {"a_session_blog": held["session"]},
    }
    stored = {k: v for name in sorted(shown & set(fallback)) for k, v in fallback[name].items()}
    headers = {
        "X-Appwrite-Key": held["key"] if "key" in shown else "",
        "X-Appwrite-JWT": held["jwt"] if "jwt" in shown else "",
        "X-Appwrite-Session": held["session"] if "session" in shown else "",
        "Cookie": "; ".join(cookies[name] for name in sorted(shown & set(cookies))),
        "X-Fallback-Cookies": orjson.dumps(stored).decode() if stored else "",
    }
    if "console session" in shown:
        headers["X-Appwrite-Session"] = held["console"]
    return headers


def _attack(path: str, verb: str, *credentials: str, **named: str) -> Attack:
    return Attack(
        route=(path, verb),
        ids=tuple((name, IDS[name][0]) for name in sorted(set(re.findall(r"\{(\w+)\}", path)))),
        credentials=frozenset(credentials),
        projects=(named.get("header", ""), named.get("query", ""), named.get("body", "")),
        mode=(named.get("mode", ""), ""),
        has_origin=False,
    )


#: Refusals by design, though their statuses are those of servers.
NOT_OFFERED = ("user_auth_method_unsupported", "user_console_count_exceeded")
DOCUMENT = "/v1/databases/{databaseId}/collections/{collectionId}/documents/{documentId}"


@settings(max_examples=EXAMPLES)
@given(attack=attacks())
@example(_attack(DOCUMENT, "DELETE", "key", header="blog"))
@example(_attack(DOCUMENT, "PATCH", "renamed cookie", header="blog"))
@example(_attack(DOCUMENT, "DELETE", "console cookie", header="blog", mode="admin"))
@example(_attack(DOCUMENT, "DELETE", "key", header="shop", query="blog", body="blog"))
@example(_attack("/v1/projects/{projectId}", "DELETE", "console cookie", header="console"))
@example(_attack("/v1/project", "DELETE", "console session", header="blog", mode="admin"))
def test_no_request_reads_or_changes_what_another_project_holds(world: World, attack: Attack):
    with transaction.atomic():
        reply = _send(world, attack)
        after = rows_of(world.victim)
        transaction.set_rollback(True)
    projects.drop_project()
    changed = [name for name, digest in after.items() if digest != world.before[name]]
    assert changed == [], (attack, reply.status, reply.json)
    assert CANARY.encode() not in reply.content, (attack, reply.json)
    assert reply.status < 500 or reply.error in NOT_OFFERED, (attack, reply.json)


@pytest.mark.parametrize("credential", ["renamed cookie", "renamed fallback", "cookie"])
def test_stranger_who_begins_to_sign_in_by_a_passkey_is_nobody_there(world: World, credential: str):
    asking = _attack("/v1/account/tokens/passkey", "POST", credential, query="blog")
    reply = _send(world, replace(asking, has_origin=True))
    assert reply.status == 201
    after = rows_of(world.victim)
    changed = [name for name, digest in after.items() if digest != world.before[name]]
    assert changed == ["accounts.PasskeyChallenge"]
    assert PasskeyChallenge.objects.get().user is None
    assert CANARY.encode() not in reply.content


def test_the_same_requests_do_reach_what_is_their_own(world: World, client_for: ClientFor):
    """Otherwise the property would hold for a server that refuses everything."""
    with transaction.atomic():
        before = rows_of(Project.objects.get(uid="shop"))
        path = DOCUMENT
        for credential, header in (("key", "shop"), ("cookie", "shop"), ("fallback", "shop")):
            reply = _send(world, _attack(path, "GET", credential, header=header))
            assert (reply.status, reply.json["title"]) == (200, "ordinary")
        console = _attack(path, "PATCH", "console cookie", header="shop", mode="admin")
        assert _send(world, console).status == 200
        assert _send(world, _attack(path, "DELETE", "key", query="shop")).status == 204
        after = rows_of(Project.objects.get(uid="shop"))
    assert {name for name in after if after[name] != before[name]} >= {
        "documents.Document",
        "kernel.OutboxEvent",
    }


def test_every_table_of_a_project_is_watched():
    watched = {model._meta.label for model, _ in tables()}
    assert {
        "accounts.Membership",
        "accounts.Session",
        "accounts.Team",
        "accounts.User",
        "documents.Collection",
        "documents.Database",
        "documents.Document",
        "documents.DocumentGroupObjectPermission",
        "kernel.OutboxEvent",
        "projects.Key",
        "projects.Platform",
        "projects.Project",
    } <= watched
