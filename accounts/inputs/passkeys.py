"""Shapes of requests about passkeys."""

from dataclasses import dataclass
from typing import Any

import orjson

from accounts.inputs.lists import PageInput
from accounts.inputs.users import UserInput
from kernel.fields import custom_id, json_object, optional, required, text, uid
from kernel.ids import UNIQUE_ID
from kernel.limits import MAX_CREDENTIAL_BYTES, MAX_NAME_LENGTH, MAX_SECRET_LENGTH


def credential(value: object) -> dict[str, Any]:
    """What `PublicKeyCredential.toJSON()` gave; whether it proves anything, the services tell."""
    content = json_object(value)
    if len(orjson.dumps(content)) > MAX_CREDENTIAL_BYTES:
        raise ValueError(f"Value must be a credential of at most {MAX_CREDENTIAL_BYTES} bytes")
    return content


@dataclass(frozen=True, kw_only=True)
class CreatePasskeyInput:
    passkey_id: str = optional(custom_id, default=UNIQUE_ID)
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class PasskeyInput:
    passkey_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class PasskeyNameInput(PasskeyInput):
    name: str = required(text(MAX_NAME_LENGTH))


@dataclass(frozen=True, kw_only=True)
class PasskeyVerificationInput(PasskeyInput):
    credential: dict[str, Any] = required(credential)


@dataclass(frozen=True, kw_only=True)
class PasskeyTokenInput:
    challenge_id: str = required(text(MAX_SECRET_LENGTH, minimum=1))
    credential: dict[str, Any] = required(credential)


@dataclass(frozen=True, kw_only=True)
class ListUserPasskeysInput(UserInput, PageInput):
    """A page of the passkeys of a user."""


@dataclass(frozen=True, kw_only=True)
class UserPasskeyInput(UserInput, PasskeyInput):
    """A passkey of a user."""


@dataclass(frozen=True, kw_only=True)
class UserPasskeyNameInput(UserPasskeyInput):
    name: str = required(text(MAX_NAME_LENGTH))
