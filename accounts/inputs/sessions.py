"""Shapes of requests that sign in, and about sessions."""

from dataclasses import dataclass

from accounts.inputs.checks import link, or_empty
from kernel.fields import (
    boolean,
    custom_id,
    email,
    integer,
    optional,
    password,
    phone,
    required,
    text,
    uid,
)
from kernel.limits import (
    DEFAULT_JWT_SECONDS,
    MAX_JWT_SECONDS,
    MAX_SECRET_LENGTH,
    MIN_SESSION_SECONDS,
)


@dataclass(frozen=True, kw_only=True)
class EmailSessionInput:
    email: str = required(email)
    password: str = required(password)
    duration: int | None = optional(integer(MIN_SESSION_SECONDS))


@dataclass(frozen=True, kw_only=True)
class SessionInput:
    session_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class TokenSessionInput:
    user_id: str = required(uid)
    secret: str = required(text(MAX_SECRET_LENGTH, minimum=1))


@dataclass(frozen=True, kw_only=True)
class EmailTokenInput:
    user_id: str = required(custom_id)
    email: str = required(email)
    phrase: bool = optional(boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class MagicUrlTokenInput(EmailTokenInput):
    url: str = optional(or_empty(link), default="")


@dataclass(frozen=True, kw_only=True)
class PhoneTokenInput:
    user_id: str = required(custom_id)
    phone: str = required(phone)


@dataclass(frozen=True, kw_only=True)
class JwtInput:
    duration: int = optional(integer(0, MAX_JWT_SECONDS), default=DEFAULT_JWT_SECONDS)


@dataclass(frozen=True, kw_only=True)
class ListSessionsInput:
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class DeleteSessionsInput:
    current: bool = optional(boolean, default=True)
