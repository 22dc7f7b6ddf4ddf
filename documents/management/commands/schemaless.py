"""`schemaless PROJECT DATABASE COLLECTION on|off`: let documents hold more than attributes."""

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from documents import services
from documents.management.place import add_place, place_of
from kernel.errors import ApiError


class Command(BaseCommand):
    help = (
        "Let the documents of a collection, or table, hold fields without an attribute, or no"
        " longer; then those there are stay, out of sight."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_place(parser)
        parser.add_argument("state", choices=("on", "off"))

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            changed = services.switch_schemaless(
                **place_of(options), schemaless=options["state"] == "on"
            )
        except ApiError as error:
            raise CommandError(error.message) from None
        shown = {key: changed[key] for key in ("databaseId", "$id", "schemaless")}
        self.stdout.write(orjson.dumps(shown).decode())
