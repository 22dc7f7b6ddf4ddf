"""The two sides of relationships in the schemas of their collections.

A two-way relationship is an attribute of both, a one-way one an attribute of the parent and an
entry of the child's `inbound`. Whoever changes one side holds the locks of both collections.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from documents import attributes as attribute_types
from documents import relations
from documents.attributes import DELETING, Attribute
from documents.models import Collection
from documents.outputs import attribute_output
from documents.relations import Relation
from documents.services.schemas import load_collection, publish_schema_event, save_collection
from documents.vocabulary import VOCABULARIES, Vocabulary
from kernel import jobs
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.event_names import id_part

SWEEP_ATTRIBUTE = "documents.sweep_attribute"

Related = Mapping[int, Collection]


def lock_with_related(
    caller: Caller, names: Vocabulary, database_uid: str, uid: str
) -> tuple[Collection, Related]:
    """Lock a collection and all that are related to it, in one order for everybody.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    collection = load_collection(caller, names, database_uid, uid)
    locked = lock_all(caller, database_uid, {collection.id, *_related_ids(collection)})
    if collection.id not in locked:
        raise ApiError(names.collection_not_found)
    return locked[collection.id], locked


def lock_all(caller: Caller, database_uid: str, ids: set[int]) -> dict[int, Collection]:
    """Lock collections of a database, in the order of their ids; return those that are there."""
    rows = Collection.objects.at(caller.project.id, database_uid).filter(id__in=ids)
    locked = rows.select_related("database").select_for_update(of=("self",), no_key=True)
    return {each.id: each for each in locked.order_by("id")}


def relations_of(collection: Collection) -> Iterator[Relation]:
    """Return every relationship that links of a collection's documents belong to."""
    for entry in collection.attributes:
        if entry.get("relation"):
            yield relations.load(entry["relation"])
    for entry in collection.inbound:
        yield relations.load(entry)


def find_twin(related: Collection, relation: Relation) -> Attribute | None:
    """Return the attribute that a relationship is on its other side; a one-way one is none."""
    for entry in related.attributes:
        twin = attribute_types.load(entry)
        if (
            twin.relation
            and twin.relation.id == relation.id
            and twin.relation.side != relation.side
        ):
            return twin
    return None


def hide_twin(
    caller: Caller, related: Collection | None, relation: Relation, names: Vocabulary
) -> None:
    """Take the other side of a relationship away that is being deleted; a job sweeps its links."""
    if related is None:
        return
    twin = find_twin(related, relation)
    related.inbound = [entry for entry in related.inbound if entry["id"] != relation.id]
    if twin is not None and twin.status != DELETING:
        twin = twin.changed(status=DELETING, error="")
        store_attribute(related, twin)
        jobs.enqueue(
            SWEEP_ATTRIBUTE,
            collection_id=related.id,
            name=twin.name,
            dialect=VOCABULARIES.index(names),
        )
    save_collection(related, "attributes", "inbound")
    if twin is not None:
        publish_attribute(caller, related, twin, names, "update")


def hide_twins(caller: Caller, collection: Collection, related: Related, names: Vocabulary) -> None:
    """Take the other sides of all relationships of a collection away that is being deleted."""
    for relation in relations_of(collection):
        if relation.collection_id != collection.id:
            hide_twin(caller, related.get(relation.collection_id), relation, names)


def store_attribute(collection: Collection, attribute: Attribute) -> None:
    """Replace an attribute by its stored name. The caller holds the lock, and saves."""
    entry = attribute_types.dump(attribute)
    collection.attributes = [
        entry if each["name"] == attribute.name else each for each in collection.attributes
    ]


def publish_attribute(
    caller: Caller, collection: Collection, attribute: Attribute, names: Vocabulary, action: str
) -> dict[str, Any]:
    """Publish what happened to an attribute; return its answer."""
    output = attribute_output(attribute, names)
    publish_schema_event(
        collection,
        project_uid=caller.project.uid,
        names=names,
        part=f"{names.attributes}.{id_part(attribute.key)}.{action}",
        payload=output,
        actor=caller.user_uid,
    )
    return output


def _related_ids(collection: Collection) -> set[int]:
    return {relation.collection_id for relation in relations_of(collection)}
