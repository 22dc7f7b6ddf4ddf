"""Indexes of collections: asked for in a request, built and dropped by jobs beside the traffic.

Jobs find an index by the name of the database's own, which is never used again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from documents import attributes as attribute_types
from documents import definitions
from documents import indexes as index_types
from documents.attributes import (
    AVAILABLE,
    DELETING,
    FAILED,
    PROCESSING,
    STUCK,
    Attribute,
    OpenAttributes,
)
from documents.definitions import IndexRequest
from documents.entries import list_entries
from documents.indexes import BuildError, Index
from documents.models import Collection
from documents.outputs import index_output
from documents.services.promotion import promote_collection
from documents.services.schemas import (
    load_collection,
    lock_for_job,
    publish_schema_event,
    save_collection,
)
from documents.vocabulary import VOCABULARIES, Vocabulary
from kernel import jobs
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.event_names import id_part

BUILD_INDEX = "documents.build_index"
DROP_INDEX = "documents.drop_index"
#: What attributes and indexes say when their job was given up, by the status they end in.
GIVEN_UP = {
    FAILED: "It could not be made, though this was tried many times. Delete it and make it anew.",
    STUCK: "It could not be deleted, though this was tried many times. Delete it again.",
}


def list_indexes(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    queries: Sequence[str],
    total: bool,
) -> dict[str, Any]:
    """List the indexes of a collection in the order they were made.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id)
    outputs = [index_output(each, names) for each in load_indexes(collection)]
    queryable = {"key", "type", "status", "error", names.attributes}
    page = list_entries(outputs, queries, queryable=queryable, has_total=total)
    return {"total": page.total, "indexes": page.entries}


@transaction.atomic
def create_index(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    request: IndexRequest,
) -> dict[str, Any]:
    """Add an index; a job builds it.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, and as `definitions.define_index` says
    """
    collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
    index = definitions.define_index(
        request,
        attributes_of(collection, has_fields=collection.is_schemaless),
        load_indexes(collection),
        names=names,
        name=index_types.name(collection.id, collection.version),
        status=PROCESSING,
    )
    collection.indexes.append(index_types.dump(index))
    save_collection(collection, "indexes")
    _enqueue(BUILD_INDEX, collection, index, names)
    return _publish(caller, collection, index, names, "create")


def get_index(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str, key: str
) -> dict[str, Any]:
    """Return an index.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, INDEX_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id)
    return index_output(_find(collection, key, names), names)


@transaction.atomic
def delete_index(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str, key: str
) -> None:
    """Mark an index as going; a job drops it.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, INDEX_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
    index = _find(collection, key, names)
    if index.status == DELETING:
        return
    deleting = _start_deleting(collection, index, names)
    save_collection(collection, "indexes")
    _publish(caller, collection, deleting, names, "update")


