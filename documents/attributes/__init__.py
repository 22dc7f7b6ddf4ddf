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
    field_value,
    json_text,
    leading,
    read_query_value,
    sql_type,
    trigrams,
    words,
)
from documents.attributes.free import (
    FAULT_OF_FIELDS,
    FREE,
    MARK,
    MAX_FIELD_BYTES,
    MAX_FIELDS,
    check_fields,
    free_values,
    is_field_key,
    too_large,
)
from documents.attributes.geometry import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    box_of,
    dimension_of,
    read_geometry,
)
from documents.attributes.schemaless import OpenAttributes, free_field
from documents.attributes.structure import (
    MAX_ARRAY_ITEMS,
    missing,
    stored_value,
    unknown,
)
from documents.attributes.texts import MAX_STRING_SIZE, MAX_VARCHAR_SIZE
from documents.attributes.types import (
    InvalidFormatError,
    InvalidTypeError,
    NumberType,
    StructureError,
)

__all__ = [
    "ATTRIBUTE_TYPES",
    "AVAILABLE",
    "DELETING",
    "FAILED",
    "FAULT_OF_FIELDS",
    "FREE",
    "MARK",
    "MAX_ARRAY_ITEMS",
    "MAX_FIELDS",
    "MAX_FIELD_BYTES",
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
    "OpenAttributes",
    "StructureError",
    "box",
    "box_of",
    "check_fields",
    "dimension_of",
    "dump",
    "expression",
    "field_value",
    "free_field",
    "free_values",
    "is_field_key",
    "is_over_budget",
    "json_text",
    "leading",
    "load",
    "missing",
    "read_geometry",
    "read_query_value",
    "row_bytes",
    "sql_type",
    "stored_value",
    "too_large",
    "trigrams",
    "unknown",
    "words",
]
