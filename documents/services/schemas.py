"""Collections as the services of schemas load, change and announce them."""

from typing import Any

from documents.models import Collection
from documents.services.databases import load_database
from documents.vocabulary import Vocabulary
from kernel import clock, events
from kernel.caller import Caller
from kernel.errors import ApiError
from kernel.events import Event


def load_collection(
    caller: Caller,
    names: Vocabulary,
    database_uid: str,
    uid: str,
    *,
    is_locked: bool = False,
) -> Collection:
    """Return a collection of the caller's project, locked where it is to be changed.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    rows = Collection.objects.at(caller.project.id, database_uid).select_related("database")
    if is_locked:
        rows = rows.select_for_update(of=("self",), no_key=True)
    collection = rows.filter(uid=uid).first()
    if collection is None:
        load_database(caller.project.id, database_uid)
        raise ApiError(names.collection_not_found)
    return collection


def lock_for_job(collection_id: int) -> Collection | None:
    """Return a collection, locked, or None when it was deleted meanwhile."""
    rows = Collection.objects.select_for_update(of=("self",), no_key=True)
    return (
        rows.select_related("database", "project").filter(id=collection_id, deleted_at=None).first()
    )


def save_collection(collection: Collection, *changed: str) -> None:
    """Save changed columns of a locked collection, under its next version."""
    collection.version += 1
    collection.updated_at = clock.now()
    collection.save(update_fields=[*changed, "version", "updated_at"])


def publish_schema_event(
    collection: Collection,
    *,
    project_uid: str,
    names: Vocabulary,
    part: str,
    payload: dict[str, Any],
    actor: str = "",
) -> None:
    """Publish what happened to a part of a collection, such as `attributes.title.create`."""
    name = names.collection_event(collection.database.uid, collection.uid)
    events.publish(
        Event(
            name=f"{name}.{part}",
            project_id=collection.project_id,
            project_uid=project_uid,
            payload=payload,
            actor=actor,
        )
    )
