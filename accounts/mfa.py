"""Second factors: who lacks one, what they are called, and passwords of apps (RFC 6238)."""

import hmac
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum, StrEnum, auto

import pyotp

from kernel.policies import Policies

#: A clock may be this much off, as RFC 6238 section 5.2 recommends.
TOLERATED_STEPS = 1


class Factor(StrEnum):
    """What proves a user besides what they signed in with, as sessions name it."""

    EMAIL = "email"
    PHONE = "phone"
    TOTP = "totp"
    RECOVERY_CODE = "recoveryCode"
    CUSTOM = "custom"


class Lack(Enum):
    """What keeps a session out: nothing, a factor to be shown, or one to be set up first."""

    NOTHING = auto()
    FACTOR = auto()
    ENROLMENT = auto()


def allows(policies: Policies, factor: Factor) -> bool:
    """Tell whether a project lets its users show a factor; codes for lost ones always count."""
    return factor is Factor.RECOVERY_CODE or factor in policies.second_factors


def lack(policies: Policies, *, wants: bool, further: AbstractSet[str]) -> Lack:
    """Tell what a session lacks that has shown one factor.

    Its user `wants` two shown, or not, and has the `further` ones; what a project's own server
    delivers is there for everybody.
    """
    if not (wants or policies.requires_factor):
        return Lack.NOTHING
    if Factor.CUSTOM in policies.second_factors or not further.isdisjoint(policies.second_factors):
        return Lack.FACTOR
    return Lack.ENROLMENT if policies.requires_factor else Lack.NOTHING


def new_totp_secret() -> str:
    """Return the secret of a new authenticator, in base32 as people type it."""
    return pyotp.random_base32()


def totp_uri(secret: str, *, account: str, issuer: str) -> str:
    """Return the `otpauth` URI that apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def totp_step(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """Return the time step that a code is of, which has to come after the last one used."""
    totp, given = pyotp.TOTP(secret), code.encode("utf-8", "surrogatepass")
    current = totp.timecode(now)
    for step in range(current - TOLERATED_STEPS, current + TOLERATED_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given) and step > after:
            return step
    return None
