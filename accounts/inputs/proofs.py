"""Shapes of requests that prove an address or number, or recover an account."""

from dataclasses import dataclass

from accounts.inputs.checks import link
from kernel.fields import boolean, email, optional, password, required, text, uid
from kernel.limits import MAX_SECRET_LENGTH


@dataclass(frozen=True, kw_only=True)
class VerificationInput:
    url: str = required(link)


@dataclass(frozen=True, kw_only=True)
class ProofInput:
    user_id: str = required(uid)
    secret: str = required(text(MAX_SECRET_LENGTH, minimum=1))


@dataclass(frozen=True, kw_only=True)
class RecoveryInput:
    email: str = required(email)
    url: str = required(link)


@dataclass(frozen=True, kw_only=True)
class VerificationOtpInput:
    phrase: bool = optional(boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class RecoveryOtpInput:
    email: str = required(email)
    phrase: bool = optional(boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class NewPasswordInput(ProofInput):
    password: str = required(password)
