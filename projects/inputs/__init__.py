"""Request shapes of projects, keys and platforms; those of policies are beside them."""

import re
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from typing import Any

from kernel.addresses import is_address
from kernel.fields import (
    ABSENT,
    Missing,
    boolean,
    custom_id,
    email,
    integer,
    list_of,
    moment,
    one_of,
    optional,
    phone,
    queries,
    required,
    scopes,
    text,
    uid,
)
from kernel.ids import UNIQUE_ID
from kernel.limits import (
    MAX_DESCRIPTION_LENGTH,
    MAX_NAME_LENGTH,
    MAX_SEARCH_LENGTH,
)
from projects.catalog import (
    AUTH_METHODS,
    PLATFORM_TYPES,
    PROTOCOLS,
    SERVICES,
)
from projects.oauth import KNOWN_IDS, PROVIDERS, Provider

MAX_HOSTNAME_LENGTH = 253
MAX_IDENTIFIER_LENGTH = 256
MAX_FINGERPRINTS = 100
MAX_PORT = 65_535
#: Of those that are set at once.
MAX_MOCK_NUMBERS = 10

_HOSTNAME = re.compile(
    r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)
_OTP = re.compile(r"[0-9]{6}\Z")
_name = text(MAX_NAME_LENGTH, minimum=1)
_identifier = text(MAX_IDENTIFIER_LENGTH)


def one_time_password(value: object) -> str:
    if not isinstance(value, str) or not _OTP.match(value):
        raise ValueError("Value must be a valid string of 6 digits")
    return value


def path_number(value: object) -> str:
    """A phone number without its plus, which a path need not hold."""
    return phone(f"+{value}")


def mock_number(value: object) -> tuple[str, str]:
    """A phone number and the code it always receives."""
    known = value if isinstance(value, dict) else {}
    return phone(known.get("phone")), one_time_password(known.get("otp"))


def hostname(value: object) -> str:
    """A host without scheme and port; `*.` at its start stands for any subdomain."""
    name = value.lower().strip("[]") if isinstance(value, str) else ""
    if len(name) <= MAX_HOSTNAME_LENGTH and (_HOSTNAME.match(name) or is_address(name)):
        return name
    raise ValueError("Value must be a valid hostname, without protocol and port")


def optional_hostname(value: object) -> str:
    return "" if value == "" else hostname(value)


def identifier(value: object) -> str:
    """The identifier of an installed app, which may not be blank."""
    clean: str = text(MAX_IDENTIFIER_LENGTH, minimum=1)(value)
    if not clean.strip():
        raise ValueError("Value must not be blank")
    return clean


def platform_type(value: object) -> str:
    """A platform type of any client version, in today's word for it."""
    return PLATFORM_TYPES[one_of(tuple(PLATFORM_TYPES))(value)]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewProjectInput:
    """What the command line gives; over HTTP every project belongs to a team."""

    project_id: str = required(custom_id)
    name: str = required(_name)
    team_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateProjectInput:
    project_id: str = required(custom_id)
    name: str = required(_name)
    team_id: str = required(uid)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateProjectInput:
    name: str = required(_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateTeamInput:
    team_id: str = required(uid)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateServiceInput:
    service_id: str = required(one_of(SERVICES))
    enabled: bool = required(boolean)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateProtocolInput:
    protocol_id: str = required(one_of(PROTOCOLS))
    enabled: bool = required(boolean)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateAuthMethodInput:
    method_id: str = required(one_of(AUTH_METHODS))
    enabled: bool = required(boolean)


def optional_email(value: object) -> str:
    return "" if value == "" else email(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpInput:
    host: str | None = optional(optional_hostname)
    port: int | None = optional(integer(1, MAX_PORT))
    username: str | None = optional(_identifier)
    password: str | None = optional(_identifier)
    senderEmail: str | None = optional(optional_email)
    senderName: str | None = optional(_identifier)
    replyToEmail: str | None = optional(optional_email)
    replyToName: str | None = optional(_identifier)
    secure: str | None = optional(one_of(("", "tls", "ssl")))
    enabled: bool | None = optional(boolean)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListInput:
    queries: list[str] = optional(queries, default=[])
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListProjectsInput(ListInput):
    search: str = optional(text(MAX_SEARCH_LENGTH), default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateKeyInput:
    """Older clients let the server choose the id."""

    key_id: str = optional(custom_id, default=UNIQUE_ID)
    name: str = required(_name)
    scopes: list[str] = required(scopes)
    expire: datetime | None = optional(moment, nullable=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPathInput:
    key_id: str = required(uid)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateKeyInput(KeyPathInput):
    name: str = required(_name)
    scopes: list[str] = required(scopes)
    expire: datetime | None = optional(moment, nullable=True)
    description: str | Missing = optional(text(MAX_DESCRIPTION_LENGTH), default=ABSENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatePlatformInput:
    """The older body, which fits every type."""

    platform_id: str = optional(custom_id, default=UNIQUE_ID)
    platform_type: str = required(platform_type, name="type")
    name: str = required(_name)
    hostname: str = optional(optional_hostname, default="")
    key: str = optional(_identifier, default="")
    store: str = optional(_identifier, default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformPathInput:
    platform_id: str = required(uid)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdatePlatformInput(PlatformPathInput):
    name: str = required(_name)
    hostname: str | None = optional(optional_hostname)
    key: str | None = optional(_identifier)
    store: str | None = optional(_identifier)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateWebPlatformInput:
    platform_id: str = required(custom_id)
    name: str = required(identifier)
    hostname: str = required(hostname)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateAppPlatformInput:
    """`key` has another public name for each type of platform."""

    platform_id: str = required(custom_id)
    name: str = required(identifier)
    key: str = required(identifier)
    fingerprints: list[str] = optional(list_of(_identifier, maximum=MAX_FINGERPRINTS), default=[])


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateWebPlatformInput(PlatformPathInput):
    name: str = required(identifier)
    hostname: str = required(hostname)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateAppPlatformInput(PlatformPathInput):
    """`key` has another public name for each type of platform."""

    name: str = required(identifier)
    key: str = required(identifier)
    fingerprints: list[str] | None = optional(list_of(_identifier, maximum=MAX_FINGERPRINTS))


@dataclass(frozen=True, kw_only=True, slots=True)
class MockPhonePathInput:
    number: str = required(path_number)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateMockPhoneInput:
    number: str = required(phone)
    otp: str = required(one_time_password)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateMockPhoneInput(MockPhonePathInput):
    otp: str = required(one_time_password)


@dataclass(frozen=True, kw_only=True, slots=True)
class MockNumbersInput:
    numbers: list[tuple[str, str]] = required(list_of(mock_number, maximum=MAX_MOCK_NUMBERS))


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthProviderPathInput:
    provider_id: str = required(one_of(KNOWN_IDS))


def _provider_input(provider: Provider) -> type:
    """Return the shape of a change of one provider's settings, under their public names."""
    settings = [
        (
            each.name,
            Any,
            optional(each.check, default=ABSENT, name=each.name, nullable=each.is_nullable),
        )
        for each in provider.settings
    ]
    enabled = ("enabled", Any, optional(boolean, default=ABSENT, name="enabled"))
    return make_dataclass(
        f"{provider.operation}Input", [*settings, enabled], frozen=True, kw_only=True
    )


OAUTH_PROVIDER_INPUTS = {name: _provider_input(each) for name, each in PROVIDERS.items()}
