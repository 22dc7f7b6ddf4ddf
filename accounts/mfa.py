"""Second factors: what they are called, and the one-time passwords of apps (RFC 6238)."""

import hmac
from datetime import datetime
from enum import StrEnum

import pyotp

#: A clock may be this much off, as RFC 6238 section 5.2 recommends.
TOLERATED_STEPS = 1


class Factor(StrEnum):
    """What proves a user besides what they signed in with, as sessions name it."""

    EMAIL = "email"
    PHONE = "phone"
    TOTP = "totp"
    RECOVERY_CODE = "recoveryCode"
    CUSTOM = "custom"


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
