"""Answers about passkeys."""

from collections.abc import Iterable
from typing import Any, TypedDict

from accounts.models import Passkey, PasskeyChallenge
from kernel.clock import api_time

PasskeyOutput = TypedDict(
    "PasskeyOutput",
    {"$id": str, "$createdAt": str, "$updatedAt": str, "name": str, "accessedAt": str},
)
PasskeyChallengeOutput = TypedDict(
    "PasskeyChallengeOutput",
    {
        "$id": str,
        "$createdAt": str,
        "passkeyId": str,
        "expire": str,
        "publicKey": dict[str, Any],
    },
)


class PasskeyList(TypedDict):
    total: int
    passkeys: list[PasskeyOutput]


def passkey_output(passkey: Passkey) -> PasskeyOutput:
    return {
        "$id": passkey.uid,
        "$createdAt": api_time(passkey.created_at),
        "$updatedAt": api_time(passkey.updated_at),
        "name": passkey.name,
        "accessedAt": api_time(passkey.accessed_at),
    }


def passkey_list_output(passkeys: Iterable[Passkey], total: int) -> PasskeyList:
    return {"total": total, "passkeys": [passkey_output(each) for each in passkeys]}


def passkey_challenge_output(
    challenge: PasskeyChallenge, public_key: dict[str, Any]
) -> PasskeyChallengeOutput:
    """Return what a device is asked; `public_key` are the options as browsers take them."""
    return {
        "$id": challenge.uid,
        "$createdAt": api_time(challenge.created_at),
        "passkeyId": challenge.passkey_uid,
        "expire": api_time(challenge.expires_at),
        "publicKey": public_key,
    }
