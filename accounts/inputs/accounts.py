"""Shapes of requests about one's own account."""

from dataclasses import dataclass
from typing import Any

from kernel.fields import custom_id, email, json_object, optional, password, phone, required, text
from kernel.limits import MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH


@dataclass(frozen=True, kw_only=True)
class CreateAccountInput:
    user_id: str = required(custom_id)
    email: str = required(email)
    password: str = required(password)
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class NameInput:
    name: str = required(text(MAX_NAME_LENGTH))


@dataclass(frozen=True, kw_only=True)
class PrefsInput:
    prefs: dict[str, Any] = required(json_object)


@dataclass(frozen=True, kw_only=True)
class OwnEmailInput:
    email: str = required(email)
    password: str = required(password)


@dataclass(frozen=True, kw_only=True)
class OwnPhoneInput:
    phone: str = required(phone)
    password: str = required(password)


@dataclass(frozen=True, kw_only=True)
class OwnPasswordInput:
    password: str = required(password)
    old_password: str = optional(text(MAX_PASSWORD_LENGTH), default="")
