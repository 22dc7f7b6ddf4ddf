"""Documents as lines of text: JSON lines and CSV, read and written one at a time.

Only texts are texts in CSV. Every other value is JSON, and so is a text that begins with a double
quote: an empty cell is no value, and `""` within the cell an empty text. In a column for a
field without an attribute, a cell that is no JSON is a text.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from documents.attributes import Attribute, is_field_key
from documents.catalog import CollectionSchema
from documents.relations import (
    CHILD,
    MANY_TO_MANY,
    MANY_TO_ONE,
    ONE_TO_MANY,
    ONE_TO_ONE,
    PARENT,
    Relation,
)
from documents.values import CREATED_AT, READ_ONLY, UPDATED_AT, SentDocument
from kernel.fields import custom_id, permissions
from kernel.limits import MAX_RECORD_BYTES
from kernel.payloads import check_values
from kernel.permissions import ITEM_ACTIONS

JSON_LINES, CSV = "jsonl", "csv"
FORMATS = (JSON_LINES, CSV)
CONTENT_TYPES = {JSON_LINES: "application/x-ndjson", CSV: "text/csv; charset=utf-8"}
SYSTEM_COLUMNS = ("$id", "$sequence", CREATED_AT, UPDATED_AT, "$permissions")
#: The column of a CSV file that holds the fields without an attribute, as one object.
FIELDS = "$fields"
_TEXTS = frozenset({*READ_ONLY, CREATED_AT, UPDATED_AT}) - {"$permissions"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTE = '"'
_JSON = ('"', "[", "{")

#: The sides of two-way relationships that files tell the links of: each link once.
_TOLD = frozenset(
    {(ONE_TO_ONE, PARENT), (ONE_TO_MANY, CHILD), (MANY_TO_ONE, PARENT), (MANY_TO_MANY, PARENT)}
)

_permissions = permissions(ITEM_ACTIONS)
csv.field_size_limit(MAX_RECORD_BYTES)


class UnknownColumnError(ValueError):
    """A column of a CSV file that the collection does not have, or that comes twice."""


@dataclass(frozen=True, slots=True)
class Record:
    """A document as it stands in line `line` of a file, and how many bytes it took."""

    line: int
    document: SentDocument
    size: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that holds no document, and why."""

    line: int
    reason: str


Reader = Callable[[Iterable[bytes], CollectionSchema], Iterator[Record | Fault]]


def told_relations(schema: CollectionSchema) -> dict[str, Relation]:
    """Return the relationships of a collection whose links its files hold, as ids."""
    return {
        key: relation
        for key, relation in schema.relations.items()
        if not relation.two_way or (relation.type, relation.side) in _TOLD
    }


