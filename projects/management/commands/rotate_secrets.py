"""`rotate_secrets`: sign tokens with a new key from now on; the older ones still verify."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from projects import signing


class Command(BaseCommand):
    help = "Sign tokens with a new key from now on. Nobody is logged out."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(json.dumps({"kid": signing.rotate()}))
