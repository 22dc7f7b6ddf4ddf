"""`import_firebase PROJECT`: users and documents of a Firebase project."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TextIO

import orjson
from django.core.management.base import BaseCommand, CommandError

from console.firebase import plans, reports, runs
from console.firebase.accounts import HashConfigError, Reading, read_hash_config
from console.firebase.changes import Mode
from console.firebase.checkpoints import BusyImportError, Checkpoint, Progress
from console.firebase.files import Files, files_at
from console.firebase.plans import MisfitError, OwnerRule, OwnerRuleError, Plan
from console.firebase.reading import FileFaultError
from console.firebase.skipped import SkippedFile
from documents.services import get_database, transfers
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.errors import ApiError
from projects.services import find_project

BAR_WIDTH = 30
SECONDS_BETWEEN_BARS, SECONDS_BETWEEN_LINES = 0.2, 5.0
FAULTS = (FileFaultError, HashConfigError, MisfitError, OwnerRuleError)


class Command(BaseCommand):
    help = (
        "Take over users and documents of a Firebase project. Say --dry-run first: it prints what"
        " would be done. Run it once more after an interruption: it goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="the project's id")
        parser.add_argument("--users", type=Path, help="what `firebase auth:export` wrote, as JSON")
        parser.add_argument(
            "--hash-config",
            type=Path,
            help="the password hash parameters, as the Firebase console shows them",
        )
        parser.add_argument(
            "--without-passwords",
            action="store_true",
            help="take over users without their passwords",
        )
        parser.add_argument(
            "--claim",
            action="append",
            default=[],
            metavar="NAME",
            help="a custom claim whose text becomes a label; those that are true do so by name",
        )
        parser.add_argument(
            "--firestore",
            type=Path,
            nargs="+",
            default=[],
            metavar="FILE",
            help="documents in JSON, or folders of such files",
        )
        parser.add_argument(
            "--collection",
            default="",
            metavar="PATH",
            help="the collection that a tree was exported from, if not from the root",
        )
        parser.add_argument(
            "--storage", type=Path, metavar="LISTING", help="`gsutil ls -L`, only to be counted"
        )
        parser.add_argument("--database", default="default", help="the database's id")
        parser.add_argument(
            "--owner-field",
            action="append",
            default=[],
            metavar="[COLLECTION:]FIELD",
            help="where documents name the user who may read, update and delete them: a field,"
            " $id or $parent",
        )
        parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
        parser.add_argument(
            "--report", type=Path, help="where what is skipped is told, as JSON lines"
        )
        parser.add_argument(
            "--update",
            action="store_true",
            help="take over what changed in Firebase since an earlier import, and tell what is"
            " gone there; what changed here since stays as it is",
        )
        parser.add_argument(
            "--delete-gone",
            action="store_true",
            help="do as --update, and delete what is gone: the files must hold all users or whole"
            " collections",
        )
        parser.add_argument("--plan", type=Path, help="where what would be done is told, as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self._import(options)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""  # a pipe has no name
            raise CommandError(f"{place}{error.strerror}.") from None
        except FAULTS as error:
            raise CommandError(str(error)) from None
        except BusyImportError:
            raise CommandError("These files are being imported by another command.") from None
        except ApiError as error:
            raise CommandError(error.message) from None

    def _import(self, options: dict[str, Any]) -> None:
        caller = Caller(project=_project(options["project"]), kind=CallerKind.CONSOLE)
        get_database(caller=caller, database_id=options["database"])
        files = _files(options)
        rules = [plans.read_owner_rule(each) for each in options["owner_field"]]
        bar = Bar(self.stderr, files.size_bytes)
        plan = self._plan(caller, files, rules, options, bar)
        if options["dry_run"]:
            return
        _check_passwords(plan, options)
        _check_deletions(plan, options)
        mode = Mode(
            takes_changes=options["update"] or options["delete_gone"],
            deletes=options["delete_gone"],
        )
        digest = files.digest(options["database"], rules, mode)
        checkpoint = Checkpoint(caller.project.id, digest)
        if checkpoint.progress.is_begun:
            self.stderr.write("Going on where an earlier run was interrupted.")
        skipped = SkippedFile(options["report"], checkpoint.progress.report_bytes)
        try:
            run = runs.Run(
                caller=caller,
                database_id=options["database"],
                files=files,
                plan=plan,
                checkpoint=checkpoint,
                skipped=skipped,
                on_progress=bar.import_progress,
                mode=mode,
            )
            run.carry_out()
        finally:
            skipped.close()
            bar.end()
        self.stdout.write(orjson.dumps(runs.told_counts(run.progress)).decode())

    def _plan(
        self,
        caller: Caller,
        files: Files,
        rules: list[OwnerRule],
        options: dict[str, Any],
        bar: "Bar",
    ) -> Plan:
        """Read all files and print what they hold; a dry run also tells what it cannot read."""
        plan = Plan(storage=files.read_storage())
        skipped = SkippedFile(options["report"] if options["dry_run"] else None)
        try:
            if files.users is not None:
                plans.count_users(plan, files, bar.reading, skipped)
            plans.plan_documents(plan, files, rules, bar.reading, skipped)
        finally:
            skipped.close()
            bar.end()
        _fit(plan, caller, options["database"])
        self.stdout.write(reports.plan_text(plan, options["database"]))
        if options["plan"] is not None:
            options["plan"].write_bytes(orjson.dumps(reports.plan_json(plan)))
        return plan


class Bar:
    """How far it is: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, stream: Any, total_bytes: int) -> None:
        self._stream: TextIO = stream
        self._total = max(total_bytes, 1)
        self._is_terminal = bool(getattr(stream, "isatty", bool)())
        self._told_at = time.monotonic()
        self._is_open = False

    def reading(self, done: int, count: int) -> None:
        self._tell("reading", done, f"{count:,} read")

    def import_progress(self, done: int, progress: Progress) -> None:
        users = progress.users_read
        told = f"{users:,} users, {progress.documents_read:,} documents"
        self._tell("importing", done, told)

    def end(self) -> None:
        if self._is_open:
            self._stream.write("")
        self._is_open = False

    def _tell(self, phase: str, done: int, told: str) -> None:
        now = time.monotonic()
        pause = SECONDS_BETWEEN_BARS if self._is_terminal else SECONDS_BETWEEN_LINES
        if now - self._told_at < pause:
            return
        self._told_at = now
        part = min(done / self._total, 1.0)
        filled = "#" * int(part * BAR_WIDTH)
        line = f"{phase} [{filled:<{BAR_WIDTH}}] {part:4.0%}  {told}"
        if self._is_terminal:
            self._stream.write(f"\r{line}\033[K", ending="")  # type: ignore[call-arg]  # Django's own stream
            self._stream.flush()
            self._is_open = True
        else:
            self._stream.write(line)


