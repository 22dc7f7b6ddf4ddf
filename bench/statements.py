"""What one request says to PostgreSQL: read from the wire, and written down for pgbench."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from django.db import connection
from psycopg import ClientCursor, NotSupportedError
from psycopg.pq import Trace
from psycopg.sql import Composable

from bench import inside
from bench.plan import RefusedError
from bench.requests import Request, fresh_value
from gateway.wsgi import Handler

# By then every cache of the application is filled, and every statement is a prepared one.
WARM_UP_ROUNDS = 8

_SENT = "F\t"  # how a traced message of the client begins
_STATEMENTS = frozenset({"Execute", "Query"})
_ROUND_TRIPS = frozenset({"Sync", "Query"})


@dataclass(frozen=True, slots=True)
class Traffic:
    """One request's statements (BEGIN and COMMIT are two of them), round trips and SQL.

    `document_id` is the id in the answer and `value` the fresh one sent; the SQL holds both.
    """

    statements: int
    round_trips: int
    sql: tuple[str, ...]
    document_id: str
    value: str


@dataclass(slots=True)
class Recorder:
    """Writes down the statements of Django's connection, with their values in them."""

    sql: list[str] = field(default_factory=list)
    in_transaction: bool = False

    def __call__(self, run: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        self._follow(connection.in_atomic_block)
        self.sql.append(_with_values(statement, parameters))
        return run(statement, parameters, many, context)

    def finish(self) -> tuple[str, ...]:
        self._follow(in_transaction=False)
        return tuple(self.sql)

    def _follow(self, in_transaction: bool) -> None:
        if in_transaction != self.in_transaction:
            self.sql.append("BEGIN" if in_transaction else "COMMIT")
            self.in_transaction = in_transaction


def _with_values(statement: Any, parameters: Any) -> str:
    raw = connection.connection
    if isinstance(statement, Composable):
        statement = statement.as_string(raw)
    return ClientCursor(raw).mogrify(statement, parameters) if parameters else str(statement)


def watch(request: Request, prefix: str) -> Traffic:
    """Answer a request in this process, and return what it said to the database.

    Raises: RefusedError when it fails.
    """
    for _ in range(WARM_UP_ROUNDS):
        _send(request.with_value(fresh_value()), prefix)
    with _wire() as kinds:
        _send(request.with_value(fresh_value()), prefix)
    recorder, value = Recorder(), fresh_value()
    with connection.execute_wrapper(recorder):
        answer = _send(request.with_value(value), prefix)
    return Traffic(
        statements=sum(kind in _STATEMENTS for kind in kinds),
        round_trips=sum(kind in _ROUND_TRIPS for kind in kinds),
        sql=recorder.finish(),
        document_id=answer.get("$id", ""),
        value=value,
    )


@contextmanager
def _wire() -> Iterator[list[str]]:
    """Have libpq write down the connection's messages; the list has their kinds at the end.

    Raises: RefusedError where libpq cannot (elsewhere than on Linux).
    """
    connection.ensure_connection()
    channel = connection.connection.pgconn
    kinds: list[str] = []
    with tempfile.TemporaryFile("w+") as log:
        try:
            channel.trace(log.fileno())
        except NotSupportedError as error:
            raise RefusedError("statements can be counted on Linux only.") from error
        channel.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield kinds
        finally:
            channel.untrace()
        log.seek(0)
        kinds += [line.split("\t")[2].strip() for line in log if line.startswith(_SENT)]


def _send(request: Request, prefix: str) -> dict[str, Any]:
    status, body = inside.answer(_handler(), inside.environ(request, prefix))
    if status >= 400:
        raise RefusedError(f"{request.method} {request.path}: {body.decode()}")
    answer: dict[str, Any] = orjson.loads(body) if body else {}
    return answer


@cache
def _handler() -> Handler:
    return Handler()
