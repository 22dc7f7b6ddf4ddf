"""Classes 22, 23, 31 to 33: no caller of one project reaches another, or past its scopes."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from kernel.scopes import KEY_BASE_SCOPES, PROJECT_KEY_SCOPES
from tests.client import ApiClient
from tests.documents.blog import query
from tests.security.world import (
    FOREIGN_IDS,
    Route,
    World,
    check,
    client,
    fingerprint,
    made,
    make_key,
    routes,
    rows,
    undone,
)
from tests.test_contracts import reference

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
#: Path parameters that are words of the API and not something a project has.
WORDS = {
    "serviceId", "protocolId", "providerId", "provider", "methodId", "policyId", "templateId",
    "type",
}  # fmt: skip
#: What leads anybody on who comes back from a provider.
CALLBACKS = {
    "account.getAccountSessionsOauth2CallbackProviderProjectId",
    "account.postAccountSessionsOauth2CallbackProviderProjectId",
}
#: Body parameters that name something which has to be there. A session is none: a JWT for an
#: unknown one is a JWT without a session.
NAMED = {"userId", "teamId"}
#: Names of tables, schemas and projects behind the API.
INTERNAL = ["console", "_metadata", "account", "outbox", "document_1", "pg_catalog", "document"]


def of_a_tenant() -> Iterator[Route]:
    return (
        route
        for route in routes()
        if set(route.path_names) - WORDS and route.operation.id not in CALLBACKS
    )


def caller(world: World, who: str) -> ApiClient:
    session = world.owner.headers["X-Appwrite-Session"]
    by_cookie = {"X_Appwrite_Mode": "admin", "Cookie": f"a_session_console={session}"}
    return {
        "key": world.server,
        "session": world.user,
        "guest": world.guest,
        "console user": world.owner,
        "console user in admin mode": client(world.project, **by_cookie),
    }[who]


@pytest.mark.parametrize(
    "who", ["key", "session", "guest", "console user", "console user in admin mode"]
)
def test_class_22_ids_of_another_project_lead_nowhere(
    world: World,
    other_world: World,
    who: str,
) -> None:
    sender = caller(world, who)
    sender.get("/ping")
    before = fingerprint()
    for route in of_a_tenant():
        reply = check(sender.call(route.verb, other_world.path(route), other_world.body(route)))
        assert reply.status in (401, 403, 404), (str(route), reply.json)
        assert fingerprint() == before, str(route)


@pytest.mark.parametrize("who", ["key", "session", "console user in admin mode"])
def test_class_22_credentials_of_another_project_are_worth_nothing(
    world: World,
    other_world: World,
    who: str,
) -> None:
    headers = dict(caller(world, who).headers)
    intruder = ApiClient(headers | {"X-Appwrite-Project": other_world.project.uid})
    before = fingerprint()
    for route in of_a_tenant():
        arguments = (route.verb, other_world.path(route), other_world.body(route))
        reply = check(intruder.call(*arguments))
        if who == "key":
            assert reply.status in (401, 403), (str(route), reply.json)
        else:
            seen = check(other_world.guest.call(*arguments)).content
            assert without_cursor(reply.content) == without_cursor(seen), str(route)
        assert fingerprint() == before, str(route)


def without_cursor(content: bytes) -> bytes:
    """Leave out what is encrypted anew for each answer."""
    return re.sub(rb'"cursor":"[^"]+"', b"", content)


def test_class_23_ids_in_bodies_are_looked_up_in_the_callers_project(
    world: World, other_world: World
) -> None:
    tried = 0
    theirs = [other_world.canary, other_world.ids["membershipId"], other_world.ids["sessionId"]]
    before = rows()
    for route in routes():
        for name in foreign_names(route, other_world):
            with undone():
                value = "ownersId" if route.operation.id.startswith("projects.") else name
                sent = {name: other_world.ids[value], "email": "", "phone": ""}
                body = world.body(route, **sent)
                reply = check(world.client(route).call(route.verb, world.path(route), body))
                changed = [row for row in before - rows() if any(each in row for each in theirs)]
            if is_lookup(route, name):
                assert reply.status in (400, 401, 404), (str(route), name, reply.json)
            assert f"of {other_world.canary}".encode() not in reply.content
            assert changed == [], (str(route), name)
            tried += 1
    assert tried > 10


def foreign_names(route: Route, other: World) -> list[str]:
    if route.operation.id in FOREIGN_IDS:
        return []
    names = [each["name"] for each in route.parameters("body")]
    return [name for name in names if name in other.ids and name not in WORDS]


def is_lookup(route: Route, name: str) -> bool:
    """Tell whether a parameter names something that has to be there."""
    service, _, method = route.operation.id.partition(".")
    is_new = service in ("account", "users", "teams") and route.path == f"/{service}"
    return name in NAMED and not is_new and not method.endswith("User")


def test_class_23_cursors_of_another_project_are_unknown(world: World, other_world: World) -> None:
    for route in routes():
        if not any(each["name"] == "queries" for each in route.parameters("query")):
            continue
        if not listed(route):
            continue
        for method in ("cursorAfter", "cursorBefore"):
            queries = [query(method, "", other_world.ids[listed(route)])]
            reply = check(world.client(route).get(world.path(route), {"queries": queries}))
            assert reply.error == "general_cursor_not_found", (str(route), reply.json)


def listed(route: Route) -> str:
    """Return the name of the ids that a listing holds."""
    nouns = {
        "users": "userId", "teams": "teamId", "memberships": "membershipId",
        "databases": "databaseId", "tablesdb": "databaseId", "collections": "collectionId",
        "tables": "tableId", "documents": "documentId", "rows": "rowId",
        "platforms": "platformId", "projects": "projectId", "identities": "identityId",
    }  # fmt: skip
    return nouns.get(route.path.rpartition("/")[2], "")


@pytest.mark.parametrize("name", INTERNAL)
def test_class_31_internal_tables_are_no_collections(world: World, name: str) -> None:
    before = fingerprint()
    for route in routes():
        for place in {"databaseId", "collectionId", "tableId"}.intersection(route.path_names):
            ids = {**world.ids, place: name}
            path = route.path.format_map(defaultdict(lambda: "unknown", ids))
            reply = check(world.server.call(route.verb, path, world.body(route)))
            # A leading underscore is no id at all.
            assert reply.status == (400 if name.startswith("_") else 404), (str(route), reply.json)
    assert fingerprint() == before


ROLES = ["any", "users", "guests"]
NO_IDS = [
    "team:x",
    "user:alice",
    "role:any",
    "any/verified",
    'x")',
    "*",
    "label:x",
    "users/verified",
]
LOOKING_UP = {
    "account.updateMFAChallenge",
    "account.updatePasskeyToken",
    "teams.createMembership",
    "users.createJWT",
}


@pytest.mark.parametrize("uid", NO_IDS)
def test_class_32_roles_are_no_ids(world: World, uid: str) -> None:
    for route in routes():
        for name in {each["name"] for each in route.parameters("body")} & set(world.ids):
            if route.operation.id in {*LOOKING_UP, *FOREIGN_IDS}:
                continue  # they look an id up
            body = world.body(route, **{name: uid})
            reply = check(world.client(route).call(route.verb, world.path(route), body))
            assert (reply.status, reply.error) == (400, "general_argument_invalid"), str(route)


@pytest.mark.parametrize("uid", ROLES)
def test_class_32_somebody_called_like_a_role_holds_only_their_own(world: World, uid: str) -> None:
    """Roles of persons and teams begin with their kind, so that no id can make one of another."""
    person = {"userId": uid, "email": "role@example.com", "password": "correct horse battery"}
    made(world.server.post("/users", person))
    made(world.server.post("/teams", {"teamId": uid, "name": uid}))
    made(world.server.post(f"/teams/{uid}/memberships", {"userId": uid, "roles": ["owner"]}))
    session = made(world.server.post(f"/users/{uid}/sessions", {}))["secret"]
    namesake = client(world.project, session=session)
    documents = "/databases/{databaseId}/collections/{collectionId}/documents".format(**world.ids)
    for place, role in enumerate((f"user:{uid}", f"team:{uid}/owner", f"team:{uid}")):
        body = {
            "documentId": f"d{place}",
            "data": {"title": role},
            "permissions": [f'read("{role}")'],
        }
        assert made(world.server.post(documents, body))["$permissions"] == [f'read("{role}")']
        assert namesake.get(f"{documents}/d{place}").status == 200
        assert world.user.get(f"{documents}/d{place}").status == 404
        assert world.guest.get(f"{documents}/d{place}").status == 404


def test_class_33_keys_that_read_write_nothing(world: World) -> None:
    scopes = [each for each in PROJECT_KEY_SCOPES if each.endswith(".read")]
    reader = client(world.project, key=make_key(world.project, scopes))
    reader.get("/users")
    before = fingerprint()
    read = 0
    for route in routes():
        if route.operation.id in CALLBACKS:
            continue
        reply = check(reader.call(route.verb, world.path(route), world.body(route)))
        if route.is_read or not set(route.operation.scope).isdisjoint(scopes):
            read += reply.status in (200, 201)
        elif not route.is_redeeming:
            assert reply.status in (401, 403), (str(route), reply.json)
        assert fingerprint() == before, str(route)
    assert read > 40


@pytest.mark.parametrize("who", ["guest", "user"])
def test_class_33_clients_do_nothing_that_is_for_servers(world: World, who: str) -> None:
    """Some scopes of servers are held by clients too: `sessions.write` is."""
    sender = world.guest if who == "guest" else world.user
    sender.get("/ping")
    before = fingerprint()
    tried = 0
    for route in routes():
        if set(reference(route.operation.id).get("auth") or ["client"]) <= {"console", "key"}:
            reply = check(sender.call(route.verb, world.path(route), world.body(route)))
            if not route.operation.id.startswith("console."):  # what every console page shows
                assert reply.status in (401, 403, 404), (str(route), reply.json)
            assert fingerprint() == before, str(route)
            tried += 1
    assert tried > 60


def test_class_33_no_scope_but_its_own_opens_an_operation(world: World) -> None:
    for route in routes():
        accepted = set(route.operation.scope)
        scopes = [each for each in PROJECT_KEY_SCOPES if each not in accepted]
        if accepted & (KEY_BASE_SCOPES | {"public"}) or not accepted & set(PROJECT_KEY_SCOPES):
            continue
        with undone():
            sender = client(world.project, key=make_key(world.project, scopes))
            reply = check(sender.call(route.verb, world.path(route), world.body(route)))
            assert (reply.status, reply.error) == (401, "general_unauthorized_scope"), str(route)
