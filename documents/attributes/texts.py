"""Attribute types whose values are texts."""

from typing import Any

from documents.attributes.types import (
    AttributeType,
    InvalidFormatError,
    InvalidTypeError,
    Limits,
)
from kernel import addresses, fields
from kernel.fields import Check

MAX_STRING_SIZE = 1_073_741_824
MAX_VARCHAR_SIZE = 16_381
OUT_OF_ROW_BYTES = 20
_BYTES_PER_CHARACTER = 4


class StringType(AttributeType):
    """Text of at most `size` characters."""

    public_type = "string"
    has_size = True
    is_encryptable = True
    is_prose = True

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or "\x00" in value:
            raise InvalidTypeError("Value must be a valid string")
        return value

    def validate(self, value: Any, limits: Limits) -> str:
        if not isinstance(value, str) or "\x00" in value or len(value) > limits.size:
            raise InvalidTypeError(
                f"Value must be a valid string and no longer than {limits.size} chars"
            )
        return value

    def row_bytes(self, limits: Limits) -> int:
        if limits.size > MAX_VARCHAR_SIZE:
            return OUT_OF_ROW_BYTES
        return limits.size * _BYTES_PER_CHARACTER + (1 if limits.size <= 255 else 2)


class VarcharType(StringType):
    public_type = "varchar"


class TextType(AttributeType):
    """Text of as many bytes as the type allows."""

    is_encryptable = True
    is_prose = True

    def __init__(self, public_type: str, size: int) -> None:
        self.public_type = public_type  # type: ignore[misc]  # one class for three sizes
        self.fixed_size = size  # type: ignore[misc]  # likewise

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or "\x00" in value:
            raise InvalidTypeError("Value must be a valid string")
        return value

    def validate(self, value: Any, limits: Limits) -> str:
        text = self.parse(value)
        # Only what is long in characters, too, or nearly, is worth the encoding.
        if len(text) * _BYTES_PER_CHARACTER > limits.size and len(text.encode()) > limits.size:
            raise InvalidTypeError(
                f"Value must be a valid string and no longer than {limits.size} bytes"
            )
        return text

    def row_bytes(self, limits: Limits) -> int:
        return OUT_OF_ROW_BYTES


class FormattedType(StringType):
    """A short text that passes a check; it is kept as sent."""

    has_size = False
    is_encryptable = False

    def __init__(self, name: str, size: int, check: Check) -> None:
        self.format = name  # type: ignore[misc]  # one class for three formats
        self.fixed_size = size  # type: ignore[misc]  # likewise
        self._check = check

    def check_format(self, value: Any) -> None:
        try:
            self._check(value)
        except ValueError as error:
            raise InvalidFormatError(str(error)) from None

    def validate(self, value: Any, limits: Limits) -> str:
        text = super().validate(value, limits)
        self.check_format(text)
        return text


class EnumType(StringType):
    """One of the texts that the attribute lists."""

    format = "enum"
    fixed_size = 255
    has_size = False
    has_elements = True
    is_encryptable = False

    def validate(self, value: Any, limits: Limits) -> str:
        text = self.parse(value)
        if text not in limits.elements:
            raise InvalidFormatError(f"Value must be one of ({', '.join(limits.elements)})")
        return text


EMAIL = FormattedType("email", 254, fields.email)
URL = FormattedType("url", 2000, addresses.url)
IP = FormattedType("ip", 39, addresses.ip)
TEXT = TextType("text", 65_535)
MEDIUMTEXT = TextType("mediumtext", 16_777_215)
LONGTEXT = TextType("longtext", 4_294_967_295)
