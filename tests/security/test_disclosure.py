"""Classes 29, 30 and 45: no answer, event or log tells what its reader may not know.

What related documents tell (29) is in `tests/documents/test_related_reads.py`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection

from accounts.models import Session, User
from kernel.models import OutboxEvent
from projects.models import Key
from tests.client import ApiClient, Reply
from tests.documents.blog import query
from tests.security.world import (
    LEAKS,
    Route,
    World,
    check,
    client,
    made,
    make_key,
    routes,
    undone,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PASSWORD = "canary-of-a-password"
SECRET_TEXT = "SELECT password FROM account /srv/app/accounts.py"


# Class 30: secrets in any second shape


@pytest.fixture
def canaries(world: World) -> list[str]:
    """Secrets of a user that nobody may see again, in each form in which they are kept."""
    person = {"userId": "canary", "email": "canary@example.com", "password": PASSWORD}
    made(world.server.post("/users", person))
    session = made(world.server.post("/users/canary/sessions", {}))["secret"]
    token = made(world.server.post("/users/canary/tokens", {}))["secret"]
    canary = client(world.project, session=session)
    seed = made(canary.post("/account/mfa/authenticators/totp"), 200)["secret"]
    codes = made(canary.post("/account/mfa/recovery-codes"))["recoveryCodes"]
    key = make_key(world.project, ["users.read"])
    user = User.objects.get(uid="canary")
    row = Session.objects.get(user=user)
    digests = [bytes(row.digest), *(bytes(each.digest) for each in Key.objects.all())]
    return [
        PASSWORD,
        user.password,
        user.password.rsplit("$", 1)[1],
        session,
        token,
        seed,
        *codes,
        key,
        world.user.headers["X-Appwrite-Session"],
        world.server.headers["X-Appwrite-Key"],
        *(each.hex() for each in digests),
    ]


def test_class_30_no_answer_event_or_log_holds_a_secret(
    world: World, canaries: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = [reply.content.decode() for reply in every_answer(world)]
    seen += [str(each) for each in OutboxEvent.objects.values_list("payload", "name", "roles")]
    seen.append(caplog.text)
    for canary in canaries:
        assert [text[:200] for text in seen if canary in text] == [], canary[:12]


def every_answer(world: World) -> Iterator[Reply]:
    """Do everything that concerns the user `canary`; what each call changed stays."""
    ids = {**world.ids, "userId": "canary", "platformId": "none"}
    aimed = World(**{**vars(world), "ids": ids})
    last = [route for route in routes() if route.verb == "DELETE"]
    for route in [each for each in routes() if each not in last] + last:
        if route.operation.id in ("project.delete", "projects.deleteProject"):
            continue
        yield check(aimed.client(route).call(route.verb, aimed.path(route), aimed.body(route)))


# Class 45: what failed behind the curtain


def failing(place: int, error: Exception) -> Callable[..., Any]:
    """Return a wrapper of statements that fails the one at `place`."""
    counted = 0

    def run(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        nonlocal counted
        counted += 1
        if counted > place:
            raise error
        return execute(sql, params, many, context)

    return run


@contextmanager
def broken(place: int, error: Exception) -> Iterator[None]:
    with connection.execute_wrapper(failing(place, error)):
        yield


@pytest.mark.parametrize("place", [0, 1, 2])
def test_class_45_no_answer_quotes_the_database(
    world: World, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    error = ProgrammingError(f'relation "{SECRET_TEXT}" does not exist')
    error.__cause__ = psycopg.errors.UndefinedTable(SECRET_TEXT)
    for route in routes()[place::3]:
        with undone(), broken(place, error):
            reply = world.client(route).call(route.verb, world.path(route), world.body(route))
            assert not LEAKS.search(reply.content), (str(route), reply.content)
            if reply.status >= 500:
                assert reply.json["message"] == "Server Error", str(route)
                assert set(reply.json) == {"message", "code", "type", "version"}
    assert SECRET_TEXT in caplog.text  # which is for the operator


def test_class_45_a_database_out_of_reach_is_said_without_its_address(world: World) -> None:
    error = OperationalError('connection to server at "10.0.0.7", port 5432 failed')
    for route in routes():
        with undone(), broken(0, error):
            reply = world.client(route).call(route.verb, world.path(route), world.body(route))
            assert b"10.0.0.7" not in reply.content
            if reply.status != 200:
                assert (reply.status, reply.error) == (503, "general_service_unavailable")
                assert reply.headers["Retry-After"]


def test_class_45_an_unforeseen_failure_says_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError(SECRET_TEXT)

    monkeypatch.setattr("accounts.services.get_user", fail)
    monkeypatch.setattr("accounts.views.users.services.get_user", fail)
    reply = world.server.get(f"/users/{world.ids['userId']}")
    assert (reply.status, reply.json["message"]) == (500, "Server Error")
    assert not LEAKS.search(reply.content)


# Class 29: hidden columns and rows as oracles

HIDDEN_COLUMNS = [
    *("password", "hash", "login", "digest", "secret", "deleted_at", "is_superuser", "project_id"),
    *("project", "id", "pk", "team_uid", "user__password", "project__team_uid", "read_roles"),
    *("permissions", "collection_id", "data", "password__startswith", "token", "passwordUpdate_"),
]
PROBES = [
    ("equal", ["a"]), ("notEqual", ["a"]), ("startsWith", ["a"]), ("contains", ["a"]),
    ("greaterThan", ["a"]), ("between", ["a", "z"]), ("isNull", []), ("orderAsc", []),
    ("orderDesc", []), ("search", ["a"]), ("endsWith", ["a"]), ("isNotNull", []),
]  # fmt: skip


def listings() -> list[Route]:
    return [
        route
        for route in routes()
        if any(each["name"] == "queries" for each in route.parameters("query"))
    ]


@pytest.mark.parametrize("column", HIDDEN_COLUMNS)
def test_class_29_hidden_columns_answer_no_question(world: World, column: str) -> None:
    for place, route in enumerate(listings()):
        for method, values in PROBES[place % 3 :: 3]:
            for text in (
                query(method, column, *values),
                f'{{"method":"or","values":[{query("isNull", column)},{query("isNull", column)}]}}',
            ):
                path = world.path(route)
                reply = check(world.client(route).get(path, {"queries": [text]}))
                assert reply.status == 400, (str(route), text, reply.json)


@pytest.fixture
def documents(world: World) -> str:
    """Path of a collection with three documents for everyone and nothing else."""
    base = "/databases/{databaseId}/collections".format(**world.ids)
    text = {"key": "title", "type": "string", "size": 50, "required": False}
    number = {"key": "rank", "type": "integer", "required": False}
    collection = {"collectionId": "o", "name": "O", "documentSecurity": True}
    made(
        world.server.post(f"{base}/{''}".rstrip("/"), {**collection, "attributes": [text, number]})
    )
    for place in (1, 3, 5):
        add(world.server, f"{base}/o/documents", f"d{place}", place, ['read("any")'])
    return f"{base}/o/documents"


def add(server: ApiClient, path: str, uid: str, rank: int, readers: list[str]) -> None:
    body = {"documentId": uid, "data": {"title": f"t{rank}", "rank": rank}, "permissions": readers}
    made(server.post(path, body))


QUESTIONS = [
    [query("equal", "title", "t4")],
    [query("notEqual", "title", "t4")],
    [query("startsWith", "title", "t")],
    [query("greaterThan", "rank", 2)],
    [query("between", "rank", 3, 5)],
    [query("orderAsc", "rank")],
    [query("orderDesc", "title"), query("limit", "", 2)],
    [query("orderAsc", "rank"), query("offset", "", 2)],
    [query("orderAsc", "rank"), query("cursorAfter", "", "d3")],
    [query("orderDesc", "rank"), query("cursorBefore", "", "d1")],
    [query("select", "", "title"), query("orderAsc", "$id")],
    [query("isNotNull", "title")],
    [query("equal", "$id", "d4", "d3")],
    [f'{{"method":"or","values":[{query("equal", "rank", 4)},{query("equal", "rank", 3)}]}}'],
    [query("cursorAfter", "", "d4")],
    [query("cursorBefore", "", "d4")],
]


@pytest.mark.parametrize("who", ["guest", "user"])
def test_class_29_hidden_documents_change_no_answer(world: World, documents: str, who: str) -> None:
    """That an id is taken can be learned, for creating it anew is refused; nothing else can."""
    asking = world.guest if who == "guest" else world.user

    def answers() -> list[tuple[int, bytes]]:
        found = [check(asking.get(documents, {"queries": each})) for each in QUESTIONS]
        found += [
            check(asking.get(f"{documents}/d4")),
            check(asking.get(documents, {"total": False})),
        ]
        return [(reply.status, reply.content) for reply in found]

    without = answers()
    add(world.server, documents, "d4", 4, [])
    add(world.server, documents, "d0", 0, ['read("user:somebody")', 'update("users")'])
    assert answers() == without


def test_class_29_an_unreadable_project_is_no_different_from_none(
    world: World, other_world: World
) -> None:
    for path in ("/projects/{}", "/projects/{}/keys", "/projects/{}/platforms"):
        known, unknown = (world.owner.get(path.format(uid)) for uid in ("shop", "nothing"))
        assert (known.status, known.content) == (unknown.status, unknown.content)
    guest = client(other_world.project, key=make_key(world.project, ["users.read"]))
    assert guest.get("/users").status in (401, 403)
