"""`quickstart`: all that is needed to write a first document, as JSON."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.services import create_console_link
from kernel.errors import ApiError, ErrorKind
from kernel.scopes import PROJECT_KEY_SCOPES
from projects import services

PROJECT_ID = "quickstart"


class Command(BaseCommand):
    help = "Make the project `quickstart` and a key, and print how to use and open them as JSON."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            _make_project()
            key = services.create_key(
                caller=services.operator(),
                project_id=PROJECT_ID,
                name="Quickstart",
                scopes=PROJECT_KEY_SCOPES,
            )
        except ApiError as error:
            raise CommandError(error.message) from error
        answer = {
            "endpoint": f"{settings.PUBLIC_URL}/v1",
            "project": PROJECT_ID,
            "key": key["secret"],
            "console_url": f"{settings.PUBLIC_URL}/console/welcome/?token={create_console_link()}",
        }
        self.stdout.write(json.dumps(answer))


def _make_project() -> None:
    try:
        services.create_project(
            caller=services.operator(), project_id=PROJECT_ID, name="Quickstart"
        )
    except ApiError as error:
        # A start that broke off may have made it already; a new key is made all the same.
        if error.kind is not ErrorKind.PROJECT_ALREADY_EXISTS:
            raise
