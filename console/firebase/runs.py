"""An import carried out: batch by batch, each written down along with what it wrote."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.services.bulk_imports import ImportedUsers, import_users, known_users
from console.firebase import naming
from console.firebase.accounts import SourceUser, UserFault
from console.firebase.changes import (
    DELETED,
    DOCUMENTS,
    GONE,
    GONE_AT_ONCE,
    KEPT,
    UPDATED,
    Changes,
    Mode,
)
from console.firebase.checkpoints import BusyImportError, Checkpoint, Progress
from console.firebase.files import Files
from console.firebase.firestore import Source, SourceDocument
from console.firebase.ledger import USERS, Ledger, document_digest
from console.firebase.plans import CollectionPlan, Plan
from console.firebase.skipped import INCOMPLETE, SKIPPED, SkippedFile
from documents.records import Fault, Record
from documents.services import transfers
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller
from kernel.errors import ErrorKind

USERS_AT_ONCE = 1000
DOCUMENTS_AT_ONCE = 2000
CHARS_AT_ONCE = 8 * 1024 * 1024

#: Hears how many bytes were read of all there are, and how far the import is.
OnProgress = Callable[[int, Progress], None]
Numbered = tuple[int, Path, Source]


class Run:
    """One import of some files into a project's database."""

    def __init__(
        self,
        *,
        caller: Caller,
        database_id: str,
        files: Files,
        plan: Plan,
        checkpoint: Checkpoint,
        skipped: SkippedFile,
        on_progress: OnProgress,
        mode: Mode,
    ) -> None:
        self._caller = caller
        self._database_id = database_id
        self._files = files
        self._plan = plan
        self._checkpoint = checkpoint
        self._skipped = skipped
        self._on_progress = on_progress
        self._mode = mode
        self._ledger = Ledger(caller.project.id, checkpoint.id)
        self._changes = Changes(caller, database_id, self._ledger, mode, checkpoint.progress)
        self._bytes = 0

    @property
    def progress(self) -> Progress:
        return self._checkpoint.progress

    def carry_out(self) -> None:
        """Import users, then documents, then look what is gone; what is done is passed over.

        Raises: FileFaultError, BusyImportError, OSError, DATABASE_NOT_FOUND
        """
        self._import_users()
        self._prepare_collections()
        self._import_documents()
        if self._mode.takes_changes:
            self._find_gone()
        self._checkpoint.finish()

    def _read(self, count: int) -> None:
        self._bytes = count

    def _import_users(self) -> None:
        sources = enumerate(self._files.read_users(self._read))
        rest = islice(sources, self.progress.users_read, None)
        while batch := list(islice(rest, USERS_AT_ONCE)):
            with transaction.atomic():
                self._take_users([source for _, source in batch])
                self._step()

    def _take_users(self, batch: Sequence[SourceUser | UserFault]) -> None:
        known = [each for each in batch if isinstance(each, SourceUser)]
        outcome = import_users(caller=self._caller, users=[each.user for each in known])
        refused = outcome.refused
        told: list[tuple[SourceUser | UserFault, str, str]] = [
            (each, each.reason, SKIPPED) for each in batch if isinstance(each, UserFault)
        ]
        told += [(known[place], kind.message, SKIPPED) for place, kind in refused.items()]
        for place in outcome.created:
            told += [(known[place], loss, INCOMPLETE) for loss in known[place].losses]
        for place, identity in outcome.lost:
            reason = f"somebody else has their identity at the provider {identity.provider}"
            told.append((known[place], reason, INCOMPLETE))
        told += [(each, reason, KEPT) for each, reason in self._note_users(batch, outcome)]
        for source, reason, what in sorted(told, key=lambda entry: entry[0].line):
            self._skipped.user(self._files.users, source, reason, what=what)
        progress = self.progress
        progress.users_read += len(batch)
        progress.users_created += len(outcome.created)
        progress.users_existing += len(known) - len(outcome.created) - len(refused)
        progress.users_refused += len(batch) - len(known) + len(refused)
        progress.strangers += [
            known[place].user.uid
            for place, kind in refused.items()
            if kind is ErrorKind.USER_ALREADY_EXISTS
        ]

    def _note_users(
        self, batch: Sequence[SourceUser | UserFault], outcome: ImportedUsers
    ) -> list[tuple[SourceUser, str]]:
        known = [each for each in batch if isinstance(each, SourceUser)]
        held = {naming.user_id(each.uid) for each in batch if each.uid}
        is_new = set(outcome.created)
        others = {place for place in range(len(known)) if place not in outcome.refused} - is_new
        return self._changes.take_users(
            held,
            [known[place] for place in sorted(is_new)],
            [known[place] for place in sorted(others)],
        )

    def _prepare_collections(self) -> None:
        for each in self._plan.collections.values():
            transfers.prepare_collection(
                caller=self._caller,
                names=COLLECTIONS,
                database_id=self._database_id,
                collection_id=each.id,
                name="/".join(each.statistics.pattern)[:128],
                attributes=each.requests,
            )

    def _import_documents(self) -> None:
        read = self._files.read_documents(self._read)
        sources = ((number, *each) for number, each in enumerate(read, start=1))
        before = self._files.users.stat().st_size if self._files.users else 0
        for batch in _batches(islice(sources, self.progress.documents_read, None)):
            with transaction.atomic():
                self._take_documents(batch)
                self._step(before)

    def _take_documents(self, batch: Sequence[Numbered]) -> None:
        groups: dict[tuple[str, ...], list[Numbered]] = {}
        for each in batch:
            groups.setdefault(naming.pattern_of(each[2].path), []).append(each)
        owners = {number: self._owners(source) for number, _, source in batch}
        named = set[str]().union(*owners.values())
        users = known_users(caller=self._caller, user_ids=named) - set(self.progress.strangers)
        told: dict[int, tuple[str, str]] = {}
        for pattern, group in groups.items():
            plan = self._plan.collections.get(pattern)
            if plan is not None:
                told |= self._take_group(plan, group, users)
                continue
            # None of its documents can be read.
            told |= {number: (SKIPPED, _reason(source)) for number, _, source in group}
            _add(self.progress.refused, "/".join(pattern), len(group))
        for number, path, source in batch:
            if number in told:
                what, reason = told[number]
                self._skipped.document(path, source, reason, what=what)
                continue
            for owner in sorted(owners[number] - users):
                reason = f"the owner {owner!r} is no user here, or another one: no permissions"
                self._skipped.document(path, source, reason, what=INCOMPLETE)
                self.progress.permissions_refused += 1
        self.progress.documents_read += len(batch)

    def _owners(self, source: Source) -> set[str]:
        plan = self._plan.collections.get(naming.pattern_of(source.path))
        if plan is None or not isinstance(source, SourceDocument):
            return set()
        return plan.owners(source)

    def _take_group(
        self, plan: CollectionPlan, group: Sequence[Numbered], users: Collection[str]
    ) -> dict[int, tuple[str, str]]:
        """Import documents of one collection; tell of those that did not come, by number."""
        records = [_record(plan, number, source, users) for number, _, source in group]
        existing: set[str] = set()
        report = transfers.import_documents(
            caller=self._caller,
            names=COLLECTIONS,
            database_id=self._database_id,
            collection_id=plan.id,
            records=records,
            import_id="firebase",  # no id is made from it: each record has one
            limits=transfers.Limits(errors=len(group) + 1),
            on_progress=lambda report: existing.update(report.existing_uids),
        )
        _add(self.progress.created, plan.id, report.created)
        _add(self.progress.existing, plan.id, report.existing)
        _add(self.progress.refused, plan.id, len(report.errors))
        told = {each.line: (SKIPPED, each.message) for each in report.errors}
        here = [each for each in records if isinstance(each, Record) and each.line not in told]
        return told | self._note_documents(plan, group, here, existing)

    def _note_documents(
        self,
        plan: CollectionPlan,
        group: Sequence[Numbered],
        here: Sequence[Record],
        existing: Collection[str],
    ) -> dict[int, tuple[str, str]]:
        """Note documents that are here, and what changed of those that existed."""
        sources = {
            number: source for number, _, source in group if isinstance(source, SourceDocument)
        }
        sent = {each.document.uid: each.document for each in here}
        lines = {each.document.uid: each.line for each in here}
        kept = self._changes.take_documents(
            plan.id,
            {naming.document_id(source.path) for _, _, source in group},
            {
                uid: document_digest(sources[line], sent[uid].permissions or ())
                for uid, line in lines.items()
            },
            {uid: document for uid, document in sent.items() if uid in existing},
        )
        return {lines[uid]: (KEPT, reason) for uid, reason in kept.items()}

    def _find_gone(self) -> None:
        """Look for what earlier imports brought, and the files do not hold any more.

        Raises: BusyImportError
        """
        before = self._files.users.stat().st_size if self._files.users else 0
        places = [self._changes.place(each.id) for each in self._plan.collections.values()]
        places += [USERS] if self._files.users else []
        while items := self._ledger.gone(places, after=self.progress.swept, at_most=GONE_AT_ONCE):
            with transaction.atomic():
                if not self._checkpoint.is_last():
                    raise BusyImportError
                for item, what, reason in self._changes.take_gone(items):
                    self._skipped.gone(item, reason, what=what)
                self.progress.swept = items[-1].id
                self._step(before)

    def _step(self, before: int = 0) -> None:
        """Write down where the import is, in the transaction of what it wrote."""
        self.progress.report_bytes = self._skipped.flush()
        self._checkpoint.save()
        self._on_progress(before + self._bytes, self.progress)


