"""How transactions end: all that is staged happens in one database transaction, or nothing."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import QuerySet

from documents.catalog import StaleSchemaError
from documents.models import DocumentTransaction, StagedOperation
from documents.outputs.transactions import TransactionOutput, transaction_output
from documents.services.transactions.attempts import attempt
from documents.services.transactions.operations import by_collection, first_versions, replay
from documents.services.transactions.rows import open_row
from documents.store import versions as store
from documents.store.versions import Place
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind

_Status = DocumentTransaction.Status


class _RefusedError(Exception):
    """What is staged cannot happen any more."""

    def __init__(self, row: DocumentTransaction, reason: ApiError) -> None:
        super().__init__(reason.message)
        self.row = row
        self.reason = reason


def update_transaction(
    *, caller: Caller, transaction_id: str, commit: bool, rollback: bool
) -> TransactionOutput:
    """Commit a transaction, or roll it back, after which it is gone.

    A commit that is refused leaves the transaction as `failed`.

    Raises: BAD_REQUEST, TRANSACTION_NOT_FOUND, TRANSACTION_NOT_READY, TRANSACTION_EXPIRED,
        TRANSACTION_CONFLICT, and what the services raise that were staged
    """
    if commit == rollback:
        raise ApiError(ErrorKind.BAD_REQUEST, "Either commit or rollback must be true.")
    if rollback:
        return attempt(lambda: _rolled_back(caller, transaction_id))
    try:
        return attempt(lambda: _committed(caller, transaction_id))
    except _RefusedError as refused:
        _fail(refused.row)
        raise refused.reason from None


def _rolled_back(caller: Caller, transaction_uid: str) -> TransactionOutput:
    row = open_row(caller, transaction_uid, is_locked=True)
    _end(row, _Status.FAILED)
    output = transaction_output(row)
    row.delete()
    return output


def _committed(caller: Caller, transaction_uid: str) -> TransactionOutput:
    row = open_row(caller, transaction_uid, is_locked=True)
    operations = list(_ordered(row))
    try:
        _check_unchanged(row, operations)
        replay(row, operations, caller)
    except ApiError as error:
        if error.kind is ErrorKind.SERVICE_UNAVAILABLE:
            raise
        raise _RefusedError(row, error) from None
    _end(row, _Status.COMMITTED)
    return transaction_output(row)


def _check_unchanged(row: DocumentTransaction, operations: Sequence[StagedOperation]) -> None:
    """Lock what the transaction touches, and refuse it where anything has another version by now.

    Raises: TRANSACTION_CONFLICT
    """
    current: dict[Place, str | None] = {}
    for collection_id, uids in by_collection(first_versions(operations)):
        try:
            held = store.versions(collection_id, uids, is_locking=True)
        except StaleSchemaError:  # the collection is gone, as the services will tell
            continue
        current |= {(collection_id, uid): held.get(uid) for uid in uids}
    # Documents that moved before they were locked are expected to have other versions since.
    if not _are_expected(current, operations) and not _are_expected(current, _ordered(row)):
        raise ApiError(ErrorKind.TRANSACTION_CONFLICT)


def _are_expected(
    current: Mapping[Place, str | None], operations: Iterable[StagedOperation]
) -> bool:
    first = first_versions(operations)
    return all(first[place] == version for place, version in current.items())


def _ordered(row: DocumentTransaction) -> QuerySet[StagedOperation]:
    return row.operations.order_by("id")


def _fail(row: DocumentTransaction) -> None:
    # A commit at the same moment may have gone through.
    pending = DocumentTransaction.objects.filter(id=row.id, status=_Status.PENDING)
    with transaction.atomic():
        if pending.update(status=_Status.FAILED, updated_at=clock.now()):
            row.operations.all().delete()


def _end(row: DocumentTransaction, status: DocumentTransaction.Status) -> None:
    row.status = status
    row.updated_at = clock.now()
    row.save(update_fields=["status", "updated_at"])
    row.operations.all().delete()
