"""Which attribute a field becomes, and its values with it."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from console.firebase import naming
from console.firebase import statistics as seen
from console.firebase.statistics import CollectionStatistics, FieldStatistics
from console.firebase.values import Binary, GeoPoint, Reference
from documents.attributes import ATTRIBUTE_TYPES, Attribute, is_over_budget
from documents.definitions import AttributeRequest
from kernel.clock import api_time

PARENT_KEY, SOURCE_KEY, OTHERS_KEY = "parentId", "firebaseId", "otherFields"
#: Short texts get room to grow; longer ones no limit that a document of Firestore could reach.
SHORT_BYTES, SHORT_SIZE = 128, 255
MAX_TEXT_BYTES = 32_768
ALWAYS_EMPTY = "always empty"
_WIDE = ("string", "email", "url")
#: Types that take any text. What is too long for one is told document by document.
_TEXTS = frozenset({"string", "varchar", "text", "mediumtext", "longtext"})
#: What other types take besides their own.
_ALSO: Mapping[str, frozenset[str]] = {
    "float": frozenset({"integer"}),
    "bigint": frozenset({"integer"}),
}

Convert = Callable[[Any], Any]
Pending = list[tuple[tuple[str, ...], FieldStatistics]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """An attribute, where in documents its values are, and how they get here.

    `note` says what is not as it was; `is_conflict` that values of several types come together.
    """

    place: tuple[str, ...]
    key: str
    type: str
    convert: Convert
    array: bool = False
    size: int = 0
    count: int = 0
    note: str = ""
    is_conflict: bool = False

    @property
    def request(self) -> AttributeRequest:
        return AttributeRequest(
            key=self.key, type=self.type, required=False, array=self.array, size=self.size
        )

    def value_of(self, fields: Mapping[str, Any]) -> Any:
        """Return what a document has for this attribute, None where it has nothing."""
        value: Any = fields
        for key in self.place:
            value = value.get(key) if isinstance(value, Mapping) else None
        return None if value is None else self.convert(value)


def columns_of(collection: CollectionStatistics) -> list[Column]:
    """Return the attributes of a collection, as many as it may have."""
    columns = _columns(collection, has_parts=True)
    if _is_too_much(columns):
        columns = [_widened(each) for each in columns]
    return _columns(collection, has_parts=False) if _is_too_much(columns) else columns


def _columns(collection: CollectionStatistics, *, has_parts: bool) -> list[Column]:
    """Return the attributes of a collection, those of plain fields first."""
    columns: list[Column] = []
    taken = {PARENT_KEY, SOURCE_KEY, OTHERS_KEY}
    pending: Pending = [((key,), field) for key, field in sorted(collection.fields.items())]
    while pending:
        deeper: Pending = []
        for place, field in pending:
            if has_parts and _is_structure(field):
                parts = sorted((field.keys or {}).items())
                deeper += [((*place, key), part) for key, part in parts]
                continue
            column = _column(place, naming.attribute_key(place, taken), field)
            if column is not None:
                taken.add(column.key)
                columns.append(column if has_parts else _widened(column))
        pending = deeper
    return columns


def _is_structure(field: FieldStatistics) -> bool:
    """Tell whether a field becomes one attribute for each part."""
    return field.kinds.keys() - {seen.NULL} == {seen.MAP} and bool(field.keys)


def _column(place: tuple[str, ...], key: str, field: FieldStatistics) -> Column | None:
    counts = {kind: count for kind, count in field.kinds.items() if kind != seen.NULL}
    kinds = frozenset(counts)
    if not kinds:
        return None
    if kinds == {seen.LIST}:
        column = _list_column(place, key, field.items)
    else:
        column = _single_column(place, key, field, kinds)
    return replace(column, count=sum(counts.values()))


def _list_column(place: tuple[str, ...], key: str, items: FieldStatistics | None) -> Column:
    kinds = frozenset(items.kinds) if items else frozenset()
    if items is None or not kinds:
        return Column(
            place=place,
            key=key,
            type="string",
            size=SHORT_SIZE,
            array=True,
            convert=_same,
            note=ALWAYS_EMPTY,
        )
    if kinds <= _LISTABLE:
        single = _single_column(place, key, items, kinds)
        if not single.is_conflict:
            convert = single.convert
            return replace(single, array=True, convert=partial(_each, convert))
    told = ", ".join(sorted(kinds))
    return _json_column(place, key, f"array of {told} as JSON text", is_conflict=len(kinds) > 1)


def _single_column(
    place: tuple[str, ...], key: str, field: FieldStatistics, kinds: frozenset[str]
) -> Column:
    if kinds == {seen.TEXT}:
        return _text_column(place, key, field)
    if kinds == {seen.REFERENCE}:
        return _reference_column(place, key, field)
    if kinds == {seen.BINARY}:
        type_, size = _room(field.longest)
        note = "bytes as base64"
        return Column(place=place, key=key, type=type_, size=size, convert=_base64, note=note)
    if kinds in _PLAIN:
        type_, convert, note = _PLAIN[kinds]
        return Column(place=place, key=key, type=type_, convert=convert, note=note)
    if kinds == {seen.MAP}:
        return _json_column(place, key, "map as JSON text", is_conflict=False)
    told = ", ".join(f"{field.kinds[kind]:,} {kind}" for kind in sorted(kinds))
    return _json_column(place, key, f"{told}: what is no text as JSON text", is_conflict=True)


def _text_column(place: tuple[str, ...], key: str, field: FieldStatistics) -> Column:
    if field.is_email or field.is_url:
        type_ = "email" if field.is_email else "url"
        return Column(place=place, key=key, type=type_, convert=_same)
    type_, size = _room(field.longest)
    return Column(place=place, key=key, type=type_, size=size, convert=_same)


def _reference_column(place: tuple[str, ...], key: str, field: FieldStatistics) -> Column:
    if len(field.targets) == 1:
        (target,) = field.targets
        note = f"reference as the id of a document in {naming.collection_id(target)}"
        convert: Convert = _referenced_id
    else:
        note, convert = "reference as collection/id", _referenced_place
    return Column(place=place, key=key, type="string", size=SHORT_SIZE, convert=convert, note=note)


def _json_column(place: tuple[str, ...], key: str, note: str, *, is_conflict: bool) -> Column:
    return Column(
        place=place,
        key=key,
        type="mediumtext",
        convert=json_text,
        note=note,
        is_conflict=is_conflict,
    )


def _room(longest: int) -> tuple[str, int]:
    if longest <= SHORT_BYTES:
        return "string", SHORT_SIZE
    return ("text" if longest <= MAX_TEXT_BYTES else "mediumtext"), 0


def fitted(column: Column, known: Attribute) -> Column | None:
    """Return a column whose values are those of an attribute that exists, None if none can be."""
    own = replace(column, type=known.type, array=known.array, size=known.size)
    if known.array == column.array:
        if column.type == known.type or column.type in _ALSO.get(known.type, ()):
            return own
        if known.type in _TEXTS:
            return own if _is_text(column) else replace(own, convert=_as_text(column))
        return own if column.note == ALWAYS_EMPTY else None
    if known.array or known.type not in _TEXTS:
        return None
    return replace(own, convert=json_text)


def _is_text(column: Column) -> bool:
    return column.type in _TEXTS or column.type in _WIDE


def _as_text(column: Column) -> Convert:
    return partial(_each, json_text) if column.array else json_text


def type_text(attribute: Column | Attribute) -> str:
    return f"{attribute.type}[]" if attribute.array else attribute.type


def _is_too_much(columns: Sequence[Column]) -> bool:
    return is_over_budget(
        [
            Attribute(
                key=each.key,
                type=each.type,
                name=each.key,
                array=each.array,
                size=ATTRIBUTE_TYPES[each.type].fixed_size or each.size,
            )
            for each in (*columns, *OWN_COLUMNS)
        ]
    )


def _widened(column: Column) -> Column:
    """Let a short text become a long one, which lies outside the row."""
    return replace(column, type="text", size=0) if column.type in _WIDE else column


def json_text(value: Any) -> str:
    """Return a text as it is, and any other value as JSON."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value, default=plain).decode()


