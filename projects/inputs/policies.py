"""Shapes of requests about what a project asks of its users."""

from dataclasses import dataclass

from fido2.rpid import verify_rp_id

from kernel.addresses import is_address
from kernel.fields import boolean, integer, list_of, one_of, optional, required, text
from kernel.limits import (
    DEFAULT_SESSION_SECONDS,
    MAX_PASSWORD_AGE_SECONDS,
    MAX_PASSWORD_HISTORY,
    MAX_PASSWORD_LENGTH,
    MAX_SESSION_LIMIT,
    MAX_USER_LIMIT,
    MIN_PASSWORD_AGE_SECONDS,
    MIN_PASSWORD_LENGTH,
    MIN_SESSION_SECONDS,
)
from projects.catalog import LOCALHOST, POLICIES
from projects.inputs import checks


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyPathInput:
    policy_id: str = required(one_of(POLICIES))


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchPolicyInput:
    enabled: bool = required(boolean)


@dataclass(frozen=True, kw_only=True, slots=True)
class DenyingPolicyInput(SwitchPolicyInput):
    denyList: list[str] | None = optional(list_of(text(MAX_PASSWORD_LENGTH, minimum=1)))


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordStrengthPolicyInput:
    min: int | None = optional(integer(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH))
    uppercase: bool | None = optional(boolean)
    lowercase: bool | None = optional(boolean)
    number: bool | None = optional(boolean)
    symbols: bool | None = optional(boolean)


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordHistoryPolicyInput:
    total: int | None = required(integer(1, MAX_PASSWORD_HISTORY), nullable=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordPwnedPolicyInput:
    enabled: bool | None = optional(boolean)
    sessions: bool | None = optional(boolean)
    users: bool | None = optional(boolean)


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordRotationPolicyInput:
    enabled: bool | None = optional(boolean)
    maxAge: int | None = optional(integer(MIN_PASSWORD_AGE_SECONDS, MAX_PASSWORD_AGE_SECONDS))


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionDurationPolicyInput:
    duration: int = required(integer(MIN_SESSION_SECONDS, DEFAULT_SESSION_SECONDS))


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionLimitPolicyInput:
    total: int | None = required(integer(1, MAX_SESSION_LIMIT), nullable=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class UserLimitPolicyInput:
    total: int | None = required(integer(0, MAX_USER_LIMIT), nullable=True)


def domain(value: object) -> str:
    """A domain that passkeys can belong to; an empty text takes it away."""
    if value in ("", LOCALHOST):
        return str(value)
    name = checks.hostname(value)
    # Names below a public suffix such as `co.uk` belong to others.
    is_own = verify_rp_id(name, f"https://www.{name}")
    if "." not in name or name.startswith("*") or is_address(name) or not is_own:
        raise ValueError("Value must be a domain of your own, such as example.com")
    return name


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyPolicyInput:
    rpId: str = required(domain)


@dataclass(frozen=True, kw_only=True, slots=True)
class MembershipPrivacyPolicyInput:
    userId: bool | None = optional(boolean)
    userEmail: bool | None = optional(boolean)
    userPhone: bool | None = optional(boolean)
    userName: bool | None = optional(boolean)
    userMFA: bool | None = optional(boolean)
    userAccessedAt: bool | None = optional(boolean)


@dataclass(frozen=True, kw_only=True, slots=True)
class MfaFactorsPolicyInput:
    """`required`, of our own, asks every user for a second factor."""

    totp: bool | None = optional(boolean)
    email: bool | None = optional(boolean)
    phone: bool | None = optional(boolean)
    custom: bool | None = optional(boolean)
    required: bool | None = optional(boolean)


#: The shapes of policies by their ids; those of the others are columns of a project.
POLICY_INPUTS: dict[str, type] = {
    "password-dictionary": DenyingPolicyInput,
    "password-history": PasswordHistoryPolicyInput,
    "password-strength": PasswordStrengthPolicyInput,
    "password-personal-data": DenyingPolicyInput,
    "password-pwned": PasswordPwnedPolicyInput,
    "password-rotation": PasswordRotationPolicyInput,
    "deny-aliased-email": SwitchPolicyInput,
    "deny-corporate-email": SwitchPolicyInput,
    "deny-disposable-email": SwitchPolicyInput,
    "deny-free-email": SwitchPolicyInput,
    "session-alert": SwitchPolicyInput,
    "session-invalidation": SwitchPolicyInput,
    "passkey": PasskeyPolicyInput,
    "membership-privacy": MembershipPrivacyPolicyInput,
    "mfa-factors": MfaFactorsPolicyInput,
}
