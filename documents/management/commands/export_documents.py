"""`export_documents PROJECT DATABASE COLLECTION FILE`: write documents as JSON lines or CSV."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from documents.management.place import add_arguments, format_of, place_of
from documents.records import WRITERS, Writer
from documents.services import transfers
from kernel.errors import ApiError

#: How far an export got stands in a file of this name beside it, until it is complete.
PROGRESS_SUFFIX = ".progress"


class Command(BaseCommand):
    help = (
        "Write the documents of a collection to a file of JSON lines or CSV. Run it once more after"
        " an interruption: it goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        progress = path.with_name(path.name + PROGRESS_SUFFIX)
        if path.exists() and not progress.exists():
            raise CommandError(f"{path}: There is such a file already.")
        place = place_of(options)
        try:
            writer = WRITERS[format_of(options)](transfers.schema_of(**place))
            count = self._export(path, progress, writer, place)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        except ApiError as error:
            raise CommandError(error.message) from None
        progress.unlink()
        self.stdout.write(orjson.dumps({"total": count}).decode())

    def _export(self, path: Path, progress: Path, writer: Writer, place: dict[str, Any]) -> int:
        size, last, count = _done(progress)
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(size)
            file.seek(size)
            if not size:
                file.write(writer.head)
                _note(progress, file, last, count)
            for page in transfers.export_documents(**place, after=last):
                file.write(writer.write(page.documents))
                last, count = page.last, count + len(page.documents)
                _note(progress, file, last, count)
                self.stderr.write(f"{count:,} written")
        return count


def _done(progress: Path) -> tuple[int, int, int]:
    """Return how many bytes are written for good, up to which document, and how many of them."""
    if not progress.exists():
        return 0, 0, 0
    try:
        size, last, count = orjson.loads(progress.read_bytes())
    except ValueError:
        raise CommandError(f"{progress}: This is no progress of an export.") from None
    return int(size), int(last), int(count)


def _note(progress: Path, file: IO[bytes], last: int, count: int) -> None:
    file.flush()
    os.fsync(file.fileno())
    new = progress.with_name(progress.name + ".new")
    new.write_bytes(orjson.dumps([file.tell(), last, count]))
    new.replace(progress)  # never half a note