def _project(uid: str) -> ProjectContext:
    project = find_project(uid)
    if project is None:
        raise CommandError(f"There is no project {uid!r}.")
    if project.is_console:
        raise CommandError("The console takes no users or documents of others.")
    return project


def _files(options: dict[str, Any]) -> Files:
    if not (options["users"] or options["firestore"] or options["storage"]):
        raise CommandError("Say what to import: --users, --firestore or --storage.")
    config = options["hash_config"]
    collection = tuple(filter(None, options["collection"].split("/")))
    if collection and len(collection) % 2 == 0:
        raise CommandError(
            "--collection must be the path of a collection, such as users/ann/posts."
        )
    return Files(
        users=options["users"],
        documents=files_at(options["firestore"]),
        collection=collection,
        storage=options["storage"],
        reading=Reading(
            read_hash_config(config.read_text(errors="replace")) if config else None,
            tuple(sorted(options["claim"])),
        ),
    )


def _fit(plan: Plan, caller: Caller, database_id: str) -> None:
    """Let documents become what the collections that exist can hold.

    Raises: MisfitError
    """
    for each in plan.collections.values():
        known = transfers.known_attributes(
            caller=caller, names=COLLECTIONS, database_id=database_id, collection_id=each.id
        )
        each.fit(known)


def _check_deletions(plan: Plan, options: dict[str, Any]) -> None:
    if options["delete_gone"] and plan.unnamed:
        raise CommandError(
            f"{plan.unnamed:,} entries of the files cannot be read so far that it is known what"
            " they are. --delete-gone would delete what they stand for."
        )


def _check_passwords(plan: Plan, options: dict[str, Any]) -> None:
    count = plan.users.with_password if plan.users else 0
    if count and options["hash_config"] is None and not options["without_passwords"]:
        raise CommandError(
            f"{count:,} users have passwords. Say --hash-config, or --without-passwords if they"
            " are to set new ones."
        )
