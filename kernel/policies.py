"""What a project asks of its users, and what it shows of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from kernel.limits import DEFAULT_PASSWORD_AGE_SECONDS, MIN_PASSWORD_LENGTH

#: The policies that are stored with a project: their public ids, fields and defaults.
POLICY_DEFAULTS: dict[str, dict[str, Any]] = {
    "password-dictionary": {"enabled": False, "denyList": []},
    "password-history": {"total": 0},
    "password-strength": {
        "min": MIN_PASSWORD_LENGTH,
        "uppercase": False,
        "lowercase": False,
        "number": False,
        "symbols": False,
    },
    "password-personal-data": {"enabled": False, "denyList": []},
    "password-pwned": {"enabled": False, "sessions": False, "users": False},
    "password-rotation": {"enabled": False, "maxAge": DEFAULT_PASSWORD_AGE_SECONDS},
    "deny-aliased-email": {"enabled": False},
    "deny-corporate-email": {"enabled": False},
    "deny-disposable-email": {"enabled": False},
    "deny-free-email": {"enabled": False},
    "session-alert": {"enabled": False},
    "session-invalidation": {"enabled": True},
    "passkey": {"rpId": ""},
    "mfa-factors": {
        "totp": True,
        "email": True,
        "phone": True,
        "custom": False,
        "required": False,
    },
    "membership-privacy": {
        "userId": True,
        "userEmail": True,
        "userPhone": True,
        "userName": True,
        "userMFA": True,
        "userAccessedAt": False,
    },
}

_DENYING = re.compile(r"deny-([a-z]+)-email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of a project as the services read them.

    `denied_passwords` and `denied_terms` are None where nothing is denied: the first are whole
    passwords beside the common ones, the second parts beside what is known of a user, all in small
    letters. `refuse_pwned` is None where nobody asks which passwords are known from data breaches,
    and else names what these do not lead to: `users` or `sessions`. `password_seconds` is how long
    a password is good for, 0 for ever. `denied_emails` names kinds of mail addresses; the one
    called `corporate` lets nothing in but these. `passkey_domain` is empty where none is set.
    `hidden_of_members` names what members of a team do not see of each other. `second_factors`
    names those that count, and `requires_factor` asks every user for one.
    """

    password_minimum: int
    password_kinds: frozenset[str]
    denied_passwords: frozenset[str] | None
    denied_terms: frozenset[str] | None
    password_history: int
    password_seconds: int
    refuse_pwned: frozenset[str] | None
    denied_emails: frozenset[str]
    has_session_alerts: bool
    has_session_invalidation: bool
    passkey_domain: str
    hidden_of_members: frozenset[str]
    second_factors: frozenset[str]
    requires_factor: bool

    @classmethod
    def of(cls, stored: Mapping[str, Mapping[str, Any]]) -> Self:
        """Read the policies a project has stored; what it never set has its default."""
        strength = policy(stored, "password-strength")
        minimum = strength.pop("min")
        rotation = policy(stored, "password-rotation")
        pwned = policy(stored, "password-pwned")
        is_asked = pwned.pop("enabled")
        factors = policy(stored, "mfa-factors")
        is_required = factors.pop("required")
        return cls(
            password_minimum=minimum,
            password_kinds=_names(strength, are_on=True),
            denied_passwords=_denied(policy(stored, "password-dictionary")),
            denied_terms=_denied(policy(stored, "password-personal-data")),
            password_history=policy(stored, "password-history")["total"],
            password_seconds=rotation["maxAge"] if rotation["enabled"] else 0,
            refuse_pwned=_names(pwned, are_on=True) if is_asked else None,
            denied_emails=_denied_emails(stored),
            has_session_alerts=policy(stored, "session-alert")["enabled"],
            has_session_invalidation=policy(stored, "session-invalidation")["enabled"],
            passkey_domain=policy(stored, "passkey")["rpId"],
            hidden_of_members=_names(policy(stored, "membership-privacy"), are_on=False),
            second_factors=_names(factors, are_on=True),
            requires_factor=is_required,
        )


def policy(stored: Mapping[str, Mapping[str, Any]], policy_id: str) -> dict[str, Any]:
    """Return all fields of a policy, stored or not."""
    return POLICY_DEFAULTS[policy_id] | dict(stored.get(policy_id, {}))


def _names(switches: Mapping[str, bool], *, are_on: bool) -> frozenset[str]:
    return frozenset(name for name, is_on in switches.items() if is_on is are_on)


def _denied_emails(stored: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    named = ((_DENYING.fullmatch(each), policy(stored, each)) for each in POLICY_DEFAULTS)
    return frozenset(found[1] for found, fields in named if found and fields["enabled"])


def _denied(fields: Mapping[str, Any]) -> frozenset[str] | None:
    return frozenset(each.lower() for each in fields["denyList"]) if fields["enabled"] else None


DEFAULT_POLICIES = Policies.of({})
