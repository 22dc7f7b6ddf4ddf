"""Parameters of indexes."""

from dataclasses import dataclass

from documents.inputs.databases import DESCRIPTION
from documents.inputs.paths import CollectionInput
from kernel import fields
from kernel.fields import optional, required
from kernel.ids import MAX_ID_LENGTH

TYPES = ("key", "fulltext", "unique", "spatial", "trigram")


def order(value: object) -> str:
    """A direction in any case; it is answered as it was sent."""
    fields.one_of(("asc", "desc"))(value)
    return str(value)


@dataclass(frozen=True, kw_only=True)
class ListIndexesInput(CollectionInput):
    queries: list[str] = optional(fields.queries, default=[])
    total: bool = optional(fields.boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class CreateIndexInput:
    """The path is read apart, for inline indexes have none."""

    key: str = required(fields.key)
    type: str = required(fields.one_of(TYPES))
    attributes: list[str] = required(fields.list_of(fields.text(MAX_ID_LENGTH + 1, minimum=1)))
    orders: list[str] = optional(fields.list_of(order), default=[])
    lengths: list[int] = optional(fields.list_of(fields.integer()), default=[])
    description: str = optional(DESCRIPTION, default="")
