"""Jobs and rate limits of two web processes and two workers: shared, and each counted once."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests
from appwrite.enums.tables_db_index_type import TablesDBIndexType
from appwrite.id import ID
from appwrite.services.tables_db import TablesDB

from tests.compat import sdk
from tests.compat.live import PROJECT, Installation
from tests.real import processes
from tests.real.hours import in_one_hour

# The SDK warns of every call that makes a column of the kind that came first.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.usefixtures("recwarn")]

SIGN_IN = "/account/sessions/email"
SIGN_IN_LIMIT = 10
MAX_CONNECTIONS = 40
SECONDS = 30.0
CHANGES = 80
WRONG = "this is not the password"


@contextlib.contextmanager
def on_both_processes(server: Installation) -> Iterator[list[requests.Session]]:
    """Open connections, each kept, until both web processes serve one; yield one of each."""
    web = processes.web_processes(server.supervisor, server.port)
    assert len(web) == 2
    with contextlib.ExitStack() as stack:
        found: dict[int, requests.Session] = {}
        for _ in range(MAX_CONNECTIONS):
            session = stack.enter_context(requests.Session())
            session.headers["X-Appwrite-Project"] = PROJECT
            before = [processes.connections_of(each, server.port) for each in web]
            assert session.get(f"{server.endpoint}/ping", timeout=SECONDS).ok
            after = [processes.connections_of(each, server.port) for each in web]
            found |= {n: session for n in (0, 1) if after[n] > before[n]}
            if len(found) == 2:
                break
        yield [found[0], found[1]]


def sign_in(server: Installation, session: requests.Session, email: str, password: str) -> int:
    body = {"email": email, "password": password}
    return session.post(f"{server.endpoint}{SIGN_IN}", json=body, timeout=SECONDS).status_code


# Rate limits


def test_both_processes_spend_one_budget(spread: Installation):
    in_one_hour()
    email = sdk.new_email()
    with on_both_processes(spread) as sessions:
        answers = [
            sessions[number % 2].post(
                f"{spread.endpoint}{SIGN_IN}",
                json={"email": email, "password": WRONG},
                timeout=SECONDS,
            )
            for number in range(SIGN_IN_LIMIT + 2)
        ]
    assert [each.status_code for each in answers] == [401] * SIGN_IN_LIMIT + [429, 429]
    left = [int(each.headers["X-RateLimit-Remaining"]) for each in answers]
    assert left == [*reversed(range(SIGN_IN_LIMIT)), 0, 0]
    assert len({each.headers["X-RateLimit-Reset"] for each in answers}) == 1


def test_a_crowd_on_both_processes_gets_no_more_than_the_budget(spread: Installation):
    in_one_hour()
    email = sdk.new_email()
    with on_both_processes(spread) as sessions, ThreadPoolExecutor(8) as crowd:
        statuses = list(
            crowd.map(
                lambda number: sign_in(spread, sessions[number % 2], email, WRONG),
                range(3 * SIGN_IN_LIMIT),
            )
        )
    assert statuses.count(401) == SIGN_IN_LIMIT
    assert statuses.count(429) == 2 * SIGN_IN_LIMIT


def test_a_success_on_one_process_clears_the_failures_of_both(spread: Installation):
    in_one_hour()
    person = sdk.sign_up(sdk.key_client(spread))
    with on_both_processes(spread) as (one, other):
        for session in (one, other) * 4:
            assert sign_in(spread, session, person.email, WRONG) == 401
        with requests.Session() as fresh:
            fresh.headers["X-Appwrite-Project"] = PROJECT
            assert sign_in(spread, fresh, person.email, sdk.PASSWORD) == 201
        statuses = [sign_in(spread, each, person.email, WRONG) for each in (one, other) * 5]
        assert statuses == [401] * SIGN_IN_LIMIT
        assert sign_in(spread, one, person.email, WRONG) == 429


# What is kept in memory


def test_what_one_process_changed_the_other_knows_at_once(spread: Installation):
    key = {"X-Appwrite-Key": spread.key}
    person = sdk.sign_up(sdk.key_client(spread))
    user_session = {"X-Appwrite-Session": person.client.get_config("session")}
    with on_both_processes(spread) as sessions:
        for number in range(CHANGES):
            is_active = bool(number % 2)
            changing, other = sessions[number // 2 % 2], sessions[1 - number // 2 % 2]
            url = f"{spread.endpoint}/users/{person.id}/status"
            body = {"status": is_active}
            assert changing.patch(url, json=body, headers=key, timeout=SECONDS).ok
            asked = other.get(f"{spread.endpoint}/account", headers=user_session, timeout=SECONDS)
            assert asked.status_code == (200 if is_active else 403), number


def test_counters_are_kept_in_one_place(spread: Installation, request: pytest.FixtureRequest):
    with requests.Session() as session, psycopg.connect(spread.database_url) as database:
        session.headers["X-Appwrite-Project"] = PROJECT
        before = _rows(database)
        body = {"email": sdk.new_email(), "url": "http://localhost/"}
        url = f"{spread.endpoint}/account/recovery"
        assert "X-RateLimit-Remaining" in session.post(url, json=body, timeout=SECONDS).headers
        is_with_redis = request.node.callspec.params["spread"] == "redis"
        assert (_rows(database) == before) is is_with_redis


def _rows(database: psycopg.Connection) -> int:
    row = database.execute("SELECT count(*) FROM rate_counter").fetchone()
    database.rollback()
    return int(row[0]) if row else 0


# Jobs


OWN = {"key": "own", "type": "key", "attributes": ["$id"]}


@pytest.fixture
def tables(spread: Installation) -> TablesDB:
    return TablesDB(sdk.key_client(spread))


@contextlib.contextmanager
def builds_held_back(server: Installation, database_id: str) -> Iterator[psycopg.Connection]:
    """Hold the documents of a database's tables: builds of their indexes begin, and cannot end."""
    with psycopg.connect(server.database_url, autocommit=True) as watcher:
        ids = watcher.execute(
            "SELECT c.id FROM document_collection c JOIN document_database d"
            " ON d.id = c.database_id WHERE d.uid = %s",
            (database_id,),
        ).fetchall()
        with psycopg.connect(server.database_url) as holder:
            for (collection_id,) in ids:
                holder.execute(f"LOCK TABLE document_{collection_id} IN ROW EXCLUSIVE MODE")
            yield watcher
            holder.rollback()


