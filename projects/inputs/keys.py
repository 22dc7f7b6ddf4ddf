"""Shapes of requests about keys."""

from dataclasses import dataclass
from datetime import datetime

from kernel.fields import ABSENT, Missing, custom_id, moment, optional, required, scopes, text, uid
from kernel.ids import UNIQUE_ID
from kernel.limits import MAX_DESCRIPTION_LENGTH
from projects.inputs import checks


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateKeyInput:
    """Older clients let the server choose the id."""

    key_id: str = optional(custom_id, default=UNIQUE_ID)
    name: str = required(checks.name)
    scopes: list[str] = required(scopes)
    expire: datetime | None = optional(moment, nullable=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPathInput:
    key_id: str = required(uid)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateKeyInput(KeyPathInput):
    name: str = required(checks.name)
    scopes: list[str] = required(scopes)
    expire: datetime | None = optional(moment, nullable=True)
    description: str | Missing = optional(text(MAX_DESCRIPTION_LENGTH), default=ABSENT)
