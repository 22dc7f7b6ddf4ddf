"""`doctor`: look at every part of the installation and say what is wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from kernel.diagnosis import findings


class Command(BaseCommand):
    help = "Look at every part of the installation; the exit code is 1 when something is wrong."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        is_well = True
        for finding in findings():
            is_well &= finding.is_well
            self.stdout.write(
                f"{'ok' if finding.is_well else 'BAD':4} {finding.name}: {finding.text}"
            )
        if not is_well:
            sys.exit(1)
