"""`create_key PROJECT --name NAME --scopes all|a,b`: make an API key and print it as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel.errors import ApiError
from kernel.fields import as_dict, read_input
from kernel.scopes import PROJECT_KEY_SCOPES
from projects import services
from projects.inputs.keys import CreateKeyInput

ALL = "all"


class Command(BaseCommand):
    help = "Make an API key and print it as JSON; its secret is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's id")
        parser.add_argument("--name", required=True)
        parser.add_argument("--scopes", required=True, help="all, or scopes joined by commas")

    def handle(self, *_args: Any, **options: Any) -> None:
        source = {"name": options["name"], "scopes": _scopes(options["scopes"])}
        try:
            data = read_input(CreateKeyInput, source)
            key = services.create_key(
                caller=services.operator(), project_id=options["project"], **as_dict(data)
            )
        except ApiError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(key))


def _scopes(text: str) -> list[str]:
    if text == ALL:
        return list(PROJECT_KEY_SCOPES)
    scopes = [scope.strip() for scope in text.split(",") if scope.strip()]
    if unknown := [scope for scope in scopes if scope not in PROJECT_KEY_SCOPES]:
        raise CommandError(f"There is no scope {unknown[0]!r}.")
    return scopes
