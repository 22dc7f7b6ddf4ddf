"""The attributes of a schema-less collection, where every key stands for something."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from documents.attributes.definition import AVAILABLE, Attribute
from documents.attributes.free import FREE, MARK, check_fields, is_field_path

CACHED_FIELDS = 1_000


class OpenAttributes(Mapping[str, Attribute]):
    """Attributes by key; whatever other key is looked up is found as a free field.

    Only the attributes are counted and gone through. Keys that are `reserved` are not found, and no
    path leads into what they stand for, or into an attribute's value.
    """

    def __init__(self, declared: Mapping[str, Attribute], reserved: Iterable[str] = ()) -> None:
        self._declared = declared
        self._reserved = frozenset(reserved)

    def __getitem__(self, key: str) -> Attribute:
        attribute = self._declared.get(key)
        if attribute is not None:
            return attribute
        first = key.partition(".")[0]
        if first in self._reserved or first in self._declared or not is_field_path(key):
            raise KeyError(key)
        return free_field(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def check(self, data: Mapping[str, Any], *, ignored: Iterable[str]) -> None:
        """Check those of the values that are no attributes' own.

        Raises: StructureError
        """
        known = {*self._declared, *self._reserved, *ignored}
        check_fields({key: value for key, value in data.items() if key not in known})


@lru_cache(maxsize=CACHED_FIELDS)
def free_field(key: str) -> Attribute:
    """Return a field, or the part of one that a path leads to, as if it were an attribute."""
    return Attribute(key=key, type=FREE, name=MARK + key, status=AVAILABLE)
