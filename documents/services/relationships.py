"""Relationships between collections: attributes that may have a twin on the other side."""

import dataclasses
from typing import Any

from django.db import transaction

from documents import attributes as attribute_types
from documents.attributes import PROCESSING, Attribute
from documents.definitions import RelationshipRequest
from documents.models import Collection
from documents.relations import CHILD, MANY_TO_MANY, PARENT, Relation, stored_name
from documents.services.attributes import (
    BUILD_ATTRIBUTE,
    check_fields_unindexed,
    check_new_key,
    find_attribute,
    load_attributes,
)
from documents.services.schemas import load_collection, save_collection
from documents.services.twins import (
    find_twin,
    lock_all,
    lock_with_related,
    publish_attribute,
    relations_of,
    store_attribute,
)
from documents.store import new_relation_id
from documents.vocabulary import VOCABULARIES, Vocabulary
from kernel import clock, jobs
from kernel.caller import Caller
from kernel.errors import ApiError

RELATIONSHIP = "relationship"
_ONE_MANY_TO_MANY = (
    'Creating more than one "manyToMany" relationship on the same {} is currently not permitted.'
)


@transaction.atomic
def create_relationship(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    request: RelationshipRequest,
) -> dict[str, Any]:
    """Relate a collection to another, or to itself; jobs make the attributes available.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, ATTRIBUTE_ALREADY_EXISTS,
        ATTRIBUTE_LIMIT_EXCEEDED
    """
    found = [
        load_collection(caller, names, database_id, uid)
        for uid in (collection_id, request.related_collection_id)
    ]
    locked = lock_all(caller, database_id, {each.id for each in found})
    if len(locked) < len({each.id for each in found}):
        raise ApiError(names.collection_not_found)
    parent, child = (locked[each.id] for each in found)
    own, twin = _defined(parent, child, request)
    _check(parent, own, names)
    parent.attributes.append(attribute_types.dump(own))
    if request.two_way:
        _check(child, twin, names)
        child.attributes.append(attribute_types.dump(twin))
        _save(child, twin, names)
    elif twin.relation is not None:
        child.inbound.append(dataclasses.asdict(twin.relation))
        save_collection(child, "inbound")
    _save(parent, own, names)
    if request.two_way:
        publish_attribute(caller, child, twin, names, "create")
    return publish_attribute(caller, parent, own, names, "create")


@transaction.atomic
def update_relationship(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    key: str,
    on_delete: str | None,
    new_key: str | None,
    description: str | None,
) -> dict[str, Any]:
    """Change what deleting does, for both sides, and the key; what is None stays.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, ATTRIBUTE_NOT_FOUND,
        ATTRIBUTE_NOT_AVAILABLE, ATTRIBUTE_TYPE_INVALID, ATTRIBUTE_ALREADY_EXISTS
    """
    collection, related = lock_with_related(caller, names, database_id, collection_id)
    old = find_attribute(collection, key, names)
    if not old.is_available:
        raise ApiError(names.attribute_not_available)
    if old.relation is None:
        raise ApiError(names.attribute_type_invalid)
    wanted = new_key or key
    if wanted != key and any(each.key == wanted for each in load_attributes(collection)):
        raise ApiError(names.attribute_already_exists)
    check_new_key(collection, old, wanted, names)
    new = old.changed(
        key=wanted,
        description=old.description if description is None else description,
        relation=_changed(old.relation, on_delete, old.relation.two_way_key),
    )
    store_attribute(collection, new)
    save_collection(collection, "attributes")
    _update_twin(caller, related[old.relation.collection_id], new, names)
    return publish_attribute(caller, collection, new, names, "update")


def _changed(relation: Relation, on_delete: str | None, two_way_key: str) -> Relation:
    return dataclasses.replace(
        relation, on_delete=on_delete or relation.on_delete, two_way_key=two_way_key
    )


def _update_twin(
    caller: Caller, related: Collection, attribute: Attribute, names: Vocabulary
) -> None:
    """Tell the other side of a relationship how this one is now."""
    relation = attribute.relation
    if relation is None:
        return
    twin = find_twin(related, relation)
    if twin is not None and twin.relation is not None:
        changed = _changed(twin.relation, relation.on_delete, attribute.key)
        twin = twin.changed(relation=changed)
        store_attribute(related, twin)
    related.inbound = [
        entry | {"on_delete": relation.on_delete, "two_way_key": attribute.key}
        if entry["id"] == relation.id
        else entry
        for entry in related.inbound
    ]
    save_collection(related, "attributes", "inbound")
    if twin is not None:
        publish_attribute(caller, related, twin, names, "update")


def _defined(
    parent: Collection, child: Collection, request: RelationshipRequest
) -> tuple[Attribute, Attribute]:
    """Return a new relationship as an attribute of either side."""
    moment = clock.api_time(clock.now())
    number = new_relation_id()
    sides = (
        (PARENT, request.key, request.two_way_key, child),
        (CHILD, request.two_way_key, request.key, parent),
    )
    own, twin = (
        Attribute(
            key=key,
            type=RELATIONSHIP,
            name=stored_name(number, side),
            status=PROCESSING,
            description=request.description if side == PARENT else "",
            created_at=moment,
            updated_at=moment,
            relation=Relation(
                id=number,
                type=request.type,
                side=side,
                collection_id=other.id,
                collection_uid=other.uid,
                two_way=request.two_way,
                two_way_key=other_key,
                on_delete=request.on_delete,
            ),
        )
        for side, key, other_key, other in sides
    )
    return own, twin


def _check(collection: Collection, attribute: Attribute, names: Vocabulary) -> None:
    """Check that an attribute of a relationship may join those of its collection."""
    check_fields_unindexed(collection, attribute.key, names)
    others = load_attributes(collection)
    relation = attribute.relation
    if relation is None or any(each.key == attribute.key for each in others):
        raise ApiError(names.attribute_already_exists)
    for other in relations_of(collection):
        if other.collection_id != relation.collection_id or other.id == relation.id:
            continue
        if other.type == relation.type == MANY_TO_MANY:
            reason = _ONE_MANY_TO_MANY.format(names.collection)
            raise ApiError(names.attribute_already_exists, reason)
        if other.side == relation.side == PARENT and other.two_way_key == relation.two_way_key:
            raise ApiError(names.attribute_already_exists)
    if attribute_types.is_over_budget([*others, attribute]):
        raise ApiError(names.attribute_limit_exceeded)


def _save(collection: Collection, attribute: Attribute, names: Vocabulary) -> None:
    save_collection(collection, "attributes")
    jobs.enqueue(
        BUILD_ATTRIBUTE,
        collection_id=collection.id,
        name=attribute.name,
        dialect=VOCABULARIES.index(names),
    )
