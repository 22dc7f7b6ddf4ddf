"""Cursors of the change feed after a backup was restored: no client misses anything unaware."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import DataError, connection

from documents import cursors
from documents.store import epochs
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.database import own_connection
from tests.documents import test_document_changes as feed
from tests.documents.test_document_changes import CHANGES, create, cursor_of, told

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]

key = feed.key
COLUMNS = "id, token, origin, run, xid, event_id"


def run(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def is_expired(client: ApiClient, cursor: str) -> bool:
    reply = client.get(CHANGES, {"since": cursor})
    assert (reply.status, reply.error) in ((200, ""), (410, "general_cursor_expired"))
    return reply.status == 410


RESTART = (
    "INSERT INTO document_epoch (origin, run, event_id)"
    " SELECT origin, 'ended', event_id FROM document_epoch ORDER BY id DESC LIMIT 1"
)


def test_cursors_outlive_a_restart_of_the_server(key: ApiClient) -> None:
    cursor = cursor_of(key)
    create(key, "a")
    run(RESTART)
    create(key, "b")

    assert told(key, cursor)[0] == [("create", "a"), ("create", "b")]
    reply = key.get(CHANGES, {"since": cursor, "limit": 1}).json
    run(RESTART)
    assert told(key, reply["cursor"])[0] == [("create", "b")]
    rows = run("SELECT count(*) FROM document_epoch")
    told(key, cursor)
    assert run("SELECT count(*) FROM document_epoch") == rows


def test_cursors_from_a_time_that_was_undone_are_expired(key: ApiClient) -> None:
    before = cursor_of(key)
    # The server goes on from the moment this transaction began, as if nothing had come after.
    with own_connection() as other, other.transaction():
        other.execute(RESTART)
        create(key, "a")
        after = cursor_of(key)

    assert is_expired(key, after)
    assert not is_expired(key, before)
    assert not is_expired(key, cursor_of(key))


def test_cursors_of_an_undone_time_that_was_as_long_are_expired(
    key: ApiClient, project: ProjectContext
) -> None:
    known = cursors.read(cursor_of(key), project_id=project.id)
    run(RESTART)
    # The copy ends here, while others were told of thirty transactions more.
    token, xid = run(
        "SELECT token::text, pg_current_xact_id()::text::bigint"
        " FROM document_epoch ORDER BY id DESC LIMIT 1"
    )[0]
    place = cursors.Place(f"{xid + 30}:{xid + 30}:")
    undone = replace(known, epoch=token, place=place)
    cursor = cursors.seal(undone, project_id=project.id)
    connection.close()
    for number in range(40):
        create(key, f"d{number}")

    assert is_expired(key, cursor)


def test_those_who_connect_begin_the_epoch_of_a_run_once(key: ApiClient) -> None:
    cursor_of(key)
    run(RESTART)
    (before,) = run("SELECT count(*) FROM document_epoch")[0]

    for _ in range(3):
        connection.close()
        assert run("SELECT count(*) FROM document_epoch") == [(before + 1,)]


def test_a_database_without_tables_is_connected_to(key: ApiClient) -> None:
    run("ALTER TABLE document_epoch RENAME TO document_epoch_of_later")
    try:
        connection.close()
        assert run("SELECT 1") == [(1,)]
    finally:
        run("ALTER TABLE document_epoch_of_later RENAME TO document_epoch")


def test_a_connection_that_cannot_begin_the_epoch_is_not_used(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setattr(epochs, "_STATE", "SELECT 1 / 0")
    with pytest.raises(DataError):
        run("SELECT 1")

    assert connection.connection is None


def test_a_standby_is_connected_to_for_one_request_at_a_time(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochs, "_STATE", "SELECT false, true")
    connection.close()
    assert run("SELECT 1") == [(1,)]

    connection.close_if_unusable_or_obsolete()
    assert connection.connection is None


def test_an_epoch_that_the_copy_does_not_have_ends_its_cursors(key: ApiClient) -> None:
    cursor = cursor_of(key)
    run("DELETE FROM document_epoch")

    assert is_expired(key, cursor)
    assert not is_expired(key, cursor_of(key))


def test_a_restored_dump_ends_all_cursors_and_repeats_nothing(key: ApiClient) -> None:
    cursor = cursor_of(key)
    create(key, "a")
    # Both tables come back as they were written, by other transactions.
    dumped = run(f"SELECT {COLUMNS} FROM document_epoch")
    run("DELETE FROM document_epoch")
    for row in dumped:
        run(
            f"INSERT INTO document_epoch ({COLUMNS}) OVERRIDING SYSTEM VALUE"
            " VALUES (%s, %s, %s, %s, %s::text::xid8, %s)",
            *row,
        )
    run("UPDATE outbox SET xid = (pg_current_xact_id()::text::bigint + 3)::text::xid8")

    assert is_expired(key, cursor)
    anew = cursor_of(key)
    for uid in "bcdef":
        create(key, uid)
    assert [uid for _, uid in told(key, anew)[0]] == list("bcdef")
