"""Attribute types: what they have in common, and those that are no texts."""

import math
import re
from typing import Any, ClassVar, LiteralString, Protocol

from kernel import clock
from kernel.limits import MAX_INTEGER

Number = int | float


class StructureError(ValueError):
    """Data that does not fit its collection; the text is shown to the client."""


class InvalidTypeError(ValueError):
    """A value of the wrong type; the text says which is right."""


class InvalidFormatError(ValueError):
    """A value of the right type that breaks the attribute's format; the text says which."""


class Limits(Protocol):
    """What an attribute demands of its values beyond their type."""

    @property
    def size(self) -> int: ...
    @property
    def min(self) -> Number | None: ...
    @property
    def max(self) -> Number | None: ...
    @property
    def elements(self) -> tuple[str, ...]: ...


class AttributeType:
    """One type: `public_type` and `format` tell it apart in answers, `cast` is its SQL type.

    `fixed_size` is the size of every attribute of a type that lets clients choose none.
    `is_prose` says that the values are texts, whose words a search finds, `is_free` that they may
    be anything.
    """

    public_type: ClassVar[str]
    format: ClassVar[str] = ""
    cast: ClassVar[LiteralString] = "text"
    fixed_size: ClassVar[int] = 0
    has_range: ClassVar[bool] = False
    has_size: ClassVar[bool] = False
    has_elements: ClassVar[bool] = False
    is_encryptable: ClassVar[bool] = False
    is_prose: ClassVar[bool] = False
    is_geometry: ClassVar[bool] = False
    is_free: ClassVar[bool] = False

    def parse(self, value: Any) -> Any:
        """Return one value in its stored form, whatever the limits of the attribute.

        Raises:
            InvalidTypeError: The value is of another type.
        """
        raise NotImplementedError

    def check_format(self, value: Any) -> None:
        """Check what the type asks of a value that `parse` has let through.

        Raises:
            InvalidFormatError: The value breaks the type's own format.
        """

    def validate(self, value: Any, limits: Limits) -> Any:
        """Return one value in its stored form, checked against the attribute.

        Raises: InvalidTypeError, InvalidFormatError
        """
        return self.parse(value)

    def row_bytes(self, limits: Limits) -> int:
        """Return what a value counts against the budget of a row."""
        raise NotImplementedError


class NumberType(AttributeType):
    """A number, in a range where the attribute names one."""

    has_range = True

    def validate(self, value: Any, limits: Limits) -> Number:
        number: Number = self.parse(value)
        low, high = limits.min, limits.max
        if (low is not None and number < low) or (high is not None and number > high):
            raise InvalidFormatError(self.range_text(low, high))
        return number

    def range_text(self, low: Number | None, high: Number | None) -> str:
        raise NotImplementedError

    def row_bytes(self, limits: Limits) -> int:
        return 8


class IntegerType(NumberType):
    public_type = "integer"
    cast = "bigint"

    def parse(self, value: Any) -> int:
        if type(value) is not int or not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise InvalidTypeError("Value must be a valid integer")
        return value

    def range_text(self, low: Number | None, high: Number | None) -> str:
        least = -MAX_INTEGER - 1 if low is None else low
        most = MAX_INTEGER if high is None else high
        return f"Value must be a valid range between {least:,} and {most:,}"


class BigIntegerType(IntegerType):
    """The integer of 64 bits by its other name: ours always has as many."""

    public_type = "bigint"


class FloatType(NumberType):
    public_type = "double"
    cast = "double precision"

    def parse(self, value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            number = float(value) if is_number else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise InvalidTypeError("Value must be a valid float")
        return number

    def range_text(self, low: Number | None, high: Number | None) -> str:
        if low is None:
            return f"Value must be less than or equal to {_plain(high)}"
        if high is None:
            return f"Value must be greater than or equal to {_plain(low)}"
        return f"Value must be a valid range between {_plain(low)} and {_plain(high)}"


class BooleanType(AttributeType):
    public_type = "boolean"
    cast = "boolean"

    def parse(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise InvalidTypeError("Value must be a valid boolean")
        return value

    def row_bytes(self, limits: Limits) -> int:
        return 1


class DatetimeType(AttributeType):
    """Stored as text of fixed width in UTC, whose order is that of the times."""

    public_type = "datetime"
    format = "datetime"

    _DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

    def parse(self, value: Any) -> str:
        try:
            if not isinstance(value, str) or self._DATE.match(value) is None:
                raise ValueError
            return clock.api_time(clock.parse_time(value))
        except ValueError:
            raise InvalidTypeError(
                "Value must be valid date between 1000-01-01 00:00:00 and 9999-12-31 23:59:59."
            ) from None

    def row_bytes(self, limits: Limits) -> int:
        return 19


class RelationshipType(AttributeType):
    """Links to documents of a related collection, which are kept apart from the values."""

    public_type = "relationship"

    def row_bytes(self, limits: Limits) -> int:
        return 0


def _plain(value: Number | None) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return f"{value:,}"
