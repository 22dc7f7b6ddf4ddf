"""Attributes of collections. In the other vocabulary: columns of tables.

A new attribute is `processing` until a job makes it `available`; a deleted one is hidden at once
and a job strips its values. Jobs find it by its stored name, which is never used again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from psycopg import sql as psql

from documents import attributes as attribute_types
from documents import definitions, indexes, partitions, relations, store
from documents.attributes import AVAILABLE, DELETING, FAILED, MARK, PROCESSING, STUCK, Attribute
from documents.definitions import AttributeRequest
from documents.entries import list_entries
from documents.models import Collection
from documents.outputs import attribute_output
from documents.services.adoption import adopt_fields, hold_writers, holds_field, moment
from documents.services.indexes import (
    GIVEN_UP,
    load_indexes,
    rename_in_indexes,
    take_out_of_indexes,
)
from documents.services.resizing import check_size, is_smaller, newest_document
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
        SELECT collection_id, id FROM {partition}
        WHERE collection_id = %s AND id > %s ORDER BY id LIMIT %s
    ), stripped AS (
        UPDATE {partition} d SET data = d.data - %s::text FROM batch
        WHERE d.collection_id = batch.collection_id AND d.id = batch.id
            AND jsonb_exists(d.data, %s)
    )
    SELECT max(id) FROM batch
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
    check_fields_unindexed(collection, request.key, names)
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
    since = moment()
    check_new_key(collection, before, new.key, names)
    newest = 0
    if is_smaller(before, new):
        newest = newest_document(collection)
        check_size(collection, before, new, names)
    with transaction.atomic():
        collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
        old, new = _changed(collection, key, type_, wanted, names)
        if new.key != old.key:
            hold_writers(collection)
            check_no_fields(collection, new.key, names, since=since)
        if is_smaller(old, new):
            check_size(collection, old, new, names, after=newest if old.name == before.name else 0)
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


def build_attribute(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Make a new attribute available with the free fields of its key, or failed if they misfit.

    Whatever a call before this one left undone is done.
    """
    rows = Collection.objects.select_related("database")
    collection = rows.filter(id=collection_id, deleted_at=None).first()
    attribute = collection and _named(collection, name)
    if not collection or not attribute:
        return
    if attribute.status == PROCESSING:
        error = adopt_fields(collection, attribute) if collection.has_free_fields else ""
        _finish_building(collection_id, name, names, error)
    _strip_adopted(collection_id, name)


@transaction.atomic
def _finish_building(collection_id: int, name: str, names: Vocabulary, error: str) -> None:
    """Make an attribute available, or failed."""
    collection = lock_for_job(collection_id)
    attribute = collection and _named(collection, name)
    if not collection or not attribute or attribute.status != PROCESSING:
        return
    built = attribute.changed(
        status=FAILED if error else AVAILABLE,
        error=error,
        is_adopting=collection.has_free_fields and not error,
    )
    store_attribute(collection, built)
    save_collection(collection, "attributes")
    _publish_job(collection, built, names, "update")


def _strip_adopted(collection_id: int, name: str) -> None:
    """Strip the free fields whose values an attribute took over, then let go of their key.

    One job at a time: the attribute may be deleted meanwhile, and the key is free after the first.

    Raises:
        BusyError: Another process works on the collection.
    """
    collection = Collection.objects.filter(id=collection_id, deleted_at=None).first()
    attribute = collection and _named(collection, name)
    if not attribute or not attribute.is_adopting:
        return
    with partitions.alone(indexes.LOCK_SPACE, collection_id):
        collection = Collection.objects.filter(id=collection_id, deleted_at=None).first()
        attribute = collection and _named(collection, name)
        if attribute and attribute.is_adopting:
            _strip_all(collection_id, MARK + attribute.key)
            _let_go_of_fields(collection_id, name)


@transaction.atomic
def _let_go_of_fields(collection_id: int, name: str) -> None:
    collection = lock_for_job(collection_id)
    attribute = collection and _named(collection, name)
    if collection and attribute:
        store_attribute(collection, replace(attribute, is_adopting=False))
        save_collection(collection, "attributes")


def sweep_attribute(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Strip the values of a deleted attribute from the documents, then forget it.

    Those of a relationship are links, and go from both sides.
    """
    if relation_id := relations.id_of_name(name):
        store.sweep_links(relation_id)
    else:
        _strip_adopted(collection_id, name)
        _strip_all(collection_id, name)
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


def check_new_key(
    collection: Collection, attribute: Attribute, key: str, names: Vocabulary
) -> None:
    """Check that an attribute's new key is not that of free fields, which it would hide.

    Raises: ATTRIBUTE_ALREADY_EXISTS
    """
    if key != attribute.key:
        check_no_fields(collection, key, names)


def check_no_fields(collection: Collection, key: str, names: Vocabulary, **since: str) -> None:
    """Check that a key is not that of free fields, neither of indexes nor of documents.

    Looked at are the documents that `holds_field` looks at.

    Raises: ATTRIBUTE_ALREADY_EXISTS
    """
    check_fields_unindexed(collection, key, names)
    if holds_field(collection, key, **since):
        raise ApiError(
            names.attribute_already_exists,
            f'Documents hold fields of the key "{key}".'
            f" Declare a new {names.attribute} of this key, and it takes them over.",
        )


def check_fields_unindexed(collection: Collection, key: str, names: Vocabulary) -> None:
    """Keep attributes from the keys of free fields that indexes are on, or on parts of.

    Raises: ATTRIBUTE_ALREADY_EXISTS
    """
    declared = {each.key for each in load_attributes(collection)}
    taken = {
        path.partition(".")[0]
        for each in load_indexes(collection)
        if each.status != DELETING
        for path in each.attributes
        if path not in declared
    }
    if key in taken:
        raise ApiError(
            names.attribute_already_exists,
            f'An index is on fields of the key "{key}". Delete it first.',
        )


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
    if not old.is_available or (old.is_adopting and wanted["key"] != key):
        raise ApiError(names.attribute_not_available)
    if old.type != type_:
        raise ApiError(names.attribute_type_invalid)
    return old, definitions.check_attribute(old.changed(**wanted), names=names)


def _strip_all(collection_id: int, name: str) -> None:
    last = 0
    while stripped := _strip(collection_id, name, last):
        last = stripped


def _strip(collection_id: int, name: str, after: int) -> int:
    """Strip a batch of documents; return the last one's id, or 0 when none is left."""

    def strip(place: int) -> int:
        if not partitions.exists(place):
            return 0
        statement = psql.SQL(_STRIP).format(partition=partitions.identifier(place))
        row = sql.fetch_one(statement, (collection_id, after, STRIP_BATCH, name, name))
        return int(row[0] or 0) if row else 0

    return partitions.at_place(collection_id, strip)
