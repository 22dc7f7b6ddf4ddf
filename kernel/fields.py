"""What inputs declare: named checks of parameters, compiled once per input class.

A check takes the raw value, and returns the clean one or raises `ValueError` with the reason that
the client reads after "Invalid `name` param: ".
"""

import dataclasses
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from kernel import clock
from kernel.errors import ApiError, ErrorKind, invalid
from kernel.ids import UNIQUE_ID, is_valid_id
from kernel.limits import (
    MAX_EMAIL_LENGTH,
    MAX_INTEGER,
    MAX_LIST_ITEMS,
    MAX_PASSWORD_LENGTH,
    MAX_QUERIES,
    MAX_SCOPES,
    MIN_PASSWORD_LENGTH,
)
from kernel.payloads import check_values
from kernel.permissions import normalize_permissions

Check = Callable[[Any], Any]
InputT = TypeVar("InputT")

_ID_RULE = (
    "Value must contain at most 36 chars. Valid chars are a-z, A-Z, 0-9, period, hyphen, and"
    " underscore. Can't start with a special char"
)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")  # E.164
_validate_email = EmailValidator()


class Missing:
    """The type of `ABSENT`."""


ABSENT = Missing()


def required(check: Check, *, name: str = "", nullable: bool = False) -> Any:
    """Declare a parameter that must be sent."""
    return _field(check, name=name, nullable=nullable)


def optional(check: Check, *, default: Any = None, name: str = "", nullable: bool = False) -> Any:
    """Declare a parameter that may be left out. A null counts as left out unless `nullable`.

    With `default=ABSENT` the service can tell a parameter that was left out from any value.
    """
    return _field(check, name=name, nullable=nullable, default=default)


def _field(check: Check, *, name: str, nullable: bool, **default: Any) -> Any:
    return dataclasses.field(
        metadata={"check": check, "name": name, "nullable": nullable}, **_immutable(default)
    )


def _immutable(default: dict[str, Any]) -> dict[str, Any]:
    value = default.get("default")
    if isinstance(value, list | dict):
        return {"default_factory": value.copy}
    return default


@dataclasses.dataclass(frozen=True, slots=True)
class _Parameter:
    attribute: str
    name: str
    check: Check
    is_required: bool
    is_nullable: bool


@cache
def _parameters(input_class: Hashable) -> tuple[_Parameter, ...]:
    return tuple(
        _Parameter(
            attribute=field.name,
            name=field.metadata["name"] or _camel_case(field.name),
            check=field.metadata["check"],
            is_required=field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING,
            is_nullable=field.metadata["nullable"],
        )
        for field in dataclasses.fields(cast("Any", input_class))
    )


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def read_input(
    input_class: type[InputT],
    source: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
) -> InputT:
    """Check the parameters an input declares; unknown ones are ignored.

    `names` renames parameters (field name to public name) for the second vocabulary of a product.

    Raises: ARGUMENT_INVALID
    """
    values: dict[str, Any] = {}
    for parameter in _parameters(cast("Hashable", input_class)):
        name = names.get(parameter.attribute, parameter.name) if names else parameter.name
        raw = source.get(name, ABSENT)
        if raw is ABSENT or (raw is None and not parameter.is_nullable):
            if parameter.is_required:
                raise ApiError(ErrorKind.ARGUMENT_INVALID, f'Param "{name}" is not optional.')
        elif raw is None:
            values[parameter.attribute] = None
        else:
            values[parameter.attribute] = _checked(parameter.check, name, raw)
    return input_class(**values)


def _checked(check: Check, name: str, raw: Any) -> Any:
    try:
        return check(raw)
    except ValueError as error:
        raise invalid(name, str(error)) from None


def as_dict(instance: Any) -> dict[str, Any]:
    """Return an input's fields by name, ready to be a service's keyword arguments."""
    return {name: getattr(instance, name) for name in _names(cast("Hashable", type(instance)))}


@cache
def _names(input_class: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cast("Any", input_class)))


# Checks


def text(maximum: int, *, minimum: int = 0) -> Check:
    """Text of `minimum` to `maximum` characters, none of them NUL; a maximum of 0 means any length.

    The parsers of requests refuse NUL as well, but see none in JSON texts within parameters.
    """
    reason = "Value must be a valid string"
    if minimum:
        reason += f" and at least {minimum} chars"
    if maximum:
        reason += f" and no longer than {maximum} chars"

    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) < minimum or (0 < maximum < len(value)):
            raise ValueError(reason)
        if "\x00" in value:
            raise ValueError(reason)
        return value

    return check


