"""How lists of texts go to the database, which writes have many of."""

from collections.abc import Iterable
from typing import Any

from psycopg import DataError
from psycopg.abc import Buffer, DumperKey
from psycopg.adapt import PyFormat
from psycopg.types.array import BaseListDumper, ListDumper

_TEXTS = {str}


class TextListDumper(ListDumper):
    """Writes a list of texts at once; the driver's own way asks about each of them.

    All other lists are left to the driver.
    """

    def get_key(self, obj: list[Any], format: PyFormat) -> DumperKey:
        return self.cls if _are_texts(obj) else super().get_key(obj, format)

    def upgrade(self, obj: list[Any], format: PyFormat) -> BaseListDumper:
        return self if _are_texts(obj) else super().upgrade(obj, format)

    def dump(self, obj: list[Any]) -> Buffer | None:
        if not _are_texts(obj):
            return super().dump(obj)
        return text_array(obj).encode()


def text_array(texts: Iterable[str]) -> str:
    """Write an array of texts as PostgreSQL reads it, for statements that say it is one.

    Raises:
        DataError: A text holds a NUL.
    """
    escaped = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    literal = '{"' + '","'.join(escaped) + '"}' if escaped else "{}"
    if "\0" in literal:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return literal


def number_array(numbers: Iterable[int]) -> str:
    """Write an array of whole numbers as PostgreSQL reads it."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _are_texts(obj: list[Any]) -> bool:
    return set(map(type, obj)) == _TEXTS
