"""Teams: make, read, rename, delete. A team is visible to its members, and changed by owners."""

from collections.abc import Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Count, Q

from accounts.events import announce_identity, publish_team
from accounts.models import Membership, Team
from accounts.outputs import TeamList, TeamOutput, team_output
from accounts.services.rows import prefs_text
from kernel import clock, sql
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.ids import resolve_id, unique_id
from kernel.listing import SYSTEM_COLUMNS, list_page
from projects.models import Project

OWNER = "owner"

_COLUMNS = {**SYSTEM_COLUMNS, "name": "name", "total": "total"}
_ADD = """
    INSERT INTO team (project_id, uid, name, prefs, created_at, updated_at)
    VALUES (%s, %s, %s, '{}', %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""
_ADD_WITH_MEMBER = """
    WITH added AS (
        INSERT INTO team (project_id, uid, name, prefs, created_at, updated_at)
        VALUES (%s, %s, %s, '{}', %s, %s) ON CONFLICT DO NOTHING RETURNING id, project_id
    )
    INSERT INTO membership (project_id, team_id, user_id, uid, roles, is_confirmed, invited_at,
        joined_at, updated_at)
    SELECT project_id, id, %s, %s, %s::varchar[], true, %s, %s, %s FROM added RETURNING id
"""
_REMOVE = """
    WITH doomed AS (
        SELECT * FROM team WHERE project_id = %(project)s AND uid = %(uid)s FOR UPDATE
    ), departed AS (
        DELETE FROM membership m USING doomed WHERE m.team_id = doomed.id RETURNING m.user_id
    ), removed AS (
        DELETE FROM team t USING doomed WHERE t.id = doomed.id
    )
    SELECT doomed.*, ARRAY(
        SELECT u.uid FROM account u JOIN departed d ON d.user_id = u.id
    ) AS member_uids
    FROM doomed
"""


def create_team(
    *, caller: Caller, team_id: str, name: str, roles: Sequence[str] = (OWNER,)
) -> TeamOutput:
    """Create a team: empty for a key, with a user who creates it as its owner.

    Raises: TEAM_ALREADY_EXISTS
    """
    now = clock.now()
    uid = resolve_id(team_id)
    team = Team(project_id=caller.project.id, uid=uid, name=name, created_at=now, updated_at=now)
    columns = (caller.project.id, uid, name, now, now)
    held = list(dict.fromkeys((*roles, OWNER)))
    output = team_output(team, total=int(caller.is_user))
    with transaction.atomic():
        if caller.is_user:
            member = (caller.user_id, unique_id(), held, now, now, now)
            row = sql.fetch_one(_ADD_WITH_MEMBER, (*columns, *member))
        else:
            row = sql.fetch_one(_ADD, columns)
        if row is None:
            raise ApiError(ErrorKind.TEAM_ALREADY_EXISTS)
        changed = caller.user_uid if caller.is_user else ""
        publish_team(caller, uid, "create", output, changed=changed)
        if caller.is_user:
            announce_identity(caller.project.id, user_uid=caller.user_uid, reason="teams")
    return output


def list_teams(
    *, caller: Caller, queries: Sequence[str] = (), search: str = "", total: bool = True
) -> TeamList:
    """Return a page of the teams the caller is a member of; of all teams to keys.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    rows, count = list_page(
        _visible(caller),
        queries,
        columns=_COLUMNS,
        search=search,
        search_columns=("uid", "name"),
        has_total=total,
    )
    return {"total": count, "teams": [_shown(team) for team in rows]}


def get_team(*, caller: Caller, team_id: str) -> TeamOutput:
    """Return a team.

    Raises: TEAM_NOT_FOUND
    """
    return _shown(_find(caller, team_id))


def get_team_prefs(*, caller: Caller, team_id: str) -> dict[str, Any]:
    """Return a team's preferences.

    Raises: TEAM_NOT_FOUND
    """
    prefs: dict[str, Any] = _find(caller, team_id).prefs
    return prefs


