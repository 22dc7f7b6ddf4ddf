"""Answers about second factors."""

from collections.abc import Mapping
from typing import TypedDict

from accounts.mfa import Factor
from accounts.models import Challenge
from kernel.clock import api_time

MfaChallengeOutput = TypedDict(
    "MfaChallengeOutput", {"$id": str, "$createdAt": str, "userId": str, "expire": str}
)


MfaChallengeSecretOutput = TypedDict(
    "MfaChallengeSecretOutput",
    {"$id": str, "$createdAt": str, "userId": str, "expire": str, "code": str},
)


class MfaTypeOutput(TypedDict):
    secret: str
    uri: str


class MfaFactorsOutput(TypedDict):
    totp: bool
    email: bool
    phone: bool
    recoveryCode: bool  # the public name
    custom: bool


class MfaRecoveryCodesOutput(TypedDict):
    recoveryCodes: list[str]  # the public name


def mfa_challenge_output(challenge: Challenge, *, user_uid: str) -> MfaChallengeOutput:
    return {
        "$id": challenge.uid,
        "$createdAt": api_time(challenge.created_at),
        "userId": user_uid,
        "expire": api_time(challenge.expires_at),
    }


def mfa_challenge_secret_output(
    challenge: Challenge, *, user_uid: str, code: str
) -> MfaChallengeSecretOutput:
    return {**mfa_challenge_output(challenge, user_uid=user_uid), "code": code}


def mfa_factors_output(verified: Mapping[Factor, bool]) -> MfaFactorsOutput:
    return {
        "totp": verified[Factor.TOTP],
        "email": verified[Factor.EMAIL],
        "phone": verified[Factor.PHONE],
        "recoveryCode": verified[Factor.RECOVERY_CODE],
        "custom": verified[Factor.CUSTOM],
    }
