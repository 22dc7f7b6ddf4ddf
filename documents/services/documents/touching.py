"""Documents that change because others do: their links, and nothing of their own."""

from dataclasses import replace

from documents import store
from documents.catalog import CollectionSchema
from documents.services.documents.writes import EACH, Write, announce_many, log_of
from documents.store import Log


class Touched:
    """The numbers of documents, by collection."""

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[CollectionSchema, set[int]]] = {}

    def add(self, schema: CollectionSchema, number: int) -> None:
        self._numbers.setdefault(schema.id, (schema, set()))[1].add(number)

    def write(self, write: Write) -> None:
        """Give the documents a new time and announce them, as a part of a write."""
        for _, (schema, numbers) in sorted(self._numbers.items()):
            part, log = each_of(write, schema, "update")
            announce_many(part, schema, log, store.touch(schema, numbers, log))


def each_of(write: Write, schema: CollectionSchema, action: str) -> tuple[Write, Log]:
    """Return the part of a write that concerns documents of another collection."""
    part = replace(write, collection_id=schema.uid, document_id=EACH, action=action)
    return part, log_of(part, schema)
