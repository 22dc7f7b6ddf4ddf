"""Listings of buckets, counted: files themselves are not taken over yet."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from console.firebase.reading import JsonReader

MAX_TYPES = 100
_URL = re.compile(r"(gs://\S.*?):?\s*$")
_DETAIL = re.compile(r"\s+(Content-Length|Content-Type):\s+(\S+)")
#: A line of `gsutil ls -l`.
_SHORT = re.compile(r"\s*(\d+)\s+\d{4}-\S+\s+gs://")


@dataclass(slots=True)
class StorageStatistics:
    """How many files there are, and how large; types past the limit are counted as others."""

    files: int = 0
    size_bytes: int = 0
    types: dict[str, int] = field(default_factory=dict)

    def see(self, size: int, type_: str) -> None:
        self.files += 1
        self.size_bytes += size
        name = type_ or "unknown"
        if name not in self.types and len(self.types) >= MAX_TYPES:
            name = "others"
        self.types[name] = self.types.get(name, 0) + 1


def read_listing(path: Path, file: IO[bytes]) -> StorageStatistics:
    """Count the files of a listing: `gsutil ls -L`, `gsutil ls -l`, or objects as JSON.

    Raises: FileFaultError
    """
    found = StorageStatistics()
    start = file.peek(1)[:1] if hasattr(file, "peek") else b""
    is_json = start in (b"{", b"[")
    if is_json:
        for entry in _objects(JsonReader(path, file)):
            found.see(_size(entry), _type(entry))
    else:
        lines = (each.decode("utf-8", "replace") for each in file)
        for size, type_ in _listed(lines):
            found.see(size, type_)
    return found


def _objects(reader: JsonReader) -> Iterator[Mapping[str, Any]]:
    """Read the objects of a list, or of the list `items` of the storage API's answers."""
    while reader.peek():
        if reader.peek() == "[":
            yield from _items(reader)
            continue
        for key in reader.members():
            if key == "items":
                yield from _items(reader)
            else:
                reader.value()


def _items(reader: JsonReader) -> Iterator[Mapping[str, Any]]:
    for _ in reader.elements():
        entry = reader.value()
        if not isinstance(entry, dict):
            continue
        inner = entry.get("metadata")
        # `gcloud storage ls --json` tells of folders, too, and puts what it knows one level deeper.
        if entry.get("type") != "prefix":
            yield inner if isinstance(inner, dict) and "size" in inner else entry


def _size(entry: Mapping[str, Any]) -> int:
    try:
        return int(entry.get("size", 0))
    except (TypeError, ValueError):
        return 0


def _type(entry: Mapping[str, Any]) -> str:
    return str(entry.get("contentType") or entry.get("content_type") or "")[:128]


def _listed(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Read a listing for people; what follows a file's address tells of it."""
    details: dict[str, str] | None = None
    for line in lines:
        short = _SHORT.match(line)
        if short is not None:
            yield int(short[1]), ""
        elif _URL.match(line):
            if details:
                yield _told(details)
            details = {}
        elif details is not None and (detail := _DETAIL.match(line)):
            details[detail[1]] = detail[2]
    if details:
        yield _told(details)


def _told(details: Mapping[str, str]) -> tuple[int, str]:
    size = details.get("Content-Length", "0")
    return int(size) if size.isdecimal() else 0, details.get("Content-Type", "")[:128]
