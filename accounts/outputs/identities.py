"""Answers about identities at OAuth2 providers."""

from collections.abc import Iterable
from typing import TypedDict

from accounts.models import Identity
from accounts.oauth.engine import Tokens
from accounts.oauth.vault import opened
from kernel.clock import api_time

IdentityOutput = TypedDict(
    "IdentityOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "userId": str,
        "provider": str,
        "providerUid": str,
        "providerEmail": str,
        "providerAccessToken": str,
        "providerAccessTokenExpiry": str,
        "providerRefreshToken": str,
        "providerIdToken": str,
    },
)


class IdentityList(TypedDict):
    total: int
    identities: list[IdentityOutput]


def identity_output(
    identity: Identity, *, user_uid: str, has_tokens: bool = True
) -> IdentityOutput:
    """Return a user as a provider knows them; news have no tokens."""
    tokens = opened(identity) if has_tokens else Tokens()
    return {
        "$id": identity.uid,
        "$createdAt": api_time(identity.created_at),
        "$updatedAt": api_time(identity.updated_at),
        "userId": user_uid,
        "provider": identity.provider,
        "providerUid": identity.provider_uid,
        "providerEmail": identity.provider_email,
        "providerAccessToken": tokens.access,
        "providerAccessTokenExpiry": api_time(identity.access_token_expires_at),
        "providerRefreshToken": tokens.refresh,
        "providerIdToken": tokens.id_token,
    }


def identity_list_output(
    identities: Iterable[Identity], total: int, *, has_tokens: bool
) -> IdentityList:
    return {
        "total": total,
        "identities": [
            identity_output(each, user_uid=each.user.uid, has_tokens=has_tokens)
            for each in identities
        ],
    }
