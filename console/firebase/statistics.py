"""What the fields of a collection hold, gathered document by document in bounded memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from console.firebase.values import Binary, GeoPoint, Reference
from kernel import addresses, fields
from kernel.fields import Check

#: Fields of one collection that become attributes; the others share one.
MAX_FIELDS = 400
#: A map of more keys is a dictionary, and no structure.
MAX_MAP_KEYS = 32
MAX_MAP_DEPTH = 3
MAX_TARGETS = 8
MAX_EMAIL, MAX_URL = 254, 2000

NULL, BOOLEAN, INTEGER, FLOAT, TEXT, TIME = "null", "boolean", "integer", "float", "text", "time"
POINT, REFERENCE, BINARY, LIST, MAP = "geopoint", "reference", "bytes", "array", "map"
_KINDS: Mapping[type, str] = {
    type(None): NULL,
    bool: BOOLEAN,
    int: INTEGER,
    float: FLOAT,
    str: TEXT,
    datetime: TIME,
    GeoPoint: POINT,
    Reference: REFERENCE,
    Binary: BINARY,
    list: LIST,
    dict: MAP,
}


@dataclass(slots=True)
class FieldStatistics:
    """What was seen of one field, of the items of a list, or of a part of a map.

    `targets` are the collections that references lead to; `keys` are the parts of maps, None once
    they were too many or lay too deep.
    """

    depth: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    longest: int = 0
    is_email: bool = True
    is_url: bool = True
    targets: set[tuple[str, ...]] = field(default_factory=set)
    items: "FieldStatistics | None" = None
    keys: "dict[str, FieldStatistics] | None" = field(default_factory=dict)

    def see(self, value: Any) -> None:
        kind = _KINDS[type(value)]
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        match value:
            case str():
                self._see_text(value)
            case Binary():
                self.longest = max(self.longest, len(value.base64))
            case Reference():
                if len(self.targets) < MAX_TARGETS:
                    self.targets.add(value.path[:-1:2])
            case list():
                self._see_items(value)
            case dict() if self.keys is not None:
                self._see_map(value)

    def _see_text(self, value: str) -> None:
        self.longest = max(self.longest, len(value.encode()))
        if self.is_email:
            self.is_email = "@" in value and _passes(fields.email, value, MAX_EMAIL)
        if self.is_url:
            self.is_url = value.startswith("http") and _passes(addresses.url, value, MAX_URL)

    def _see_items(self, value: list[Any]) -> None:
        if self.items is None:
            self.items = FieldStatistics(depth=MAX_MAP_DEPTH)
        for each in value:
            self.items.see(each)

    def _see_map(self, value: dict[str, Any]) -> None:
        keys = self.keys or {}
        if self.depth >= MAX_MAP_DEPTH or len(keys | value) > MAX_MAP_KEYS:
            self.keys = None
            return
        for key, part in value.items():
            if key not in keys:
                keys[key] = FieldStatistics(depth=self.depth + 1)
            keys[key].see(part)
        self.keys = keys


@dataclass(slots=True)
class CollectionStatistics:
    """What was seen of one collection; `others` counts documents with fields past the limit."""

    pattern: tuple[str, ...]
    documents: int = 0
    faulty: int = 0
    mapped: int = 0
    others: int = 0
    fields: dict[str, FieldStatistics] = field(default_factory=dict)

    def see(self, values: Mapping[str, Any]) -> None:
        self.documents += 1
        has_others = False
        for key, value in values.items():
            if key not in self.fields:
                if len(self.fields) >= MAX_FIELDS:
                    has_others = True
                    continue
                self.fields[key] = FieldStatistics()
            self.fields[key].see(value)
        self.others += has_others


def _passes(check: Check, value: str, longest: int) -> bool:
    try:
        check(value)
    except ValueError:
        return False
    return len(value) <= longest
