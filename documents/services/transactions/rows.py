"""Transactions as rows: made, found, deleted, and swept when their time is over."""

from collections.abc import Sequence
from datetime import timedelta

from documents.models import DocumentTransaction, StagedOperation
from documents.outputs.transactions import (
    TransactionList,
    TransactionOutput,
    transaction_output,
)
from kernel import clock, ids, listing
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_PENDING_TRANSACTIONS, TRANSACTION_RETENTION_SECONDS

SWEPT_AT_ONCE = 1000
_PENDING = DocumentTransaction.Status.PENDING
_QUERYABLE = {
    **listing.SYSTEM_COLUMNS,
    "status": "status",
    "operations": "operation_count",
    "expiresAt": "expires_at",
}


def list_transactions(*, caller: Caller, queries: Sequence[str], total: bool) -> TransactionList:
    """List the transactions the caller may use.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    usable = DocumentTransaction.objects.usable_by(caller)
    rows, count = listing.list_page(usable, queries, columns=_QUERYABLE, has_total=total)
    return {"total": count, "transactions": [transaction_output(each) for each in rows]}


def create_transaction(*, caller: Caller, ttl: int) -> TransactionOutput:
    """Begin a transaction that may be committed for `ttl` seconds, by its user or by any key.

    Raises: USER_UNAUTHORIZED, TRANSACTION_LIMIT_EXCEEDED
    """
    if not caller.is_privileged:
        _check_may_begin(caller)
    now = clock.now()
    row = DocumentTransaction.objects.create(
        project_id=caller.project.id,
        uid=ids.unique_id(),
        user_uid="" if caller.is_privileged else caller.user_uid,
        expires_at=now + timedelta(seconds=ttl),
        created_at=now,
        updated_at=now,
    )
    return transaction_output(row)


def get_transaction(*, caller: Caller, transaction_id: str) -> TransactionOutput:
    """Return a transaction the caller may use.

    Raises: TRANSACTION_NOT_FOUND
    """
    return transaction_output(find_row(caller, transaction_id))


def delete_transaction(*, caller: Caller, transaction_id: str) -> None:
    """Delete a transaction, and with it what is staged.

    Raises: TRANSACTION_NOT_FOUND
    """
    find_row(caller, transaction_id).delete()


def find_row(caller: Caller, uid: str, *, is_locked: bool = False) -> DocumentTransaction:
    """Return the row of a transaction the caller may use.

    Raises: TRANSACTION_NOT_FOUND
    """
    rows = DocumentTransaction.objects.usable_by(caller).filter(uid=uid)
    if is_locked:
        rows = rows.select_for_update(no_key=True)
    row: DocumentTransaction | None = rows.first()
    if row is None:
        raise ApiError(ErrorKind.TRANSACTION_NOT_FOUND)
    return row


def open_row(caller: Caller, uid: str, *, is_locked: bool = False) -> DocumentTransaction:
    """Return the row of a transaction that can still be added to and committed.

    Raises: TRANSACTION_NOT_FOUND, TRANSACTION_NOT_READY, TRANSACTION_EXPIRED
    """
    row = find_row(caller, uid, is_locked=is_locked)
    if row.status != _PENDING:
        raise ApiError(ErrorKind.TRANSACTION_NOT_READY)
    if row.expires_at <= clock.now():
        raise ApiError(ErrorKind.TRANSACTION_EXPIRED)
    return row


def sweep_transactions() -> int:
    """Delete transactions some time after they expired; return how many rows."""
    oldest = clock.now() - timedelta(seconds=TRANSACTION_RETENTION_SECONDS)
    count = 0
    while found := _expired_before(oldest):
        count += StagedOperation.objects.filter(transaction_id__in=found).delete()[0]
        count += DocumentTransaction.objects.filter(id__in=found).delete()[0]
    return count


def _expired_before(moment: object) -> list[int]:
    expired = DocumentTransaction.objects.filter(expires_at__lt=moment)
    return list(expired.order_by("expires_at").values_list("id", flat=True)[:SWEPT_AT_ONCE])


def _check_may_begin(caller: Caller) -> None:
    if not caller.is_user:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    own = DocumentTransaction.objects.usable_by(caller).filter(
        status=_PENDING, expires_at__gt=clock.now()
    )
    if own[:MAX_PENDING_TRANSACTIONS].count() >= MAX_PENDING_TRANSACTIONS:
        raise ApiError(
            ErrorKind.TRANSACTION_LIMIT_EXCEEDED,
            f"At most {MAX_PENDING_TRANSACTIONS} transactions of a user can be pending.",
        )
