"""Hand-written statements, on Django's own connection of this thread.

The driver prepares what comes again (settings: `prepare_threshold`). A statement on documents names
the table of its collection, so where there are thousands most do not: preparing each of them, and
dropping another one for it, would cost two round trips every time. What is long is never prepared:
each connection would keep the texts of the last hundred.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, LiteralString, NamedTuple, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, DatabaseError, IntegrityError, connection, connections
from psycopg import Connection, Cursor, RawCursor, adapters
from psycopg import Error as PgError
from psycopg.abc import Loader
from psycopg.errors import DiskFull, ReadOnlySqlTransaction
from psycopg.pq import Format, TransactionStatus
from psycopg.sql import Composed

from kernel.arrays import TextListDumper
from kernel.descriptors import has_something_to_read
from kernel.prepared import Answer, Prepared

MAX_PREPARED_BYTES = 16 * 1024

Result = TypeVar("Result")
Row = tuple[Any, ...]


class Numbered(NamedTuple):
    """A statement as PostgreSQL reads it, with `$1` for the first of some names, and so on.

    The driver translates a text with named places each time it has not met it lately.
    """

    text: bytes
    names: tuple[str, ...]

    def replace(self, old: str, new: str) -> "Numbered":
        return Numbered(self.text.replace(old.encode(), new.encode()), self.names)

    def named(self) -> LiteralString:
        """Return the text with named places."""

        def name(place: re.Match[str]) -> str:
            return f"%({self.names[int(place[1]) - 1]})s" if place[1] else "%%"

        return _NUMBERS.sub(name, self.text.decode())


Statement = LiteralString | Composed | Numbered
Parameters = Sequence[Any] | Mapping[str, Any]
# The driver's own reads times in C. Django's, which the connection has, does so in Python.
_TIME_LOADER = cast(
    "type[Loader]", adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)
)
_NAMES = re.compile(r"%(?:\((\w+)\)s|%)")
_NUMBERS = re.compile(r"\$(\d+)|%")


def numbered(statement: LiteralString) -> Numbered:
    """Number the places of a statement that names them all."""
    names: dict[str, int] = {}

    def number(place: re.Match[str]) -> str:
        return f"${names.setdefault(place[1], len(names) + 1)}" if place[1] else "%"

    text = _NAMES.sub(number, statement)
    return Numbered(text.encode(), tuple(names))


def fetch_all(statement: Statement, parameters: Parameters = ()) -> list[Row]:
    """Run a statement and return its rows."""
    return _run(statement, parameters, lambda answer: answer.fetchall())


def fetch_one(statement: Statement, parameters: Parameters = ()) -> Row | None:
    """Run a statement and return its first row."""
    return _run(statement, parameters, lambda answer: answer.fetchone())


def execute(statement: Statement, parameters: Parameters = ()) -> int:
    """Run a statement and return how many rows it touched."""
    return _run(statement, parameters, lambda answer: answer.rowcount)


def note(statement: Statement, parameters: Parameters = ()) -> None:
    """Run a write that its reader can do without: where the database takes none, it is left.

    Not inside a transaction, which a refused write spoils.
    """
    try:
        execute(statement, parameters)
    except DatabaseError as error:
        is_left = isinstance(error.__cause__, (DiskFull, ReadOnlySqlTransaction))
        if connection.in_atomic_block or not is_left:
            raise


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
    statement: Statement, parameters: Parameters, take: Callable[[Cursor[Row] | Answer], Result]
) -> Result:
    """Run on the driver's own cursor: Django's costs 60 microseconds more and prepares nothing.

    `connection.cursor()` would be of Django's class, which binds on the client. What comes most
    does without a cursor as well.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is None:
        database.ensure_connection()
    with database.wrap_database_errors:
        if database.execute_wrappers:
            return take(_run_wrapped(statement, parameters))
        if not isinstance(statement, Numbered):
            cursor = _cursor(database.connection, _cursors)
            _send(cursor, _text(statement, database.connection), parameters)
            return take(cursor)
        values = cast("Mapping[str, Any]", parameters)
        given = [values[name] for name in statement.names]
        answer = _run_prepared(database.connection, statement.text, given)
        if answer is not None:
            return take(answer)
        cursor = _cursor(database.connection, _raw_cursors)
        _send(cursor, statement.text, given)
        return take(cursor)


def _run_wrapped(statement: Statement, parameters: Parameters) -> Cursor[Row]:
    if isinstance(statement, Numbered):
        statement = statement.named()
    cursor = _new_cursor(connection.connection, Cursor)
    run: Callable[..., Any] = _execute
    for wrapper in reversed(connection.execute_wrappers):
        run = partial(wrapper, run)
    run(statement, parameters, False, {"connection": connection, "cursor": cursor})
    return cursor


def _run_prepared(raw: Connection[Row], text: bytes, values: Sequence[Any]) -> Answer | None:
    """Run a prepared statement, unless there is more to send than that."""
    if raw.pgconn.pipeline_status:
        return None
    if not raw.autocommit and raw.pgconn.transaction_status != TransactionStatus.INTRANS:
        return None
    prepared = _own.prepared
    if prepared is None or prepared.raw is not raw:
        prepared = _own.prepared = Prepared(_new_cursor(raw, RawCursor))
    return prepared.run(text, values)


def _text(statement: LiteralString | Composed, raw: Connection[Row]) -> LiteralString | bytes:
    return statement.as_bytes(raw) if isinstance(statement, Composed) else statement


def _send(cursor: Cursor[Row], text: LiteralString | bytes, parameters: Parameters) -> None:
    if len(text) <= MAX_PREPARED_BYTES:
        cursor.execute(text, parameters)
        return
    # With `prepare=False` the driver keeps the text all the same, to count how often it comes.
    raw = cursor.connection
    threshold, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        cursor.execute(text, parameters)
    finally:
        raw.prepare_threshold = threshold


def _execute(
    statement: LiteralString | Composed, parameters: Parameters, many: bool, context: Any
) -> None:
    cursor = context["cursor"]
    _send(cursor, _text(statement, cursor.connection), parameters)


class _Cursors(threading.local):
    """The cursor of a class that a thread uses again and again."""

    def __init__(self, made: type[Cursor[Row]]) -> None:
        self.made = made
        self.last: Cursor[Row] | None = None


class _Own(threading.local):
    """What a thread knows of its connection."""

    prepared: Prepared | None = None


_own = _Own()
_cursors = _Cursors(Cursor)
_raw_cursors = _Cursors(RawCursor)


def _cursor(raw: Connection[Row], cursors: _Cursors) -> Cursor[Row]:
    last = cursors.last
    if last is not None and last.connection is raw and not raw.pgconn.pipeline_status:
        return last
    cursor = _new_cursor(raw, cursors.made)
    if not raw.pgconn.pipeline_status:  # there a cursor's results wait until somebody reads them
        cursors.last = cursor
    return cursor


def _new_cursor(raw: Connection[Row], made: type[Cursor[Row]]) -> Cursor[Row]:
    cursor = made(raw)
    cursor.adapters.register_loader("timestamptz", _TIME_LOADER)
    cursor.adapters.register_dumper(list, TextListDumper)
    return cursor
