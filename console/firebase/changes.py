"""Changes and deletions that a later import finds in Firebase: taken over where that is asked."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.services.bulk_imports import delete_imported_user, update_imported_user
from console.firebase.accounts import SourceUser
from console.firebase.checkpoints import Progress
from console.firebase.ledger import USERS, Known, Ledger, has_new_password, user_digest
from console.models import FirebaseItem
from documents.services import delete_document, update_document
from documents.values import CREATED_AT, UPDATED_AT, SentDocument
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind

DOCUMENTS = "documents"
UPDATED, KEPT, GONE, DELETED = "updated", "kept", "gone", "deleted"
CHANGED_HERE = "it changed or was used here since it was imported, and stays as it is"
GONE_THERE = "the files do not hold it any more"
GONE_AT_ONCE = 500

_MISSING = frozenset({ErrorKind.USER_NOT_FOUND, COLLECTIONS.document_not_found})


@dataclass(frozen=True, slots=True)
class Mode:
    """What an import does with what an earlier one brought: nothing, unless it is told to."""

    takes_changes: bool = False
    deletes: bool = False


class Changes:
    """What becomes of users and documents that an earlier import brought.

    Who or what changed here since stays as it is.
    """

    def __init__(
        self, caller: Caller, database_id: str, ledger: Ledger, mode: Mode, progress: Progress
    ) -> None:
        self._caller = caller
        self._database_id = database_id
        self._ledger = ledger
        self._mode = mode
        self._progress = progress

    def place(self, collection_id: str) -> str:
        """Return where the ledger keeps the documents of a collection."""
        return f"{self._database_id}/{collection_id}"

    def take_users(
        self, seen: Collection[str], created: Sequence[SourceUser], existing: Sequence[SourceUser]
    ) -> list[tuple[SourceUser, str]]:
        """Note users, and change those who changed; return whose changes do not come, and why."""
        digests = {each.user.uid: user_digest(each) for each in existing}
        sources = {each.user.uid: each for each in existing}

        def change(uid: str, known: Known) -> bool:
            user = sources[uid].user
            return update_imported_user(
                caller=self._caller,
                user=user,
                unless_after=known.taken_at,
                # Where none was read, the one that is here stays.
                has_new_password=bool(user.password_hash) and has_new_password(digests[uid], known),
            )

        new = {each.user.uid: user_digest(each) for each in created}
        kept = self._take(USERS, USERS, (seen, new, digests), change)
        return [(sources[uid], reason) for uid, reason in kept.items()]

    def take_documents(
        self,
        collection_id: str,
        seen: Collection[str],
        digests: Mapping[str, str],
        existing: Mapping[str, SentDocument],
    ) -> dict[str, str]:
        """Note documents, and change those that changed; return which do not, and why.

        `digests` are of all that are here now, `existing` those among them that were before.
        """

        def change(uid: str, known: Known) -> bool:
            data = existing[uid].data
            with transaction.atomic():
                update_document(
                    caller=self._caller,
                    names=COLLECTIONS,
                    database_id=self._database_id,
                    collection_id=collection_id,
                    document_id=uid,
                    data={key: data[key] for key in data if key not in (CREATED_AT, UPDATED_AT)},
                    permissions=existing[uid].permissions,
                    unless_after=known.taken_at,
                )
            return True

        new = {uid: digest for uid, digest in digests.items() if uid not in existing}
        old = {uid: digests[uid] for uid in existing}
        return self._take(DOCUMENTS, self.place(collection_id), (seen, new, old), change)

    def take_gone(self, items: Sequence[FirebaseItem]) -> list[tuple[FirebaseItem, str, str]]:
        """Delete what is gone in Firebase, or only tell of it; return what became of each."""
        told = []
        for item in items:
            what, reason = self._delete(item) if self._mode.deletes else (GONE, GONE_THERE)
            if what:
                self._count(USERS if item.place == USERS else DOCUMENTS, what)
                told.append((item, what, reason))
        kept = {item.id for item, what, _ in told if what != DELETED}
        self._ledger.forget([item for item in items if item.id not in kept])
        return told

    def _take(
        self,
        kind: str,
        place: str,
        held: tuple[Collection[str], Mapping[str, str], Mapping[str, str]],
        change: Callable[[str, Known], bool],
    ) -> dict[str, str]:
        seen, new, old = held
        self._ledger.see(place, seen)
        taken, kept = dict(new), {}
        known = self._ledger.known(place, old) if self._mode.takes_changes else {}
        for uid, before in known.items():
            if before.digest == old[uid]:
                continue
            try:
                reason = "" if change(uid, before) else CHANGED_HERE
            except ApiError as error:
                reason = _why(error)
            if reason:
                kept[uid] = reason
            else:
                taken[uid] = old[uid]
            self._count(kind, KEPT if reason else UPDATED)
        self._ledger.take(place, taken)
        return kept

    def _delete(self, item: FirebaseItem) -> tuple[str, str]:
        """Delete what is gone in Firebase; return what became of it, if it was here, and why."""
        try:
            if item.place == USERS:
                is_deleted = delete_imported_user(
                    caller=self._caller, user_id=item.uid, unless_after=item.taken_at
                )
                return (DELETED, GONE_THERE) if is_deleted else (KEPT, CHANGED_HERE)
            with transaction.atomic():
                delete_document(
                    caller=self._caller,
                    names=COLLECTIONS,
                    database_id=self._database_id,
                    collection_id=item.place.rpartition("/")[2],
                    document_id=item.uid,
                    unless_after=item.taken_at,
                )
        except ApiError as error:
            return ("", "") if error.kind in _MISSING else (KEPT, _why(error))
        return DELETED, GONE_THERE

    def _count(self, kind: str, what: str) -> None:
        name = f"{kind}.{what}"
        self._progress.changes[name] = self._progress.changes.get(name, 0) + 1


def _why(error: ApiError) -> str:
    is_late = error.kind is COLLECTIONS.document_update_conflict
    return CHANGED_HERE if is_late else error.message