def plain(value: Any) -> Any:
    """Return what stands in JSON for a value that JSON does not know."""
    match value:
        case GeoPoint():
            return {"latitude": value.latitude, "longitude": value.longitude}
        case Reference():
            return _referenced_place(value)
        case Binary():
            return value.base64
    raise TypeError(f"{type(value)} is no value of Firestore")


def _each(convert: Convert, value: list[Any]) -> list[Any]:
    return [convert(each) for each in value]


def _same(value: Any) -> Any:
    return value


def _base64(value: Binary) -> str:
    base64.b64decode(value.base64, validate=True)
    return value.base64


def _time(value: datetime) -> str:
    return api_time(value)


def _point(value: GeoPoint) -> list[float]:
    return [value.longitude, value.latitude]


def _referenced_id(value: Reference) -> str:
    return naming.document_id(value.path)


def _referenced_place(value: Reference) -> str:
    collection = naming.collection_id(naming.pattern_of(value.path))
    return f"{collection}/{naming.document_id(value.path)}"


_PLAIN: Mapping[frozenset[str], tuple[str, Convert, str]] = {
    frozenset({seen.BOOLEAN}): ("boolean", _same, ""),
    frozenset({seen.INTEGER}): ("integer", _same, ""),
    frozenset({seen.FLOAT}): ("float", _same, ""),
    frozenset({seen.INTEGER, seen.FLOAT}): ("float", _same, "whole and floating numbers"),
    frozenset({seen.TIME}): ("datetime", _time, ""),
    frozenset({seen.POINT}): ("point", _point, ""),
}
#: What collections get beside the fields of their documents, where they need it.
OWN_COLUMNS = tuple(
    Column(place=(), key=key, type=type_, size=size, convert=_same)
    for key, type_, size in (
        (PARENT_KEY, "string", SHORT_SIZE),
        (SOURCE_KEY, "text", 0),
        (OTHERS_KEY, "mediumtext", 0),
    )
)
#: Lists of points are not offered, nor lists within lists.
_LISTABLE = frozenset(
    {seen.BOOLEAN, seen.INTEGER, seen.FLOAT, seen.TEXT, seen.TIME, seen.REFERENCE, seen.BINARY}
)
