"""Attributes and columns as answers: some fields for all, some by type."""

from typing import Any

from documents.attributes import Attribute
from documents.vocabulary import Vocabulary


def attribute_output(attribute: Attribute, names: Vocabulary) -> dict[str, Any]:
    """Return the model of the attribute's type, such as `AttributeString` or `ColumnInteger`."""
    kind = attribute.kind
    output = {
        "key": attribute.key,
        "description": attribute.description,
        "type": kind.public_type,
        "status": attribute.status,
        "error": attribute.error,
        "required": attribute.required,
        "array": attribute.array,
        "$createdAt": attribute.created_at,
        "$updatedAt": attribute.updated_at,
        "default": attribute.default,
    }
    if kind.format:
        output["format"] = kind.format
    if kind.has_size:
        output["size"] = attribute.size
    if kind.is_encryptable:
        output["encrypt"] = attribute.encrypt
    if kind.has_elements:
        output["elements"] = list(attribute.elements)
    if kind.has_range:
        output |= {"min": attribute.min, "max": attribute.max}
    if attribute.relation is not None:
        output |= {
            names.related_collection: attribute.relation.collection_uid,
            "relationType": attribute.relation.type,
            "twoWay": attribute.relation.two_way,
            "twoWayKey": attribute.relation.two_way_key,
            "onDelete": attribute.relation.on_delete,
            "side": attribute.relation.side,
        }
    return output
