"""Console users as callers: how the console's own pages act through the services."""

from accounts.models import Membership, User
from kernel.caller import CONSOLE_PROJECT, Caller, CallerKind, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.scopes import CONSOLE_MEMBER_SCOPES, CONSOLE_USER_SCOPES
from projects.services import find_project


def console_teams(user: User) -> list[str]:
    """Return the ids of the teams a console user is a confirmed member of."""
    return [membership.team.uid for membership in _memberships(user)]


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
    """Return a console user as a caller in a project that a team of theirs owns.

    Raises: PROJECT_NOT_FOUND
    """
    project = _project(project_uid)
    if not project.team_uid or project.team_uid not in console_teams(user):
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return Caller(
        project=project,
        kind=CallerKind.CONSOLE,
        user_id=user.id,
        user_uid=user.uid,
        roles=_roles(user),
        scopes=CONSOLE_MEMBER_SCOPES,
    )


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
