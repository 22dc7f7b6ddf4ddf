"""`create_project ID --name NAME [--team ID]`: make a project and print it as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import first_console_team
from kernel.errors import ApiError
from kernel.fields import read_input
from projects import services
from projects.inputs.projects import NewProjectInput


class Command(BaseCommand):
    help = "Make a project and print it as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the project's id, or unique()")
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--team",
            default="",
            help="the console team that owns it (default: that of the first console user)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        source = {"projectId": options["id"], "name": options["name"]}
        if options["team"]:
            source["teamId"] = options["team"]
        try:
            data = read_input(NewProjectInput, source)
            project = services.create_project(
                caller=services.operator(),
                project_id=data.project_id,
                name=data.name,
                team_id=data.team_id or first_console_team(),
            )
        except ApiError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(project))
