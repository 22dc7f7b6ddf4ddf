"""`manage.py bench`: measure a running server on this machine."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bench import breadth, depth, overload, soak
from bench.plan import Plan, RefusedError
from bench.profile import write
from bench.run import RunTrial, run, run_trial

TRIALS: dict[str, RunTrial] = {
    "overload": overload.run,
    "soak": soak.run,
    "collections": breadth.run,
    "million": depth.run,
}


class Command(BaseCommand):
    help = (
        "Load a running server on this machine with documents and sockets, and compare it with"
        " PostgreSQL alone. Start it with ABUSE_LIMITS=off, or 1,000 sockets are refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url", default="", help="the endpoint (default: that of the server of --data-dir)"
        )
        parser.add_argument("--connections", type=int, default=16)
        parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
        parser.add_argument("--documents", type=int, default=100_000)
        parser.add_argument("--sockets", type=int, default=1_000)
        parser.add_argument("--collections", type=int, default=10_000, help="of the trial of them")
        parser.add_argument(
            "--only", default="", help="workloads by name, with commas; fan-out is one"
        )
        parser.add_argument(
            "--profile",
            type=Path,
            help="page to write down in where the time of a user's read goes",
        )
        parser.add_argument(
            "--trial",
            choices=TRIALS,
            help="in place of the table: what becomes of three times too many requests, of the"
            " memory under a long mixed load (for --seconds), or of reads where there are ten"
            " thousand collections, or of pages where there are ten times --documents",
        )
        parser.add_argument("--out", type=Path, help="file for the results as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        plan = Plan(
            url=options["url"].rstrip("/") or f"{settings.PUBLIC_URL}/v1",
            connections=options["connections"],
            seconds=options["seconds"],
            documents=options["documents"],
            sockets=options["sockets"],
            collections=options["collections"],
            only=frozenset(filter(None, options["only"].split(","))),
            has_profile=options["profile"] is not None,
        )
        try:
            if options["trial"]:
                self.stdout.write(run_trial(TRIALS[options["trial"]], plan, self.stderr.write))
                return
            report = run(plan, self.stderr.write)
        except RefusedError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(report.as_text())
        if options["profile"]:
            write(options["profile"], report.profile_text())
        if options["out"]:
            options["out"].write_text(json.dumps(report.as_json(), indent=1) + "\n")
