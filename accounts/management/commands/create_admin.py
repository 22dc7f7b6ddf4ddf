"""Make a user who may open the console."""

import sys
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.inputs.accounts import CreateAccountInput
from accounts.outputs import account_output
from accounts.services import create_console_admin
from kernel.errors import ApiError
from kernel.fields import read_input
from kernel.ids import UNIQUE_ID


class Command(BaseCommand):
    help = "Make a user who may open the console; prints the user as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", required=True, help="- reads it from standard input")
        parser.add_argument("--name", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        password = options["password"]
        if password == "-":  # noqa: S105  # no password: the usual word for standard input
            password = sys.stdin.readline().rstrip("\n")
        sent = {
            "userId": UNIQUE_ID,
            "email": options["email"],
            "password": password,
            "name": options["name"],
        }
        try:
            data = read_input(CreateAccountInput, sent)
            user = create_console_admin(email=data.email, password=data.password, name=data.name)
        except ApiError as error:
            raise CommandError(error.message) from None
        self.stdout.write(orjson.dumps(account_output(user)).decode())
