"""The schemas of collections, cached per process and never believed without their version.

Every statement on documents reads the collection's version along with its rows. Where it differs
from the cached one, nothing the statement did counts: the schema is read again and the work done
once more. A refusal that no statement has confirmed is confirmed by one that reads the version.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, TypeVar

import orjson
from django.db import connection

from documents import attributes, indexes, relations
from documents.attributes import DELETING, PROCESSING, Attribute, OpenAttributes
from documents.relations import Relation
from documents.vocabulary import Vocabulary
from kernel import sql
from kernel.arrays import text_array
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind

#: Of definitions as JSON, of which each counts with what it takes besides. What is made of them
#: takes less than twice that.
CACHED_BYTES = 32 * 1024 * 1024
_OVERHEAD_BYTES = 1024
MAX_RELOADS = 5
#: The name of no attribute, under which rows hold nothing.
NO_NAME = ""

Result = TypeVar("Result")
Key = tuple[int, str, str]


class StaleSchemaError(Exception):
    """The collection changed since its schema was read."""


class DeadlockError(StaleSchemaError):
    """Others wait for the locks of this write, and it for theirs."""


@dataclass(frozen=True, slots=True)
class CollectionSchema:
    """What reading and writing documents needs to know of their collection.

    `attributes` holds the usable ones by key, but for relationships, which are `relations`.
    `sides` are all relationships that links of documents may belong to, those that are usable
    from the other side only as well. `has_encryption` says that some attributes are encrypted.
    `searchable` are the keys of those with a full-text index. Where it `is_schemaless`, free fields
    are found among the attributes as well. The documents are in the partition at `place`.
    """

    id: int
    place: int
    project_id: int
    project_uid: str
    database_uid: str
    uid: str
    version: int
    is_database_enabled: bool
    is_enabled: bool
    has_document_security: bool
    is_schemaless: bool
    permissions: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    relations: Mapping[str, Relation]
    sides: tuple[Relation, ...]
    has_encryption: bool
    #: What answers show: the attributes' keys, their names in rows, what stands for no value.
    shown: tuple[Sequence[str], Sequence[str], Sequence[Any]]
    #: The same for the database: arrays of keys, of names, and of JSON texts.
    shown_arrays: tuple[str, str, str]
    #: An answer without values, where those that rows hold are all shown by the names they have.
    blank_values: Mapping[str, Any] | None
    searchable: frozenset[str]
    #: The orders in which its indexes hold documents.
    walks: tuple[indexes.Walk, ...]
    #: What it counts in the cache, in bytes.
    size: int

    @property
    def key(self) -> Key:
        return (self.project_id, self.database_uid, self.uid)

    def shown_values(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an answer shows of a row's data by key."""
        if self.blank_values is not None:
            return {**self.blank_values, **data}
        keys, names, blanks = self.shown
        values = dict(zip(keys, map(data.get, names, blanks), strict=True))
        return attributes.free_values(data) | values if self.is_schemaless else values


_LOAD = sql.numbered("""
    SELECT c.id, c.uid, c.version, b.is_enabled, c.is_enabled, c.has_document_security,
           c.permissions, c.attributes, c.indexes, c.inbound,
           c.has_retired_names OR c.has_free_fields, c.is_schemaless, c.place
    FROM document_database b
    LEFT JOIN document_collection c
        ON c.database_id = b.id AND c.uid = %(collection)s::text AND c.deleted_at IS NULL
    WHERE b.project_id = %(project)s::bigint AND b.uid = %(database)s::text
        AND b.deleted_at IS NULL
""")
_VERSIONS = (
    "SELECT id, version FROM document_collection WHERE id = ANY(%s::bigint[])"
    " AND deleted_at IS NULL"
)
_VERSION = "SELECT version FROM document_collection WHERE id = %s AND deleted_at IS NULL"


class _Schemas:
    """The schemas used last, as many as there is room for."""

    def __init__(self, most_bytes: int) -> None:
        self.size = 0
        self._most_bytes = most_bytes
        self._known: OrderedDict[Key, CollectionSchema] = OrderedDict()
        self._lock = Lock()

    def find(self, key: Key) -> CollectionSchema | None:
        with self._lock:
            schema = self._known.get(key)
            if schema is not None:
                self._known.move_to_end(key)
            return schema

    def keep(self, schema: CollectionSchema) -> None:
        with self._lock:
            self._drop(schema.key)
            self._known[schema.key] = schema
            self.size += schema.size
            while self.size > self._most_bytes:
                self._drop(next(iter(self._known)))

    def forget(self, schema: CollectionSchema) -> None:
        with self._lock:
            if self._known.get(schema.key) is schema:
                self._drop(schema.key)

    def clear(self) -> None:
        with self._lock:
            self._known.clear()
            self.size = 0

    def _drop(self, key: Key) -> None:
        dropped = self._known.pop(key, None)
        self.size -= dropped.size if dropped else 0


_schemas = _Schemas(CACHED_BYTES)


def with_schema(
    caller: Caller,
    database_uid: str,
    collection_uid: str,
    *,
    names: Vocabulary,
    work: Callable[[CollectionSchema], Result],
) -> Result:
    """Do `work` with the current schema of a collection that the caller may see.

    `work` raises `StaleSchemaError` when a statement met another version; it then runs again, so
    it must not have changed anything.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, and what `work` raises
    """
    key = (caller.project.id, database_uid, collection_uid)
    for _ in range(MAX_RELOADS):
        known = _schemas.find(key)
        schema = known or _load(caller, key, names)
        try:
            check_enabled(schema, caller, names)
            return work(schema)
        except StaleSchemaError as error:
            # Locks are let go by whoever began the transaction, and by nobody within it.
            if isinstance(error, DeadlockError) and connection.in_atomic_block:
                raise
            _schemas.forget(schema)
        except ApiError:
            if known is None or _is_current(schema):
                raise
            _schemas.forget(schema)
    raise ApiError(ErrorKind.SERVICE_UNAVAILABLE)


