"""What changed in a collection since a cursor, for clients who were away."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from documents import catalog, cursors, encryption, store
from documents.catalog import CollectionSchema
from documents.cursors import Cursor, MalformedCursorError, Place
from documents.outputs import change_list_output
from documents.services.documents.reading import readers
from documents.store import LoggedEvent, Viewer
from documents.vocabulary import COLLECTIONS, Vocabulary
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind, invalid

VIEW_BYTES = 12
#: The view of everybody who may read every document.
WHOLE_VIEW = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The events that somebody missed, and the cursor behind them.

    It is not complete where the list has to be read anew; then it holds none.
    """

    database_uid: str
    collection_uid: str
    events: Sequence[LoggedEvent]
    cursor: str
    is_complete: bool


def list_changes(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    since: str,
    limit: int,
) -> dict[str, Any]:
    """List the documents that changed since a cursor, as they are now; without one, none.

    One that the caller may no longer read is told as deleted, one that came in sight as created.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, USER_UNAUTHORIZED, ARGUMENT_INVALID,
        CURSOR_EXPIRED
    """
    cursor = _read(caller, since) if since else None
    place_of_cursor = (cursor.database_uid, cursor.collection_uid) if cursor else None
    if place_of_cursor not in (None, (database_id, collection_id)):
        raise invalid("since", "The cursor is of another collection")

    def work(schema: CollectionSchema) -> dict[str, Any]:
        viewer = _viewer(caller, schema, cursor)
        if cursor is None:
            first = _first(schema, viewer, store.here(schema))
            return _page(schema, names, [], first)
        _check(cursor, schema, viewer)
        page = store.changes(schema, cursor.place, viewer, limit=limit)
        return _page(schema, names, page.changed, cursor.at(page.place, epoch=viewer.epoch.token))

    return catalog.with_schema(caller, database_id, collection_id, names=names, work=work)


def collection_of(*, caller: Caller, since: str) -> tuple[str, str]:
    """Return the ids of the database and the collection whose changes a cursor is about.

    Raises: ARGUMENT_INVALID
    """
    cursor = _read(caller, since)
    return cursor.database_uid, cursor.collection_uid


def replay_changes(*, caller: Caller, since: str, limit: int, limit_bytes: int) -> Replay:
    """Return the events since a cursor that the caller would have received.

    Raises: DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND, USER_UNAUTHORIZED, ARGUMENT_INVALID
    """
    cursor = _read(caller, since)

    def work(schema: CollectionSchema) -> Replay:
        viewer = _viewer(caller, schema, cursor)
        heard = replace(viewer, roles=sorted(caller.roles | {"any"}))
        try:
            _check(cursor, schema, viewer)
        except ApiError:
            return _replayed(schema, viewer, [], store.here(schema), is_complete=False)
        found = store.missed(schema, cursor.place, heard, limit=limit, limit_bytes=limit_bytes)
        return _replayed(schema, viewer, found.events, found.place, is_complete=found.is_complete)

    return catalog.with_schema(
        caller, cursor.database_uid, cursor.collection_uid, names=COLLECTIONS, work=work
    )


def opened_event(event: LoggedEvent, *, project_id: int) -> dict[str, Any]:
    """Return the payload of an event as its receivers get it."""
    return encryption.open_payload(event.payload, project_id=project_id)


def _read(caller: Caller, since: str) -> Cursor:
    try:
        return cursors.read(since, project_id=caller.project.id)
    except MalformedCursorError:
        raise invalid("since", "Value must be a cursor of this project") from None


def _viewer(caller: Caller, schema: CollectionSchema, cursor: Cursor | None) -> Viewer:
    roles = readers(caller, schema)
    epoch = store.epoch_of(cursor.place, cursor.epoch) if cursor else store.epoch_of()
    return Viewer(sees_all=roles is None, roles=roles or [], epoch=epoch)


def _check(cursor: Cursor, schema: CollectionSchema, viewer: Viewer) -> None:
    """Check that a cursor still leads to everything that changed in its owner's sight.

    Raises: CURSOR_EXPIRED
    """
    is_of_now = cursor.collection_id == schema.id and cursor.view == _view(schema, viewer)
    if not is_of_now or not viewer.epoch.holds or cursor.is_expired():
        raise ApiError(ErrorKind.CURSOR_EXPIRED)


def _view(schema: CollectionSchema, viewer: Viewer) -> str:
    """Name what a viewer may read, as far as anything else than a document decides about it.

    No event tells whose sight a new role, or a new permission on the collection, changes.
    """
    if viewer.sees_all:
        return WHOLE_VIEW
    what = orjson.dumps([schema.version, list(viewer.roles)])
    return hashlib.blake2b(what, digest_size=VIEW_BYTES).hexdigest()


def _first(schema: CollectionSchema, viewer: Viewer, place: Place) -> Cursor:
    return cursors.issue(
        collection_id=schema.id,
        database_uid=schema.database_uid,
        collection_uid=schema.uid,
        view=_view(schema, viewer),
        epoch=viewer.epoch.token,
        place=place,
    )


def _page(
    schema: CollectionSchema, names: Vocabulary, changed: Sequence[store.Changed], cursor: Cursor
) -> dict[str, Any]:
    return change_list_output(
        [each for each in changed if each.was_visible or each.document is not None],
        schema,
        names,
        cursor=cursors.seal(cursor, project_id=schema.project_id),
        has_more=bool(cursor.place.until),
    )


def _replayed(
    schema: CollectionSchema,
    viewer: Viewer,
    events: Sequence[LoggedEvent],
    place: Place,
    *,
    is_complete: bool,
) -> Replay:
    cursor = _first(schema, viewer, place)
    return Replay(
        database_uid=schema.database_uid,
        collection_uid=schema.uid,
        events=events,
        cursor=cursors.seal(cursor, project_id=schema.project_id),
        is_complete=is_complete,
    )
