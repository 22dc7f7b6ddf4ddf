"""The event bus: an outbox row inside the transaction, then the subscribers."""

import fnmatch
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import orjson
from django.conf import settings
from django.db import transaction

from kernel import clock, sql
from kernel.limits import OUTBOX_MARGIN_SECONDS

SWEPT_AT_ONCE = 10_000

When = Literal["in_transaction", "after_commit"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its public name, the answer it gave, and who may learn of it.

    `payload` is the JSON of the HTTP answer without secrets, `roles` are permission roles.
    `permissions_changed` names the user whose roles changed with it, for open sockets.
    """

    name: str
    project_id: int
    project_uid: str
    payload: dict[str, Any]
    roles: tuple[str, ...] = ()
    actor: str = ""
    permissions_changed: str = ""
    id: int = 0
    created_at: datetime = field(default_factory=clock.now)


Subscriber = Callable[[Event], None]
_subscribers: dict[When, list[tuple[str, Subscriber]]] = {"in_transaction": [], "after_commit": []}

_INSERT = (
    "INSERT INTO outbox (project_id, name, payload, roles, actor, created_at)"
    " VALUES (%s, %s, %s::jsonb, %s::text[], %s, %s) RETURNING id"
)
_INSERT_MANY = (
    "INSERT INTO outbox (project_id, name, payload, roles, actor, created_at)"
    " SELECT * FROM jsonb_to_recordset(%s::jsonb) AS (project_id bigint, name text, payload jsonb,"
    " roles text[], actor text, created_at timestamptz)"
)
_SWEEP = (
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT %s)"
    " AND created_at < now() - make_interval(secs => %s)"
)


def subscribe(pattern: str, *, when: When) -> Callable[[Subscriber], Subscriber]:
    """Register a function for events whose name fits `pattern` (`*` stands for anything).

    `in_transaction` functions do database work that must stand or fall with the write;
    `after_commit` functions ring others, and their failure is logged, not raised.
    """

    def register(function: Subscriber) -> Subscriber:
        if (pattern, function) not in _subscribers[when]:
            _subscribers[when].append((pattern, function))
        return function

    return register


def publish(event: Event) -> Event:
    """Log the event in the writing transaction and hand it to the subscribers."""
    parameters = outbox_parameters(event)
    row = sql.fetch_one(_INSERT, parameters)
    return announce(replace(event, id=row[0] if row else 0))


def log_many(news: Sequence[Event]) -> None:
    """Log events of imports in one statement: feeds have them, and no subscriber is called."""
    columns = ("project_id", "name", "payload", "roles", "actor", "created_at")
    rows = [{name: getattr(each, name) for name in columns} for each in news]
    if rows:
        sql.execute(_INSERT_MANY, (orjson.dumps(rows).decode(),))


def outbox_parameters(event: Event) -> tuple[Any, ...]:
    """Return the values of an outbox row, for statements that insert it along with their write.

    The order is project_id, name, payload, roles, actor, created_at.
    """
    payload = orjson.dumps(event.payload).decode()
    return (
        event.project_id,
        event.name,
        payload,
        list(event.roles),
        event.actor,
        event.created_at,
    )


def announce(event: Event) -> Event:
    """Hand an event that is in the outbox already to the subscribers."""
    for function in _matching("in_transaction", event.name):
        function(event)
    interested = _matching("after_commit", event.name)
    if interested:
        transaction.on_commit(lambda: _ring(interested, event))
    return event


def announce_many(announced: Sequence[Event]) -> None:
    """Do as `announce` does, with as little as possible for each of many."""
    rung = []
    for event in announced:
        for function in _matching("in_transaction", event.name):
            function(event)
        interested = _matching("after_commit", event.name)
        if interested:
            rung.append((interested, event))

    def ring() -> None:
        for functions, event in rung:
            _ring(functions, event)

    if rung:
        transaction.on_commit(ring)


def sweep() -> int:
    """Delete the oldest events, as far as they are past their time; ids grow along with it."""
    age = settings.CHANGES_RETENTION_SECONDS + OUTBOX_MARGIN_SECONDS
    total = 0
    swept = SWEPT_AT_ONCE
    while swept == SWEPT_AT_ONCE:
        swept = sql.execute(_SWEEP, (SWEPT_AT_ONCE, age))
        total += swept
    return total


def _matching(when: When, name: str) -> list[Subscriber]:
    return [
        function
        for pattern, function in _subscribers[when]
        if pattern == "*" or fnmatch.fnmatchcase(name, pattern)
    ]


def _ring(functions: list[Subscriber], event: Event) -> None:
    for function in functions:
        try:
            function(event)
        except Exception:  # the write is committed; the log still holds the event
            _logger.exception("subscriber failed for %s", event.name)
