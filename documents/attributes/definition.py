"""One attribute of a collection, its JSON form, and the budget that all of them share."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from documents import relations
from documents.attributes import geometry, texts
from documents.attributes.free import FREE, FreeType
from documents.attributes.types import (
    AttributeType,
    BigIntegerType,
    BooleanType,
    DatetimeType,
    FloatType,
    IntegerType,
    Number,
    RelationshipType,
)
from documents.relations import Relation
from kernel import clock

PROCESSING = "processing"
AVAILABLE = "available"
DELETING = "deleting"
FAILED = "failed"
STUCK = "stuck"

MAX_ATTRIBUTES = 1017
MAX_ROW_BYTES = 65_535
_SYSTEM_ROW_BYTES = 1067

ATTRIBUTE_TYPES: Final[Mapping[str, AttributeType]] = {
    "string": texts.StringType(),
    "varchar": texts.VarcharType(),
    "text": texts.TEXT,
    "mediumtext": texts.MEDIUMTEXT,
    "longtext": texts.LONGTEXT,
    "email": texts.EMAIL,
    "url": texts.URL,
    "ip": texts.IP,
    "enum": texts.EnumType(),
    "integer": IntegerType(),
    "bigint": BigIntegerType(),
    "float": FloatType(),
    "boolean": BooleanType(),
    "datetime": DatetimeType(),
    "relationship": RelationshipType(),
    "point": geometry.POINT,
    "line": geometry.LINE,
    "polygon": geometry.POLYGON,
    FREE: FreeType(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a collection, as every process reads it from the collection's JSON.

    `type` is a key of `ATTRIBUTE_TYPES`. Times are written as in answers. `is_adopting` until the
    free fields are stripped whose values it took over: as long nobody may write fields of its key.
    `leading` characters are what an index holds of its texts, if any does, and none holds all: that
    is said by the indexes alone, and not written.
    """

    key: str
    type: str
    name: str
    status: str = PROCESSING
    is_adopting: bool = False
    error: str = ""
    required: bool = False
    array: bool = False
    default: Any = field(default=None, hash=False)
    size: int = 0
    min: Number | None = None
    max: Number | None = None
    elements: tuple[str, ...] = ()
    encrypt: bool = False
    relation: Relation | None = None
    description: str = ""
    created_at: str = ""
    updated_at: str = ""
    leading: int = 0

    @property
    def is_available(self) -> bool:
        return self.status == AVAILABLE

    @property
    def is_array(self) -> bool:
        return self.array

    @property
    def is_encrypted(self) -> bool:
        return self.encrypt

    @property
    def is_free(self) -> bool:
        return self.type == FREE

    @property
    def blank(self) -> list[Any] | None:
        """What answers show where a document has no value."""
        return [] if self.array else None

    @property
    def kind(self) -> AttributeType:
        return ATTRIBUTE_TYPES[self.type]

    def changed(self, **changes: Any) -> "Attribute":
        """Return the attribute with some fields changed, and the time of the change."""
        return dataclasses.replace(self, updated_at=clock.api_time(clock.now()), **changes)


def load(entry: Mapping[str, Any]) -> Attribute:
    """Read an attribute from the collection's JSON."""
    relation = entry.get("relation")
    parts = {
        "elements": tuple(entry.get("elements", ())),
        "relation": relation and relations.load(relation),
    }
    return Attribute(**{**entry, **parts})


def dump(attribute: Attribute) -> dict[str, Any]:
    """Write an attribute for the collection's JSON."""
    entry = {**dataclasses.asdict(attribute), "elements": list(attribute.elements)}
    del entry["leading"]
    return entry


def row_bytes(attributes: Iterable[Attribute]) -> int:
    """Return the part of `MAX_ROW_BYTES` that attributes use (reference: `bytesUsed`)."""
    return _SYSTEM_ROW_BYTES + sum(
        texts.OUT_OF_ROW_BYTES if each.array else each.kind.row_bytes(each) for each in attributes
    )


def is_over_budget(attributes: Sequence[Attribute]) -> bool:
    return len(attributes) > MAX_ATTRIBUTES or row_bytes(attributes) > MAX_ROW_BYTES