def index_jobs(connection: psycopg.Connection, database_id: str) -> list[tuple[str, int]]:
    """Return status and attempts of the index builds in a database's tables."""
    return connection.execute(
        "SELECT j.status, j.attempts FROM job j"
        " JOIN document_collection c ON c.id = (j.arguments->>'collection_id')::bigint"
        " JOIN document_database d ON d.id = c.database_id"
        " WHERE d.uid = %s AND j.name LIKE '%%index%%'",
        (database_id,),
    ).fetchall()


def test_two_workers_build_at_the_same_time_and_each_thing_once(
    spread: Installation, tables: TablesDB
):
    database_id = ID.unique()
    tables.create(database_id, "Spread")
    names = [f"table{number}" for number in range(4)]
    column = {"key": "title", "type": "string", "size": 50, "required": False}
    for name in names:
        # The index gives it a partition of its own, whose next index is held back.
        tables.create_table(database_id, name, name, columns=[column], indexes=[OWN])
    with builds_held_back(spread, database_id) as watcher:
        for name in names:
            tables.create_index(database_id, name, "by_title", TablesDBIndexType.KEY, ["title"])
        sdk.wait_until(
            lambda: (
                sorted(index_jobs(watcher, database_id))
                == [("running", 1), ("running", 1), ("waiting", 0), ("waiting", 0)]
            )
        )
    sdk.wait_until(lambda: all(_is_built(tables, database_id, name) for name in names))
    with psycopg.connect(spread.database_url) as database:
        sdk.wait_until(lambda: set(index_jobs(database, database_id)) == {("done", 1)})


def _is_built(tables: TablesDB, database_id: str, name: str) -> bool:
    return sdk.status(tables.get_index(database_id, name, "by_title")) == "available"


def test_a_deleted_database_is_swept(spread: Installation, tables: TablesDB):
    database_id = ID.unique()
    tables.create(database_id, "Spread")
    tables.create_table(database_id, "gone", "Gone")
    tables.delete(database_id)
    with psycopg.connect(spread.database_url, autocommit=True) as database:

        def rows() -> int:
            found = database.execute(
                "SELECT count(*) FROM document_database WHERE uid = %s", (database_id,)
            ).fetchone()
            return int(found[0]) if found else 0

        sdk.wait_until(lambda: rows() == 0)
