"""Who may see and manage a project: its keys, its console members, and the operator."""

from collections.abc import Set as AbstractSet

from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.errors import ApiError, ErrorKind
from projects.services.directory import find_project

WRITER_ROLES = ("owner", "admin", "developer")
_TEAM = "team:"


def operator() -> Caller:
    """Return the caller that commands act as: whoever runs the installation."""
    console = find_project("console")
    if console is None:
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return Caller(project=console, kind=CallerKind.CONSOLE)


def is_operator(caller: Caller) -> bool:
    """Tell whether a caller was made by `operator`: no request can be one."""
    is_console = caller.kind is CallerKind.CONSOLE and caller.project.is_console
    return is_console and not caller.user_uid


def is_console_user(caller: Caller) -> bool:
    """Tell whether a caller is signed in to the console, and not to a project's own users."""
    return caller.project.is_console and caller.kind is not CallerKind.KEY and bool(caller.user_uid)


def team_uids(caller: Caller) -> list[str]:
    """Return the teams a caller is a confirmed member of."""
    starts = len(_TEAM)
    return [role[starts:] for role in caller.roles if role.startswith(_TEAM) and "/" not in role]


def check_team(caller: Caller, team_uid: str) -> None:
    """Check that a console user may make or move projects in a team.

    Raises: USER_UNAUTHORIZED
    """
    if is_operator(caller):
        return
    roles = {f"{_TEAM}{team_uid}/{role}" for role in WRITER_ROLES}
    if not is_console_user(caller) or caller.roles.isdisjoint(roles):
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)


def may_manage(roles: AbstractSet[str], project: ProjectContext) -> bool:
    """Tell whether holders of console roles work on a project; members without one only see it."""
    names = (*WRITER_ROLES, *(f"project-{project.uid}-{role}" for role in WRITER_ROLES))
    team = f"{_TEAM}{project.team_uid}"
    return bool(project.team_uid) and not roles.isdisjoint(f"{team}/{name}" for name in names)


def readable_project(caller: Caller, project_uid: str) -> ProjectContext:
    """Return a project the caller may see; others do not exist for them.

    Raises: PROJECT_NOT_FOUND
    """
    project = find_project(project_uid)
    if project is None or project.is_console or not _may_read(caller, project):
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return project


def writable_project(caller: Caller, project_uid: str) -> ProjectContext:
    """Return a project the caller may manage.

    Raises: PROJECT_NOT_FOUND, USER_UNAUTHORIZED
    """
    project = readable_project(caller, project_uid)
    if not _may_write(caller, project):
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return project


def _may_read(caller: Caller, project: ProjectContext) -> bool:
    if is_operator(caller):
        return True
    if is_console_user(caller):
        return bool(project.team_uid) and f"{_TEAM}{project.team_uid}" in caller.roles
    return caller.is_privileged and caller.project.id == project.id


def _may_write(caller: Caller, project: ProjectContext) -> bool:
    if is_operator(caller) or caller.kind is CallerKind.KEY:
        return True
    return may_manage(caller.roles, project)
