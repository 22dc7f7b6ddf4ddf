"""Attributes of collections. In the other vocabulary: columns of tables.

A new attribute is `processing` until a job makes it `available`; a deleted one is hidden at once
and a job strips its values. Jobs find it by its stored name, which is never used again.
"""

from collections.abc import Sequence
from typing import Any, LiteralString

from django.db import transaction
from psycopg import sql as psql

from documents import attributes as attribute_types
from documents import definitions, partitions, relations, store
from documents.attributes import AVAILABLE, DELETING, FAILED, PROCESSING, STUCK, Attribute
from documents.definitions import AttributeRequest
from documents.entries import list_entries
from documents.models import Collection
from documents.outputs import attribute_output
from documents.services.indexes import GIVEN_UP, rename_in_indexes, take_out_of_indexes
from documents.services.schemas import (
    load_collection,
    lock_for_job,
    publish_schema_event,
    save_collection,
)
from documents.services.twins import (
    SWEEP_ATTRIBUTE,
    hide_twin,
    lock_with_related,
    publish_attribute,
    store_attribute,
)
from documents.vocabulary import VOCABULARIES, Vocabulary
from kernel import jobs, sql
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.event_names import id_part
from kernel.fields import ABSENT

BUILD_ATTRIBUTE = "documents.build_attribute"
STRIP_BATCH = 1000
_QUERYABLE = frozenset({"key", "type", "size", "required", "array", "status", "error"})

# A batch is of documents and not of values, so that none takes long where values are rare.
_STRIP = """
    WITH batch AS (
        SELECT id FROM {partition} WHERE id > %s ORDER BY id LIMIT %s
    ), stripped AS (
        UPDATE {partition} d SET data = d.data - %s::text FROM batch
        WHERE d.id = batch.id AND jsonb_exists(d.data, %s)
    )
    SELECT max(id) FROM batch
"""
_NEWEST = "SELECT coalesce(max(id), 0) FROM {partition}"
_LONGER = "SELECT EXISTS (SELECT 1 FROM {partition} WHERE id > %s AND char_length({value}) > %s)"
_LONGER_ITEM = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        CROSS JOIN LATERAL jsonb_array_elements_text(
            CASE jsonb_typeof({value}) WHEN 'array' THEN {value} END
        ) item
        WHERE id > %s AND char_length(item) > %s
    )
"""
# Sealed values tell how long they are.
_LONGER_SEALED = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        WHERE id > %s AND split_part(data -> {name} ->> '$sealed', ':', 2)::int > %s
    )
"""
_LONGER_SEALED_ITEM = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof({value}) WHEN 'array' THEN {value} END
        ) item
        WHERE id > %s AND split_part(item ->> '$sealed', ':', 2)::int > %s
    )
"""


def list_attributes(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    queries: Sequence[str],
    total: bool,
) -> dict[str, Any]:
    """List the attributes of a collection in the order they were made.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id)
    outputs = [attribute_output(each, names) for each in load_attributes(collection)]
    page = list_entries(outputs, queries, queryable=_QUERYABLE, has_total=total)
    return {"total": page.total, names.attributes: page.entries}


@transaction.atomic
def create_attribute(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    request: AttributeRequest,
) -> dict[str, Any]:
    """Add an attribute; a job makes it available.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, and as `definitions.define_attribute` says
    """
    collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
    attribute = definitions.define_attribute(
        request,
        load_attributes(collection),
        names=names,
        stored_name=definitions.unused_name(
            request.key,
            version=collection.version,
            has_retired_names=collection.has_retired_names,
        ),
        status=PROCESSING,
    )
    collection.attributes.append(attribute_types.dump(attribute))
    save_collection(collection, "attributes")
    jobs.enqueue(
        BUILD_ATTRIBUTE,
        collection_id=collection.id,
        name=attribute.name,
        dialect=VOCABULARIES.index(names),
    )
    return publish_attribute(caller, collection, attribute, names, "create")