def build_index(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Build an index and make it available, or failed where the documents do not allow it.

    Outside a transaction. The collection gets a partition of its own for it. Whatever a call
    before this one left behind is finished or made anew.

    Raises: as `promote_collection`
    """
    collection = Collection.objects.filter(id=collection_id, deleted_at=None).first()
    index = collection and _named(collection, name)
    if not collection or not index or index.status != PROCESSING:
        return
    promote_collection(collection_id=collection_id)
    status, error = AVAILABLE, ""
    try:
        index_types.build(collection_id, index, attributes_of(collection))
    except BuildError as failure:
        status, error = FAILED, str(failure)
    with transaction.atomic():
        locked = lock_for_job(collection_id)
        current = locked and _named(locked, name)
        if locked and current and current.status == PROCESSING:
            built = current.changed(status=status, error=error)
            _store(locked, built)
            save_collection(locked, "indexes")
            _publish_job(locked, built, names, "update")


def drop_index(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Drop an index that was deleted, then forget it. Outside a transaction."""
    index_types.drop(collection_id, name)
    with transaction.atomic():
        collection = lock_for_job(collection_id)
        index = collection and _named(collection, name)
        if not collection or not index or index.status != DELETING:
            return
        collection.indexes = [entry for entry in collection.indexes if entry["name"] != name]
        save_collection(collection, "indexes")
        _publish_job(collection, index, names, "delete")


@transaction.atomic
def give_up_building_index(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Let an index end failed whose job was given up; what the job left in the way is dropped."""
    if failed := _change_status(collection_id, name, names, PROCESSING, FAILED):
        _enqueue(DROP_INDEX, *failed, names)


@transaction.atomic
def give_up_dropping_index(*, collection_id: int, name: str, names: Vocabulary) -> None:
    """Let an index be deleted again whose job was given up."""
    _change_status(collection_id, name, names, DELETING, STUCK)


def take_out_of_indexes(collection: Collection, key: str, names: Vocabulary) -> None:
    """Delete the indexes on an attribute that goes; what they had beside it is indexed anew.

    The caller holds the lock, and saves.
    """
    for place, index in enumerate(load_indexes(collection)):
        if key not in index.attributes or index.status == DELETING:
            continue
        rest = _without(index, key, index_types.name(collection.id, collection.version, place))
        if rest is None:
            _start_deleting(collection, index, names)
            continue
        collection.indexes = [
            index_types.dump(rest) if entry["name"] == index.name else entry
            for entry in collection.indexes
        ]
        _enqueue(DROP_INDEX, collection, index, names)
        _enqueue(BUILD_INDEX, collection, rest, names)


def rename_in_indexes(collection: Collection, key: str, new_key: str) -> None:
    """Give an attribute its new key in the indexes on it. The caller holds the lock, and saves."""
    for index in load_indexes(collection):
        if key in index.attributes:
            renamed = [new_key if each == key else each for each in index.attributes]
            _store(collection, index.changed(attributes=renamed))


def load_indexes(collection: Collection) -> list[Index]:
    return [index_types.load(entry) for entry in collection.indexes]


def attributes_of(
    collection: Collection, *, has_fields: bool | None = None
) -> Mapping[str, Attribute]:
    """Return what indexes are on by key; free fields, too, where documents may hold some."""
    has_fields = collection.has_free_fields if has_fields is None else has_fields
    loaded = (attribute_types.load(entry) for entry in collection.attributes)
    attributes = {each.key: each for each in loaded}
    return OpenAttributes(attributes) if has_fields else attributes


def _find(collection: Collection, key: str, names: Vocabulary) -> Index:
    for index in load_indexes(collection):
        if index.key == key:
            return index
    raise ApiError(names.index_not_found)


def _named(collection: Collection, name: str) -> Index | None:
    return next((each for each in load_indexes(collection) if each.name == name), None)


def _change_status(
    collection_id: int, name: str, names: Vocabulary, old: str, new: str
) -> tuple[Collection, Index] | None:
    collection = lock_for_job(collection_id)
    index = collection and _named(collection, name)
    if not collection or not index or index.status != old:
        return None
    changed = index.changed(status=new, error=GIVEN_UP[new])
    _store(collection, changed)
    save_collection(collection, "indexes")
    _publish_job(collection, changed, names, "update")
    return collection, changed


def _store(collection: Collection, index: Index) -> None:
    entry = index_types.dump(index)
    collection.indexes = [
        entry if each["name"] == index.name else each for each in collection.indexes
    ]


def _start_deleting(collection: Collection, index: Index, names: Vocabulary) -> Index:
    deleting = index.changed(status=DELETING, error="")
    _store(collection, deleting)
    _enqueue(DROP_INDEX, collection, deleting, names)
    return deleting


def _without(index: Index, key: str, name: str) -> Index | None:
    """Return an index without one of its attributes, or None where nothing is left."""
    places = [place for place, each in enumerate(index.attributes) if each != key]
    if not places:
        return None
    return index.changed(
        name=name,
        status=PROCESSING,
        error="",
        attributes=[index.attributes[place] for place in places],
        orders=[index.orders[place] for place in places if place < len(index.orders)],
        lengths=[index.lengths[place] for place in places if place < len(index.lengths)],
    )


def _enqueue(job: str, collection: Collection, index: Index, names: Vocabulary) -> None:
    jobs.enqueue(
        job, collection_id=collection.id, name=index.name, dialect=VOCABULARIES.index(names)
    )


def _publish(
    caller: Caller, collection: Collection, index: Index, names: Vocabulary, action: str
) -> dict[str, Any]:
    output = index_output(index, names)
    publish_schema_event(
        collection,
        project_uid=caller.project.uid,
        names=names,
        part=f"indexes.{id_part(index.key)}.{action}",
        payload=output,
        actor=caller.user_uid,
    )
    return output


def _publish_job(collection: Collection, index: Index, names: Vocabulary, action: str) -> None:
    publish_schema_event(
        collection,
        project_uid=collection.project.uid,
        names=names,
        part=f"indexes.{id_part(index.key)}.{action}",
        payload=index_output(index, names),
    )
