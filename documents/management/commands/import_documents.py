"""`import_documents PROJECT DATABASE COLLECTION FILE`: create documents from JSON lines or CSV."""

import hashlib
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from documents.management.place import add_arguments, format_of, place_of
from documents.outputs import import_report_output
from documents.records import READERS, UnknownColumnError, lines
from documents.reports import Report
from documents.services import transfers
from kernel.errors import ApiError
from kernel.limits import MAX_IMPORT_ERRORS

PIECE_BYTES = 1024 * 1024


class Command(BaseCommand):
    help = (
        "Create documents from a file of JSON lines or CSV. Run it once more after an interruption:"
        " documents that exist are passed over."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)
        parser.add_argument("--from-line", type=int, default=1, help="pass over what is before it")
        parser.add_argument(
            "--import-id",
            default="",
            help="what ids are made from where lines have none; by default the file's digest",
        )
        parser.add_argument("--max-errors", type=int, default=MAX_IMPORT_ERRORS)
        parser.add_argument(
            "--errors", type=Path, help="where faulty lines are told, as JSON lines"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            with ExitStack() as files:
                report = self._import(options, files)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from None
        except UnknownColumnError as error:
            raise CommandError(f"{error}.") from None
        except ApiError as error:
            raise CommandError(error.message) from None
        output = import_report_output(report)
        self.stdout.write(orjson.dumps(output).decode())
        if not report.is_complete:
            raise CommandError(
                f"Stopped after {len(report.errors)} faulty lines. Go on with"
                f" --import-id {report.import_id} --from-line {report.next_line}"
            )

    def _import(self, options: dict[str, Any], files: ExitStack) -> Report:
        place = place_of(options)
        file = files.enter_context(options["file"].open("rb"))
        import_id = options["import_id"] or hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        told = None
        if options["errors"] is not None:
            told = files.enter_context(options["errors"].open("ab"))
        schema = transfers.schema_of(**place)
        records = READERS[format_of(options)](lines(iter(_pieces(file), b"")), schema)
        return transfers.import_documents(
            **place,
            records=(each for each in records if each.line >= options["from_line"]),
            import_id=import_id,
            limits=transfers.Limits(errors=options["max_errors"]),
            on_progress=self._tell(told),
        )

    def _tell(self, told: IO[bytes] | None) -> Callable[[Report], None]:
        count = 0

        def tell(report: Report) -> None:
            nonlocal count
            self.stderr.write(
                f"line {report.next_line - 1:,}: {report.created:,} created,"
                f" {report.existing:,} existed, {len(report.errors):,} faulty"
            )
            if told is not None:
                for error in import_report_output(report)["errors"][count:]:
                    told.write(orjson.dumps(error, option=orjson.OPT_APPEND_NEWLINE))
                told.flush()
            count = len(report.errors)

        return tell


def _pieces(file: IO[bytes]) -> Callable[[], bytes]:
    return lambda: file.read(PIECE_BYTES)
