"""kill -9 of a worker amid its builds, and of a web process amid its writes: nothing is lost."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import requests
from appwrite.client import Client
from appwrite.enums.tables_db_index_type import TablesDBIndexType
from appwrite.id import ID
from appwrite.query import Query
from appwrite.services.tables_db import TablesDB

from tests.compat import live, sdk
from tests.compat.live import PROJECT, Installation
from tests.real import processes

# The SDK warns of every call that makes a column of the kind that came first.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.usefixtures("recwarn")]

RECOVERY_SECONDS = 90  # a lease lasts 30
RESTART_SECONDS = 60
REQUEST_SECONDS = 30
WRITERS = 4
SECONDS_BEFORE_KILL = 1.0
SECONDS_AFTER_KILL = 2.0
PAGE = 100
ROWS_OF_A_TRANSACTION = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Installation]:
    """A server of this module's own: others must not lose theirs."""
    started = live.start(WORKER_PROCESSES="1")
    try:
        yield started.prepared()
    finally:
        started.stop()


@pytest.fixture
def key(server: Installation) -> Client:
    return sdk.key_client(server)


#: An index that a table is made with gives it a partition of its own.
OWN = {"key": "own", "type": "key", "attributes": ["$id"]}


@pytest.fixture
def table(key: Client) -> tuple[str, str]:
    """A table with a built column `title`, in a partition of its own as with its first index."""
    tables, place = TablesDB(key), (ID.unique(), "notes")
    tables.create(place[0], "Made for one test")
    tables.create_table(*place, "Notes", indexes=[OWN])
    tables.delete_index(*place, OWN["key"])
    tables.create_string_column(*place, "title", 100, True)
    sdk.wait_until(lambda: statuses(tables, place) == {"title": "available"})
    return place


def statuses(tables: TablesDB, place: tuple[str, str]) -> dict[str, str]:
    """Return how far each column and index of a table is built."""
    built = [*tables.list_columns(*place).columns, *tables.list_indexes(*place).indexes]
    return {part.key: sdk.status(part) for part in built}


