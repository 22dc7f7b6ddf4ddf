"""Parameters of relationships."""

from dataclasses import dataclass

from documents.inputs.databases import DESCRIPTION
from documents.inputs.paths import CollectionInput, KeyInput
from documents.relations import ON_DELETE, RESTRICT, TYPES
from kernel import fields
from kernel.fields import optional, required


@dataclass(frozen=True, kw_only=True)
class CreateRelationshipInput(CollectionInput):
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
