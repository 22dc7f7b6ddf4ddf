"""Indexes of collections: their JSON form, and the expression indexes they are in the database."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from django.db import connection, transaction
from django.db.utils import DatabaseError
from psycopg import errors as pg_errors
from psycopg import sql as psql

from documents import attributes as attribute_types
from documents import partitions
from documents.attributes import AVAILABLE, PROCESSING, Attribute
from kernel import clock, sql

KEY = "key"
UNIQUE = "unique"
FULLTEXT = "fulltext"
SPATIAL = "spatial"
TRIGRAM = "trigram"
OFFERED_TYPES = (KEY, UNIQUE, FULLTEXT, SPATIAL, TRIGRAM)
_METHODS: Mapping[str, LiteralString] = {FULLTEXT: "gin", SPATIAL: "gist", TRIGRAM: "gin"}
_FORMS: Mapping[str, Callable[[psql.Composable], psql.Composed]] = {
    FULLTEXT: attribute_types.words,
    SPATIAL: attribute_types.box,
    TRIGRAM: attribute_types.trigrams,
}

MAX_INDEXES = 64
MAX_INDEX_ATTRIBUTES = 32
MAX_INDEX_LENGTH = 768
ASCENDING = "asc"

#: System attributes that indexes may be on, and their columns, which are never null.
SYSTEM_COLUMNS: Final = {"$id": "uid", "$createdAt": "created_at", "$updatedAt": "updated_at"}
ID_LENGTH = 36

#: How the names begin of those indexes of a partition that collections list.
OWN_INDEXES = "ix_"
LOCK_SPACE = 0x5157_4E04
_STATE = (
    "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.oid = to_regclass(%s)"
)
_CREATE = psql.SQL("CREATE {unique}INDEX {how}{name} ON {partition} USING {method} ({columns})")
_DROP = psql.SQL("DROP INDEX {how}IF EXISTS {name}")


_HAS_TRIGRAMS = (
    "SELECT EXISTS (SELECT FROM pg_opclass"
    " WHERE opcname = 'gin_trgm_ops' AND pg_opclass_is_visible(oid)),"
    " EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')"
)
_ADD_TRIGRAMS = psql.Composed([psql.SQL("CREATE EXTENSION IF NOT EXISTS pg_trgm")])
#: What is missing where an index of trigrams cannot be made.
NO_TRIGRAMS = (
    "Indexes of type trigram need the extension pg_trgm, which this database does not have and"
    " cannot be given: install it (Debian: postgresql-contrib), and run"
    " CREATE EXTENSION pg_trgm as a superuser."
)


#: How the database says that it lacks an extension, or does not let this role add it.
_MISSING = (
    pg_errors.FeatureNotSupported,
    pg_errors.InsufficientPrivilege,
    pg_errors.UndefinedFile,
    pg_errors.UndefinedObject,
)


#: Attributes, and whether each descends.
Walk = tuple[tuple[str, bool], ...]


class BuildError(Exception):
    """The documents do not allow this index; the text is shown as the index's error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One index of a collection, as its JSON holds it. `name` is that of the database's index."""

    key: str
    type: str
    name: str
    attributes: list[str]
    orders: list[str]
    lengths: list[int]
    status: str = PROCESSING
    error: str = ""
    description: str = ""
    created_at: str = ""
    updated_at: str = ""

    def changed(self, **changes: Any) -> "Index":
        """Return the index with some fields changed, and the time of the change."""
        return dataclasses.replace(self, updated_at=clock.api_time(clock.now()), **changes)

    def order(self, place: int) -> str:
        return self.orders[place].lower() if place < len(self.orders) else ASCENDING

    def length(self, place: int) -> int:
        """Return how many leading characters of an attribute count; 0 means all."""
        return self.lengths[place] if place < len(self.lengths) else 0


def load(entry: Mapping[str, Any]) -> Index:
    """Read an index from the collection's JSON."""
    return Index(**entry)


def dump(index: Index) -> dict[str, Any]:
    """Write an index for the collection's JSON."""
    return dataclasses.asdict(index)


def name(collection_id: int, version: int, place: int = 0) -> str:
    """Return a name no index had before: versions only grow."""
    return f"{OWN_INDEXES}{collection_id:d}_{version:d}_{place:d}"


