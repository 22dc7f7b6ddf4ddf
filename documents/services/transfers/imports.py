"""Documents from elsewhere: written in batches, each faulty one told, and none of them twice."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import connection

from documents import catalog, store, values
from documents.attributes import StructureError
from documents.catalog import CollectionSchema
from documents.partitions import SHARED_MAX_DOCUMENTS, is_shared
from documents.records import Fault, Record
from documents.reports import LineError, Report
from documents.services.documents.writes import Write, grants_of_many, log_of, sealed
from documents.services.documents.writing import create_document
from documents.services.promotion import promote_collection
from documents.store import Grants, Log, NewDocument
from documents.values import SentDocument
from documents.vocabulary import Vocabulary
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind, Kind
from kernel.ids import GENERATED_ID_BYTES, UNIQUE_ID
from kernel.jobs import JobPostponedError
from kernel.limits import MAX_IMPORT_ERRORS

#: What one statement takes.
BATCH_RECORDS = 1000
BATCH_BYTES = 4 * 1024 * 1024

Progress = Callable[[Report], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where an import stops: after so many faulty records, or when its seconds are over."""

    errors: int = MAX_IMPORT_ERRORS
    seconds: float | None = None


_USUAL = Limits()


def import_documents(
    *,
    caller: Caller,
    names: Vocabulary,
    database_id: str,
    collection_id: str,
    records: Iterable[Record | Fault],
    import_id: str,
    limits: Limits = _USUAL,
    on_progress: Progress | None = None,
) -> Report:
    """Create documents from records of any source; those whose ids exist stay as they are.

    A record without an id gets one that follows from `import_id` and its line, so that the same
    import can be done once more, or go on after it was interrupted, and makes nothing twice. Each
    document is logged for the change feed; sockets are not rung.

    Raises: UNAUTHORIZED_SCOPE, DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    if not caller.is_privileged:
        raise ApiError(ErrorKind.UNAUTHORIZED_SCOPE)
    write = Write(
        caller=caller,
        names=names,
        database_id=database_id,
        collection_id=collection_id,
        document_id="*",
        action="create",
        data={},
    )
    write.run(_current)
    started_at = time.monotonic()
    report = Report(import_id)
    for batch in _batches(records):
        if report.created >= SHARED_MAX_DOCUMENTS:
            write.run(_promoted)
        _Batch(write, report).take(batch)
        if on_progress is not None:
            on_progress(report)
        is_late = limits.seconds is not None and time.monotonic() - started_at >= limits.seconds
        if len(report.errors) >= limits.errors or is_late:
            return report
    report.is_complete = True
    return report


def schema_of(
    *, caller: Caller, names: Vocabulary, database_id: str, collection_id: str
) -> CollectionSchema:
    """Return what readers and writers of files need to know of a collection.

    Raises: UNAUTHORIZED_SCOPE, DATABASE_NOT_FOUND, COLLECTION_NOT_FOUND
    """
    if not caller.is_privileged:
        raise ApiError(ErrorKind.UNAUTHORIZED_SCOPE)
    return catalog.with_schema(caller, database_id, collection_id, names=names, work=_current)


def _current(schema: CollectionSchema) -> CollectionSchema:
    store.here(schema)  # reads the version
    return schema


def _promoted(schema: CollectionSchema) -> None:
    """See to it that what is many has a partition of its own before it is more.

    Inside a transaction its neighbours would wait for the end of that: there it is left to the job.
    """
    if is_shared(schema.place) and not connection.in_atomic_block:
        with suppress(JobPostponedError):  # next time, or by the job that is on its way
            promote_collection(collection_id=schema.id)


def _batches(records: Iterable[Record | Fault]) -> Iterator[list[Record | Fault]]:
    batch: list[Record | Fault] = []
    size = 0
    for each in records:
        batch.append(each)
        size += each.size if isinstance(each, Record) else 0
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Batch:
    """Some records on their way in. `_open` are those of which nothing is known yet, by id.

    Those that name related documents are made one after the other, as a client makes them.
    """

    def __init__(self, write: Write, report: Report) -> None:
        self._write = write
        self._report = report
        self._open: dict[str, Record] = {}

    def take(self, batch: Sequence[Record | Fault]) -> None:
        self._report.existing_uids.clear()
        for each in batch:
            if isinstance(each, Fault):
                self._fail(each.line, self._write.names.document_invalid_structure, each.reason)
                continue
            uid = each.document.uid
            if uid in ("", UNIQUE_ID):
                uid = _made_id(self._report.import_id, each.line)
            if uid in self._open:  # a second one of this id is as if it came later
                self._report.existing += 1
            else:
                self._open[uid] = each
        self._write.run(self._work)
        for uid in list(self._open):
            self._create(uid)
        self._report.errors.sort(key=lambda error: error.line)
        self._report.read += len(batch)
        self._report.next_line = batch[-1].line + 1

    def _work(self, schema: CollectionSchema) -> None:
        log = log_of(self._write, schema)
        rows, faults = [], {}
        lists = [each.document.permissions or () for each in self._open.values()]
        granted = grants_of_many(schema, lists)
        for (uid, record), grants in zip(self._open.items(), granted, strict=True):
            if not schema.relations.keys().isdisjoint(record.document.data):
                continue  # is made by itself, along with its links
            try:
                rows.append(_new_document(schema, uid, record.document, grants, log))
            except StructureError as error:
                faults[uid] = str(error)
        self._add(schema, rows, log)
        for uid, reason in faults.items():  # told last: a stale schema begins the work anew
            self._refuse(uid, self._write.names.document_invalid_structure, reason)

    def _add(self, schema: CollectionSchema, rows: Sequence[NewDocument], log: Log) -> None:
        if not rows:
            store.here(schema)  # what is refused is refused by the schema of now
            return
        try:
            added = store.add_many(schema, rows, log)
        except store.OversizedValueError:
            self._add_apart(schema, rows, log)
            return
        for uid in added:
            del self._open[uid]
        self._report.created += len(added)
        kept_out = [row.uid for row in rows if row.uid not in added]
        taken = store.existing(schema, kept_out) if kept_out else set()
        for uid in kept_out:
            if uid in taken:
                self._pass(uid)
            else:
                kind = self._write.names.document_unique_violation
                self._refuse(uid, kind, kind.message)

    def _add_apart(self, schema: CollectionSchema, rows: Sequence[NewDocument], log: Log) -> None:
        """Halve what holds a value too long for an index until it is alone."""
        if len(rows) == 1:
            self._refuse(
                rows[0].uid,
                self._write.names.document_invalid_structure,
                "Invalid document structure: A value is too long for an index on it",
            )
            return
        half = len(rows) // 2
        self._add(schema, rows[:half], log)
        self._add(schema, rows[half:], log)

    def _create(self, uid: str) -> None:
        """Create a document along with its links."""
        write, document = self._write, self._open[uid].document
        try:
            create_document(
                caller=write.caller,
                names=write.names,
                database_id=write.database_id,
                collection_id=write.collection_id,
                document_id=uid,
                data=document.data,
                permissions=document.permissions or [],
            )
        except ApiError as error:
            if error.kind is write.names.document_already_exists:
                self._pass(uid)
            else:
                self._refuse(uid, error.kind, error.message)
            return
        del self._open[uid]
        self._report.created += 1

    def _pass(self, uid: str) -> None:
        del self._open[uid]
        self._report.existing += 1
        self._report.existing_uids.add(uid)

    def _refuse(self, uid: str, kind: Kind, message: str) -> None:
        self._fail(self._open.pop(uid).line, kind, message)

    def _fail(self, line: int, kind: Kind, message: str) -> None:
        self._report.errors.append(LineError(line, kind, message))


def _made_id(import_id: str, line: int) -> str:
    text = f"{import_id}\n{line}".encode()
    return hashlib.blake2b(text, digest_size=GENERATED_ID_BYTES).hexdigest()


def _new_document(
    schema: CollectionSchema, uid: str, sent: SentDocument, grants: Grants, log: Log
) -> NewDocument:
    new = values.new_values(schema.attributes, sent.data, keeps_times=True)
    return NewDocument(
        uid=uid,
        data=sealed(schema, new.set),
        grants=grants,
        created_at=new.created_at or log.at,
        updated_at=new.updated_at or log.at,
    )
