"""Projects: create, list, change, remove."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from kernel import clock, jobs
from kernel.caller import CONSOLE_PROJECT, Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.event_names import id_part
from kernel.events import Event, publish
from kernel.ids import resolve_id
from kernel.listing import SYSTEM_COLUMNS, list_page
from kernel.sql import violated_constraint
from projects.models import Project
from projects.outputs import ProjectList, ProjectOutput, project_list_output, project_output
from projects.services.access import (
    check_team,
    hold_team,
    is_console_user,
    is_operator,
    readable_project,
    seen_by,
    writable_project,
)
from projects.services.directory import announce_change

REMOVE_JOB = "projects.remove"
_COLUMNS = {**SYSTEM_COLUMNS, "name": "name", "teamId": "team_uid"}
_UID_CONSTRAINT = "project_uid_key"
_SWITCH_EVENTS = {"auth_methods": "authMethod"}


def create_project(
    *, caller: Caller, project_id: str, name: str, team_id: str = ""
) -> ProjectOutput:
    """Create a project owned by a team of the console.

    Raises: USER_UNAUTHORIZED, TEAM_NOT_FOUND, PROJECT_RESERVED, PROJECT_ALREADY_EXISTS
    """
    check_team(caller, team_id)
    uid = resolve_id(project_id)
    if uid == CONSOLE_PROJECT:
        raise ApiError(ErrorKind.PROJECT_RESERVED)
    now = clock.now()
    try:
        with transaction.atomic():
            hold_team(team_id)
            project = Project.objects.create(
                uid=uid, name=name, team_uid=team_id, created_at=now, updated_at=now
            )
            return publish_change(project, "create", caller)
    except IntegrityError as error:
        if violated_constraint(error) != _UID_CONSTRAINT:
            raise
        raise ApiError(ErrorKind.PROJECT_ALREADY_EXISTS) from error


def list_projects(
    *, caller: Caller, queries: Sequence[str] = (), search: str = "", total: bool = True
) -> ProjectList:
    """Return a page of the projects that the caller sees.

    Raises: USER_UNAUTHORIZED, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    if is_operator(caller):
        rows = Project.objects.alive().exclude(uid=CONSOLE_PROJECT)
    elif is_console_user(caller):
        rows = Project.objects.alive().filter(seen_by(caller))
    else:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    found, count = list_page(
        rows,
        queries,
        columns=_COLUMNS,
        search=search,
        search_columns=("uid", "name"),
        has_total=total,
    )
    return project_list_output(found, count)


def get_project(*, caller: Caller, project_id: str) -> ProjectOutput:
    """Return a project.

    Raises: PROJECT_NOT_FOUND
    """
    return project_output(get_row(readable_project(caller, project_id)))


def update_project(*, caller: Caller, project_id: str, name: str) -> ProjectOutput:
    """Rename a project.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED
    """
    return change(caller, writable_project(caller, project_id), name=name)


@transaction.atomic
def update_team(*, caller: Caller, project_id: str, team_id: str) -> ProjectOutput:
    """Hand a project to another team of the caller's.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED, TEAM_NOT_FOUND
    """
    project = writable_project(caller, project_id)
    check_team(caller, team_id)
    hold_team(team_id)
    return change(caller, project, team_uid=team_id)


def update_settings(
    *,
    caller: Caller,
    project_id: str,
    session_seconds: int | None = None,
    session_limit: int | None = None,
    user_limit: int | None = None,
    requires_verified_email: bool | None = None,
    is_read_only_until_verified: bool | None = None,
    rate_limits: dict[str, list[int]] | None = None,
) -> ProjectOutput:
    """Change how a project's users sign up and in; what is None stays. A limit of 0 is none.

    `rate_limits` are by operation id the calls allowed and the seconds they are in.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED
    """
    wanted = {
        "session_seconds": session_seconds,
        "session_limit": session_limit,
        "user_limit": user_limit,
        "requires_verified_email": requires_verified_email,
        "is_read_only_until_verified": is_read_only_until_verified,
        "rate_limits": rate_limits,
    }
    given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    return change(caller, writable_project(caller, project_id), **given)


