"""Attributes and indexes that come along with a new collection."""

from typing import Any

from documents.definitions import ANYTHING, AttributeRequest, IndexRequest
from documents.inputs.attributes import CREATE_INPUTS, read_attribute
from documents.inputs.indexes import CreateIndexInput
from kernel import fields
from kernel.fields import as_dict, read_input

_OTHER_NAMES = {"double": "float", "linestring": "line"}


def inline_attribute(value: Any) -> AttributeRequest:
    """One attribute: the parameters of its own operation, with `type` and perhaps `format`.

    `{"key": "*", "type": "any"}` stands for whatever documents bring.

    Raises: ARGUMENT_INVALID
    """
    source = fields.json_object(value)
    if (source.get("key"), source.get("type")) == (ANYTHING.key, ANYTHING.type):
        return ANYTHING
    type_ = source.get("type")
    if type_ == "string" and source.get("format"):
        type_ = source["format"]
    name = _OTHER_NAMES.get(type_, type_) if isinstance(type_, str) else ""
    if name not in CREATE_INPUTS:
        raise ValueError(f"The type must be one of ({', '.join(CREATE_INPUTS)})")
    return read_attribute(name, {"required": False} | source)


def inline_index(value: Any) -> IndexRequest:
    """One index: the parameters of its own operation, in either vocabulary.

    Raises: ARGUMENT_INVALID
    """
    source = fields.json_object(value)
    if "columns" in source:
        source = {"attributes": source["columns"]} | source
    return IndexRequest(**as_dict(read_input(CreateIndexInput, source)))
