"""Make a link that opens the console once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.services import create_console_link


class Command(BaseCommand):
    help = "Print a link that lets the first console user in once, within an hour."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(f"{settings.PUBLIC_URL}/console/welcome/?token={create_console_link()}")
