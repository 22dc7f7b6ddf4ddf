"""Calls of services that wait in a transaction: kept, read back, and done."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson

from accounts import authentication
from documents.models import DocumentTransaction, StagedOperation
from documents.store.versions import Place
from documents.values import SentDocument, with_ids
from documents.vocabulary import VOCABULARIES, Vocabulary
from kernel import ids
from kernel.caller import Caller, CallerKind
from kernel.errors import ApiError, ErrorKind
from projects import encryption

Service = Callable[..., Any]
Arguments = Mapping[str, Any]

PURPOSE = "transactions"
#: The services that can be staged, by name.
SERVICES: dict[str, Service] = {}
_BULK = frozenset({"create_documents", "update_documents", "upsert_documents", "delete_documents"})
_MISSING = frozenset({ErrorKind.DOCUMENT_NOT_FOUND, ErrorKind.ROW_NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a service. Ids that are to be made up are made up before it is staged."""

    service: str
    names: Vocabulary
    arguments: Arguments

    @classmethod
    def of(cls, service: str, names: Vocabulary, arguments: Arguments) -> Self:
        named = dict(arguments)
        if "document_id" in named:
            named["document_id"] = ids.resolve_id(named["document_id"])
        if "documents" in named:
            named["documents"] = with_ids(named["documents"])
        return cls(service, names, named)

    def run(self, caller: Caller) -> Any:
        return SERVICES[self.service](caller=caller, names=self.names, **self.arguments)

    def staged_answer(self, answer: Any) -> Any:
        """Return what a client is told of the staged call: of many documents nothing yet."""
        if self.service not in _BULK:
            return answer
        return {"total": 0, self.names.documents: []}

    @property
    def uids(self) -> list[str]:
        """The documents that are named, whether or not the call finds anything to change."""
        if "document_id" in self.arguments:
            return [self.arguments["document_id"]]
        return [each.uid for each in self.arguments.get("documents", ())]


def pack(transaction: DocumentTransaction, arguments: Arguments) -> str:
    """Return arguments as they are kept: encrypted, since encrypted attributes may be in them.

    The time a document must not have changed since is left out: it was compared when the call was
    staged, and from then on the document's version is.
    """
    kept = {name: None if name == "unless_after" else value for name, value in arguments.items()}
    return encryption.encrypt(
        orjson.dumps(kept).decode(),
        project_id=transaction.project_id,
        purpose=PURPOSE,
        bound_to=transaction.uid,
    )


def unpack(transaction: DocumentTransaction, row: StagedOperation) -> Operation:
    text = encryption.decrypt(
        row.arguments,
        project_id=transaction.project_id,
        purpose=PURPOSE,
        bound_to=transaction.uid,
    )
    arguments = orjson.loads(text)
    if "documents" in arguments:
        arguments["documents"] = [SentDocument(**each) for each in arguments["documents"]]
    if row.service == "update_documents":
        arguments["data"] = SentDocument(**arguments["data"])
    return Operation(row.service, VOCABULARIES[row.dialect], arguments)


def replay(
    transaction: DocumentTransaction, rows: Iterable[StagedOperation], caller: Caller
) -> None:
    """Do staged calls once more, each as whoever staged it, by the roles they hold now.

    Raises: TRANSACTION_CONFLICT, USER_UNAUTHORIZED, and what the services raise
    """
    for row in rows:
        try:
            unpack(transaction, row).run(_actor(row, caller))
        except ApiError as error:
            # It worked when it was staged: another caller was faster.
            if error.kind.status == ErrorKind.TRANSACTION_CONFLICT.status or error.kind in _MISSING:
                raise ApiError(ErrorKind.TRANSACTION_CONFLICT) from error
            raise


def first_versions(rows: Iterable[StagedOperation]) -> dict[Place, str | None]:
    """Return the version each touched document had when the transaction first touched it."""
    found: dict[Place, str | None] = {}
    for row in rows:
        for collection_id, uid, version in row.touched:
            found.setdefault((collection_id, uid), version)
    return found


def by_collection(places: Iterable[Place]) -> list[tuple[int, Sequence[str]]]:
    """Group documents, in the one order in which every transaction locks collections."""
    grouped: dict[int, list[str]] = {}
    for collection_id, uid in places:
        grouped.setdefault(collection_id, []).append(uid)
    return sorted(grouped.items())


def _actor(row: StagedOperation, caller: Caller) -> Caller:
    if row.is_privileged:
        if caller.is_privileged:
            return caller
        return Caller(project=caller.project, kind=CallerKind.KEY, key_uid=row.actor_uid)
    staged_by = (row.actor_uid, row.impersonator_uid)
    if caller.is_user and (caller.user_uid, caller.impersonator_uid) == staged_by:
        return caller
    uid, impersonator_uid = staged_by
    return authentication.user_caller(caller.project, uid, impersonator_uid=impersonator_uid)
