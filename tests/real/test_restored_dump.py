"""A dump by PostgreSQL's own programs, restored over what came after: cursors of then are told."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from django.db import connection
from psycopg import sql as psql
from psycopg.conninfo import make_conninfo

from appwrite_clone.embedded.programs import Programs, find_programs
from tests.client import ApiClient
from tests.compat.parts import missing
from tests.database import own_connection
from tests.documents import test_document_changes as feed
from tests.documents.blog import DOCUMENTS, ids
from tests.documents.test_document_changes import CHANGES, create, cursor_of, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

key = feed.key
KEYS = ("host", "port", "user", "password", "dbname")


@pytest.fixture
def programs() -> Programs:
    """PostgreSQL's programs of the server's own version: others read its dumps otherwise."""
    found = find_programs(None)
    with own_connection() as server:
        major = server.info.server_version // 10_000
    if found.major != major:
        missing(f"the server is PostgreSQL {major}, the programs are of {found.major}")
    return found


@pytest.fixture
def copied(key: ApiClient, programs: Programs, tmp_path: Path) -> Iterator[ApiClient]:
    """Work in a copy of the tests' database, which nobody misses."""
    original = connection.settings_dict["NAME"]
    copy = f"{original}_copy"
    connection.close()
    administer("DROP DATABASE IF EXISTS {}", copy)
    administer("CREATE DATABASE {}", copy)
    # PostgreSQL itself copies no database that any other test has left a connection to.
    whole = str(tmp_path / "original")
    run(programs.path("pg_dump"), "--format=custom", f"--file={whole}", f"--dbname={conninfo()}")
    connection.settings_dict["NAME"] = copy
    run(programs.path("pg_restore"), f"--dbname={conninfo()}", whole)
    try:
        yield key
    finally:
        connection.close()
        connection.settings_dict["NAME"] = original
        administer("DROP DATABASE {}", copy)


def conninfo(**changed: str) -> str:
    parameters = connection.get_connection_params()
    known = {name: parameters[name] for name in KEYS if name in parameters}
    return make_conninfo(**{**known, **changed})


def administer(statement: LiteralString, *names: str) -> None:
    with psycopg.connect(conninfo(dbname="postgres"), autocommit=True) as server:
        server.execute(psql.SQL(statement).format(*map(psql.Identifier, names)))


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_cursors_from_before_a_restored_dump_are_expired(
    copied: ApiClient, programs: Programs, tmp_path: Path
) -> None:
    dump = str(tmp_path / "dump")
    before = cursor_of(copied)
    create(copied, "kept")
    run(programs.path("pg_dump"), "--format=custom", f"--file={dump}", f"--dbname={conninfo()}")
    create(copied, "lost")
    after = cursor_of(copied)
    with connection.cursor() as server:
        # In the same database: only the numbers of transactions tell that it is another history.
        server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    run(programs.path("pg_restore"), "--single-transaction", f"--dbname={conninfo()}", dump)

    assert ids(copied.get(DOCUMENTS)) == ["kept"]
    for cursor in (before, after):
        reply = copied.get(CHANGES, {"since": cursor})
        assert (reply.status, reply.error) == (410, "general_cursor_expired")
    anew = cursor_of(copied)
    for uid in ("a", "b", "c"):
        create(copied, uid)
    assert [uid for _, uid in told(copied, anew)[0]] == ["a", "b", "c"]
