"""What a project asks of its users, and what it shows of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

MEMBERSHIP_PRIVACY = "membership-privacy"

#: The policies that are stored with a project: their public ids, fields and defaults.
POLICY_DEFAULTS: dict[str, dict[str, Any]] = {
    MEMBERSHIP_PRIVACY: {
        "userId": True,
        "userEmail": True,
        "userPhone": True,
        "userName": True,
        "userMFA": True,
        "userAccessedAt": False,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of a project as the services read them.

    `hidden_of_members` names what members of a team do not see of each other.
    """

    hidden_of_members: frozenset[str] = frozenset({"userAccessedAt"})

    @classmethod
    def of(cls, stored: Mapping[str, Mapping[str, Any]]) -> Self:
        """Read the policies a project has stored; what it never set has its default."""
        shown = policy(stored, MEMBERSHIP_PRIVACY)
        return cls(hidden_of_members=frozenset(name for name, is_on in shown.items() if not is_on))


DEFAULT_POLICIES = Policies()


def policy(stored: Mapping[str, Mapping[str, Any]], policy_id: str) -> dict[str, Any]:
    """Return all fields of a policy, stored or not."""
    return POLICY_DEFAULTS[policy_id] | dict(stored.get(policy_id, {}))
