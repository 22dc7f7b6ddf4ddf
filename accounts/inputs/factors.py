"""Shapes of requests about second factors."""

from dataclasses import dataclass

from accounts.inputs.users import UserInput
from accounts.mfa import Factor
from kernel.fields import boolean, one_of, required, text
from kernel.limits import MAX_SECRET_LENGTH

AUTHENTICATOR_TYPES = (Factor.TOTP,)


@dataclass(frozen=True, kw_only=True)
class MfaInput:
    mfa: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class AuthenticatorInput:
    type: str = required(one_of(AUTHENTICATOR_TYPES))


@dataclass(frozen=True, kw_only=True)
class AuthenticatorProofInput(AuthenticatorInput):
    otp: str = required(text(MAX_SECRET_LENGTH))


@dataclass(frozen=True, kw_only=True)
class ChallengeInput:
    factor: str = required(one_of(tuple(Factor)))


@dataclass(frozen=True, kw_only=True)
class ChallengeProofInput:
    challenge_id: str = required(text(MAX_SECRET_LENGTH))
    otp: str = required(text(MAX_SECRET_LENGTH))


@dataclass(frozen=True, kw_only=True)
class UserChallengeInput(UserInput):
    challenge_id: str = required(text(MAX_SECRET_LENGTH))


@dataclass(frozen=True, kw_only=True)
class UserMfaInput(UserInput):
    mfa: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserAuthenticatorInput(UserInput):
    type: str = required(one_of(AUTHENTICATOR_TYPES))
