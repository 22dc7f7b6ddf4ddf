"""How lists of texts go to the database, which writes have many of."""

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
        escaped = [text.replace("\\", "\\\\").replace('"', '\\"') for text in obj]
        literal = '{"' + '","'.join(escaped) + '"}'
        if "\0" in literal:
            raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return literal.encode()


def _are_texts(obj: list[Any]) -> bool:
    return set(map(type, obj)) == _TEXTS
