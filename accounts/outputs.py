"""Answers about users, sessions and teams."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, TypedDict

from django.contrib.auth.hashers import identify_hasher

from accounts.devices import describe
from accounts.mfa import Factor
from accounts.models import Challenge, EmailTemplate, Identity, Membership, Session, Team, User
from accounts.oauth.engine import Tokens
from accounts.oauth.vault import opened
from kernel.clock import api_time

UNKNOWN_COUNTRY_CODE = "--"
UNKNOWN_COUNTRY = "Unknown"

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
        "email": str,
        "phone": str,
        "emailVerification": bool,
        "phoneVerification": bool,
        "mfa": bool,
        "prefs": dict[str, Any],
        "targets": list[Any],
        "accessedAt": str,
    },
)


class UserOutput(AccountOutput):
    """What keys and console members see: how the password is hashed, but not the hash."""

    password: str
    hash: str
    hashOptions: dict[str, Any] | None  # noqa: N815  # the public name


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
TeamOutput = TypedDict(
    "TeamOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "name": str,
        "total": int,
        "prefs": dict[str, Any],
    },
)
MembershipOutput = TypedDict(
    "MembershipOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "userId": str,
        "userName": str,
        "userEmail": str,
        "userPhone": str,
        "teamId": str,
        "teamName": str,
        "invited": str,
        "joined": str,
        "confirm": bool,
        "mfa": bool,
        "userAccessedAt": str,
        "roles": list[str],
    },
)


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


class EmailTemplateOutput(TypedDict):
    templateId: str  # public names
    locale: str
    subject: str
    message: str
    senderName: str
    senderEmail: str
    replyToName: str
    replyToEmail: str


class EmailTemplateList(TypedDict):
    total: int
    templates: list[EmailTemplateOutput]


class UserList(TypedDict):
    total: int
    users: list[UserOutput]


class SessionList(TypedDict):
    total: int
    sessions: list[SessionOutput]


class TeamList(TypedDict):
    total: int
    teams: list[TeamOutput]


class MembershipList(TypedDict):
    total: int
    memberships: list[MembershipOutput]


MfaChallengeOutput = TypedDict(
    "MfaChallengeOutput", {"$id": str, "$createdAt": str, "userId": str, "expire": str}
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


class JwtOutput(TypedDict):
    jwt: str


def account_output(user: User) -> AccountOutput:
    """Return the account as its owner sees it."""
    return {
        "$id": user.uid,
        "$createdAt": api_time(user.created_at),
        "$updatedAt": api_time(user.updated_at),
        "name": user.name,
        "registration": api_time(user.created_at),
        "status": user.is_active,
        "labels": user.labels,
        "passwordUpdate": api_time(user.password_updated_at),
        "email": user.email or "",
        "phone": user.phone or "",
        "emailVerification": user.is_email_verified,
        "phoneVerification": user.is_phone_verified,
        "mfa": user.has_mfa,
        "prefs": user.prefs,
        "targets": [],
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


def session_output(
    session: Session,
    *,
    user_uid: str,
    is_current: bool = False,
    secret: str = "",
    has_tokens: bool = False,
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
        "countryName": UNKNOWN_COUNTRY,
        "current": is_current,
        "factors": session.factors,
        "secret": secret,
        "mfaUpdatedAt": api_time(session.mfa_updated_at),
    }


def session_list_output(
    sessions: Iterable[Session], *, user_uid: str, current_uid: str, has_total: bool
) -> SessionList:
    shown = [
        session_output(each, user_uid=user_uid, is_current=each.uid == current_uid, has_tokens=True)
        for each in sessions
    ]
    return {"total": len(shown) if has_total else 0, "sessions": shown}


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


def identity_list_output(identities: Iterable[Identity], total: int) -> IdentityList:
    return {
        "total": total,
        "identities": [identity_output(each, user_uid=each.user.uid) for each in identities],
    }


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


def mfa_challenge_output(challenge: Challenge, *, user_uid: str) -> MfaChallengeOutput:
    return {
        "$id": challenge.uid,
        "$createdAt": api_time(challenge.created_at),
        "userId": user_uid,
        "expire": api_time(challenge.expires_at),
    }


def mfa_factors_output(verified: Mapping[Factor, bool]) -> MfaFactorsOutput:
    return {
        "totp": verified[Factor.TOTP],
        "email": verified[Factor.EMAIL],
        "phone": verified[Factor.PHONE],
        "recoveryCode": verified[Factor.RECOVERY_CODE],
        "custom": False,
    }


def email_template_output(template: EmailTemplate) -> EmailTemplateOutput:
    return {
        "templateId": template.kind,
        "locale": template.locale,
        "subject": template.subject,
        "message": template.message,
        "senderName": template.sender_name,
        "senderEmail": template.sender_email,
        "replyToName": template.reply_to_name,
        "replyToEmail": template.reply_to_email,
    }


def team_output(team: Team, *, total: int) -> TeamOutput:
    return {
        "$id": team.uid,
        "$createdAt": api_time(team.created_at),
        "$updatedAt": api_time(team.updated_at),
        "name": team.name,
        "total": total,
        "prefs": team.prefs,
    }


def membership_output(
    membership: Membership, *, user: User, team: Team, hidden: AbstractSet[str] = frozenset()
) -> MembershipOutput:
    """Return a place in a team, without what `hidden` names (`kernel.policies`)."""
    return {
        "$id": membership.uid,
        "$createdAt": api_time(membership.invited_at),
        "$updatedAt": api_time(membership.updated_at),
        "userId": "" if "userId" in hidden else user.uid,
        "userName": "" if "userName" in hidden else user.name,
        "userEmail": "" if "userEmail" in hidden else user.email or "",
        "userPhone": "" if "userPhone" in hidden else user.phone or "",
        "teamId": team.uid,
        "teamName": team.name,
        "invited": api_time(membership.invited_at),
        "joined": api_time(membership.joined_at),
        "confirm": membership.is_confirmed,
        "mfa": "userMFA" not in hidden and user.has_mfa,
        "userAccessedAt": "" if "userAccessedAt" in hidden else api_time(user.accessed_at),
        "roles": membership.roles,
    }


def membership_list_output(
    memberships: Iterable[Membership], total: int, *, hidden: AbstractSet[str] = frozenset()
) -> MembershipList:
    return {
        "total": total,
        "memberships": [
            membership_output(each, user=each.user, team=each.team, hidden=hidden)
            for each in memberships
        ],
    }


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