def get_attribute(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str, key: str
) -> dict[str, Any]:
    """Return an attribute.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, ATTRIBUTE_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id)
    return attribute_output(find_attribute(collection, key, names), names)


def update_attribute(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    key: str,
    type_: str,
    new_key: str | None,
    changes: dict[str, Any],
) -> dict[str, Any]:
    """Change an attribute of type `type_`; documents keep their values, under another key too.

    `changes` holds fields of `Attribute`; size, min and max stay where they are None.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, ATTRIBUTE_NOT_FOUND,
        ATTRIBUTE_NOT_AVAILABLE, ATTRIBUTE_TYPE_INVALID, ATTRIBUTE_ALREADY_EXISTS,
        ATTRIBUTE_DEFAULT_UNSUPPORTED, ATTRIBUTE_VALUE_INVALID, ATTRIBUTE_LIMIT_EXCEEDED,
        ATTRIBUTE_INVALID_RESIZE
    """
    wanted = {**_given(changes), "key": new_key or key}
    # Documents are many. They are looked at before the collection is locked, and under the lock
    # only those that came meanwhile.
    collection = load_collection(caller, names, database_id, collection_id)
    before, new = _changed(collection, key, type_, wanted, names)
    newest = 0
    if _is_smaller(before, new):
        newest = _newest(collection)
        _check_size(collection, before, new, names)
    with transaction.atomic():
        collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
        old, new = _changed(collection, key, type_, wanted, names)
        if _is_smaller(old, new):
            _check_size(collection, old, new, names, after=newest if old.name == before.name else 0)
        _replace(collection, old, new, names)
        return publish_attribute(caller, collection, new, names, "update")


@transaction.atomic
def delete_attribute(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str, key: str
) -> None:
    """Hide an attribute and its values at once, and take it out of indexes; a job sweeps.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, ATTRIBUTE_NOT_FOUND
    """
    collection, related = lock_with_related(caller, names, database_id, collection_id)
    attribute = find_attribute(collection, key, names)
    if attribute.status == DELETING:
        return
    deleting = attribute.changed(status=DELETING, error="")
    store_attribute(collection, deleting)
    take_out_of_indexes(collection, key, names)
    collection.has_retired_names = True
    save_collection(collection, "attributes", "indexes", "has_retired_names")
    jobs.enqueue(
        SWEEP_ATTRIBUTE,
        collection_id=collection.id,
        name=attribute.name,
        dialect=VOCABULARIES.index(names),
    )
    publish_attribute(caller, collection, deleting, names, "update")
    if relation := attribute.relation:
        hide_twin(caller, related.get(relation.collection_id), relation, names)


@transaction.atomic
def build_attribute(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Make a new attribute available, unless it is gone or was made so before."""
    collection = lock_for_job(collection_id)
    attribute = collection and _named(collection, name)
    if not collection or not attribute or attribute.status != PROCESSING:
        return
    available = attribute.changed(status=AVAILABLE)
    store_attribute(collection, available)
    save_collection(collection, "attributes")
    _publish_job(collection, available, names, "update")


