"""Installations from before partitions were shared: every collection keeps the one it has."""

from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.state import ProjectState

from documents import partitions
from tests.database import own_connection

pytestmark = [pytest.mark.db, pytest.mark.django_db]

migration = import_module("documents.migrations.0015_share_partitions_between_small_collections")
_BEFORE = [
    "CREATE TABLE document_collection (id bigint PRIMARY KEY, project_id bigint)",
    "CREATE TABLE job (LIKE public.job INCLUDING ALL)",
    import_module("documents.migrations.0002_create_documents_partitioned_by_collection").CREATE,
    import_module("documents.migrations.0010_note_changes_of_collections").CREATE,
    import_module("documents.migrations.0004_compile_permissions_by_triggers").DOCUMENT,
]
_COLLECTION = """
    INSERT INTO document_collection VALUES ({number}, 1);
    CREATE TABLE document_{number} (LIKE document INCLUDING ALL EXCLUDING IDENTITY);
    ALTER TABLE document ATTACH PARTITION document_{number} FOR VALUES IN ({number});
    CREATE UNIQUE INDEX ix_{number}_1_0 ON document_{number} ((data ->> 'title'));
    INSERT INTO document_{number} (collection_id, uid, data, read_roles)
    SELECT {number}, 'd' || n, jsonb_build_object('title', 't' || n), '{{any}}'
    FROM generate_series(1, 3) n;
"""
_COLUMNS = "id, collection_id, uid, data, permissions, read_roles, created_at, updated_at"


def run(text: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, values or None)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def before(db: None) -> Iterator[None]:
    """Make the tables of documents as they were, in a schema of their own, with two collections."""
    run("CREATE SCHEMA earlier")
    try:
        run("SET search_path = earlier, public")
        for each in (*_BEFORE, *(_COLLECTION.format(number=number) for number in (5, 7))):
            run(each)
        yield
    finally:
        run("RESET search_path")
        run("DROP SCHEMA earlier CASCADE")


def migrate() -> None:
    migration.repartition(None, SimpleNamespace(connection=connection))


def partitioned() -> dict[str, str]:
    rows = run(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'document'::regclass"
    )
    return dict(rows)


def indexes(number: int) -> list[str]:
    found = run(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'earlier' AND tablename = %s"
        " ORDER BY 1",
        f"document_{number}",
    )
    return [row[0] for row in found]


@pytest.mark.parametrize("stops", [False, True], ids=["at once", "after an interruption"])
def test_collections_keep_their_partitions(
    before: None, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    kept = run(f"SELECT {_COLUMNS} FROM document ORDER BY id")
    own = indexes(5)
    monkeypatch.setattr(migration, "BATCH", 1)
    if stops:
        with connection.cursor() as cursor:
            migration.begin(cursor)
            migration.take_some(cursor)

    migrate()
    migrate()

    assert run(f"SELECT {_COLUMNS} FROM document ORDER BY id") == kept
    assert run("SELECT id, place FROM document_collection ORDER BY id") == [(5, 5), (7, 7)]
    assert run("SELECT DISTINCT collection_id, place FROM document ORDER BY 1") == [(5, 5), (7, 7)]
    assert indexes(5) == own
    assert partitioned() == {
        **{f"document_{number}": f"FOR VALUES IN ('{number}')" for number in (5, 7)},
        **{
            partitions.name(-number): f"FOR VALUES IN ('-{number}')"
            for number in range(1, partitions.SHARED + 1)
        },
    }
    assert run("SELECT to_regclass('document_by_collection')") == [(None,)]


def test_what_comes_later_joins_them(before: None) -> None:
    (newest,) = run("SELECT max(id) FROM document")[0]
    migrate()
    run("DELETE FROM document_change")

    run("INSERT INTO document_5 (collection_id, uid) VALUES (5, 'new')")
    run("INSERT INTO document_shared_1 (collection_id, uid) VALUES (9, 'new')")

    rows = run("SELECT id, collection_id, place FROM document WHERE uid = 'new' ORDER BY id")
    assert rows == [(newest + 1, 5, 5), (newest + 2, 9, -1)]
    assert run("SELECT collection_id FROM document_change ORDER BY 1") == [(5,), (9,)]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_partition_on_its_way_out_leaves(before: None) -> None:
    with own_connection() as reader, own_connection() as killed:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM earlier.document")
        killed.execute("SET search_path = earlier; SET statement_timeout = 100")
        with pytest.raises(psycopg.errors.QueryCanceled):
            killed.execute("ALTER TABLE document DETACH PARTITION document_7 CONCURRENTLY")
        reader.execute("ROLLBACK")

    migrate()

    assert "document_7" not in partitioned()
    assert run("SELECT count(*) FROM document_7") == [(3,)]


def test_there_is_no_way_back(db: None) -> None:
    undone = migration.Migration("0015", "documents")
    with pytest.raises(IrreversibleError), connection.schema_editor(atomic=False) as editor:
        undone.unapply(ProjectState(), editor)
