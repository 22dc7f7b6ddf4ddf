"""Attributes: their types, how values are checked and compared in SQL, and what they cost.

A document holds each value under the `name` of its attribute. That is its key, unless the
attribute was renamed or an earlier one had used the key: a name is never used twice, so a rename
moves no data and a new attribute never finds values of an old one.
"""

from documents.attributes.definition import (
    ATTRIBUTE_TYPES,
    AVAILABLE,
    DELETING,
    FAILED,
    MAX_ROW_BYTES,
    PROCESSING,
    STUCK,
    Attribute,
    dump,
    is_over_budget,
    load,
    row_bytes,
)
from documents.attributes.expressions import (
    box,
    expression,
    json_text,
    read_query_value,
    sql_type,
    trigrams,
    words,
)
from documents.attributes.geometry import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    box_of,
    dimension_of,
    read_geometry,
)
from documents.attributes.structure import (
    MAX_ARRAY_ITEMS,
    StructureError,
    missing,
    stored_value,
    unknown,
)
from documents.attributes.texts import MAX_STRING_SIZE, MAX_VARCHAR_SIZE
from documents.attributes.types import InvalidFormatError, InvalidTypeError, NumberType

__all__ = [
    "ATTRIBUTE_TYPES",
    "AVAILABLE",
    "DELETING",
    "FAILED",
    "MAX_ARRAY_ITEMS",
    "MAX_LATITUDE",
    "MAX_LONGITUDE",
    "MAX_ROW_BYTES",
    "MAX_STRING_SIZE",
    "MAX_VARCHAR_SIZE",
    "PROCESSING",
    "STUCK",
    "Attribute",
    "InvalidFormatError",
    "InvalidTypeError",
    "NumberType",
    "StructureError",
    "box",
    "box_of",
    "dimension_of",
    "dump",
    "expression",
    "is_over_budget",
    "json_text",
    "load",
    "missing",
    "read_geometry",
    "read_query_value",
    "row_bytes",
    "sql_type",
    "stored_value",
    "trigrams",
    "unknown",
    "words",
]
