"""Hand-written statements, on Django's own connection of this thread.

The driver prepares what comes again (settings: `prepare_threshold`). A statement on documents names
the table of its collection, so where there are thousands most do not: preparing each of them, and
dropping another one for it, would cost two round trips every time.
"""

import select
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, LiteralString, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections
from psycopg import Connection, Cursor, adapters
from psycopg import Error as PgError
from psycopg.abc import Loader
from psycopg.pq import Format
from psycopg.sql import Composed

from kernel.arrays import TextListDumper

Result = TypeVar("Result")
Row = tuple[Any, ...]
Statement = LiteralString | Composed
Parameters = Sequence[Any] | Mapping[str, Any]
# The driver's own reads times in C. Django's, which the connection has, does so in Python.
_TIME_LOADER = cast(
    "type[Loader]", adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)
)


def fetch_all(statement: Statement, parameters: Parameters = ()) -> list[Row]:
    """Run a statement and return its rows."""
    return _run(statement, parameters, lambda cursor: cursor.fetchall())


def fetch_one(statement: Statement, parameters: Parameters = ()) -> Row | None:
    """Run a statement and return its first row."""
    return _run(statement, parameters, lambda cursor: cursor.fetchone())


def execute(statement: Statement, parameters: Parameters = ()) -> int:
    """Run a statement and return how many rows it touched."""
    return _run(statement, parameters, lambda cursor: cursor.rowcount)


def drop_dead_connection(**_signal: object) -> None:
    """Have the next statement of this thread connect anew when its server has gone meanwhile.

    Between two requests or jobs nothing was sent, so a write loses nothing by it. A connection
    that waits has nothing to read, unless its end has come: one system call tells. One that had
    an error is tried first, as Django does.
    """
    database = connections[DEFAULT_DB_ALIAS]
    raw = database.connection
    if raw is None or database.in_atomic_block:
        return
    if raw.closed or has_something_to_read(raw.fileno()):
        database.close()
    else:
        database.close_if_unusable_or_obsolete()


def has_something_to_read(descriptor: int) -> bool:
    """Tell whether bytes, or the end, have come on a connection."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))


def violated_constraint(error: IntegrityError) -> str:
    """Return the name of the constraint a write broke, empty when the database did not say."""
    cause = error.__cause__
    return (cause.diag.constraint_name or "") if isinstance(cause, PgError) else ""


@contextmanager
def together() -> Iterator[None]:
    """Run the statements of the body in one transaction, without a round trip for its ends.

    They go out in a row; only reading a result waits. Inside a transaction they just run in it.
    """
    connection.ensure_connection()
    joined = nullcontext() if connection.in_atomic_block else connection.connection.pipeline()
    with connection.wrap_database_errors, joined:
        yield


def _run(
    statement: Statement, parameters: Parameters, take: Callable[[Cursor[Row]], Result]
) -> Result:
    """Run on the driver's own cursor: Django's costs 60 microseconds more and prepares nothing.

    `connection.cursor()` would be of Django's class, which binds on the client.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is None:
        database.ensure_connection()
    with database.wrap_database_errors:
        if not database.execute_wrappers:
            cursor = _cursor(database.connection)
            cursor.execute(statement, parameters)
            return take(cursor)
        cursor = _new_cursor(database.connection)
        run: Callable[..., Any] = _execute
        for wrapper in reversed(database.execute_wrappers):
            run = partial(wrapper, run)
        run(statement, parameters, False, {"connection": connection, "cursor": cursor})
        return take(cursor)


def _execute(statement: Statement, parameters: Parameters, many: bool, context: Any) -> None:
    context["cursor"].execute(statement, parameters)


class _Cursors(threading.local):
    """The cursor that a thread uses again and again."""

    last: Cursor[Row] | None = None


_cursors = _Cursors()


def _cursor(raw: Connection[Row]) -> Cursor[Row]:
    last = _cursors.last
    if last is not None and last.connection is raw and not raw.pgconn.pipeline_status:
        return last
    cursor = _new_cursor(raw)
    if not raw.pgconn.pipeline_status:  # there a cursor's results wait until somebody reads them
        _cursors.last = cursor
    return cursor


def _new_cursor(raw: Connection[Row]) -> Cursor[Row]:
    cursor = Cursor(raw)
    cursor.adapters.register_loader("timestamptz", _TIME_LOADER)
    cursor.adapters.register_dumper(list, TextListDumper)
    return cursor
