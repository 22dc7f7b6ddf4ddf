"""Parameters that paths hold."""

from dataclasses import dataclass

from kernel import fields
from kernel.fields import required


@dataclass(frozen=True, kw_only=True)
class DatabaseInput:
    database_id: str = required(fields.uid)


@dataclass(frozen=True, kw_only=True)
class CollectionInput(DatabaseInput):
    collection_id: str = required(fields.uid)


@dataclass(frozen=True, kw_only=True)
class KeyInput(CollectionInput):
    """One attribute or index of a collection."""

    key: str = required(fields.key)
