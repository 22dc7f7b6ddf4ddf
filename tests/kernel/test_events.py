"""The event bus: the log is written with the transaction, subscribers hear of it in their time."""

import time
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections, transaction

from kernel import events
from kernel.events import Event, publish, subscribe
from kernel.models import OutboxEvent

WAIT_SECONDS = 120.0

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _own_subscribers(monkeypatch):
    monkeypatch.setattr(events, "_subscribers", {"in_transaction": [], "after_commit": []})


def make(name="teams.t1.create", **changes):
    event = Event(name, 7, "blog", {"$id": "t1"}, roles=("team:t1",), actor="alice")
    return replace(event, **changes)


def _publish_and_fail():
    with transaction.atomic():
        publish(make())
        raise RuntimeError


def test_publishing_writes_the_log():
    published = publish(make())
    row = OutboxEvent.objects.get(id=published.id)
    assert (row.name, row.project_id, row.payload) == ("teams.t1.create", 7, {"$id": "t1"})
    assert (row.roles, row.actor) == (["team:t1"], "alice")
    assert row.created_at == published.created_at


def test_the_log_knows_its_transaction():
    published = publish(make())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        current = int(cursor.fetchone()[0])
    assert OutboxEvent.objects.get(id=published.id).xid == current


def test_subscribers_hear_what_fits_their_pattern():
    heard: list[Any] = []
    subscribe("teams.*.create", when="in_transaction")(lambda event: heard.append(("a", event)))
    subscribe("*", when="in_transaction")(lambda event: heard.append(("b", event)))
    subscribe("users.*", when="in_transaction")(lambda event: heard.append(("c", event)))
    published = publish(make())
    assert heard == [("a", published), ("b", published)]


def test_a_subscriber_is_registered_once():
    heard: list[Any] = []
    for _ in range(2):
        subscribe("*", when="in_transaction")(heard.append)
    publish(make())
    assert len(heard) == 1


@pytest.mark.django_db(transaction=True)
def test_after_commit_subscribers_wait_for_the_commit():
    heard: list[Any] = []
    subscribe("*", when="after_commit")(heard.append)
    with transaction.atomic():
        publish(make())
        assert heard == []
    assert len(heard) == 1


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_event_never_happened():
    heard: list[Any] = []
    subscribe("*", when="after_commit")(heard.append)
    with pytest.raises(RuntimeError):
        _publish_and_fail()
    assert heard == []
    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_failing_subscriber_in_the_transaction_undoes_the_write():
    def fail(_event):
        raise RuntimeError("no")

    subscribe("*", when="in_transaction")(fail)
    with pytest.raises(RuntimeError, match="no"), transaction.atomic():
        publish(make())
    assert not OutboxEvent.objects.exists()


def test_a_failing_subscriber_after_commit_stops_nobody(caplog):
    def fail(_event):
        raise RuntimeError("no")

    heard: list[Any] = []
    subscribe("*", when="after_commit")(fail)
    subscribe("*", when="after_commit")(heard.append)
    with transaction.atomic():
        publish(make())
    assert len(heard) == 1
    assert "subscriber failed for teams.t1.create" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_reader_by_transaction_skips_no_late_commit():
    """An event with a lower number may commit later; the cursor rule must not pass it by."""
    rule = (
        "SELECT name FROM outbox WHERE xid < pg_snapshot_xmin(pg_current_snapshot())"
        " ORDER BY xid, id"
    )
    late = connections.create_connection("default")
    try:
        late.set_autocommit(False)
        with late.cursor() as slow, connection.cursor() as reader:
            slow.execute(
                "INSERT INTO outbox (project_id, name, payload, roles) VALUES (1, 'a', '{}', '{}')"
            )
            publish(make("b.x.create"))
            reader.execute(rule)
            assert reader.fetchall() == []
            late.commit()
            assert _read(reader, rule, count=2) == [("a",), ("b.x.create",)]
    finally:
        late.close()


def _read(reader, rule, *, count):
    """Read the log; other transactions of the server, tests beside this one, hold it up a while.

    One that began between two events holds up the second alone.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    rows: list[Any] = []
    while len(rows) < count and time.monotonic() < deadline:
        time.sleep(0.05)
        reader.execute(rule)
        rows = reader.fetchall()
    return rows


def _log(count, *, days):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox (project_id, name, payload, roles, created_at)"
            " SELECT 7, 'old', '{}', '{}', now() - make_interval(days => %s)"
            " FROM generate_series(1, %s)",
            (days, count),
        )


def test_events_past_their_time_are_swept_in_batches(monkeypatch):
    monkeypatch.setattr(events, "SWEPT_AT_ONCE", 2)
    _log(5, days=8)
    _log(2, days=6)
    assert events.sweep() == 5
    assert OutboxEvent.objects.count() == 2
