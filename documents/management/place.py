"""What the commands on the documents of one collection have in common."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from documents.records import CSV, FORMATS, JSON_LINES
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, CallerKind
from projects.services import find_project


def add_place(parser: ArgumentParser) -> None:
    parser.add_argument("project", help="the project's id")
    parser.add_argument("database", help="the database's id")
    parser.add_argument("collection", help="the id of the collection, or table")


def add_arguments(parser: ArgumentParser) -> None:
    add_place(parser)
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--format", choices=FORMATS, help="by default what the file's name ends with, else jsonl"
    )


def place_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the collection that the arguments name, as services take it."""
    project = find_project(options["project"])
    if project is None:
        raise CommandError(f"There is no project {options['project']!r}.")
    return {
        "caller": Caller(project=project, kind=CallerKind.CONSOLE),
        "names": COLLECTIONS,
        "database_id": options["database"],
        "collection_id": options["collection"],
    }


def format_of(options: dict[str, Any]) -> str:
    is_csv = options["file"].suffix.lower() == ".csv"
    format_: str = options["format"] or (CSV if is_csv else JSON_LINES)
    return format_