def sweep_attribute(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Strip the values of a deleted attribute from the documents, then forget it.

    Those of a relationship are links, and go from both sides.
    """
    if relation_id := relations.id_of_name(name):
        store.sweep_links(relation_id)
    else:
        last = 0
        while stripped := _strip(collection_id, name, last):
            last = stripped
    with transaction.atomic():
        collection = lock_for_job(collection_id)
        attribute = collection and _named(collection, name)
        if not collection or not attribute or attribute.status != DELETING:
            return
        collection.attributes = [entry for entry in collection.attributes if entry["name"] != name]
        save_collection(collection, "attributes")
        _publish_job(collection, attribute, names, "delete")


def give_up_building_attribute(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Let an attribute end failed whose job was given up."""
    _change_status(collection_id, name, names, PROCESSING, FAILED)


def give_up_sweeping_attribute(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Let an attribute be deleted again whose job was given up."""
    _change_status(collection_id, name, names, DELETING, STUCK)


def load_attributes(collection: Collection) -> list[Attribute]:
    return [attribute_types.load(entry) for entry in collection.attributes]


def _publish_job(
    collection: Collection, attribute: Attribute, names: Vocabulary, action: str
) -> None:
    publish_schema_event(
        collection,
        project_uid=collection.project.uid,
        names=names,
        part=f"{names.attributes}.{id_part(attribute.key)}.{action}",
        payload=attribute_output(attribute, names),
    )


def _given(changes: dict[str, Any]) -> dict[str, Any]:
    kept = ("size", "min", "max", "description")
    given = {
        field: value
        for field, value in changes.items()
        if value is not ABSENT and (value is not None or field not in kept)
    }
    if "elements" in given:
        given["elements"] = tuple(given["elements"])
    return given


def find_attribute(collection: Collection, key: str, names: Vocabulary) -> Attribute:
    for attribute in load_attributes(collection):
        if attribute.key == key:
            return attribute
    raise ApiError(names.attribute_not_found)


def _named(collection: Collection, name: str) -> Attribute | None:
    return next((each for each in load_attributes(collection) if each.name == name), None)


@transaction.atomic
def _change_status(collection_id: int, name: str, names: Vocabulary, old: str, new: str) -> None:
    collection = lock_for_job(collection_id)
    attribute = collection and _named(collection, name)
    if not collection or not attribute or attribute.status != old:
        return
    changed = attribute.changed(status=new, error=GIVEN_UP[new])
    store_attribute(collection, changed)
    save_collection(collection, "attributes")
    _publish_job(collection, changed, names, "update")


def _replace(collection: Collection, old: Attribute, new: Attribute, names: Vocabulary) -> None:
    others = [each for each in load_attributes(collection) if each.name != old.name]
    if any(other.key == new.key for other in others):
        raise ApiError(names.attribute_already_exists)
    if attribute_types.is_over_budget([*others, new]):
        raise ApiError(names.attribute_limit_exceeded)
    store_attribute(collection, new)
    if new.key != old.key:
        rename_in_indexes(collection, old.key, new.key)
        collection.has_retired_names = True
    save_collection(collection, "attributes", "indexes", "has_retired_names")


def _changed(
    collection: Collection, key: str, type_: str, wanted: dict[str, Any], names: Vocabulary
) -> tuple[Attribute, Attribute]:
    """Return an attribute as it is and as it is wanted."""
    old = find_attribute(collection, key, names)
    if not old.is_available:
        raise ApiError(names.attribute_not_available)
    if old.type != type_:
        raise ApiError(names.attribute_type_invalid)
    return old, definitions.check_attribute(old.changed(**wanted), names=names)


def _is_smaller(old: Attribute, new: Attribute) -> bool:
    return old.kind.has_size and new.size < old.size


def _newest(collection: Collection) -> int:
    statement = psql.SQL(_NEWEST).format(partition=partitions.identifier(collection.id))
    row = sql.fetch_one(statement)
    return int(row[0]) if row else 0


def _check_size(
    collection: Collection, old: Attribute, new: Attribute, names: Vocabulary, *, after: int = 0
) -> None:
    if old.encrypt:
        query: LiteralString = _LONGER_SEALED_ITEM if old.array else _LONGER_SEALED
    else:
        query = _LONGER_ITEM if old.array else _LONGER
    statement = psql.SQL(query).format(
        partition=partitions.identifier(collection.id),
        name=psql.Literal(old.name),
        value=attribute_types.expression(old),
    )
    row = sql.fetch_one(statement, (after, new.size))
    if row and row[0]:
        raise ApiError(names.attribute_invalid_resize)


def _strip(collection_id: int, name: str, after: int) -> int:
    """Strip a batch of documents; return the last one's id, or 0 when none is left."""
    if not partitions.exists(collection_id):
        return 0
    statement = psql.SQL(_STRIP).format(partition=partitions.identifier(collection_id))
    row = sql.fetch_one(statement, (after, STRIP_BATCH, name, name))
    return int(row[0] or 0) if row else 0
