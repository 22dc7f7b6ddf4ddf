"""Parameters of relationships."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from documents.definitions import RelationshipRequest
from documents.inputs.databases import DESCRIPTION
from documents.inputs.paths import KeyInput
from documents.relations import ON_DELETE, RESTRICT, TYPES
from kernel import fields
from kernel.fields import as_dict, optional, read_input, required


@dataclass(frozen=True, kw_only=True)
class CreateRelationshipInput:
    """What is asked for. The path is read apart."""

    related_collection_id: str = required(fields.uid)
    type: str = required(fields.one_of(TYPES))
    two_way: bool = optional(fields.boolean, default=False)
    key: str | None = optional(fields.key)
    two_way_key: str | None = optional(fields.key)
    on_delete: str = optional(fields.one_of(ON_DELETE), default=RESTRICT)
    description: str = optional(DESCRIPTION, default="")


@dataclass(frozen=True, kw_only=True)
class UpdateRelationshipInput(KeyInput):
    on_delete: str | None = optional(fields.one_of(ON_DELETE))
    new_key: str | None = optional(fields.key)
    description: str | None = optional(DESCRIPTION)


def read_relationship(
    collection_uid: str, source: Mapping[str, Any], names: Mapping[str, str]
) -> RelationshipRequest:
    """Read the relationship of a collection that a client asks for.

    Keys that are left out are the ids of the collections they lead to.

    Raises: ARGUMENT_INVALID
    """
    sent = as_dict(read_input(CreateRelationshipInput, source, names=names))
    keys = {
        "key": sent["key"] or sent["related_collection_id"],
        "two_way_key": sent["two_way_key"] or collection_uid,
    }
    return RelationshipRequest(**sent | keys)
