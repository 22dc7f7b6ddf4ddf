"""Parameters of databases."""

from dataclasses import dataclass

from documents.inputs.paths import DatabaseInput
from kernel import fields
from kernel.fields import optional, required
from kernel.limits import MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH, MAX_SEARCH_LENGTH

NAME = fields.text(MAX_NAME_LENGTH, minimum=1)
DESCRIPTION = fields.text(MAX_DESCRIPTION_LENGTH)


@dataclass(frozen=True, kw_only=True)
class ListDatabasesInput:
    queries: list[str] = optional(fields.queries, default=[])
    search: str = optional(fields.text(MAX_SEARCH_LENGTH), default="")
    total: bool = optional(fields.boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class CreateDatabaseInput:
    database_id: str = required(fields.custom_id)
    name: str = required(NAME)
    enabled: bool = optional(fields.boolean, default=True)
    description: str = optional(DESCRIPTION, default="")


@dataclass(frozen=True, kw_only=True)
class UpdateDatabaseInput(DatabaseInput):
    name: str | None = optional(NAME)
    enabled: bool = optional(fields.boolean, default=True)
    description: str | None = optional(DESCRIPTION)
