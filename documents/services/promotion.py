"""Collections that leave a shared partition for one of their own: grown ones, those with indexes.

Their documents are copied while everybody goes on, and once more what is written meanwhile. Only
for the last of it writers wait, and then find another version of the collection. Whoever reads by
the old place sees the documents there or that version. What is left there goes afterwards.
"""

import time

from django.db import OperationalError, transaction
from psycopg import errors as pg_errors
from psycopg import sql as psql

from documents import partitions
from documents.services.schemas import lock_for_job
from documents.store import moves
from documents.store.versions import keep_versions
from kernel import jobs

PROMOTE_COLLECTION = "documents.promote_collection"
RETRY_SECONDS = 2.0
#: After that a job looks whether anything was left behind by a process that died.
LOOK_BACK_SECONDS = 60.0
#: How long other writers may have to queue behind this one, which waits for those under way; the
#: last time long enough for the database to stop its own upkeep of the table (after a second).
PATIENCE_MILLISECONDS = (200, 200, 200, 1500)
PAUSE_SECONDS = 0.5
#: So many rows are few enough to be copied while others wait.
_FEW_ROWS = 500
_MOST_ROUNDS = 5
_MOVING = 0x5157_4E06
_IN_THE_WAY = pg_errors.DeadlockDetected, pg_errors.LockNotAvailable
# Readers go on; those who lock rows wait as well, or they would see documents go.
_LOCK = psql.SQL("SET LOCAL lock_timeout = {}; LOCK TABLE {} IN EXCLUSIVE MODE")
# Others wait for what follows: it has to end, and would begin anew. For locks it waits no longer.
_UNLIMITED = psql.SQL("SET LOCAL statement_timeout = {}").format(0)


def promote_collection(*, collection_id: int) -> None:
    """Move the documents of a collection to a partition of its own, unless it has one.

    Nothing else about them changes, and nobody is told. Done again, it finishes what was begun.
    Outside a transaction.

    Raises:
        JobPostponedError: Others write to the shared partition for too long, or wait for it, or
            another process is at it.
    """
    try:
        with partitions.alone(_MOVING, collection_id), partitions.unhurried():
            place = partitions.place_of(collection_id)
            if partitions.is_shared(place):
                _move(collection_id, place)
            if not partitions.is_shared(partitions.place_of(collection_id)):
                moves.clear(collection_id)
    except partitions.BusyError as error:
        raise jobs.JobPostponedError(RETRY_SECONDS) from error


def _move(collection_id: int, place: int) -> None:
    partitions.drop_table(collection_id)  # of a process that died
    partitions.create_table(collection_id)
    seen = moves.snapshot()
    moves.copy(collection_id, place)
    partitions.analyze(collection_id)
    for patience in PATIENCE_MILLISECONDS:
        seen = _caught_up(collection_id, place, seen)
        try:
            with transaction.atomic():
                _settle(collection_id, seen, patience)
        except OperationalError as error:
            if not isinstance(error.__cause__, _IN_THE_WAY):
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
    partitions.drop_table(collection_id)
    raise jobs.JobPostponedError(RETRY_SECONDS)


def _caught_up(collection_id: int, place: int, seen: str) -> str:
    """Copy what is new since a snapshot until that is little; return the snapshot to go on from."""
    for _ in range(_MOST_ROUNDS):
        before, seen = seen, moves.snapshot()
        if moves.catch_up(collection_id, place, before) <= _FEW_ROWS:
            break
    return seen


def _settle(collection_id: int, seen: str, patience: int) -> None:
    collection = lock_for_job(collection_id)
    if collection is None:
        partitions.drop_table(collection_id)
        return
    place = collection.place
    partitions.define(_LOCK.format(psql.Literal(patience), partitions.identifier(place)))
    partitions.define(_UNLIMITED)
    moves.catch_up(collection_id, place, seen)
    keep_versions(collection.project_id, collection_id, place)
    partitions.attach(collection_id)
    collection.place = collection_id
    collection.version += 1
    collection.save(update_fields=["place", "version"])
    jobs.enqueue(PROMOTE_COLLECTION, delay_seconds=LOOK_BACK_SECONDS, collection_id=collection_id)