def custom_id(value: object) -> str:
    """An id for a new row, or `unique()`, which stays as it is."""
    if value == UNIQUE_ID:
        return UNIQUE_ID
    return uid(value)


def uid(value: object) -> str:
    if not isinstance(value, str) or not is_valid_id(value):
        raise ValueError(_ID_RULE)
    return value


key = uid  # attribute and index keys follow the same rule


def boolean(value: object) -> bool:
    """True or false; query strings and forms spell them out."""
    if isinstance(value, bool):
        return value
    if value in ("true", "1", 1):
        return True
    if value in ("false", "0", 0):
        return False
    raise ValueError("Value must be a valid boolean")


def integer(minimum: int = -MAX_INTEGER - 1, maximum: int = MAX_INTEGER) -> Check:
    """A whole number, as a number or in decimal text."""
    reason = f"Value must be a valid range between {minimum:,} and {maximum:,}"

    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not minimum <= value <= maximum:
            raise ValueError(reason)
        return value

    return check


def number(value: object) -> float:
    """A finite number, as a number or in decimal text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Value must be a valid float")
    result = float(value) if abs(value) <= 1e308 else float("inf")
    if result in (float("inf"), float("-inf")) or result != result:
        raise ValueError("Value must be a valid float")
    return result


def email(value: object) -> str:
    """An e-mail address, lower-cased: the one normaliser of addresses."""
    reason = "Value must be a valid email address"
    if not isinstance(value, str) or len(value) > MAX_EMAIL_LENGTH or not value.isascii():
        raise ValueError(reason)
    try:
        _validate_email(value)
    except ValidationError:
        raise ValueError(reason) from None
    return value.lower()


def phone(value: object) -> str:
    if not isinstance(value, str) or not _PHONE.match(value):
        raise ValueError("Phone number must start with a '+' can have a maximum of fifteen digits.")
    return value


def password(value: object) -> str:
    if not isinstance(value, str) or not MIN_PASSWORD_LENGTH <= len(value) <= MAX_PASSWORD_LENGTH:
        raise ValueError(
            f"Password must be between {MIN_PASSWORD_LENGTH} and {MAX_PASSWORD_LENGTH}"
            " characters long."
        )
    return value


def list_of(check: Check, *, maximum: int = MAX_LIST_ITEMS) -> Check:
    """A list of at most `maximum` items that each pass `check`."""
    reason = f"Value must a valid array no longer than {maximum} items"

    def check_list(value: object) -> list[Any]:
        if not isinstance(value, list) or len(value) > maximum:
            raise ValueError(reason)
        try:
            return [check(item) for item in value]
        except ValueError as error:
            raise ValueError(f"{reason} and {error}") from None

    return check_list


def queries(value: object) -> list[str]:
    """The texts of the `queries` parameter; `kernel.query` reads them."""
    return list(list_of(text(0), maximum=MAX_QUERIES)([value] if isinstance(value, str) else value))


scopes = list_of(text(64, minimum=1), maximum=MAX_SCOPES)


def one_of(choices: Sequence[str]) -> Check:
    """One of some words, in any case; the spelling of `choices` is returned."""
    spellings = {choice.lower(): choice for choice in choices}

    def check(value: object) -> str:
        if not isinstance(value, str) or value.lower() not in spellings:
            raise ValueError(f"Value must be one of ({', '.join(choices)})")
        return spellings[value.lower()]

    return check


def json_object(value: object) -> dict[str, Any]:
    """A JSON object, or its text."""
    if isinstance(value, str):
        check_values(value.encode())
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = None
    if isinstance(value, list) and not value:
        return {}
    if not isinstance(value, dict):
        raise ValueError("Value must be a valid object")
    return value


def permissions(actions: tuple[str, ...]) -> Check:
    """A permission list, normalised (see `kernel.permissions.normalize_permissions`)."""

    def check(value: object) -> list[str]:
        if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
            raise ValueError("Permissions must be an array of strings.")
        return normalize_permissions(value, actions=actions)

    return check


def moment(value: object) -> datetime:
    """A time in ISO 8601."""
    try:
        return clock.parse_time(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("Value must be valid date") from None
