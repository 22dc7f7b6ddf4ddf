"""Answers about sessions and the secrets that start one."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from accounts.devices import describe
from accounts.models import Session
from accounts.oauth.engine import Tokens
from accounts.oauth.vault import opened
from kernel.clock import api_time
from kernel.geoip import UNKNOWN_COUNTRY_CODE, country_name

SessionOutput = TypedDict(
    "SessionOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "userId": str,
        "expire": str,
        "provider": str,
        "providerUid": str,
        "providerAccessToken": str,
        "providerAccessTokenExpiry": str,
        "providerRefreshToken": str,
        "ip": str,
        "osCode": str,
        "osName": str,
        "osVersion": str,
        "clientType": str,
        "clientCode": str,
        "clientName": str,
        "clientVersion": str,
        "clientEngine": str,
        "clientEngineVersion": str,
        "deviceName": str,
        "deviceBrand": str,
        "deviceModel": str,
        "countryCode": str,
        "countryName": str,
        "current": bool,
        "factors": list[str],
        "secret": str,
        "mfaUpdatedAt": str,
    },
)


TokenOutput = TypedDict(
    "TokenOutput",
    {
        "$id": str,
        "$createdAt": str,
        "userId": str,
        "secret": str,
        "expire": str,
        "phrase": str,
    },
)


class SessionList(TypedDict):
    total: int
    sessions: list[SessionOutput]


class JwtOutput(TypedDict):
    jwt: str


def session_output(
    session: Session,
    *,
    user_uid: str,
    is_current: bool = False,
    secret: str = "",
    has_tokens: bool = False,
    locale: str = "",
) -> SessionOutput:
    """Return a session; its secret goes to keys and console members alone, and only once.

    Answers have the tokens of the provider it came by, news have not.
    """
    device = describe(session.user_agent)
    identity = session.identity if has_tokens and session.identity_id else None
    tokens = opened(identity) if identity else Tokens()
    return {
        "$id": session.uid,
        "$createdAt": api_time(session.created_at),
        "$updatedAt": api_time(session.updated_at),
        "userId": user_uid,
        "expire": api_time(session.expires_at),
        "provider": session.provider,
        "providerUid": session.provider_uid,
        "providerAccessToken": tokens.access,
        "providerAccessTokenExpiry": api_time(tokens.expires_at),
        "providerRefreshToken": tokens.refresh,
        "ip": session.ip,
        "osCode": device.os_code,
        "osName": device.os_name,
        "osVersion": device.os_version,
        "clientType": device.client_type,
        "clientCode": device.client_code,
        "clientName": device.client_name,
        "clientVersion": device.client_version,
        "clientEngine": device.client_engine,
        "clientEngineVersion": device.client_engine_version,
        "deviceName": device.device_name,
        "deviceBrand": device.device_brand,
        "deviceModel": device.device_model,
        "countryCode": session.country_code or UNKNOWN_COUNTRY_CODE,
        "countryName": country_name(session.country_code, locale),
        "current": is_current,
        "factors": session.factors,
        "secret": secret,
        "mfaUpdatedAt": api_time(session.mfa_updated_at),
    }


def session_list_output(
    sessions: Iterable[Session],
    *,
    user_uid: str,
    current_uid: str,
    has_total: bool,
    has_tokens: bool,
    locale: str,
) -> SessionList:
    shown = [
        session_output(
            each,
            user_uid=user_uid,
            is_current=each.uid == current_uid,
            has_tokens=has_tokens,
            locale=locale,
        )
        for each in sessions
    ]
    return {"total": len(shown) if has_total else 0, "sessions": shown}


def token_output(
    uid: str,
    *,
    user_uid: str,
    created_at: datetime,
    expires_at: datetime,
    secret: str = "",
    phrase: str = "",
) -> TokenOutput:
    """Return a single-use token; its secret goes to keys and console members alone."""
    return {
        "$id": uid,
        "$createdAt": api_time(created_at),
        "userId": user_uid,
        "secret": secret,
        "expire": api_time(expires_at),
        "phrase": phrase,
    }
