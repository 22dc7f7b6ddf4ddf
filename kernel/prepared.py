"""Statements that the driver has prepared, each in one blocking call of the C library.

The driver's cursors send, wait and read in calls of their own, and let go of the interpreter at
each of them. Where many threads want it, each time costs a change of threads; here there is one.
No signal interrupts the call: it is for statements that requests wait for, which the server ends
by itself (`statement_timeout`).
"""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, Cursor, Error, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

Row = tuple[Any, ...]

_DONE = ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK
#: What is prepared does not fit the tables of now, or is gone: it would fail each time.
_OUTDATED = FeatureNotSupported, InvalidSqlStatementName


class Answer:
    """What a statement gave, to be read as from a cursor."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        self.rowcount = rowcount
        self._rows = rows

    def fetchall(self) -> list[Row]:
        return self._rows

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None


class Prepared:
    """The statements that a connection has prepared, for values and results as a cursor's."""

    def __init__(self, cursor: Cursor[Row]) -> None:
        self.raw: Connection[Row] = cursor.connection
        self._values = Transformer(cursor)
        # The driver's own, so that it is never asked for what the driver has dropped.
        self._names = self.raw._prepared._names

    def run(self, text: bytes, values: Sequence[Any]) -> Answer | None:
        """Run a statement with numbered places; give nothing where it is not prepared.

        Raises:
            Error: The server refuses it, or is gone.
        """
        dumped: Any = self._values.dump_sequence(values, [PyFormat.AUTO] * len(values))
        key = text, self._values.types or ()
        name = self._names.get(key)
        if name is None:
            return None
        self._names.move_to_end(key)
        formats = self._values.formats or []
        result = self.raw.pgconn.exec_prepared(name, dumped, formats, Format.TEXT)
        if result.status not in _DONE:
            error = self._error(result)
            if isinstance(error, _OUTDATED):
                del self._names[key]
            raise error
        if result.status == ExecStatus.COMMAND_OK:
            return Answer([], result.command_tuples or 0)
        self._values.set_pgresult(result)
        rows = self._values.load_rows(0, result.ntuples, tuple)
        return Answer(rows, len(rows))

    def _error(self, result: PGresult) -> Error:
        encoding = self.raw.info.encoding
        if self.raw.pgconn.status == ConnStatus.BAD:
            return OperationalError(result.get_error_message(encoding))
        return error_from_result(result, encoding)