def update_team_name(*, caller: Caller, team_id: str, name: str) -> TeamOutput:
    """Rename a team.

    Raises: TEAM_NOT_FOUND, USER_UNAUTHORIZED
    """
    return _change(caller, team_id, "update", name=name)


def update_team_prefs(*, caller: Caller, team_id: str, prefs: dict[str, Any]) -> dict[str, Any]:
    """Replace a team's preferences as a whole.

    Raises: TEAM_NOT_FOUND, USER_UNAUTHORIZED, ARGUMENT_INVALID
    """
    prefs_text(prefs)
    _change(caller, team_id, "update.prefs", prefs=prefs)
    return prefs


def delete_team(*, caller: Caller, team_id: str) -> None:
    """Delete a team and every place in it; a console team only once it owns no project.

    Raises: TEAM_NOT_FOUND, USER_UNAUTHORIZED, BAD_REQUEST
    """
    check_owner(caller, team_id)
    parameters = {"project": caller.project.id, "uid": team_id}
    with transaction.atomic():
        if caller.project.is_console and _owns_projects(caller, team_id):
            raise ApiError(ErrorKind.BAD_REQUEST, "The team still owns projects.")
        rows = list(Team.objects.raw(_REMOVE, parameters))
        if not rows:
            raise ApiError(ErrorKind.TEAM_NOT_FOUND)
        publish_team(caller, team_id, "delete", team_output(rows[0], total=0))
        for user_uid in rows[0].member_uids:  # type: ignore[attr-defined]  # of the statement
            announce_identity(caller.project.id, user_uid=user_uid, reason="teams")


def _owns_projects(caller: Caller, team_uid: str) -> bool:
    get_locked_team(caller, team_uid)  # whoever makes a project for the team now waits for this
    return Project.objects.owned_by_teams([team_uid]).exists()


def check_member(caller: Caller, team_uid: str) -> None:
    """Check that the caller may see a team.

    Raises: TEAM_NOT_FOUND
    """
    if not caller.is_privileged and f"team:{team_uid}" not in caller.roles:
        raise ApiError(ErrorKind.TEAM_NOT_FOUND)


def check_owner(caller: Caller, team_uid: str) -> None:
    """Check that the caller may change a team.

    Raises: TEAM_NOT_FOUND, USER_UNAUTHORIZED
    """
    check_member(caller, team_uid)
    if not caller.is_privileged and f"team:{team_uid}/{OWNER}" not in caller.roles:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)


def get_locked_team(caller: Caller, team_uid: str) -> Team:
    """Return a team, which nobody else changes the members of until the transaction ends.

    Raises: TEAM_NOT_FOUND
    """
    teams = Team.objects.in_project(caller.project.id).select_for_update()
    team = teams.filter(uid=team_uid).first()
    if team is None:
        raise ApiError(ErrorKind.TEAM_NOT_FOUND)
    return team


def _visible(caller: Caller) -> "models.QuerySet[Team]":
    teams = Team.objects.in_project(caller.project.id)
    if not caller.is_privileged:
        own = Membership.objects.filter(user_id=caller.user_id, is_confirmed=True)
        teams = teams.filter(id__in=own.values("team_id"))
    return teams.annotate(total=Count("memberships", filter=Q(memberships__is_confirmed=True)))


def _find(caller: Caller, uid: str) -> Team:
    team = _visible(caller).filter(uid=uid).first()
    if team is None:
        raise ApiError(ErrorKind.TEAM_NOT_FOUND)
    return team


def _shown(team: Team) -> TeamOutput:
    return team_output(team, total=team.total)  # type: ignore[attr-defined]  # of the statement


def _change(caller: Caller, uid: str, action: str, **values: Any) -> TeamOutput:
    check_owner(caller, uid)
    values["updated_at"] = clock.now()
    with transaction.atomic():
        if not Team.objects.in_project(caller.project.id).filter(uid=uid).update(**values):
            raise ApiError(ErrorKind.TEAM_NOT_FOUND)
        output = _shown(_find(caller, uid))
        publish_team(caller, uid, action, output)
    return output
