"""Whether a cursor of the change feed belongs to the history that the database has by now.

Cursors name transactions by their numbers. A backup takes the database back to an earlier time,
from which it goes on otherwise, by the same numbers; a dump comes to a place where numbers mean
other transactions. So each run of the database server begins an epoch with a random token: a row,
written by whoever connects first in that run, before anything else. A cursor of an earlier run
still holds where its epoch is among the rows and what it knows is older than the next one. A
restored dump is known by its rows: they were written by other transactions than they say, or
elsewhere.
"""

from typing import Any, NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import errors as pg_errors

from documents.cursors import Place
from kernel import sql


class Epoch(NamedTuple):
    """The epoch of now, and whether a place that was told in some epoch still holds.

    Events up to `event_id` are of another history, and their transactions have other numbers here.
    """

    token: str
    event_id: int
    holds: bool


_ORIGIN = """
    (SELECT system_identifier FROM pg_control_system()) || ':' ||
    (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_RUN = "extract(epoch FROM pg_postmaster_start_time())::text"
_EPOCHS = f"""
    WITH epoch AS MATERIALIZED (
        SELECT id, token::text, xid, event_id, origin = {_ORIGIN} AND xid::xid = xmin AS is_own,
            run = {_RUN} AS is_of_now, lead(xid) OVER (ORDER BY id) AS next_xid
        FROM document_epoch
    )
"""  # noqa: S608  # made of our own parts
_FIND = f"""
    {_EPOCHS}
    SELECT token, event_id, (
        SELECT (e.next_xid IS NULL OR %(known)s::text::xid8 <= e.next_xid)
            AND (SELECT bool_and(later.is_own) FROM epoch later WHERE later.id >= e.id)
        FROM epoch e WHERE e.token = %(token)s::text
    ) IS TRUE
    FROM epoch WHERE next_xid IS NULL AND is_own AND is_of_now
"""  # noqa: S608  # made of our own parts
_BEGIN = f"""
    {_EPOCHS}
    INSERT INTO document_epoch (origin, run, event_id)
    SELECT {_ORIGIN}, {_RUN}, coalesce(
        (SELECT event_id FROM epoch WHERE next_xid IS NULL AND is_own),
        (SELECT max(id) FROM outbox), 0)
"""  # noqa: S608  # made of our own parts
_STATE = f"""
    {_EPOCHS}
    SELECT EXISTS (SELECT FROM epoch WHERE next_xid IS NULL AND is_own AND is_of_now),
        current_setting('transaction_read_only') = 'on'
"""  # noqa: S608  # made of our own parts
_LOCK = "LOCK TABLE document_epoch IN SHARE ROW EXCLUSIVE MODE"


def begin_on_connection(connection: BaseDatabaseWrapper, **_signal: object) -> None:
    """Begin the epoch of this run of the server, if nobody has, before a new connection is used.

    Whatever takes the server to another history ends all connections. So no change is written in a
    run whose epoch has not begun, however late the feed is read.
    """
    if connection.alias != DEFAULT_DB_ALIAS:
        return
    try:
        is_read_only = _begin_once(connection.connection)
    except pg_errors.UndefinedTable:
        return  # migrations have yet to come
    except psycopg.Error:
        connection.close()  # it would be used as it is
        raise
    if is_read_only:
        # A standby may become the server that is written to, without ending its connections.
        connection.close_at = 0


def _begin_once(raw: "psycopg.Connection[Any]") -> bool:
    """Begin the epoch where it has not begun, and tell whether nothing can be written."""
    has_begun, is_read_only = raw.execute(_STATE).fetchone() or (False, False)
    if has_begun or is_read_only:
        return bool(is_read_only)
    with raw.transaction():
        raw.execute(_LOCK)  # of many that connect at once, one begins it
        has_begun, _ = raw.execute(_STATE).fetchone() or (False, False)
        if not has_begun:
            raw.execute(_BEGIN)
    return False


def epoch_of(place: Place | None = None, token: str = "") -> Epoch:
    """Return the epoch of now, for a place that was told in the epoch of a token, if any."""
    values = {"token": token, "known": str(place.newest if place else 0)}
    row = sql.fetch_one(_FIND, values)
    if row is None:
        sql.execute(_BEGIN)
        row = sql.fetch_one(_FIND, values)
    if row is None:
        raise RuntimeError("no epoch of the change feed")  # the server began anew at this moment
    return Epoch(*row)
