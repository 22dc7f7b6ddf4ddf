"""Answers about teams and memberships."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, TypedDict

from accounts.models import Membership, Team, User
from kernel.clock import api_time

TeamOutput = TypedDict(
    "TeamOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "name": str,
        "total": int,
        "prefs": dict[str, Any],
    },
)


MembershipOutput = TypedDict(
    "MembershipOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "userId": str,
        "userName": str,
        "userEmail": str,
        "userPhone": str,
        "teamId": str,
        "teamName": str,
        "invited": str,
        "joined": str,
        "confirm": bool,
        "mfa": bool,
        "userAccessedAt": str,
        "roles": list[str],
    },
)


class TeamList(TypedDict):
    total: int
    teams: list[TeamOutput]


class MembershipList(TypedDict):
    total: int
    memberships: list[MembershipOutput]


def team_output(team: Team, *, total: int) -> TeamOutput:
    return {
        "$id": team.uid,
        "$createdAt": api_time(team.created_at),
        "$updatedAt": api_time(team.updated_at),
        "name": team.name,
        "total": total,
        "prefs": team.prefs,
    }


def membership_output(
    membership: Membership, *, user: User, team: Team, hidden: AbstractSet[str] = frozenset()
) -> MembershipOutput:
    """Return a place in a team, without what `hidden` names (`kernel.policies`)."""
    return {
        "$id": membership.uid,
        "$createdAt": api_time(membership.invited_at),
        "$updatedAt": api_time(membership.updated_at),
        "userId": "" if "userId" in hidden else user.uid,
        "userName": "" if "userName" in hidden else user.name,
        "userEmail": "" if "userEmail" in hidden else user.email or "",
        "userPhone": "" if "userPhone" in hidden else user.phone or "",
        "teamId": team.uid,
        "teamName": team.name,
        "invited": api_time(membership.invited_at),
        "joined": api_time(membership.joined_at),
        "confirm": membership.is_confirmed,
        "mfa": "userMFA" not in hidden and user.has_mfa,
        "userAccessedAt": "" if "userAccessedAt" in hidden else api_time(user.accessed_at),
        "roles": membership.roles,
    }


def membership_list_output(
    memberships: Iterable[Membership], total: int, *, hidden: AbstractSet[str] = frozenset()
) -> MembershipList:
    return {
        "total": total,
        "memberships": [
            membership_output(each, user=each.user, team=each.team, hidden=hidden)
            for each in memberships
        ],
    }
