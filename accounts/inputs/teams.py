"""Shapes of requests about teams and memberships."""

import re
from dataclasses import dataclass
from typing import Any

from accounts.inputs.checks import link, or_empty
from accounts.inputs.lists import ListInput
from kernel.fields import (
    custom_id,
    email,
    json_object,
    list_of,
    optional,
    phone,
    required,
    text,
    uid,
)
from kernel.limits import MAX_NAME_LENGTH, MAX_SECRET_LENGTH, MAX_TEAM_ROLE_LENGTH

OWNER = "owner"
_TEAM_ROLE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_TEAM_ROLE_LENGTH - 1}}}\Z")


def team_role(value: object) -> str:
    if not isinstance(value, str) or not _TEAM_ROLE.match(value):
        raise ValueError(
            f"Value must contain at most {MAX_TEAM_ROLE_LENGTH} chars. Valid chars are a-z, A-Z,"
            " 0-9, period, hyphen, and underscore. Can't start with a special char"
        )
    return value


team_roles = list_of(team_role)


@dataclass(frozen=True, kw_only=True)
class CreateTeamInput:
    team_id: str = required(custom_id)
    name: str = required(text(MAX_NAME_LENGTH))
    roles: list[str] = optional(team_roles, default=[OWNER])


@dataclass(frozen=True, kw_only=True)
class TeamInput:
    team_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class TeamNameInput(TeamInput):
    name: str = required(text(MAX_NAME_LENGTH))


@dataclass(frozen=True, kw_only=True)
class TeamPrefsInput(TeamInput):
    prefs: dict[str, Any] = required(json_object)


@dataclass(frozen=True, kw_only=True)
class CreateMembershipInput(TeamInput):
    roles: list[str] = required(team_roles)
    email: str = optional(or_empty(email), default="")
    user_id: str = optional(or_empty(uid), default="")
    phone: str = optional(or_empty(phone), default="")
    url: str = optional(or_empty(link), default="")
    name: str = optional(text(MAX_NAME_LENGTH), default="")
    membership_id: str = optional(custom_id, default="unique()")


@dataclass(frozen=True, kw_only=True)
class MembershipInput(TeamInput):
    membership_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class MembershipRolesInput(MembershipInput):
    roles: list[str] = required(team_roles)


@dataclass(frozen=True, kw_only=True)
class AcceptInvitationInput(MembershipInput):
    user_id: str = required(uid)
    secret: str = required(text(MAX_SECRET_LENGTH, minimum=1))


@dataclass(frozen=True, kw_only=True)
class ListMembershipsInput(ListInput):
    team_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class ListUserMembershipsInput(ListInput):
    user_id: str = required(uid)
