"""Answers about where messages reach users."""

from collections.abc import Iterable
from typing import TypedDict

from accounts.models import Target
from kernel.clock import api_time

TargetOutput = TypedDict(
    "TargetOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "name": str,
        "userId": str,
        "providerId": str,
        "providerType": str,
        "identifier": str,
        "expired": bool,
    },
)


class TargetList(TypedDict):
    total: int
    targets: list[TargetOutput]


def target_output(target: Target, *, user_uid: str) -> TargetOutput:
    return {
        "$id": target.uid,
        "$createdAt": api_time(target.created_at),
        "$updatedAt": api_time(target.updated_at),
        "name": target.name,
        "userId": user_uid,
        "providerId": target.provider_uid,
        "providerType": target.provider_type,
        "identifier": target.identifier,
        "expired": target.is_expired,
    }


def target_list_output(targets: Iterable[Target], total: int, *, user_uid: str) -> TargetList:
    return {"total": total, "targets": [target_output(each, user_uid=user_uid) for each in targets]}
