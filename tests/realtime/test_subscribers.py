"""What publishing an event costs the writer, and that its failure harms no write."""

import pytest

from kernel import notify
from kernel.events import Event
from realtime.subscribers import send_event

DOCUMENT = "databases.d.collections.c.documents.x.create"


def event(name, *roles, **payload):
    return Event(name, 1, "blog", payload, roles, id=7)


@pytest.mark.parametrize(
    ("sent", "cost"),
    [
        (event(DOCUMENT, "any", title="x"), 1),
        (event(DOCUMENT, "any", title="x" * 100_000), 1),
        (event(DOCUMENT, *(f"user:{'u' * 30}{number}" for number in range(500))), 1),
        (event("functions.f.executions.e.create", "any"), 1),
        (event("databases.d.collections.c.indexes.i.create"), 1),
        (event(DOCUMENT), 0),
        (event("databases.d.create", "any"), 0),
        (event("buckets.b.update", "any"), 0),
    ],
    ids=lambda value: value.name if isinstance(value, Event) else None,
)
def test_an_event_costs_one_statement_or_none(sent, cost, statements):
    with statements() as seen:
        send_event(sent)
    assert len(seen) == cost


def test_every_notification_is_short_enough(monkeypatch, db):
    payloads = []
    monkeypatch.setattr(
        notify, "post_if_wanted", lambda _channel, payload: payloads.append(payload)
    )
    for size in (0, 7000, 7300, 7400, 7500, 8000, 100_000):
        send_event(event(DOCUMENT, "any", title="é" * size))
    assert all(len(payload.encode()) < 8000 for payload in payloads)
    assert len(payloads) == 7
