"""Places in teams: who is in, with which roles."""

from collections.abc import Sequence

from django.db import IntegrityError, models, transaction

from accounts.events import publish_user
from accounts.links import check_link
from accounts.models import Membership, Team, User
from accounts.outputs import (
    MembershipList,
    MembershipOutput,
    membership_list_output,
    membership_output,
)
from accounts.services.invitations import hidden_from, invite, publish_membership
from accounts.services.methods import INVITES, check_method
from accounts.services.rows import NewUser, add_user, get_own_user, get_user_row, telling_taken
from accounts.services.teams import OWNER, check_member, check_owner, get_locked_team
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind, Kind, invalid
from kernel.ids import UNIQUE_ID, resolve_id
from kernel.listing import list_page
from kernel.sql import violated_constraint

_COLUMNS = {
    "$id": "uid",
    "$sequence": "id",
    "$createdAt": "invited_at",
    "$updatedAt": "updated_at",
    "userId": "user__uid",
    "teamId": "team__uid",
    "invited": "invited_at",
    "joined": "joined_at",
    "confirm": "is_confirmed",
    "roles": "roles",
}
#: What a search looks into, and the field it would tell of.
_SEARCHED = {
    "uid": "$id",
    "user__uid": "userId",
    "user__name": "userName",
    "user__email": "userEmail",
}


def create_membership(  # noqa: PLR0913  # whom to invite, by what, as what
    *,
    caller: Caller,
    team_id: str,
    roles: Sequence[str],
    email: str = "",
    user_id: str = "",
    phone: str = "",
    url: str = "",
    name: str = "",
    membership_id: str = UNIQUE_ID,
) -> MembershipOutput:
    """Put a user into a team at once, for a key or a console member; an owner's call invites them.

    An unknown address makes the user. The invitation is a link to `url` by mail; a second one takes
    the place of the first.

    Raises: BAD_REQUEST, ARGUMENT_INVALID, TEAM_NOT_FOUND, USER_UNAUTHORIZED, USER_NOT_FOUND,
        USER_AUTH_METHOD_UNSUPPORTED, USER_EMAIL_NOT_FOUND, PHONE_DISABLED,
        MEMBERSHIP_ALREADY_CONFIRMED
    """
    if not (email or user_id or phone):
        raise ApiError(ErrorKind.BAD_REQUEST, "At least one of userId, email, or phone is required")
    check_owner(caller, team_id)
    if not caller.is_privileged:
        _check_invitation(caller, url)
    held = list(dict.fromkeys(roles))
    with telling_taken(is_creating=True), transaction.atomic():
        team = get_locked_team(caller, team_id)
        user = _user_to_add(caller, email=email, user_id=user_id, phone=phone, name=name)
        membership = _place(team, user, membership_id, held)
        if caller.is_privileged:
            membership.is_confirmed, membership.joined_at = True, membership.updated_at
            membership.invitation_digest = membership.invitation_expires_at = None
        else:
            invite(caller, membership, url)
        _save(membership)
        return publish_membership(caller, membership, "create")


def list_memberships(
    *,
    caller: Caller,
    team_id: str,
    queries: Sequence[str] = (),
    search: str = "",
    total: bool = True,
) -> MembershipList:
    """Return a page of a team's members.

    Raises: TEAM_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    check_member(caller, team_id)
    hidden = hidden_from(caller)
    rows, count = list_page(
        _in_team(caller, team_id),
        queries,
        columns={name: column for name, column in _COLUMNS.items() if name not in hidden},
        search=search,
        search_columns=[column for column, name in _SEARCHED.items() if name not in hidden],
        has_total=total,
    )
    if not rows and not Team.objects.in_project(caller.project.id).filter(uid=team_id).exists():
        raise ApiError(ErrorKind.TEAM_NOT_FOUND)
    return membership_list_output(rows, count, hidden=hidden)


def list_user_memberships(
    *,
    caller: Caller,
    user_id: str,
    queries: Sequence[str] = (),
    search: str = "",
    total: bool = True,
) -> MembershipList:
    """Return a page of the teams a user is in.

    Raises: USER_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    return _memberships_of(user, queries, search, has_total=total)


