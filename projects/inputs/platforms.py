"""Shapes of requests about platforms."""

from dataclasses import dataclass

from kernel.fields import custom_id, list_of, optional, required, uid
from kernel.ids import UNIQUE_ID
from projects.inputs import checks

MAX_FINGERPRINTS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatePlatformInput:
    """The older body, which fits every type."""

    platform_id: str = optional(custom_id, default=UNIQUE_ID)
    platform_type: str = required(checks.platform_type, name="type")
    name: str = required(checks.name)
    hostname: str = optional(checks.optional_hostname, default="")
    key: str = optional(checks.foreign_name, default="")
    store: str = optional(checks.foreign_name, default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformPathInput:
    platform_id: str = required(uid)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdatePlatformInput(PlatformPathInput):
    name: str = required(checks.name)
    hostname: str | None = optional(checks.optional_hostname)
    key: str | None = optional(checks.foreign_name)
    store: str | None = optional(checks.foreign_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateWebPlatformInput:
    platform_id: str = required(custom_id)
    name: str = required(checks.identifier)
    hostname: str = required(checks.hostname)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateAppPlatformInput:
    """`key` has another public name for each type of platform."""

    platform_id: str = required(custom_id)
    name: str = required(checks.identifier)
    key: str = required(checks.identifier)
    fingerprints: list[str] = optional(
        list_of(checks.foreign_name, maximum=MAX_FINGERPRINTS), default=[]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateWebPlatformInput(PlatformPathInput):
    name: str = required(checks.identifier)
    hostname: str = required(checks.hostname)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateAppPlatformInput(PlatformPathInput):
    """`key` has another public name for each type of platform."""

    name: str = required(checks.identifier)
    key: str = required(checks.identifier)
    fingerprints: list[str] | None = optional(
        list_of(checks.foreign_name, maximum=MAX_FINGERPRINTS)
    )
