"""Cursors of the change feed after a backup was restored: no client misses anything unaware."""

from typing import Any

import pytest
from django.db import connection

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


def test_an_epoch_that_the_copy_does_not_have_ends_its_cursors(key: ApiClient) -> None:
    cursor = cursor_of(key)
    run("DELETE FROM document_epoch")

    assert is_expired(key, cursor)
    assert not is_expired(key, cursor_of(key))


def test_a_restored_dump_ends_all_cursors_and_repeats_nothing(key: ApiClient) -> None:
    cursor = cursor_of(key)
    create(key, "a")
    # Both tables come back as they were written, by other transactions.
    dumped = run(f"SELECT {COLUMNS} FROM document_epoch")  # noqa: S608  # our own
    run("DELETE FROM document_epoch")
    for row in dumped:
        run(
            f"INSERT INTO document_epoch ({COLUMNS}) OVERRIDING SYSTEM VALUE"  # noqa: S608  # our own
            " VALUES (%s, %s, %s, %s, %s::text::xid8, %s)",
            *row,
        )
    run("UPDATE outbox SET xid = (pg_current_xact_id()::text::bigint + 3)::text::xid8")

    assert is_expired(key, cursor)
    anew = cursor_of(key)
    for uid in "bcdef":
        create(key, uid)
    assert [uid for _, uid in told(key, anew)[0]] == list("bcdef")
