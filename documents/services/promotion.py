"""Collections that leave a shared partition for one of their own: grown ones, those with indexes.

Whoever reads by the old place sees the documents there or another version of the collection, for
both change at once; whoever writes waits, and then finds another version.
"""

from django.db import OperationalError, transaction
from psycopg import errors as pg_errors
from psycopg import sql as psql

from documents import partitions
from documents.services.schemas import lock_for_job
from documents.store.versions import keep_versions
from kernel import jobs, sql

PROMOTE_COLLECTION = "documents.promote_collection"
RETRY_SECONDS = 2.0
_IN_THE_WAY = pg_errors.DeadlockDetected, pg_errors.LockNotAvailable
# Readers go on; those who lock rows wait as well, or they would see documents go.
_LOCK = psql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE")
# Others wait for it: it has to end, and would begin anew.
_UNLIMITED = "SET LOCAL statement_timeout = 0"
_MOVE = """
    UPDATE document SET place = %(collection)s::bigint
    WHERE place = %(place)s::bigint AND collection_id = %(collection)s::bigint
"""


def promote_collection(*, collection_id: int) -> None:
    """Move the documents of a collection to a partition of its own, unless it has one.

    Nothing else about them changes, and nobody is told. Done again, it does nothing.

    Raises:
        JobPostponedError: Others write to the shared partition for too long, or wait for it.
    """
    if not partitions.is_shared(partitions.place_of(collection_id)):
        return
    try:
        with transaction.atomic():
            _promote(collection_id)
    except OperationalError as error:
        if isinstance(error.__cause__, _IN_THE_WAY):
            raise jobs.JobPostponedError(RETRY_SECONDS) from error
        raise


def _promote(collection_id: int) -> None:
    collection = lock_for_job(collection_id)
    if collection is None or not partitions.is_shared(collection.place):
        return
    partitions.define(_LOCK.format(partitions.identifier(collection.place)))
    sql.execute(_UNLIMITED)
    keep_versions(collection.project_id, collection.id, collection.place)
    partitions.create(collection.id)
    sql.execute(_MOVE, {"collection": collection.id, "place": collection.place})
    collection.place = collection.id
    collection.version += 1
    collection.save(update_fields=["place", "version"])
