"""Databases: the outermost containers."""

from collections.abc import Sequence
from typing import TypedDict

from django.db import IntegrityError, transaction
from django.db.models import F

from documents.models import Collection, Database
from documents.outputs import DatabaseOutput, database_output
from documents.vocabulary import COLLECTIONS, Vocabulary
from kernel import clock, events, ids, jobs, listing
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.event_names import id_part
from kernel.events import Event

DEFAULT_UID = "default"
DEFAULT_NAME = "default"
SWEEP_DATABASE = "documents.sweep_database"
SEARCHED = ("uid", "name")
_QUERYABLE = {**listing.SYSTEM_COLUMNS, "name": "name"}


class DatabaseList(TypedDict):
    """The model `DatabaseList`."""

    total: int
    databases: list[DatabaseOutput]


def list_databases(
    *, caller: Caller, queries: Sequence[str], search: str, total: bool
) -> DatabaseList:
    """List the databases of the caller's project, whichever vocabulary made them.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND, DATABASE_QUERY_ORDER_NULL
    """
    rows, count = listing.list_page(
        Database.objects.in_project(caller.project.id),
        queries,
        columns=_QUERYABLE,
        search=search,
        search_columns=SEARCHED,
        has_total=total,
    )
    return {"total": count, "databases": [database_output(each) for each in rows]}


@transaction.atomic
def create_database(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    name: str,
    enabled: bool,
    description: str,
) -> DatabaseOutput:
    """Create a database; its type is the vocabulary it is made in.

    Raises: DATABASE_ALREADY_EXISTS
    """
    database = _insert(
        project_id=caller.project.id,
        uid=ids.resolve_id(database_id),
        name=name,
        type_=names.database_type,
        is_enabled=enabled,
        description=description,
    )
    return _publish(caller, database, "create")


def get_database(*, caller: Caller, database_id: str) -> DatabaseOutput:
    """Return a database.

    Raises: DATABASE_NOT_FOUND
    """
    return database_output(load_database(caller.project.id, database_id))


@transaction.atomic
def update_database(
    *,
    caller: Caller,
    database_id: str,
    name: str | None,
    enabled: bool,
    description: str | None,
) -> DatabaseOutput:
    """Replace what a client may set; a name or description left out stays.

    Raises: DATABASE_NOT_FOUND
    """
    database = load_database(caller.project.id, database_id, is_locked=True)
    was_enabled = database.is_enabled
    database.name = database.name if name is None else name
    database.description = database.description if description is None else description
    database.is_enabled = enabled
    database.updated_at = clock.now()
    database.save(update_fields=["name", "description", "is_enabled", "updated_at"])
    if enabled != was_enabled:
        _touch_collections(database)
    return _publish(caller, database, "update")


@transaction.atomic
def delete_database(*, caller: Caller, database_id: str) -> None:
    """Hide a database and all it holds at once; a job sweeps them.

    Raises: DATABASE_NOT_FOUND
    """
    database = load_database(caller.project.id, database_id, is_locked=True)
    _publish(caller, database, "delete")
    hide_database(database)


def hide_database(database: Database) -> None:
    """Hide a database, and leave the rest to a job."""
    moment = clock.now()
    database.deleted_at = moment
    database.save(update_fields=["deleted_at"])
    hidden = Collection.objects.in_database(database.id)
    hidden.update(deleted_at=moment)
    _touch_collections(database)
    jobs.enqueue(SWEEP_DATABASE, database_id=database.id)


def create_default_database(*, project_id: int, project_uid: str) -> None:
    """Make the database every project begins with."""
    database = _insert(
        project_id=project_id,
        uid=DEFAULT_UID,
        name=DEFAULT_NAME,
        type_=COLLECTIONS.database_type,
        is_enabled=True,
        description="",
    )
    events.publish(
        Event(
            name=f"databases.{id_part(database.uid)}.create",
            project_id=project_id,
            project_uid=project_uid,
            payload=dict(database_output(database)),
        )
    )


def load_database(project_id: int, uid: str, *, is_locked: bool = False) -> Database:
    """Return a database of a project.

    Raises: DATABASE_NOT_FOUND
    """
    rows = Database.objects.in_project(project_id)
    if is_locked:
        rows = rows.select_for_update(no_key=True)
    database = rows.filter(uid=uid).first()
    if database is None:
        raise ApiError(ErrorKind.DATABASE_NOT_FOUND)
    return database


def _insert(
    *, project_id: int, uid: str, name: str, type_: str, is_enabled: bool, description: str
) -> Database:
    moment = clock.now()
    try:
        with transaction.atomic():
            return Database.objects.create(
                project_id=project_id,
                uid=uid,
                name=name,
                type=type_,
                is_enabled=is_enabled,
                description=description,
                created_at=moment,
                updated_at=moment,
            )
    except IntegrityError:
        raise ApiError(ErrorKind.DATABASE_ALREADY_EXISTS) from None


def _touch_collections(database: Database) -> None:
    """Make every process read the database's collections anew: they are as visible as it is."""
    Collection.objects.filter(database=database).update(version=F("version") + 1)


def _publish(caller: Caller, database: Database, action: str) -> DatabaseOutput:
    output = database_output(database)
    events.publish(
        Event(
            name=f"databases.{id_part(database.uid)}.{action}",
            project_id=caller.project.id,
            project_uid=caller.project.uid,
            payload=dict(output),
            actor=caller.user_uid,
        )
    )
    return output