def told_counts(progress: Progress) -> dict[str, Any]:
    """Return what became of everything, as the command prints it."""
    created = Counter(progress.created)
    return {
        "users": {
            "created": progress.users_created,
            "existing": progress.users_existing,
            "skipped": progress.users_refused,
        },
        "documents": {
            "created": created.total(),
            "existing": sum(progress.existing.values()),
            "skipped": sum(progress.refused.values()),
        },
        "permissions": {"skipped": progress.permissions_refused},
        "changes": {
            kind: {
                what: progress.changes.get(f"{kind}.{what}", 0)
                for what in (UPDATED, KEPT, GONE, DELETED)
            }
            for kind in (USERS, DOCUMENTS)
        },
        "collections": {
            name: {
                "created": progress.created.get(name, 0),
                "existing": progress.existing.get(name, 0),
                "skipped": progress.refused.get(name, 0),
            }
            for name in sorted({*progress.created, *progress.existing, *progress.refused})
        },
    }


def _record(
    plan: CollectionPlan, number: int, source: Source, users: Collection[str]
) -> Record | Fault:
    if not isinstance(source, SourceDocument):
        return Fault(number, source.reason)
    try:
        return plan.record(number, source, users)
    except ValueError as error:
        return Fault(number, str(error))


def _reason(source: Source) -> str:
    return "" if isinstance(source, SourceDocument) else source.reason


def _add(counts: dict[str, int], name: str, number: int) -> None:
    if number:
        counts[name] = counts.get(name, 0) + number


def _batches(sources: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    batch: list[Numbered] = []
    size = 0
    for each in sources:
        batch.append(each)
        size += each[2].size if isinstance(each[2], SourceDocument) else 0
        if len(batch) >= DOCUMENTS_AT_ONCE or size >= CHARS_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
