"""Shapes of requests about projects and their switches."""

from dataclasses import dataclass

from kernel.fields import boolean, custom_id, integer, one_of, optional, required, uid
from projects.catalog import AUTH_METHODS, PROTOCOLS, SERVICES
from projects.inputs import checks

MAX_PORT = 65_535


@dataclass(frozen=True, kw_only=True, slots=True)
class NewProjectInput:
    """What the command line gives; over HTTP every project belongs to a team."""

    project_id: str = required(custom_id)
    name: str = required(checks.name)
    team_id: str = optional(uid, default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateProjectInput:
    project_id: str = required(custom_id)
    name: str = required(checks.name)
    team_id: str = required(uid)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateProjectInput:
    name: str = required(checks.name)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpInput:
    host: str | None = optional(checks.optional_hostname)
    port: int | None = optional(integer(1, MAX_PORT))
    username: str | None = optional(checks.foreign_name)
    password: str | None = optional(checks.foreign_name)
    senderEmail: str | None = optional(checks.optional_email)
    senderName: str | None = optional(checks.foreign_name)
    replyToEmail: str | None = optional(checks.optional_email)
    replyToName: str | None = optional(checks.foreign_name)
    secure: str | None = optional(one_of(("", "tls", "ssl")))
    enabled: bool | None = optional(boolean)
