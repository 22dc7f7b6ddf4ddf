"""Attributes of collections. In the other vocabulary: columns of tables.

A new attribute is `processing` until a job makes it `available`; a deleted one is hidden at once
and a job strips its values.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from documents import attributes as attribute_types
from documents import definitions
from documents.attributes import DELETING, PROCESSING, Attribute
from documents.definitions import AttributeRequest
from documents.entries import list_entries
from documents.models import Collection
from documents.outputs import attribute_output
from documents.services.adoption import hold_writers, holds_field, moment
from documents.services.indexes import (
    load_indexes,
    rename_in_indexes,
    take_out_of_indexes,
)
from documents.services.resizing import check_size, is_smaller, newest_document
from documents.services.schemas import (
    load_collection,
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
from kernel import jobs
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.fields import ABSENT

BUILD_ATTRIBUTE = "documents.build_attribute"
_QUERYABLE = frozenset({"key", "type", "size", "required", "array", "status", "error"})


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
