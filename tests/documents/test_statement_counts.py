"""Round trips to the database: at most 3 statements for a read, 5 for a write, identity included.

These tests commit for real, so that they count what a request costs in production: what a cursor
runs, and BEGIN and COMMIT besides.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor, Person, sign_up
from tests.documents.blog import DOCUMENTS, make_collection, query

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]

READ_STATEMENTS = 3
WRITE_ROUND_TRIPS = 5


@pytest.fixture
def client(transactional_db: None, project: ProjectContext, client_for: ClientFor) -> ApiClient:
    """Return a user's client of a collection with document security, every cache being warm."""
    make_collection(project, permissions=['create("users")'], document_security=True)
    alice: Person = sign_up(project, "alice")
    client = client_for(project, session=alice.session)
    for uid in ("warm", "p", "q", "r"):
        put(client, uid)
    client.patch(f"{DOCUMENTS}/warm", {"data": {"likes": 1}, "permissions": grants("users")})
    client.get(f"{DOCUMENTS}/warm")
    client.get(DOCUMENTS)
    return client


def grants(reader: str = "user:alice") -> list[str]:
    return [f'read("{reader}")', 'update("user:alice")', 'delete("user:alice")']


def put(client: ApiClient, uid: str) -> Reply:
    return client.post(DOCUMENTS, {"documentId": uid, "data": {"title": uid, "likes": 3}})


@contextmanager
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        seen.append(str(sql))
        return execute(sql, params, many, context)

    def set_autocommit(self: Any, autocommit: bool, *args: Any, **kwargs: Any) -> None:
        if not autocommit:
            seen.extend(["BEGIN", "COMMIT"])
        original(self, autocommit, *args, **kwargs)

    original = BaseDatabaseWrapper.set_autocommit
    with monkeypatch.context() as patched, connection.execute_wrapper(note):
        patched.setattr(BaseDatabaseWrapper, "set_autocommit", set_autocommit)
        yield seen


def check(seen: Sequence[str], reply: Reply, *, status: int, most: int) -> None:
    assert reply.status == status, reply.json
    assert len(seen) <= most, seen


@pytest.mark.parametrize(
    "queries",
    [
        [],
        [query("equal", "likes", 3), query("orderDesc", "likes")],
        [query("cursorAfter", "", "p"), query("limit", "", 1)],
    ],
    ids=["plain", "filtered", "after a cursor"],
)
def test_list_takes_two_statements(
    client: ApiClient, monkeypatch: pytest.MonkeyPatch, queries: list[str]
) -> None:
    with round_trips(monkeypatch) as seen:
        reply = client.get(DOCUMENTS, {"queries": queries})
    check(seen, reply, status=200, most=2)


def test_get_takes_two_statements(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with round_trips(monkeypatch) as seen:
        reply = client.get(f"{DOCUMENTS}/p")
    check(seen, reply, status=200, most=2)


def test_refused_reads_stay_within_the_limit(
    client: ApiClient,
    project: ProjectContext,
    client_for: ClientFor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guest = client_for(project)
    for path in (f"{DOCUMENTS}/p", f"{DOCUMENTS}/nothing"):
        with round_trips(monkeypatch) as seen:
            reply = guest.get(path)
        check(seen, reply, status=404, most=READ_STATEMENTS)


def test_read_after_a_change_of_the_schema_stays_within_the_limit(
    client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE document_collection SET version = version + 1")

    with round_trips(monkeypatch) as seen:
        reply = client.get(f"{DOCUMENTS}/p")

    check(seen, reply, status=200, most=READ_STATEMENTS + 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "most"),
    [
        ("POST", DOCUMENTS, {"documentId": "n", "data": {"title": "T"}}, 201, 3),
        ("POST", DOCUMENTS, {"documentId": "p", "data": {"title": "T"}}, 409, 3),
        ("PATCH", f"{DOCUMENTS}/p", {"data": {"likes": 4}}, 200, 3),
        ("PATCH", f"{DOCUMENTS}/p", {"data": {"likes": 3}}, 200, 3),
        ("PATCH", f"{DOCUMENTS}/p", {"permissions": grants("users")}, 200, 4),
        ("PUT", f"{DOCUMENTS}/p", {"data": {"likes": 4}}, 200, 3),
        ("PUT", f"{DOCUMENTS}/n", {"data": {"title": "T"}}, 200, 5),
        ("DELETE", f"{DOCUMENTS}/p", None, 204, 3),
    ],
)
def test_write_takes_few_round_trips(
    client: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: Any,
    status: int,
    most: int,
) -> None:
    with round_trips(monkeypatch) as seen:
        reply = client.call(method, path, body)
    assert most <= WRITE_ROUND_TRIPS
    check(seen, reply, status=status, most=most)


def test_statements_are_prepared_and_their_number_is_bounded(client: ApiClient) -> None:
    for _ in range(connection.connection.prepare_threshold + 1):
        client.get(f"{DOCUMENTS}/p")

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = [statement for (statement,) in cursor.fetchall()]

    assert len(prepared) == len(set(prepared))
    assert sum('LEFT JOIN "document_' in statement for statement in prepared) == 1
    assert 0 < len(prepared) <= connection.connection.prepared_max