def searchable(entries: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the keys of the attributes that full-text indexes are on, those of a JSON list."""
    return frozenset(
        key
        for entry in entries
        if entry["type"] == FULLTEXT and entry["status"] == AVAILABLE
        for key in entry["attributes"]
    )


def leading(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many leading characters are indexed of texts by key, where it is not all.

    Of several indexes that counts which has the text further in front, then the one with more.
    """
    found: dict[str, tuple[int, int]] = {}
    for index in map(load, entries):
        if index.type not in (KEY, UNIQUE) or index.status != AVAILABLE:
            continue
        for place, key in enumerate(index.attributes):
            rank = place, -(index.length(place) or MAX_INDEX_LENGTH + 1)
            found[key] = min(found.get(key, rank), rank)
    return {key: -rank for key, (_, rank) in found.items() if -rank <= MAX_INDEX_LENGTH}


def walks(entries: Iterable[Mapping[str, Any]], shortened: Collection[str]) -> tuple[Walk, ...]:
    """Return the orders in which the indexes of a JSON list hold documents by whole values.

    Of the `shortened` attributes statements ask for the leading characters first.
    """
    return tuple(
        tuple((key, index.order(place) != ASCENDING) for place, key in enumerate(index.attributes))
        for index in map(load, entries)
        if index.type in (KEY, UNIQUE)
        and index.status == AVAILABLE
        and not any(index.lengths)
        and not any(key in shortened for key in index.attributes)
    )


def knows_trigrams() -> bool:
    """Tell whether the database has trigrams, or can be given them."""
    row = sql.fetch_one(_HAS_TRIGRAMS)
    return row is not None and any(row)


def build(collection_id: int, index: Index, attributes: Mapping[str, Attribute]) -> None:
    """Make an index of the partition; one left invalid by an interrupted build is made anew.

    Outside a transaction it is built beside the traffic, for as long as it takes.

    Raises:
        BuildError: The documents break it.
        BusyError: Another process is building on this collection.
    """
    state = sql.fetch_one(_STATE, (index.name,))
    if state is not None and state[0]:
        return
    with partitions.alone(LOCK_SPACE, collection_id), partitions.unhurried():
        if state is not None:
            _drop(index.name)
        try:
            if index.type == TRIGRAM:
                _add_trigrams()
            with _savepoint():
                partitions.define(_create(collection_id, index, attributes))
        except DatabaseError as error:
            reason = _reason(error)
            if reason is None:
                raise
            _drop(index.name)
            raise BuildError(reason) from error


def drop(collection_id: int, index_name: str) -> None:
    """Take an index away from the partition, if it is there.

    Raises:
        BusyError: Another process is building on this collection.
    """
    with partitions.alone(LOCK_SPACE, collection_id), partitions.unhurried():
        _drop(index_name)


def columns(index: Index, attributes: Mapping[str, Attribute]) -> psql.Composed:
    """Return what an index is on: the expressions of filters, in the order of sorted lists.

    A full-text index holds the words of each attribute apart, for any of them to be searched, and
    a spatial one the box around each geometry. One of trigrams serves tests of parts of a text.
    """
    form = _FORMS.get(index.type)
    if form is not None:
        values = (attribute_types.expression(attributes[key]) for key in index.attributes)
        return psql.SQL(", ").join(map(form, values))
    return psql.SQL(", ").join(
        _column(attributes.get(key), key, length=index.length(place), order=index.order(place))
        for place, key in enumerate(index.attributes)
    )


def _column(attribute: Attribute | None, key: str, *, length: int, order: str) -> psql.Composed:
    direction = psql.SQL(" ASC" if order == ASCENDING else " DESC")
    if attribute is None:
        return psql.Identifier(SYSTEM_COLUMNS[key]) + direction
    expression = attribute_types.expression(attribute)
    if length > 0:
        expression = attribute_types.leading(expression, length)
    nulls = psql.SQL(" NULLS FIRST" if order == ASCENDING else " NULLS LAST")
    return expression + direction + nulls


def _create(collection_id: int, index: Index, attributes: Mapping[str, Attribute]) -> psql.Composed:
    return _CREATE.format(
        unique=psql.SQL("UNIQUE " if index.type == UNIQUE else ""),
        how=_how(),
        name=psql.Identifier(index.name),
        partition=partitions.identifier(collection_id),
        method=psql.SQL(_METHODS.get(index.type, "btree")),
        columns=columns(index, attributes),
    )


def _add_trigrams() -> None:
    row = sql.fetch_one(_HAS_TRIGRAMS)
    if row is not None and row[0]:
        return
    # Two that add an extension at once fail in words that tell nobody anything.
    with partitions.alone(LOCK_SPACE, 0), _savepoint():
        partitions.define(_ADD_TRIGRAMS)


def _drop(index_name: str) -> None:
    partitions.define(_DROP.format(how=_how(), name=psql.Identifier(index_name)))


def _how() -> psql.SQL:
    return psql.SQL("" if connection.in_atomic_block else "CONCURRENTLY ")


def _reason(error: DatabaseError) -> str | None:
    """Return why documents do not fit an index, or None for failures of another kind."""
    if isinstance(error.__cause__, pg_errors.UniqueViolation):
        return "Two documents have the same value."
    if isinstance(error.__cause__, pg_errors.ProgramLimitExceeded):
        return "A document's value is too long for an index."
    if isinstance(error.__cause__, _MISSING):
        return NO_TRIGRAMS
    return None


@contextmanager
def _savepoint() -> Iterator[None]:
    if not connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        yield