def update_service(
    *, caller: Caller, project_id: str, service_id: str, enabled: bool
) -> ProjectOutput:
    """Switch a service on or off for the project's own users.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED
    """
    project = writable_project(caller, project_id)
    return _switch(caller, project, "services", service_id, is_on=enabled)


def update_protocol(
    *, caller: Caller, project_id: str, protocol_id: str, enabled: bool
) -> ProjectOutput:
    """Switch an interface (rest, graphql, websocket) on or off for the project's own users.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED
    """
    project = writable_project(caller, project_id)
    return _switch(caller, project, "protocols", protocol_id, is_on=enabled)


def update_auth_method(
    *, caller: Caller, project_id: str, method_id: str, enabled: bool
) -> ProjectOutput:
    """Switch a way to sign up and in on or off for the project's own users.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED
    """
    project = writable_project(caller, project_id)
    return _switch(caller, project, "auth_methods", method_id, is_on=enabled)


@transaction.atomic
def adopt_projects(*, caller: Caller, team_id: str) -> int:
    """Give the projects that no team owns to a team, for the first account of an installation.

    Raises: USER_UNAUTHORIZED
    """
    if not is_operator(caller):
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    rows = Project.objects.alive().filter(team_uid="").exclude(uid=CONSOLE_PROJECT)
    ownerless = list(rows.select_for_update())
    for project in ownerless:
        project.team_uid, project.updated_at = team_id, clock.now()
        project.save(update_fields=["team_uid", "updated_at"])
        publish_change(project, "update", caller)
    return len(ownerless)


@transaction.atomic
def delete_project(*, caller: Caller, project_id: str) -> None:
    """Hide a project at once and have everything in it removed by a job.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED
    """
    project = locked_row(writable_project(caller, project_id))
    project.deleted_at = clock.now()
    project.save(update_fields=["deleted_at"])
    publish_change(project, "delete", caller)
    jobs.enqueue(REMOVE_JOB, project_id=project.id)


def get_row(project: ProjectContext) -> Project:
    """Return the row of a project.

    Raises: PROJECT_NOT_FOUND
    """
    row = Project.objects.alive().filter(id=project.id).first()
    if row is None:
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return row


def locked_row(project: ProjectContext) -> Project:
    """Return the row of a project, which nobody else changes until the transaction ends.

    Raises: PROJECT_NOT_FOUND
    """
    row = Project.objects.alive().select_for_update().filter(id=project.id).first()
    if row is None:
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return row


@transaction.atomic
def change(
    caller: Caller, project: ProjectContext, *, event: str = "", **values: Any
) -> ProjectOutput:
    """Set columns of a project and tell of it, under the name of an event of its own if given."""
    row = locked_row(project)
    for name, value in (values | {"updated_at": clock.now()}).items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])
    return publish_change(row, "update", caller, name=event)


@transaction.atomic
def _switch(
    caller: Caller, project: ProjectContext, kind: str, switch_id: str, *, is_on: bool
) -> ProjectOutput:
    column = f"disabled_{kind}"
    off = set(getattr(locked_row(project), column))
    off = off - {switch_id} if is_on else off | {switch_id}
    event = f"{_SWITCH_EVENTS.get(kind, kind)}.{id_part(switch_id)}.update"
    return change(caller, project, event=event, **{column: sorted(off)})


def publish_change(
    project: Project, action: str, caller: Caller, *, name: str = ""
) -> ProjectOutput:
    """Tell of a changed project, and have every process read it anew after commit."""
    output = project_output(project)
    publish(
        Event(
            name=name or f"projects.{id_part(project.uid)}.{action}",
            project_id=project.id,
            project_uid=project.uid,
            payload=dict(output),
            roles=(f"team:{project.team_uid}",) if project.team_uid else (),
            actor=caller.user_uid or caller.key_uid,
        )
    )
    transaction.on_commit(lambda: announce_change(project.uid))
    return output
