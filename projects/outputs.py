"""Answers about projects, keys and platforms."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from kernel.clock import api_time
from kernel.policies import policy
from kernel.scopes import PROJECT_KEY_SCOPES
from projects.catalog import (
    ANDROID,
    AUTH_METHODS,
    IDENTIFIERS,
    POLICY_COLUMNS,
    PROTOCOLS,
    SERVICES,
    WEB,
)
from projects.models import Key, MockPhone, Platform, Project
from projects.oauth import Provider

Switch = TypedDict("Switch", {"$id": str, "enabled": bool})


#: The model `Project`; what this server has no notion of carries the public default.
ProjectOutput = dict[str, Any]
KeyOutput = TypedDict(
    "KeyOutput",
    {
        "$id": str,
        "$createdAt": str,
        "$updatedAt": str,
        "name": str,
        "description": str,
        "expire": str,
        "scopes": list[str],
        "secret": str,
        "accessedAt": str,
        "sdks": list[str],
    },
)
#: One of the models `PlatformWeb`, `PlatformApple`, `PlatformAndroid`, `PlatformLinux`,
#: `PlatformWindows`, with the names of older answers beside the current ones.
PlatformOutput = dict[str, Any]


#: One of the models `OAuth2Google`, `OAuth2Github` and so on: the settings by their public names.
OAuthProviderOutput = dict[str, Any]


class OAuthProviderList(TypedDict):
    total: int
    providers: list[OAuthProviderOutput]


MockPhoneOutput = TypedDict(
    "MockPhoneOutput", {"$createdAt": str, "$updatedAt": str, "number": str, "otp": str}
)


class MockPhoneList(TypedDict):
    total: int
    mockNumbers: list[MockPhoneOutput]  # the public name


#: One of the models `Policy...`, by its id.
PolicyOutput = dict[str, Any]


class ProjectList(TypedDict):
    total: int
    projects: list[ProjectOutput]


class KeyList(TypedDict):
    total: int
    keys: list[KeyOutput]


class PolicyList(TypedDict):
    total: int
    policies: list[PolicyOutput]


class PlatformList(TypedDict):
    total: int
    platforms: list[PlatformOutput]


MAX_INDEX_LENGTH = 768
#: Scopes of the older vocabulary.
DEPRECATED_SCOPES = frozenset(
    f"{kind}.{verb}"
    for kind in ("collections", "attributes", "documents", "execution")
    for verb in ("read", "write")
)


def project_output(project: Project) -> ProjectOutput:
    return {
        "$id": project.uid,
        "$createdAt": api_time(project.created_at),
        "$updatedAt": api_time(project.updated_at),
        "name": project.name,
        "teamId": project.team_uid,
        "region": "default",
        "status": "active",
        "labels": [],
        **_smtp(project.smtp),
        "pingCount": 0,
        "pingedAt": "",
        "onboarding": {},
        "authMethods": [
            {"$id": name, "enabled": name not in project.disabled_auth_methods}
            for name in AUTH_METHODS
        ],
        "services": _switches(SERVICES, project.disabled_services),
        "protocols": _switches(PROTOCOLS, project.disabled_protocols),
        "devKeys": [],
        "blocks": [],
        "consoleAccessedAt": "",
        "wafEnabled": False,
    }


def _switches(names: Iterable[str], off: list[str]) -> list[Switch]:
    return [{"$id": name, "enabled": name not in off} for name in names]


def _smtp(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The mail server of a project, its password left out."""
    return {
        "smtpEnabled": stored.get("enabled", False),
        "smtpSenderName": stored.get("senderName", ""),
        "smtpSenderEmail": stored.get("senderEmail", ""),
        "smtpReplyToName": stored.get("replyToName", ""),
        "smtpReplyToEmail": stored.get("replyToEmail", ""),
        "smtpHost": stored.get("host", ""),
        "smtpPort": stored.get("port", 0),
        "smtpUsername": stored.get("username", ""),
        "smtpPassword": "",
        "smtpSecure": stored.get("secure", ""),
    }


def project_list_output(projects: Iterable[Project], total: int) -> ProjectList:
    return {"total": total, "projects": [project_output(project) for project in projects]}


def key_output(key: Key, *, secret: str = "") -> KeyOutput:
    return {
        "$id": key.uid,
        "$createdAt": api_time(key.created_at),
        "$updatedAt": api_time(key.updated_at),
        "name": key.name,
        "description": key.description,
        "expire": api_time(key.expires_at),
        "scopes": key.scopes,
        "secret": secret,
        "accessedAt": api_time(key.accessed_at),
        "sdks": [],
    }


