"""Calls within a transaction: done for a moment over what is staged already, and taken back.

So a staged write answers as if it were done, with every check of the real one, and a read sees it:
both go through the very services that other calls go through.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from documents import catalog
from documents.catalog import StaleSchemaError
from documents.models import DocumentTransaction, StagedOperation
from documents.outputs.transactions import TransactionOutput, transaction_output
from documents.services.transactions.attempts import attempt, undone
from documents.services.transactions.operations import (
    SERVICES,
    Operation,
    by_collection,
    first_versions,
    pack,
    replay,
)
from documents.services.transactions.rows import open_row
from documents.store import versions as store
from documents.store.versions import Place
from documents.vocabulary import VOCABULARIES, Vocabulary
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.limits import (
    MAX_TRANSACTION_BYTES,
    MAX_TRANSACTION_OPERATIONS,
    MAX_TRANSACTION_ROWS,
)

Result = TypeVar("Result")
Versions = dict[Place, str | None]


def staged(service: Callable[..., Result]) -> Callable[..., Result]:
    """Let a service that writes take a `transaction_id`, and then stage what it would do.

    Raises: TRANSACTION_NOT_FOUND, TRANSACTION_NOT_READY, TRANSACTION_EXPIRED,
        TRANSACTION_CONFLICT, TRANSACTION_LIMIT_EXCEEDED
    """
    SERVICES[service.__name__] = service

    @wraps(service)
    def run(*, transaction_id: str = "", **arguments: Any) -> Result:
        if not transaction_id:
            return service(**arguments)
        caller, names = arguments.pop("caller"), arguments.pop("names")
        operation = Operation.of(service.__name__, names, arguments)
        answers = _stage(caller, transaction_id, [operation])[1]
        result: Result = operation.staged_answer(answers[0])
        return result

    return run


def seeing_staged(service: Callable[..., Result]) -> Callable[..., Result]:
    """Let a service that reads take a `transaction_id`, and then see what is staged in it.

    Raises: TRANSACTION_NOT_FOUND, TRANSACTION_NOT_READY, TRANSACTION_EXPIRED, TRANSACTION_CONFLICT
    """

    @wraps(service)
    def run(*, transaction_id: str = "", **arguments: Any) -> Result:
        if not transaction_id:
            return service(**arguments)
        caller: Caller = arguments["caller"]
        row = open_row(caller, transaction_id)
        earlier = list(row.operations.order_by("id"))
        if not earlier:
            return service(**arguments)

        def work() -> Result:
            _lock(first_versions(earlier))
            with undone():
                replay(row, earlier, caller)
                return service(**arguments)

        return attempt(work)

    return run


def create_operations(
    *,
    caller: Caller,
    names: Vocabulary,
    transaction_id: str,
    operations: Sequence[tuple[str, dict[str, Any]]],
) -> TransactionOutput:
    """Stage several calls at once, each a service's name and arguments: all of them or none.

    Raises: BAD_REQUEST, TRANSACTION_NOT_FOUND, TRANSACTION_NOT_READY, TRANSACTION_EXPIRED,
        TRANSACTION_CONFLICT, TRANSACTION_LIMIT_EXCEEDED, and what the services raise
    """
    if not operations:
        raise ApiError(ErrorKind.BAD_REQUEST, "There is no operation to stage.")
    wanted = [Operation.of(service, names, arguments) for service, arguments in operations]
    return transaction_output(_stage(caller, transaction_id, wanted)[0])


def _stage(
    caller: Caller, transaction_uid: str, operations: Sequence[Operation]
) -> tuple[DocumentTransaction, list[Any]]:
    def work() -> tuple[DocumentTransaction, list[Any]]:
        row = open_row(caller, transaction_uid, is_locked=True)
        _check_count(row.operation_count + len(operations))
        earlier = list(row.operations.order_by("id"))
        first = first_versions(earlier)
        named = [_named(caller, each) for each in operations]
        locked = _lock({place for each in named for place in each}.union(first))
        answers, touched = [], []
        with undone():
            replay(row, earlier, caller)
            for operation, places in zip(operations, named, strict=True):
                newest = store.newest_event(row.project_id)
                answers.append(operation.run(caller))
                touched.append(places | store.written_since(row.project_id, newest))
        known = _versions(touched, locked)
        _check_rows(len(known.keys() | first.keys()))
        _keep(row, caller, operations, [{each: known[each] for each in one} for one in touched])
        return row, answers

    return attempt(work)


def _named(caller: Caller, operation: Operation) -> set[Place]:
    """Return the documents an operation names. The services raise what is wrong with the rest."""
    if not operation.uids:
        return set()
    collection_id = catalog.with_schema(
        caller,
        operation.arguments["database_id"],
        operation.arguments["collection_id"],
        names=operation.names,
        work=lambda schema: schema.id,
    )
    return {(collection_id, uid) for uid in operation.uids}


def _lock(places: set[Place] | Versions) -> Versions:
    """Lock documents until the database transaction ends; return their versions.

    They are locked before anything is done, in one order for all: transactions that touch the same
    documents then wait for one another, and never in a circle.
    """
    found: Versions = dict.fromkeys(places)
    for collection_id, uids in by_collection(places):
        try:
            held = store.versions(collection_id, uids, is_locking=True)
        except StaleSchemaError:  # the collection is gone, as the services will tell
            continue
        found |= {(collection_id, uid): version for uid, version in held.items()}
    return found


def _versions(touched: Sequence[set[Place]], locked: Versions) -> Versions:
    """Return the versions of all touched documents: of the locked ones, and of those just found."""
    found: Versions = dict.fromkeys(place for each in touched for place in each)
    for collection_id, uids in by_collection(found.keys() - locked.keys()):
        seen = store.versions(collection_id, uids)
        found |= {(collection_id, uid): version for uid, version in seen.items()}
    return found | {place: version for place, version in locked.items() if place in found}


def _keep(
    row: DocumentTransaction,
    caller: Caller,
    operations: Sequence[Operation],
    touched: Sequence[Versions],
) -> None:
    rows = [
        StagedOperation(
            transaction=row,
            service=operation.service,
            dialect=VOCABULARIES.index(operation.names),
            arguments=pack(row, operation.arguments),
            actor_uid=caller.key_uid or caller.user_uid,
            impersonator_uid=caller.impersonator_uid,
            is_privileged=caller.is_privileged,
            touched=[[*place, version] for place, version in places.items()],
        )
        for operation, places in zip(operations, touched, strict=True)
    ]
    row.size_bytes += sum(len(each.arguments) for each in rows)
    _check_size(row.size_bytes)
    StagedOperation.objects.bulk_create(rows)
    row.operation_count += len(rows)
    row.updated_at = clock.now()
    row.save(update_fields=["size_bytes", "operation_count", "updated_at"])


def _check_count(count: int) -> None:
    if count > MAX_TRANSACTION_OPERATIONS:
        raise ApiError(
            ErrorKind.TRANSACTION_LIMIT_EXCEEDED,
            f"A transaction takes at most {MAX_TRANSACTION_OPERATIONS} operations.",
        )


def _check_rows(count: int) -> None:
    if count > MAX_TRANSACTION_ROWS:
        raise ApiError(
            ErrorKind.TRANSACTION_LIMIT_EXCEEDED,
            f"A transaction touches at most {MAX_TRANSACTION_ROWS:,} documents.",
        )


def _check_size(size_bytes: int) -> None:
    if size_bytes > MAX_TRANSACTION_BYTES:
        raise ApiError(
            ErrorKind.TRANSACTION_LIMIT_EXCEEDED,
            f"A transaction holds at most {MAX_TRANSACTION_BYTES:,} bytes.",
        )
