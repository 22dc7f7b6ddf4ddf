"""Console users as callers: how the console's own pages act through the services."""

from accounts.models import Membership, Team, User
from kernel.caller import CONSOLE_PROJECT, Caller, CallerKind, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.scopes import CONSOLE_MEMBER_SCOPES, CONSOLE_USER_SCOPES
from projects.services import WRITER_ROLES, find_project, may_manage

_ONE_PROJECT = "project-"


def console_teams(user: User) -> list[str]:
    """Return the ids of the teams all of whose projects a console user manages."""
    return [
        membership.team.uid
        for membership in _memberships(user)
        if not set(membership.roles).isdisjoint(WRITER_ROLES)
    ]


def console_projects(user: User) -> dict[str, list[str]]:
    """Return the ids of the single projects that a console user manages, by their team's id."""
    found: dict[str, list[str]] = {}
    for membership in _memberships(user):
        for name in membership.roles:
            uid, _, role = name.removeprefix(_ONE_PROJECT).rpartition("-")
            if name.startswith(_ONE_PROJECT) and role in WRITER_ROLES:
                found.setdefault(membership.team.uid, []).append(uid)
    return found


def console_user(user: User) -> Caller:
    """Return a console user as a caller of the project `console`."""
    return Caller(
        project=_project(CONSOLE_PROJECT),
        kind=CallerKind.SESSION,
        user_id=user.id,
        user_uid=user.uid,
        roles=_roles(user) | {"users", f"user:{user.uid}"},
        scopes=CONSOLE_USER_SCOPES,
    )


def console_caller(user: User, project_uid: str) -> Caller:
    """Return a console user as a caller in a project that they manage.

    Raises: PROJECT_NOT_FOUND
    """
    project, roles = _project(project_uid), _roles(user)
    if not may_manage(roles, project):
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return Caller(
        project=project,
        kind=CallerKind.CONSOLE,
        user_id=user.id,
        user_uid=user.uid,
        roles=roles,
        scopes=CONSOLE_MEMBER_SCOPES,
    )


def hold_team(uid: str) -> bool:
    """Tell whether the console has a team, which then stays until the transaction ends."""
    teams = Team.objects.in_project(_project(CONSOLE_PROJECT).id).filter(uid=uid)
    return bool(teams.select_for_update(no_key=True).values_list("id"))


def _roles(user: User) -> frozenset[str]:
    roles = {"any"}
    for membership in _memberships(user):
        team = f"team:{membership.team.uid}"
        roles |= {team, *(f"{team}/{role}" for role in membership.roles)}
    return frozenset(roles)


def _memberships(user: User) -> list[Membership]:
    rows = Membership.objects.filter(user_id=user.id, is_confirmed=True)
    return list(rows.select_related("team"))


def _project(uid: str) -> ProjectContext:
    project = find_project(uid)
    if project is None:
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return project
