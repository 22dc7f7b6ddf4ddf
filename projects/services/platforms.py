"""Platforms of a project, which are the client apps it accepts: create, list, change, delete."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from kernel import clock
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.event_names import id_part
from kernel.events import Event, publish
from kernel.ids import UNIQUE_ID, resolve_id
from kernel.listing import SYSTEM_COLUMNS, list_page
from kernel.sql import violated_constraint
from projects.models import Platform
from projects.outputs import PlatformList, PlatformOutput, platform_list_output, platform_output
from projects.services.access import readable_project, writable_project
from projects.services.directory import announce_change

_COLUMNS = {
    **SYSTEM_COLUMNS,
    "type": "type",
    "name": "name",
    "hostname": "hostname",
    "bundleIdentifier": "key",
    "applicationId": "key",
    "packageIdentifierName": "key",
    "packageName": "key",
}
_UID_CONSTRAINT = "platform_uid"
_VALUES = ("name", "hostname", "key", "store", "fingerprints")


def create_platform(  # noqa: PLR0913  # a platform's columns
    *,
    caller: Caller,
    project_id: str,
    platform_type: str,
    name: str,
    platform_id: str = UNIQUE_ID,
    hostname: str = "",
    key: str = "",
    store: str = "",
    fingerprints: Sequence[str] = (),
) -> PlatformOutput:
    """Register a client app: a hostname for the web, an identifier for installed apps.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, PLATFORM_ALREADY_EXISTS
    """
    project = writable_project(caller, project_id)
    now = clock.now()
    try:
        with transaction.atomic():
            platform = Platform.objects.create(
                project_id=project.id,
                uid=resolve_id(platform_id),
                type=platform_type,
                name=name,
                hostname=hostname,
                key=key,
                store=store,
                fingerprints=list(fingerprints),
                created_at=now,
                updated_at=now,
            )
            return _publish(project, platform, "create", caller)
    except IntegrityError as error:
        if violated_constraint(error) != _UID_CONSTRAINT:
            raise
        raise ApiError(ErrorKind.PLATFORM_ALREADY_EXISTS) from error


def list_platforms(
    *, caller: Caller, project_id: str, queries: Sequence[str] = (), total: bool = True
) -> PlatformList:
    """Return a page of a project's platforms.

    Raises: PROJECT_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    project = readable_project(caller, project_id)
    rows = Platform.objects.filter(project_id=project.id)
    found, count = list_page(rows, queries, columns=_COLUMNS, has_total=total)
    return platform_list_output(found, count)


def get_platform(*, caller: Caller, project_id: str, platform_id: str) -> PlatformOutput:
    """Return a platform.

    Raises: PROJECT_NOT_FOUND, PLATFORM_NOT_FOUND
    """
    project = readable_project(caller, project_id)
    platform = Platform.objects.filter(project_id=project.id, uid=platform_id).first()
    if platform is None:
        raise ApiError(ErrorKind.PLATFORM_NOT_FOUND)
    return platform_output(platform)


@transaction.atomic
def update_platform(
    *, caller: Caller, project_id: str, platform_id: str, platform_type: str = "", **values: Any
) -> PlatformOutput:
    """Change a platform's name, hostname, key, store or fingerprints, as far as given.

    With `platform_type` the platform must be of that type.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, PLATFORM_NOT_FOUND, PLATFORM_METHOD_UNSUPPORTED
    """
    project = writable_project(caller, project_id)
    platform = _locked_platform(project, platform_id)
    if platform_type and platform.type != platform_type:
        raise ApiError(ErrorKind.PLATFORM_METHOD_UNSUPPORTED)
    given = {name: values[name] for name in _VALUES if values.get(name) is not None}
    for name, value in (given | {"updated_at": clock.now()}).items():
        setattr(platform, name, value)
    platform.save(update_fields=[*given, "updated_at"])
    return _publish(project, platform, "update", caller)


@transaction.atomic
def delete_platform(*, caller: Caller, project_id: str, platform_id: str) -> None:
    """Delete a platform; browsers on its host are refused from now on.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, PLATFORM_NOT_FOUND
    """
    project = writable_project(caller, project_id)
    platform = _locked_platform(project, platform_id)
    _publish(project, platform, "delete", caller)
    platform.delete()


def _locked_platform(project: ProjectContext, platform_id: str) -> Platform:
    # Two changes of one platform wait for each other, so that no event tells of a lost one.
    rows = Platform.objects.select_for_update()
    platform = rows.filter(project_id=project.id, uid=platform_id).first()
    if platform is None:
        raise ApiError(ErrorKind.PLATFORM_NOT_FOUND)
    return platform


def _publish(
    project: ProjectContext, platform: Platform, action: str, caller: Caller
) -> PlatformOutput:
    output = platform_output(platform)
    publish(
        Event(
            name=f"platforms.{id_part(platform.uid)}.{action}",
            project_id=project.id,
            project_uid=project.uid,
            payload=dict(output),
            actor=caller.user_uid or caller.key_uid,
        )
    )
    transaction.on_commit(lambda: announce_change(project.uid))
    return output
