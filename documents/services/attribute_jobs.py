"""What jobs do to attributes: make them available, or strip the values of deleted ones.

An attribute is found by its stored name, which is never used again.
"""

from dataclasses import replace

from django.db import transaction
from psycopg import sql as psql

from documents import indexes, partitions, relations, store
from documents.attributes import AVAILABLE, DELETING, FAILED, MARK, PROCESSING, STUCK, Attribute
from documents.models import Collection
from documents.outputs import attribute_output
from documents.services.adoption import adopt_fields
from documents.services.attributes import load_attributes
from documents.services.indexes import GIVEN_UP
from documents.services.schemas import lock_for_job, publish_schema_event, save_collection
from documents.services.twins import store_attribute
from documents.vocabulary import Vocabulary
from kernel import sql
from kernel.event_names import id_part

STRIP_BATCH = 1000

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
