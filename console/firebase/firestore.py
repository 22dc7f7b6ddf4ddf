"""Documents of Firestore, read one at a time from exports in JSON.

Two forms are read: documents as the REST API writes them (`{"name": ..., "fields": ...}`, as JSON
lines, in lists, in pages with `documents`, in answers to queries), and the tree that
node-firestore-import-export writes, in which `__collections__` holds what is below a document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.firebase import values
from console.firebase.reading import JsonReader

COLLECTIONS = "__collections__"
#: What stands beside documents in the answers of the REST API.
_BESIDE = frozenset({"nextPageToken", "readTime", "skippedResults", "transaction", "done"})
#: As deep as Firestore lets collections lie within one another.
MAX_SEGMENTS = 200


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it was in Firestore; `size` is what it took in the file, in characters."""

    line: int
    path: tuple[str, ...]
    fields: Mapping[str, Any]
    size: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceFault:
    """A document that cannot be read, and why; the path may be unknown."""

    line: int
    path: tuple[str, ...]
    reason: str


Source = SourceDocument | SourceFault


def read_documents(reader: JsonReader, collection: tuple[str, ...] = ()) -> Iterator[Source]:
    """Read the documents of a file, in any order but always the same.

    `collection` is the path of the collection that a tree was exported from, if not from the root.

    Raises: FileFaultError
    """
    while begins_with := reader.peek():
        if begins_with == "[":
            for _ in reader.elements():
                yield from _object(reader, ())
        else:
            yield from _object(reader, collection)


def _object(reader: JsonReader, collection: tuple[str, ...]) -> Iterator[Source]:
    line, start = reader.line, reader.place
    rest: dict[str, Any] = {}
    for key in reader.members():
        if key == COLLECTIONS:
            yield from _collections(reader, ())
        elif collection:
            yield from _document(reader, (*collection, key))
        elif key == "documents" and reader.peek() == "[":
            for _ in reader.elements():
                yield from _object(reader, ())
        else:
            rest[key] = reader.value()
    entry: object = rest.get("document", rest)  # as queries are answered
    if isinstance(entry, Mapping) and not entry.keys() - _BESIDE:
        return
    yield _typed(entry, line, reader.place - start)


def _typed(entry: object, line: int, size: int) -> Source:
    if not isinstance(entry, Mapping) or "name" not in entry:
        return SourceFault(line, (), "This is no document: it has no name")
    path: tuple[str, ...] = ()
    try:
        path = values.read_reference(entry["name"])
        times = [
            values.read_time(entry[key]) if entry.get(key) else None
            for key in ("createTime", "updateTime")
        ]
        fields = values.read_fields(entry.get("fields", {}))
    except ValueError as error:
        return SourceFault(line, path, str(error))
    return SourceDocument(line, path, fields, size, *times)


def _collections(reader: JsonReader, parent: tuple[str, ...]) -> Iterator[Source]:
    if len(parent) >= MAX_SEGMENTS:
        reader.fail("collections lie within one another more often than Firestore allows")
    for name in reader.members():
        for key in reader.members():
            yield from _document(reader, (*parent, name, key))


def _document(reader: JsonReader, path: tuple[str, ...]) -> Iterator[Source]:
    reader.peek()
    line, start, below = reader.line, reader.place, 0
    found: dict[str, Any] = {}
    if reader.peek() != "{":
        reader.value()
        yield SourceFault(line, path, "A document must be an object")
        return
    for key in reader.members():
        if key == COLLECTIONS:
            below -= reader.place
            yield from _collections(reader, path)
            below += reader.place
        else:
            found[key] = reader.value()
    try:
        fields = {values.read_text(key): values.read_plain(each) for key, each in found.items()}
        name = "/".join(path)
        path = values.read_reference(name)
    except ValueError as error:
        yield SourceFault(line, path, str(error))
        return
    yield SourceDocument(line, path, fields, reader.place - start - below)
