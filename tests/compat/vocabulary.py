"""One product, two vocabularies: the same test speaks of documents, or of rows."""

import re
from collections.abc import Callable
from typing import Any

from appwrite.client import Client
from appwrite.services.databases import Databases
from appwrite.services.tables_db import TablesDB

from tests.compat import sdk

ROW_WORDS = {"collection": "table", "document": "row", "attribute": "column"}


class Vocabulary:
    """A service whose methods are called by their older names, `create_document` and so on.

    Arguments are positional: both services take the same ones in the same order.
    """

    def __init__(self, client: Client, words: dict[str, str]) -> None:
        self._words = words
        self._service = TablesDB(client) if words else Databases(client)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._service, self.word(name))
        return method

    def by(self, client: Client) -> "Vocabulary":
        return Vocabulary(client, self._words)

    def word(self, text: str) -> str:
        """Say a name, a path or an event of the older vocabulary in this one."""
        return re.sub("|".join(ROW_WORDS), lambda found: self._words.get(found[0], found[0]), text)

    def listed(self, page: Any, noun: str) -> list[Any]:
        """Return the items of a page by the older name of what it lists."""
        items: list[Any] = getattr(page, self.word(noun))
        return items

    def make_collection(self, database: str, **options: Any) -> "Collection":
        """Make a collection of notes whose attributes and indexes are built."""
        return Collection(self, database, **options)


class Collection:
    """A collection with `title`, `size`, `done` and `due`, bound to one caller's service."""

    def __init__(
        self,
        service: Vocabulary,
        database: str,
        *,
        permissions: list[str] | None = None,
        has_document_security: bool = False,
        collection_id: str = "notes",
    ) -> None:
        self.service = service
        self.place = (database, collection_id)
        service.create_collection(*self.place, "Notes", permissions or [], has_document_security)
        service.create_string_attribute(*self.place, "title", 200, True)
        service.create_integer_attribute(*self.place, "size", False, 0, 1000, 1)
        service.create_boolean_attribute(*self.place, "done", False, False)
        service.create_datetime_attribute(*self.place, "due", False)
        sdk.wait_until(lambda: self.statuses("attribute") == {"available"})

    def statuses(self, noun: str) -> set[str]:
        """Return how far the attributes, or the indexes, are built."""
        page = getattr(self.service, f"list_{'indexes' if noun == 'index' else noun + 's'}")
        items = self.service.listed(page(*self.place), "indexes" if noun == "index" else noun + "s")
        return {sdk.status(item) for item in items}

    def by(self, client: Client) -> Callable[..., Any]:
        """Return `call(method, *arguments)` on this collection for another caller."""
        service = self.service.by(client)
        return lambda method, *given: getattr(service, method)(*self.place, *given)

    def __call__(self, method: str, *given: Any) -> Any:
        return getattr(self.service, method)(*self.place, *given)
