"""Answers about users."""

from collections.abc import Iterable
from typing import Any, TypedDict

from django.contrib.auth.hashers import identify_hasher

from accounts.models import User
from accounts.outputs.targets import TargetOutput, target_output
from kernel.clock import api_time

AccountOutput = TypedDict(
    "AccountOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "name": str,
        "registration": str,
        "status": bool,
        "labels": list[str],
        "passwordUpdate": str,
        "passwordPwned": bool | None,
        "email": str,
        "phone": str,
        "emailVerification": bool,
        "phoneVerification": bool,
        "mfa": bool,
        "impersonator": bool,
        "impersonatorUserId": str | None,
        "prefs": dict[str, Any],
        "targets": list[TargetOutput],
        "accessedAt": str,
    },
)


class UserOutput(AccountOutput):
    """What keys and console members see: how the password is hashed, but not the hash."""

    password: str
    hash: str
    hashOptions: dict[str, Any] | None  # noqa: N815  # the public name


class UserList(TypedDict):
    total: int
    users: list[UserOutput]


def account_output(user: User, *, impersonator_uid: str = "") -> AccountOutput:
    """Return the account as its owner sees it, or whoever acts as them."""
    return {
        "$id": user.uid,
        "$createdAt": api_time(user.created_at),
        "$updatedAt": api_time(user.updated_at),
        "name": user.name,
        "registration": api_time(user.created_at),
        "status": user.is_active,
        "labels": user.labels,
        "passwordUpdate": api_time(user.password_updated_at),
        "passwordPwned": user.is_password_pwned,
        "email": user.email or "",
        "phone": user.phone or "",
        "emailVerification": user.is_email_verified,
        "phoneVerification": user.is_phone_verified,
        "mfa": user.has_mfa,
        "impersonator": user.is_impersonator,
        "impersonatorUserId": impersonator_uid or None,
        "prefs": user.prefs,
        "targets": [target_output(each, user_uid=user.uid) for each in user.known_targets],
        "accessedAt": api_time(user.accessed_at),
    }


def user_output(user: User) -> UserOutput:
    """Return a user as keys and console members see them."""
    algorithm, options = _hash(user.password)
    return {
        **account_output(user),
        "password": "",
        "hash": algorithm,
        "hashOptions": options,
    }


def user_list_output(users: Iterable[User], total: int) -> UserList:
    return {"total": total, "users": [user_output(user) for user in users]}


def _hash(encoded: str) -> tuple[str, dict[str, Any] | None]:
    """Return how a password is hashed: the algorithm and its parameters, never the hash."""
    if not encoded:
        return "", None
    hasher = identify_hasher(encoded)
    algorithm, options = str(hasher.algorithm), hasher.decode(encoded)
    if algorithm == "argon2":
        options = {
            "memoryCost": options["memory_cost"],
            "timeCost": options["time_cost"],
            "threads": options["parallelism"],
        }
    return algorithm, {"type": algorithm, **options}
