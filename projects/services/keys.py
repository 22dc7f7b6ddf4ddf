"""API keys of a project: create, list, change, delete."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from django.db import IntegrityError, transaction

from kernel import clock
from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.event_names import id_part
from kernel.events import Event, publish
from kernel.fields import ABSENT, Missing
from kernel.ids import UNIQUE_ID, resolve_id
from kernel.listing import SYSTEM_COLUMNS, list_page
from kernel.sql import violated_constraint
from projects.keys import digest, new_secret
from projects.models import Key
from projects.outputs import KeyList, KeyOutput, key_list_output, key_output
from projects.services.access import readable_project, writable_project
from projects.services.directory import announce_change

_COLUMNS = {
    **SYSTEM_COLUMNS,
    "name": "name",
    "expire": "expires_at",
    "accessedAt": "accessed_at",
    "scopes": "scopes",
}
_UID_CONSTRAINT = "api_key_uid"


def create_key(
    *,
    caller: Caller,
    project_id: str,
    name: str,
    scopes: Sequence[str],
    key_id: str = UNIQUE_ID,
    expire: datetime | None = None,
) -> KeyOutput:
    """Create an API key; this answer is the only one that holds its secret.

    Scopes this server does not know are kept for the day it does.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, KEY_CREATION_DENIED, KEY_ALREADY_EXISTS
    """
    project = writable_project(caller, project_id)
    _check_scopes(caller, scopes)
    secret, now = new_secret(), clock.now()
    try:
        with transaction.atomic():
            key = Key.objects.create(
                project_id=project.id,
                uid=resolve_id(key_id),
                name=name,
                scopes=list(dict.fromkeys(scopes)),
                digest=digest(secret),
                expires_at=expire,
                created_at=now,
                updated_at=now,
            )
            return key_output(_publish(project, key, "create", caller), secret=secret)
    except IntegrityError as error:
        if violated_constraint(error) != _UID_CONSTRAINT:
            raise
        raise ApiError(ErrorKind.KEY_ALREADY_EXISTS) from error


def list_keys(
    *, caller: Caller, project_id: str, queries: Sequence[str] = (), total: bool = True
) -> KeyList:
    """Return a page of a project's keys.

    Raises: PROJECT_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    project = readable_project(caller, project_id)
    rows = Key.objects.filter(project_id=project.id)
    found, count = list_page(rows, queries, columns=_COLUMNS, has_total=total)
    return key_list_output(found, count)


def get_key(*, caller: Caller, project_id: str, key_id: str) -> KeyOutput:
    """Return a key, without its secret.

    Raises: PROJECT_NOT_FOUND, KEY_NOT_FOUND
    """
    project = readable_project(caller, project_id)
    key = Key.objects.filter(project_id=project.id, uid=key_id).first()
    if key is None:
        raise ApiError(ErrorKind.KEY_NOT_FOUND)
    return key_output(key)


@transaction.atomic
def update_key(
    *,
    caller: Caller,
    project_id: str,
    key_id: str,
    name: str,
    scopes: Sequence[str],
    expire: datetime | None = None,
    description: str | Missing = ABSENT,
) -> KeyOutput:
    """Replace a key's name, scopes and expiry.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, KEY_CREATION_DENIED, KEY_NOT_FOUND
    """
    project = writable_project(caller, project_id)
    _check_scopes(caller, scopes)
    key = _locked_key(project, key_id)
    key.name, key.scopes, key.expires_at = name, list(dict.fromkeys(scopes)), expire
    if description is not ABSENT:
        key.description = cast("str", description)
    key.updated_at = clock.now()
    key.save(update_fields=["name", "scopes", "expires_at", "description", "updated_at"])
    transaction.on_commit(lambda: announce_change(project.uid))
    return key_output(_publish(project, key, "update", caller))


@transaction.atomic
def delete_key(*, caller: Caller, project_id: str, key_id: str) -> None:
    """Delete a key; from now on its secret is worth nothing.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, KEY_NOT_FOUND
    """
    project = writable_project(caller, project_id)
    key = _locked_key(project, key_id)
    _publish(project, key, "delete", caller)
    key.delete()
    transaction.on_commit(lambda: announce_change(project.uid))


def _check_scopes(caller: Caller, scopes: Sequence[str]) -> None:
    if caller.kind is CallerKind.KEY and not caller.scopes.issuperset(scopes):
        raise ApiError(ErrorKind.KEY_CREATION_DENIED)


def _locked_key(project: ProjectContext, key_id: str) -> Key:
    # Two changes of one key wait for each other, so that no event tells of a lost one.
    key = Key.objects.select_for_update().filter(project_id=project.id, uid=key_id).first()
    if key is None:
        raise ApiError(ErrorKind.KEY_NOT_FOUND)
    return key


def _publish(project: ProjectContext, key: Key, action: str, caller: Caller) -> Key:
    publish(
        Event(
            name=f"keys.{id_part(key.uid)}.{action}",
            project_id=project.id,
            project_uid=project.uid,
            payload=dict(key_output(key)),
            actor=caller.user_uid or caller.key_uid,
        )
    )
    return key