class Neighbours:
    """A collection's schema, and those of related ones as one piece of work meets them."""

    def __init__(self, caller: Caller, schema: CollectionSchema, names: Vocabulary) -> None:
        self.caller = caller
        self.names = names
        self._home = schema
        self._schemas: dict[int, CollectionSchema] = {}

    def of(self, relation: Relation) -> CollectionSchema:
        """Return the schema of a related collection.

        Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
        """
        if relation.collection_id == self._home.id:
            return self._home
        schema = self._schemas.get(relation.collection_id)
        if schema is None:
            key = (self._home.project_id, self._home.database_uid, relation.collection_uid)
            schema = _schemas.find(key) or _load(self.caller, key, self.names)
            self._schemas[relation.collection_id] = schema
        return schema

    def confirm(self) -> None:
        """Check that the related schemas are those of now, after a read that went by them.

        Raises:
            StaleSchemaError: They are not; they are read anew next time.
        """
        known = self._schemas
        if not known:
            return
        current: dict[int, int] = dict(sql.fetch_all(_VERSIONS, (list(known),)))
        stale = [each for each in known.values() if current.get(each.id) != each.version]
        for schema in stale:
            _schemas.forget(schema)
        if stale:
            raise StaleSchemaError

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Have the work of the body done again where it met a related schema of the past.

        Raises:
            StaleSchemaError: One of them changed meanwhile.
        """
        try:
            yield
        except StaleSchemaError:
            for schema in self._schemas.values():
                _schemas.forget(schema)
            raise
        except (ApiError, attributes.StructureError):
            self.confirm()
            raise


def _load(caller: Caller, key: Key, names: Vocabulary) -> CollectionSchema:
    project_id, database_uid, collection_uid = key
    values = {"project": project_id, "database": database_uid, "collection": collection_uid}
    row = sql.fetch_one(_LOAD, values)
    if row is None:
        raise ApiError(ErrorKind.DATABASE_NOT_FOUND)
    if row[0] is None:
        raise ApiError(names.collection_not_found)
    schema = _schema(caller, database_uid, row)
    _schemas.keep(schema)
    return schema


def _schema(caller: Caller, database_uid: str, row: tuple[Any, ...]) -> CollectionSchema:
    loaded = [attributes.load(each) for each in orjson.loads(row[7])]
    listed = orjson.loads(row[8])
    leading = indexes.leading(listed)
    usable = {
        each.key: replace(each, leading=leading[each.key]) if each.key in leading else each
        for each in loaded
        if each.is_available and each.relation is None
    }
    shown = [*usable.values(), *(_concealing(loaded) if row[11] else ())]
    keys = [each.key for each in shown]
    stored = [each.name for each in shown]
    blanks = [each.blank for each in shown]
    inbound = (relations.load(each) for each in orjson.loads(row[9]))
    outbound = (each.relation for each in loaded if each.relation and each.status != DELETING)
    return CollectionSchema(
        id=row[0],
        place=row[12],
        project_id=caller.project.id,
        project_uid=caller.project.uid,
        database_uid=database_uid,
        uid=row[1],
        version=row[2],
        is_database_enabled=row[3],
        is_enabled=row[4],
        has_document_security=row[5],
        is_schemaless=row[11],
        permissions=tuple(row[6]),
        attributes=OpenAttributes(usable, _reserved(loaded)) if row[11] else usable,
        relations={
            each.key: each.relation for each in loaded if each.relation and each.is_available
        },
        sides=(*outbound, *inbound),
        has_encryption=any(each.encrypt for each in usable.values()),
        shown=(keys, stored, blanks),
        shown_arrays=(
            text_array(keys),
            text_array(stored),
            text_array(orjson.dumps(blank).decode() for blank in blanks),
        ),
        blank_values=None if row[10] or keys != stored else dict(zip(keys, blanks, strict=True)),
        searchable=indexes.searchable(listed),
        walks=indexes.walks(listed, leading),
        size=_OVERHEAD_BYTES + len(row[7]) + len(row[8]) + len(row[9]),
    )


def forget_schemas() -> None:
    """Empty the process's cache."""
    _schemas.clear()


def _reserved(loaded: Sequence[Attribute]) -> list[str]:
    """Return the keys that are no free fields': those of relationships, and of what is to come."""
    return [
        each.key
        for each in loaded
        if each.status == PROCESSING or each.is_adopting or (each.relation and each.is_available)
    ]


def _concealing(loaded: Sequence[Attribute]) -> list[Attribute]:
    """Return what stands before the fields that a deleted attribute has yet to strip: no value."""
    return [
        replace(each, name=NO_NAME, array=False)
        for each in loaded
        if each.status == DELETING and each.is_adopting
    ]


def check_enabled(schema: CollectionSchema, caller: Caller, names: Vocabulary) -> None:
    """Refuse users what is switched off.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    if caller.is_privileged:
        return
    if not schema.is_database_enabled:
        raise ApiError(ErrorKind.DATABASE_NOT_FOUND)
    if not schema.is_enabled:
        raise ApiError(names.collection_not_found)


def _is_current(schema: CollectionSchema) -> bool:
    return sql.fetch_one(_VERSION, (schema.id,)) == (schema.version,)
