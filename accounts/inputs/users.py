"""Shapes of a server's requests about users."""

import re
from dataclasses import dataclass
from typing import Any

from accounts.inputs.checks import or_empty
from kernel.fields import (
    boolean,
    custom_id,
    email,
    integer,
    json_object,
    list_of,
    optional,
    password,
    phone,
    required,
    text,
    uid,
)
from kernel.limits import (
    DEFAULT_JWT_SECONDS,
    DEFAULT_TOKEN_LENGTH,
    DEFAULT_TOKEN_SECONDS,
    MAX_JWT_SECONDS,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    MAX_NAME_LENGTH,
    MAX_TOKEN_LENGTH,
    MAX_TOKEN_SECONDS,
    MIN_TOKEN_LENGTH,
    MIN_TOKEN_SECONDS,
)

RECENT = "recent"
_LABEL = re.compile(rf"[A-Za-z0-9]{{1,{MAX_LABEL_LENGTH}}}\Z")


def label(value: object) -> str:
    if not isinstance(value, str) or not _LABEL.match(value):
        raise ValueError(
            "Value must be a valid string and at least 1 chars and no longer than"
            f" {MAX_LABEL_LENGTH} chars and only consist of alphanumeric chars"
        )
    return value


@dataclass(frozen=True, kw_only=True)
class CreateUserInput:
    user_id: str = required(custom_id)
    email: str | None = optional(email)
    phone: str | None = optional(phone)
    password: str = optional(or_empty(password), default="")
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class UserInput:
    user_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class ListUserSessionsInput(UserInput):
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class UserLabelsInput(UserInput):
    labels: list[str] = required(list_of(label, maximum=MAX_LABELS))


@dataclass(frozen=True, kw_only=True)
class UserStatusInput(UserInput):
    status: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserImpersonatorInput(UserInput):
    impersonator: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserNameInput(UserInput):
    name: str = required(text(MAX_NAME_LENGTH))


@dataclass(frozen=True, kw_only=True)
class UserEmailInput(UserInput):
    email: str = required(or_empty(email))


@dataclass(frozen=True, kw_only=True)
class UserPhoneInput(UserInput):
    number: str = required(or_empty(phone))


@dataclass(frozen=True, kw_only=True)
class UserPasswordInput(UserInput):
    password: str = required(or_empty(password))


@dataclass(frozen=True, kw_only=True)
class UserPrefsInput(UserInput):
    prefs: dict[str, Any] = required(json_object)


@dataclass(frozen=True, kw_only=True)
class UserEmailVerificationInput(UserInput):
    email_verification: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserPhoneVerificationInput(UserInput):
    phone_verification: bool = required(boolean)


@dataclass(frozen=True, kw_only=True)
class UserSessionInput(UserInput):
    session_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class CreateTokenInput(UserInput):
    length: int = optional(
        integer(MIN_TOKEN_LENGTH, MAX_TOKEN_LENGTH), default=DEFAULT_TOKEN_LENGTH
    )
    expire: int = optional(
        integer(MIN_TOKEN_SECONDS, MAX_TOKEN_SECONDS), default=DEFAULT_TOKEN_SECONDS
    )


@dataclass(frozen=True, kw_only=True)
class UserJwtInput(UserInput):
    session_id: str = optional(uid, default=RECENT)
    duration: int = optional(integer(0, MAX_JWT_SECONDS), default=DEFAULT_JWT_SECONDS)
