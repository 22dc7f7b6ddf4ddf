"""Who may see and manage a project: its keys, its console members, and the operator."""

from collections.abc import Set as AbstractSet

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.errors import ApiError, ErrorKind
from projects.services.directory import find_project

WRITER_ROLES = ("owner", "admin", "developer")
_TEAM = "team:"
_ONE_PROJECT = "project-"


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


def check_team(caller: Caller, team_uid: str) -> None:
    """Check that a console user may make or move projects in a team.

    Raises: USER_UNAUTHORIZED
    """
    if is_operator(caller):
        return
    roles = {f"{_TEAM}{team_uid}/{role}" for role in WRITER_ROLES}
    if not is_console_user(caller) or caller.roles.isdisjoint(roles):
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)


def hold_team(team_uid: str) -> None:
    """Keep a team of the console from being deleted until the transaction ends.

    Raises: TEAM_NOT_FOUND
    """
    hold = import_string(settings.APPWRITE_HOLD_CONSOLE_TEAM)
    if team_uid and not hold(team_uid):
        raise ApiError(ErrorKind.TEAM_NOT_FOUND)


def may_manage(roles: AbstractSet[str], project: ProjectContext) -> bool:
    """Tell whether holders of console roles work on a project."""
    names = (*WRITER_ROLES, *(f"project-{project.uid}-{role}" for role in WRITER_ROLES))
    team = f"{_TEAM}{project.team_uid}"
    return bool(project.team_uid) and not roles.isdisjoint(f"{team}/{name}" for name in names)


def may_see(roles: AbstractSet[str], project: ProjectContext) -> bool:
    """Tell whether holders of console roles see a project, as every member of its team does.

    Left out are those all of whose roles in the team are for other projects.
    """
    seen = _seen_projects(roles).get(project.team_uid, frozenset()) if project.team_uid else ()
    return seen is None or project.uid in seen


def seen_by(caller: Caller) -> Q:
    """Return the condition for the projects that a console user sees."""
    condition = Q(pk__in=[])
    for team_uid, uids in _seen_projects(caller.roles).items():
        seen = Q(team_uid=team_uid)
        condition |= seen if uids is None else seen & Q(uid__in=uids)
    return condition


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
        return may_see(caller.roles, project)
    return caller.is_privileged and caller.project.id == project.id


def _seen_projects(roles: AbstractSet[str]) -> dict[str, frozenset[str] | None]:
    """Return the projects that console roles let see in each team; None stands for all of them."""
    names: dict[str, set[str]] = {}
    for role in roles:
        if role.startswith(_TEAM):
            team_uid, _, name = role.removeprefix(_TEAM).partition("/")
            names.setdefault(team_uid, set()).update([name] if name else [])
    return {team_uid: _named_projects(held) for team_uid, held in names.items()}


def _named_projects(names: AbstractSet[str]) -> frozenset[str] | None:
    if not names or not all(name.startswith(_ONE_PROJECT) for name in names):
        return None
    # A project's id may hold the sign that ends it; the role after it may not.
    return frozenset(name.removeprefix(_ONE_PROJECT).rpartition("-")[0] for name in names)


def _may_write(caller: Caller, project: ProjectContext) -> bool:
    if is_operator(caller) or caller.kind is CallerKind.KEY:
        return True
    return may_manage(caller.roles, project)
