"""Parameters of collections and tables."""

from dataclasses import dataclass
from typing import Any

from documents.inputs.databases import DESCRIPTION, NAME, ListDatabasesInput
from documents.inputs.inline import inline_attribute, inline_index
from documents.inputs.paths import CollectionInput, DatabaseInput
from kernel import fields
from kernel.fields import optional, required
from kernel.permissions import CONTAINER_ACTIONS


@dataclass(frozen=True, kw_only=True)
class ListCollectionsInput(ListDatabasesInput):
    database_id: str = required(fields.uid)


@dataclass(frozen=True, kw_only=True)
class CreateCollectionInput(DatabaseInput):
    collection_id: str = required(fields.custom_id)
    name: str = required(NAME)
    permissions: list[str] = optional(fields.permissions(CONTAINER_ACTIONS), default=[])
    document_security: bool = optional(fields.boolean, default=False)
    enabled: bool = optional(fields.boolean, default=True)
    description: str = optional(DESCRIPTION, default="")
    attributes: list[Any] = optional(fields.list_of(inline_attribute), default=[])
    indexes: list[Any] = optional(fields.list_of(inline_index), default=[])
    schemaless: bool = optional(fields.boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class UpdateCollectionInput(CollectionInput):
    name: str | None = optional(NAME)
    permissions: list[str] | None = optional(fields.permissions(CONTAINER_ACTIONS))
    document_security: bool = optional(fields.boolean, default=False)
    enabled: bool = optional(fields.boolean, default=True)
    description: str | None = optional(DESCRIPTION)
    purge: bool = optional(fields.boolean, default=False)
    schemaless: bool | None = optional(fields.boolean)