def key_list_output(keys: Iterable[Key], total: int) -> KeyList:
    return {"total": total, "keys": [key_output(key) for key in keys]}


def platform_output(platform: Platform) -> PlatformOutput:
    output = {
        "$id": platform.uid,
        "$createdAt": api_time(platform.created_at),
        "$updatedAt": api_time(platform.updated_at),
        "name": platform.name,
        "type": platform.type,
        "hostname": platform.hostname,
        "key": platform.key,
        "store": platform.store,
    }
    if platform.type != WEB:
        output[IDENTIFIERS[platform.type]] = platform.key
    if platform.type == ANDROID:
        return output | {"fingerprints": platform.fingerprints}
    return output


def platform_list_output(platforms: Iterable[Platform], total: int) -> PlatformList:
    return {"total": total, "platforms": [platform_output(each) for each in platforms]}


def mock_phone_output(phone: MockPhone, otp: str) -> MockPhoneOutput:
    return {
        "$createdAt": api_time(phone.created_at),
        "$updatedAt": api_time(phone.updated_at),
        "number": phone.number,
        "otp": otp,
    }


def mock_phone_list_output(phones: Iterable[tuple[MockPhone, str]], total: int) -> MockPhoneList:
    return {"total": total, "mockNumbers": [mock_phone_output(*each) for each in phones]}


def policy_output(project: Project, policy_id: str) -> PolicyOutput:
    """A policy of a project, as one of the models `Policy...`."""
    if policy_id in POLICY_COLUMNS:
        field, column = POLICY_COLUMNS[policy_id]
        return {"$id": policy_id, field: getattr(project, column)}
    return {"$id": policy_id, **policy(project.policies, policy_id)}


def policy_list_output(policies: list[PolicyOutput], total: int) -> PolicyList:
    return {"total": total, "policies": policies}


def scope_list_output() -> dict[str, Any]:
    """The scopes a key may carry, as `consoleKeyScopeList`."""
    scopes = [
        {
            "$id": scope,
            "description": f"{'Read' if scope.endswith('.read') else 'Change'} {_subject(scope)}",
            "category": _subject(scope).capitalize(),
            "deprecated": scope in DEPRECATED_SCOPES,
        }
        for scope in PROJECT_KEY_SCOPES
    ]
    return {"total": len(scopes), "scopes": scopes}


def _subject(scope: str) -> str:
    return scope.rpartition(".")[0].replace(".", " ")


def console_variables_output(*, domain: str, is_https: bool) -> dict[str, Any]:
    """What a console client asks about the installation, as `consoleVariables`."""
    return {
        "_APP_DOMAIN_TARGET_CNAME": domain,
        "_APP_DOMAIN_TARGET_A": "",
        "_APP_DOMAIN_TARGET_AAAA": "",
        "_APP_DOMAIN_TARGET_CAA": "",
        "_APP_DOMAIN_ENABLED": False,
        "_APP_DOMAIN_SITES": "",
        "_APP_DOMAIN_FUNCTIONS": "",
        "_APP_DOMAINS_NAMESERVERS": "",
        "_APP_COMPUTE_BUILD_TIMEOUT": 0,
        "_APP_COMPUTE_SIZE_LIMIT": 0,
        "_APP_STORAGE_LIMIT": 0,
        "_APP_USAGE_STATS": "disabled",
        "_APP_VCS_ENABLED": False,
        "_APP_VCS_PROVIDERS": [],
        "_APP_VCS_PROVIDERS_WITH_REPOSITORY_CREATION": [],
        "_APP_VCS_PROVIDERS_WITH_PUBLIC_REPOSITORIES": [],
        "_APP_ASSISTANT_ENABLED": False,
        "_APP_OPTIONS_FORCE_HTTPS": "enabled" if is_https else "disabled",
        "_APP_DB_ADAPTER": "postgresql",
        "supportForRelationships": False,
        "supportForOperators": False,
        "supportForSpatials": False,
        "supportForSpatialIndexNull": False,
        "supportForFulltextWildcard": False,
        "supportForMultipleFulltextIndexes": False,
        "supportForAttributeResizing": True,
        "supportForSchemas": True,
        "maxIndexLength": MAX_INDEX_LENGTH,
        "supportForIntegerIds": False,
    }


def oauth_provider_output(
    provider: Provider, settings: Mapping[str, Any], *, is_enabled: bool
) -> OAuthProviderOutput:
    """Return a provider's settings; secrets can be written, and never read."""
    shown = provider.with_defaults(settings)
    hidden = {each.name: "" for each in provider.settings if each.is_secret}
    return {"$id": provider.id, "enabled": is_enabled, **shown, **hidden}
