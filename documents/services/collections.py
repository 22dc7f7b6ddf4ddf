"""Collections: schemas and the containers of documents. In the other vocabulary: tables."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from documents import attributes as attribute_types
from documents import definitions, grants, partitions
from documents import indexes as index_types
from documents.attributes import AVAILABLE, Attribute
from documents.definitions import ANYTHING, AttributeRequest, IndexRequest
from documents.models import Collection
from documents.outputs import collection_output
from documents.services.databases import SEARCHED, load_database
from documents.services.indexes import attributes_of
from documents.services.schemas import load_collection, save_collection
from documents.services.twins import hide_twins, lock_with_related
from documents.vocabulary import Vocabulary
from kernel import clock, events, ids, jobs, listing
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.events import Event

SWEEP_COLLECTION = "documents.sweep_collection"


def list_collections(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    queries: Sequence[str],
    search: str,
    total: bool,
) -> dict[str, Any]:
    """List the collections of a database.

    Raises: DATABASE_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND, DATABASE_QUERY_ORDER_NULL
    """
    columns = {
        **listing.SYSTEM_COLUMNS,
        "name": "name",
        "enabled": "is_enabled",
        names.document_security: "has_document_security",
    }
    rows, count = listing.list_page(
        Collection.objects.at(caller.project.id, database_id),
        queries,
        columns=columns,
        search=search,
        search_columns=SEARCHED,
        has_total=total,
    )
    if not rows:
        load_database(caller.project.id, database_id)
    return {
        "total": count,
        names.collections: [collection_output(each, database_id, names) for each in rows],
    }


@transaction.atomic
def create_collection(  # noqa: PLR0913  # one per parameter of the operation
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    name: str,
    permissions: list[str],
    document_security: bool,
    enabled: bool,
    description: str,
    attributes: Sequence[AttributeRequest],
    indexes: Sequence[IndexRequest],
    schemaless: bool = False,
) -> dict[str, Any]:
    """Create a collection; attributes and indexes given here are ready at once.

    It is schema-less also where one of the attributes is `ANYTHING`.

    Raises: DATABASE_NOT_FOUND, COLLECTION_ALREADY_EXISTS, and as `definitions` say
    """
    database = load_database(caller.project.id, database_id, is_locked=True)
    moment = clock.now()
    is_schemaless = schemaless or ANYTHING in attributes
    collection = Collection(
        project_id=caller.project.id,
        database=database,
        uid=ids.resolve_id(collection_id),
        name=name,
        description=description,
        is_enabled=enabled,
        has_document_security=document_security,
        is_schemaless=is_schemaless,
        has_free_fields=is_schemaless,
        created_at=moment,
        updated_at=moment,
    )
    _define_attributes(collection, attributes, names)
    _insert(collection, names)
    _build_indexes(collection, indexes, names)
    grants.replace_collection_grants(collection, permissions)
    collection.refresh_from_db()
    return _publish(caller, collection, names, "create")


def get_collection(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str
) -> dict[str, Any]:
    """Return a collection.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id)
    return collection_output(collection, database_id, names)


@transaction.atomic
def update_collection(  # noqa: PLR0913  # one per parameter of the operation
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    name: str | None,
    permissions: list[str] | None,
    document_security: bool,
    enabled: bool,
    description: str | None,
    purge: bool = False,
    schemaless: bool | None = None,
) -> dict[str, Any]:
    """Replace what a client may set; all but document security and whether it is enabled may stay.

    Fields of a collection that is no longer schema-less are kept, out of sight. Kept answers of
    listings are outdated by every update, so `purge` has nothing left to do.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
    if permissions is not None:
        grants.replace_collection_grants(collection, permissions)
        collection.refresh_from_db(fields=["permissions", "version"])
    collection.name = collection.name if name is None else name
    collection.description = collection.description if description is None else description
    collection.has_document_security = document_security
    collection.is_enabled = enabled
    _switch(collection, schemaless)
    save_collection(
        collection,
        *("name", "description", "has_document_security", "is_enabled"),
        *("is_schemaless", "has_free_fields"),
    )
    return _publish(caller, collection, names, "update")


@transaction.atomic
def switch_schemaless(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str, schemaless: bool
) -> dict[str, Any]:
    """Let documents hold fields without an attribute, or no longer; nothing else changes.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    collection = load_collection(caller, names, database_id, collection_id, is_locked=True)
    _switch(collection, schemaless)
    save_collection(collection, "is_schemaless", "has_free_fields")
    return _publish(caller, collection, names, "update")


@transaction.atomic
def delete_collection(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str
) -> None:
    """Hide a collection and its documents at once; a job sweeps them.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    collection, related = lock_with_related(caller, names, database_id, collection_id)
    _publish(caller, collection, names, "delete")
    hide_twins(caller, collection, related, names)
    collection.deleted_at = clock.now()
    save_collection(collection, "deleted_at")
    jobs.enqueue(SWEEP_COLLECTION, collection_id=collection.id)


def _switch(collection: Collection, schemaless: bool | None) -> None:
    if schemaless is not None:
        collection.is_schemaless = schemaless
        collection.has_free_fields = collection.has_free_fields or schemaless


def _insert(collection: Collection, names: Vocabulary) -> None:
    try:
        with transaction.atomic():
            collection.save(force_insert=True)
    except IntegrityError:
        raise ApiError(names.collection_already_exists) from None


def _define_attributes(
    collection: Collection, requests: Sequence[AttributeRequest], names: Vocabulary
) -> None:
    defined: list[Attribute] = []
    for request in requests:
        if request is ANYTHING:
            continue
        defined.append(
            definitions.define_attribute(
                request, defined, names=names, stored_name=request.key, status=AVAILABLE
            )
        )
    collection.attributes = [attribute_types.dump(each) for each in defined]


def _build_indexes(
    collection: Collection, requests: Sequence[IndexRequest], names: Vocabulary
) -> None:
    if not requests:
        return
    partitions.create(collection.id)
    collection.place = collection.id
    attributes = attributes_of(collection)
    defined: list[index_types.Index] = []
    for place, request in enumerate(requests):
        name = index_types.name(collection.id, collection.version, place)
        index = definitions.define_index(
            request, attributes, defined, names=names, name=name, status=AVAILABLE
        )
        index_types.build(collection.id, index, attributes)
        defined.append(index)
    collection.indexes = [index_types.dump(each) for each in defined]
    save_collection(collection, "place", "indexes")


def _publish(
    caller: Caller, collection: Collection, names: Vocabulary, action: str
) -> dict[str, Any]:
    output = collection_output(collection, collection.database.uid, names)
    name = names.collection_event(collection.database.uid, collection.uid)
    events.publish(
        Event(
            name=f"{name}.{action}",
            project_id=caller.project.id,
            project_uid=caller.project.uid,
            payload=output,
            actor=caller.user_uid,
        )
    )
    return output