def list_own_memberships(
    *, caller: Caller, queries: Sequence[str] = (), search: str = "", total: bool = True
) -> MembershipList:
    """Return a page of the teams the caller is in, or invited to.

    Raises: USER_UNAUTHORIZED, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    return _memberships_of(get_own_user(caller), queries, search, has_total=total)


def get_membership(*, caller: Caller, team_id: str, membership_id: str) -> MembershipOutput:
    """Return a place in a team.

    Raises: TEAM_NOT_FOUND, MEMBERSHIP_NOT_FOUND
    """
    check_member(caller, team_id)
    membership = _find(caller, team_id, membership_id)
    return membership_output(
        membership, user=membership.user, team=membership.team, hidden=hidden_from(caller)
    )


def update_membership(
    *, caller: Caller, team_id: str, membership_id: str, roles: Sequence[str]
) -> MembershipOutput:
    """Change a member's roles; a team keeps at least one owner.

    Raises: TEAM_NOT_FOUND, USER_UNAUTHORIZED, MEMBERSHIP_NOT_FOUND,
        MEMBERSHIP_DOWNGRADE_PROHIBITED
    """
    check_owner(caller, team_id)
    with transaction.atomic():
        get_locked_team(caller, team_id)
        membership = _find(caller, team_id, membership_id)
        if OWNER not in roles:
            _check_other_owner(caller, membership, ErrorKind.MEMBERSHIP_DOWNGRADE_PROHIBITED)
        membership.roles = list(dict.fromkeys(roles))
        membership.updated_at = clock.now()
        membership.save(update_fields=["roles", "updated_at"])
        return publish_membership(caller, membership, "update")


def delete_membership(*, caller: Caller, team_id: str, membership_id: str) -> None:
    """Remove a member, or leave a team oneself; a team keeps at least one owner.

    Raises: TEAM_NOT_FOUND, USER_UNAUTHORIZED, MEMBERSHIP_NOT_FOUND,
        MEMBERSHIP_DELETION_PROHIBITED
    """
    if f"member:{membership_id}" in caller.roles:
        check_member(caller, team_id)
    else:
        check_owner(caller, team_id)
    with transaction.atomic():
        get_locked_team(caller, team_id)
        membership = _find(caller, team_id, membership_id)
        _check_other_owner(caller, membership, ErrorKind.MEMBERSHIP_DELETION_PROHIBITED)
        Membership.objects.filter(id=membership.id).delete()
        publish_membership(caller, membership, "delete")


def _user_to_add(caller: Caller, *, email: str, user_id: str, phone: str, name: str) -> User:
    if user_id:
        return get_user_row(caller.project.id, user_id)
    users = User.objects.in_project(caller.project.id)
    user: User | None = users.filter(**({"email": email} if email else {"phone": phone})).first()
    if user is None:
        new = NewUser(uid=UNIQUE_ID, email=email or None, phone=phone or None, name=name)
        user = add_user(caller.project, new)
        publish_user(caller, user, "create")
    return user


def _check_invitation(caller: Caller, url: str) -> None:
    check_method(caller, INVITES)
    if not url:
        raise invalid("url", "URL is required")
    check_link(caller.project, url)


def _memberships_of(
    user: User, queries: Sequence[str], search: str, *, has_total: bool
) -> MembershipList:
    rows, count = list_page(
        Membership.objects.filter(user_id=user.id).select_related("user", "team"),
        queries,
        columns=_COLUMNS,
        search=search,
        search_columns=tuple(_SEARCHED),
        has_total=has_total,
    )
    return membership_list_output(rows, count)


def _place(team: Team, user: User, membership_id: str, roles: list[str]) -> Membership:
    """Return the pending membership of a user with these roles, or a new one."""
    now = clock.now()
    membership = Membership.objects.filter(team=team, user=user).first()
    if membership is None:
        membership = Membership(project_id=team.project_id, uid=resolve_id(membership_id))
    elif membership.is_confirmed:
        raise ApiError(ErrorKind.MEMBERSHIP_ALREADY_CONFIRMED)
    membership.team, membership.user, membership.roles = team, user, roles
    membership.invited_at = membership.updated_at = now
    return membership


def _save(membership: Membership) -> None:
    try:
        membership.save()
    except IntegrityError as error:
        if violated_constraint(error) != "membership_uid":
            raise
        raise ApiError(
            ErrorKind.MEMBERSHIP_ALREADY_CONFIRMED, "The membership id is taken."
        ) from error


def _in_team(caller: Caller, team_uid: str) -> "models.QuerySet[Membership]":
    memberships = Membership.objects.in_project(caller.project.id).in_team(team_uid)
    return memberships.select_related("user", "team")


def _find(caller: Caller, team_uid: str, uid: str) -> Membership:
    membership = _in_team(caller, team_uid).filter(uid=uid).first()
    if membership is None:
        raise ApiError(ErrorKind.MEMBERSHIP_NOT_FOUND)
    return membership


def _check_other_owner(caller: Caller, membership: Membership, kind: Kind) -> None:
    """Check that the team has an owner besides this member; a project's keys may orphan it."""
    if OWNER not in membership.roles or (caller.is_privileged and not caller.project.is_console):
        return
    others = Membership.objects.filter(
        team_id=membership.team_id, is_confirmed=True, roles__contains=[OWNER]
    )
    if not others.exclude(id=membership.id).exists():
        raise ApiError(kind)
