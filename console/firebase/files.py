"""The files of an import: opened one after the other, told apart by what they hold."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from console.firebase.accounts import Reading, SourceUser, UserFault, read_users
from console.firebase.firestore import Source, read_documents
from console.firebase.reading import FileFaultError, JsonReader
from console.firebase.storage import StorageStatistics, read_listing

#: What `gcloud firestore export` writes, which is no JSON.
_MANAGED = re.compile(r"output-\d+|.*\.(?:overall_)?export_metadata")

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Files:
    """Where what is read, and how. `collection` is what trees were exported from."""

    users: Path | None = None
    documents: Sequence[Path] = ()
    collection: tuple[str, ...] = ()
    storage: Path | None = None
    reading: Reading = field(default_factory=Reading)

    @property
    def size_bytes(self) -> int:
        """What there is to read of users and documents."""
        return sum(path.stat().st_size for path in (self.users, *self.documents) if path)

    def digest(self, *options: object) -> str:
        """Return what stands for the files and the options they are read with."""
        digest = hashlib.sha256(repr((self.collection, self.reading, options)).encode())
        for path in (self.users, *self.documents):
            if path is not None:
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            digest.update(b"\n")
        return digest.hexdigest()

    def read_users(self, tell: Tell) -> Iterator[SourceUser | UserFault]:
        """Read the users; `tell` hears how many bytes were read.

        Raises: FileFaultError, OSError
        """
        if self.users is not None:
            with self.users.open("rb") as file:
                reader = JsonReader(self.users, file)
                for user in read_users(reader, self.reading):
                    yield user
                    tell(reader.bytes_read)

    def read_documents(self, tell: Tell) -> Iterator[tuple[Path, Source]]:
        """Read the documents of all files; `tell` hears how many bytes were read.

        Raises: FileFaultError, OSError
        """
        done = 0
        for path in self.documents:
            if _MANAGED.fullmatch(path.name):
                raise FileFaultError(
                    f"{path}: managed exports of Firestore are no JSON and cannot be read;"
                    " docs/migrate-from-firebase.md says how to export JSON"
                )
            with path.open("rb") as file:
                reader = JsonReader(path, file)
                for document in read_documents(reader, self.collection):
                    yield path, document
                    tell(done + reader.bytes_read)
                done += path.stat().st_size

    def read_storage(self) -> StorageStatistics | None:
        """Count the files of a listing.

        Raises: FileFaultError, OSError
        """
        if self.storage is None:
            return None
        with self.storage.open("rb") as file:
            return read_listing(self.storage, file)


def files_at(paths: Sequence[Path]) -> list[Path]:
    """Return files, and in place of a folder the files of JSON in it."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.rglob("*.json*") if each.is_file())
        else:
            found.append(path)
    return found