def sent_document(value: object) -> SentDocument:
    """Read a document with its id and its permissions, both of which may be left out.

    Raises:
        ValueError: It is no such thing; the text says why.
    """
    if not isinstance(value, Mapping):
        raise ValueError("Value must be a valid object")
    data = dict(value)
    uid, granted = data.pop("$id", None), data.pop("$permissions", None)
    return SentDocument(
        uid="" if uid is None else custom_id(uid),
        data=data,
        permissions=None if granted is None else _permissions(granted),
    )


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream into lines with their ends, of which none is kept whole that is too long.

    Of such a one comes its beginning, one byte more than a record may have.
    """
    rest = b""
    is_first, is_cut = True, False
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if not is_cut:
                yield _without_mark(line, is_first=is_first)[: MAX_RECORD_BYTES + 1] + b"\n"
            is_first, is_cut = False, False
        if len(rest) > MAX_RECORD_BYTES:
            if not is_cut:
                yield rest[: MAX_RECORD_BYTES + 1]
            rest, is_cut = b"", True
    if rest and not is_cut:
        yield _without_mark(rest, is_first=is_first)


def _without_mark(line: bytes, *, is_first: bool) -> bytes:
    return line.removeprefix(_BYTE_ORDER_MARK) if is_first else line


def read_json_lines(texts: Iterable[bytes], _schema: CollectionSchema) -> Iterator[Record | Fault]:
    """Read a JSON object from each line; empty ones are passed over."""
    for number, text in enumerate(texts, start=1):
        if text.isspace():
            continue
        if len(text) > MAX_RECORD_BYTES:
            yield Fault(number, _too_long())
            continue
        try:
            check_values(text)
            yield Record(number, sent_document(orjson.loads(text)), len(text))
        except orjson.JSONDecodeError:
            yield Fault(number, "The line is not valid JSON.")
        except ValueError as error:
            yield Fault(number, str(error))


def read_csv(texts: Iterable[bytes], schema: CollectionSchema) -> Iterator[Record | Fault]:
    """Read documents from CSV whose first line names the columns.

    Raises:
        UnknownColumnError: The collection has no such attribute.
    """
    # What is not UTF-8 is found out when the cells are known.
    rows = csv.reader((each.decode("utf-8", "surrogateescape") for each in texts), strict=True)
    columns = _columns(rows, schema)
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Fault(line, f"The line is not valid CSV: {error}.")
            continue
        if row:
            yield _csv_record(line, row, columns, schema)


READERS: Mapping[str, Reader] = {JSON_LINES: read_json_lines, CSV: read_csv}


def _columns(rows: Iterator[list[str]], schema: CollectionSchema) -> list[str]:
    try:
        columns = next(rows, [])
    except csv.Error as error:
        raise UnknownColumnError(f"The first line is not valid CSV: {error}") from None
    known = {*schema.attributes, *schema.relations, *SYSTEM_COLUMNS, *READ_ONLY}
    for place, column in enumerate(columns):
        is_free = schema.is_schemaless and (column == FIELDS or is_field_key(column))
        if column not in known and not is_free:
            name = column[:64].encode("utf-8", "replace").decode()
            raise UnknownColumnError(f'The collection has no attribute for the column "{name}"')
        if column in columns[:place]:
            raise UnknownColumnError(f'The column "{column}" comes twice')
    return columns


def _csv_record(
    line: int, row: Sequence[str], columns: Sequence[str], schema: CollectionSchema
) -> Record | Fault:
    if len(row) != len(columns):
        return Fault(line, f"The line has {len(row)} cells, the first one {len(columns)}.")
    try:
        size = sum(len(cell.encode()) for cell in row)
    except UnicodeEncodeError:
        return Fault(line, "The line is not valid UTF-8.")
    if size > MAX_RECORD_BYTES:
        return Fault(line, _too_long())
    try:
        values = {
            column: _read_cell(column, cell, schema)
            for column, cell in zip(columns, row, strict=True)
            if cell
        }
        fields = values.pop(FIELDS, {})
        if not isinstance(fields, dict):
            raise ValueError(f'The cell of the column "{FIELDS}" is not an object.')
        return Record(line, sent_document({**fields, **values}), size)
    except ValueError as error:
        return Fault(line, str(error))


def _read_cell(column: str, cell: str, schema: CollectionSchema) -> Any:
    is_text = column in _TEXTS or column in schema.relations
    attribute = schema.attributes.get(column)
    if attribute is not None:
        is_text = _is_text(attribute)
    # An id begins with none of what a list or an object of a relationship does.
    if is_text and not cell.startswith(_QUOTE if column not in schema.relations else _JSON):
        return cell
    try:
        check_values(cell.encode())
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        pass
    if is_text or (attribute is not None and attribute.is_free):
        return cell
    word = cell.strip().lower()  # as spreadsheets write truth values
    if word in ("true", "false"):
        return word == "true"
    raise ValueError(f'The cell of the column "{column}" is not valid JSON.')


def _is_text(attribute: Attribute) -> bool:
    return not attribute.array and attribute.kind.cast == "text"


def _too_long() -> str:
    return f"The line is longer than {MAX_RECORD_BYTES:,} bytes."


class JsonLinesWriter:
    """Writes documents as JSON lines."""

    def __init__(self, _schema: CollectionSchema) -> None:
        self.head = b""

    def write(self, outputs: Iterable[Mapping[str, Any]]) -> bytes:
        return b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in outputs)


class CsvWriter:
    """Writes documents as CSV (RFC 4180); `head` is the line that names the columns."""

    def __init__(self, schema: CollectionSchema) -> None:
        links = told_relations(schema)
        self._columns: tuple[str, ...] = (*SYSTEM_COLUMNS, *schema.attributes, *links)
        self._has_fields = schema.is_schemaless
        self._texts = {key for key, each in schema.attributes.items() if _is_text(each)} | _TEXTS
        self._texts |= {key for key, relation in links.items() if not relation.is_list}
        self._known = {*self._columns, *READ_ONLY}
        self.head = _csv_lines([(*self._columns, FIELDS) if self._has_fields else self._columns])

    def write(self, outputs: Iterable[Mapping[str, Any]]) -> bytes:
        return _csv_lines(
            [
                *(self._cell(column, each.get(column)) for column in self._columns),
                *self._fields(each),
            ]
            for each in outputs
        )

    def _fields(self, output: Mapping[str, Any]) -> list[str]:
        if not self._has_fields:
            return []
        fields = {key: value for key, value in output.items() if key not in self._known}
        return [orjson.dumps(fields).decode() if fields else ""]

    def _cell(self, column: str, value: Any) -> str:
        if value is None:
            return ""
        if column in self._texts and value and not value.startswith(_QUOTE):
            return str(value)
        return orjson.dumps(value).decode()


Writer = JsonLinesWriter | CsvWriter
WRITERS: Mapping[str, type[JsonLinesWriter] | type[CsvWriter]] = {
    JSON_LINES: JsonLinesWriter,
    CSV: CsvWriter,
}


def _csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