@contextmanager
def builds_held_back(server: Installation, table: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """Hold what a build of this table has to write: it begins, and cannot come to its end."""
    with psycopg.connect(server.database_url, autocommit=True) as watcher:
        found = watcher.execute(
            "SELECT c.id FROM document_collection c"
            " JOIN document_database d ON d.id = c.database_id WHERE d.uid = %s AND c.uid = %s",
            table,
        ).fetchone()
        assert found is not None
        with psycopg.connect(server.database_url) as holder:
            holder.execute("SELECT 1 FROM document_collection WHERE id = %s FOR UPDATE", found)
            holder.execute(f"LOCK TABLE document_{found[0]} IN ROW EXCLUSIVE MODE")
            yield watcher
            holder.rollback()


def running_jobs(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM job WHERE status = 'running'").fetchone()
    return int(row[0]) if row else 0


def test_builds_outlive_a_killed_worker(server: Installation, key: Client, table: tuple[str, str]):
    tables = TablesDB(key)
    for number in range(20):
        tables.create_row(*table, ID.unique(), {"title": f"{number:03}"})
    (killed,) = processes.workers(server.supervisor)
    os.killpg(killed, signal.SIGSTOP)  # until the builds it is about to begin are held back
    tables.create_index(*table, "once", TablesDBIndexType.UNIQUE, ["title"])
    tables.create_integer_column(*table, "size", False)

    with builds_held_back(server, table) as watcher:
        os.killpg(killed, signal.SIGCONT)
        sdk.wait_until(lambda: running_jobs(watcher) >= 1)
        os.killpg(killed, signal.SIGKILL)
        sdk.wait_until(lambda: killed not in processes.children(server.supervisor))
        assert statuses(tables, table) == {
            "title": "available",
            "size": "processing",
            "once": "processing",
        }

    sdk.wait_until(
        lambda: set(statuses(tables, table).values()) == {"available"}, seconds=RECOVERY_SECONDS
    )
    assert killed not in processes.workers(server.supervisor)
    assert tables.list_rows(*table, [Query.equal("title", ["007"])]).total == 1
    with psycopg.connect(server.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone()
    assert row == (0,)


class Writers:
    """Clients that write rows until told to stop, and remember which were acknowledged."""

    def __init__(self, server: Installation, table: tuple[str, str]) -> None:
        self.url = f"{server.endpoint}/tablesdb/{table[0]}/tables/{table[1]}/rows"
        self.headers = {"X-Appwrite-Project": PROJECT, "X-Appwrite-Key": server.key}
        self.acknowledged: list[str] = []
        self.refused: list[tuple[int, str]] = []
        self.lost_connections = 0
        self._stop = threading.Event()

    def write(self) -> None:
        with requests.Session() as session:
            session.headers.update(self.headers)
            while not self._stop.is_set():
                uid = ID.unique()
                try:
                    answer = self._write_one(session, uid)
                except requests.ConnectionError:
                    self.lost_connections += 1  # written or not: nobody said so
                    continue
                if answer.ok:
                    self.acknowledged.append(uid)
                else:
                    self.refused.append((answer.status_code, answer.text))

    def _write_one(self, session: requests.Session, uid: str) -> requests.Response:
        body: dict[str, Any] = {"rowId": uid, "data": {"title": uid}}
        return session.post(self.url, json=body, timeout=REQUEST_SECONDS)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with ThreadPoolExecutor(WRITERS) as pool:
            written = [pool.submit(self.write) for _ in range(WRITERS)]
            try:
                yield
            finally:
                self._stop.set()
        for each in written:
            each.result()


class Committers(Writers):
    """Clients that write rows in transactions, and remember those whose commit was answered."""

    def __init__(self, server: Installation, table: tuple[str, str]) -> None:
        super().__init__(server, table)
        self.transactions_url = f"{server.endpoint}/tablesdb/transactions"
        self.place = {"action": "create", "databaseId": table[0], "tableId": table[1]}
        self.begun: dict[str, str] = {}

    def _write_one(self, session: requests.Session, uid: str) -> requests.Response:
        transaction = session.post(self.transactions_url, json={}, timeout=REQUEST_SECONDS).json()[
            "$id"
        ]
        url = f"{self.transactions_url}/{transaction}"
        rows: list[Any] = [
            {**self.place, "rowId": f"{uid}-{number}", "data": {"title": uid}}
            for number in range(ROWS_OF_A_TRANSACTION)
        ]
        staged = session.post(
            f"{url}/operations", json={"operations": rows}, timeout=REQUEST_SECONDS
        )
        if not staged.ok:
            return staged
        self.begun[uid] = transaction
        return session.patch(url, json={"commit": True}, timeout=REQUEST_SECONDS)


def stored_ids(tables: TablesDB, table: tuple[str, str]) -> set[str]:
    ids: list[str] = []
    while True:
        after = [Query.cursor_after(ids[-1])] if ids else []
        page = tables.list_rows(*table, [Query.limit(PAGE), *after], None, False).rows
        if not page:
            return set(ids)
        ids += [row.id for row in page]


def test_acknowledged_rows_outlive_a_killed_web_process(
    server: Installation, key: Client, table: tuple[str, str]
):
    writers = Writers(server, table)

    kill_amid(writers, server)

    assert writers.acknowledged
    assert writers.refused == []
    assert set(writers.acknowledged) <= stored_ids(TablesDB(key), table)


def test_commits_of_a_killed_web_process_happened_wholly_or_not_at_all(
    server: Installation, key: Client, table: tuple[str, str]
):
    writers, tables = Committers(server, table), TablesDB(key)

    kill_amid(writers, server)

    assert writers.acknowledged
    assert writers.refused == []
    found = Counter(row_id.rpartition("-")[0] for row_id in stored_ids(tables, table))
    assert set(found.values()) == {ROWS_OF_A_TRANSACTION}
    assert set(writers.acknowledged) <= set(found)
    # Whoever got no answer can ask, and commit what is still pending.
    for uid in writers.begun.keys() - set(writers.acknowledged):
        transaction = tables.get_transaction(writers.begun[uid])
        assert (sdk.status(transaction) == "committed") == (uid in found)
        if uid not in found:
            assert sdk.status(tables.update_transaction(transaction.id, True)) == "committed"


def kill_amid(writers: Writers, server: Installation) -> None:
    """Kill one of two web processes while writers are at work; return once another is there."""
    before = processes.web_processes(server.supervisor, server.port)
    assert len(before) == 2

    with writers.at_work():
        time.sleep(SECONDS_BEFORE_KILL)
        os.kill(before[0], signal.SIGKILL)
        time.sleep(SECONDS_AFTER_KILL)

    def restarted() -> bool:
        now = processes.web_processes(server.supervisor, server.port)
        return len(now) == len(before) and before[0] not in now

    sdk.wait_until(restarted, seconds=RESTART_SECONDS)
