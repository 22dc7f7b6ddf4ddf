"""The data of a document as clients send it, checked and turned into what its row holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from documents import attributes, operators
from documents.attributes import Attribute, OpenAttributes, StructureError
from documents.operators import Operation
from kernel import clock, ids

CREATED_AT, UPDATED_AT = "$createdAt", "$updatedAt"
#: Entries of answers that clients send back, and that no write can change.
READ_ONLY = frozenset(
    {"$id", "$sequence", "$databaseId", "$collectionId", "$tableId", "$permissions"}
)
_SYSTEM = READ_ONLY | {CREATED_AT, UPDATED_AT}


@dataclass(frozen=True, slots=True)
class SentDocument:
    """One of several documents that are sent together. Without permissions it keeps those it has.

    The id may be empty, for one to be made up.
    """

    uid: str
    data: Mapping[str, Any]
    permissions: list[str] | None


@dataclass(frozen=True, slots=True)
class Values:
    """What a write sets: values by stored name, names that lose theirs, and the times, if any.

    Operations are done to what is stored.
    """

    set: Mapping[str, Any]
    dropped: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None


def with_ids(documents: Sequence[SentDocument]) -> list[SentDocument]:
    """Return the documents with an id each, made up where none was sent."""
    made = iter(ids.unique_ids(sum(each.uid in ("", ids.UNIQUE_ID) for each in documents)))
    return [
        SentDocument(next(made), each.data, each.permissions)
        if each.uid in ("", ids.UNIQUE_ID)
        else each
        for each in documents
    ]


def new_values(
    schema: Mapping[str, Attribute],
    data: Mapping[str, Any],
    *,
    keeps_times: bool,
    has_operators: bool = False,
) -> Values:
    """Check the data of a new document; defaults stand in for what is missing or null.

    `keeps_times` says whether the times in the data count, `has_operators` whether operators are
    more than texts.

    Raises:
        StructureError: The data does not fit the attributes.
    """
    sent = changed_values(
        schema, data, keeps_times=keeps_times, has_operators=has_operators, is_new=True
    )
    values = dict(sent.set)
    operated = {operation.attribute.name for operation in sent.operations}
    for attribute in schema.values():
        if attribute.name in values:
            continue
        if attribute.default is not None:
            values[attribute.name] = attribute.default
        elif attribute.required and attribute.name not in operated:
            raise attributes.missing(attribute)
    return Values(values, (), sent.operations, sent.created_at, sent.updated_at)


def changed_values(
    schema: Mapping[str, Attribute],
    data: Mapping[str, Any],
    *,
    keeps_times: bool,
    has_operators: bool = True,
    is_new: bool = False,
) -> Values:
    """Check the data of a change: only what it names, where null takes a value away.

    Raises:
        StructureError: The data does not fit the attributes.
    """
    if isinstance(schema, OpenAttributes):
        schema.check(data, ignored=_SYSTEM)
    values: dict[str, Any] = {}
    dropped: list[str] = []
    operations: list[Operation] = []
    times: dict[str, datetime] = {}
    for key, value in data.items():
        if key in READ_ONLY:
            continue
        if key in (CREATED_AT, UPDATED_AT):
            if keeps_times and value is not None:
                times[key] = _time(key, value)
            continue
        attribute = schema.get(key)
        if attribute is None:
            raise attributes.unknown(key)
        operator = operators.find_operator(value) if has_operators else None
        if operator is not None:
            operations.append(operators.read_operation(attribute, *operator))
        elif value is not None:
            values[attribute.name] = attributes.stored_value(attribute, value)
        elif attribute.required and not is_new:
            raise attributes.missing(attribute)
        else:
            dropped.append(attribute.name)
    return Values(
        values,
        tuple(dropped),
        tuple(operations),
        times.get(CREATED_AT),
        times.get(UPDATED_AT),
    )


def _time(key: str, value: Any) -> datetime:
    try:
        return clock.parse_time(value if isinstance(value, str) else "")
    except ValueError:
        raise StructureError(
            f'Invalid document structure: Attribute "{key}" has invalid type.'
            " Value must be valid date between 1000-01-01 00:00:00 and 9999-12-31 23:59:59."
        ) from None
