"""Checks of values that only projects have."""

import re

from kernel.addresses import is_address
from kernel.fields import email, one_of, phone, text
from kernel.limits import MAX_NAME_LENGTH
from projects.catalog import PLATFORM_TYPES

MAX_HOSTNAME_LENGTH = 253
MAX_IDENTIFIER_LENGTH = 256

_HOSTNAME = re.compile(
    r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)
_OTP = re.compile(r"[0-9]{6}\Z")
#: What projects, keys and platforms are called, and what others call something by.
name = text(MAX_NAME_LENGTH, minimum=1)
foreign_name = text(MAX_IDENTIFIER_LENGTH)


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


def optional_email(value: object) -> str:
    return "" if value == "" else email(value)


def platform_type(value: object) -> str:
    """A platform type of any client version, in today's word for it."""
    return PLATFORM_TYPES[one_of(tuple(PLATFORM_TYPES))(value)]
