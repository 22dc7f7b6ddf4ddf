"""What imports brought, kept so that a later one knows what changed or is gone in Firebase."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db.models import QuerySet

from console.firebase.accounts import SourceUser
from console.firebase.columns import plain
from console.firebase.firestore import SourceDocument
from console.models import FirebaseItem
from kernel import clock, sql

USERS = "users"
DIGEST_BYTES = 16

_TAKE = """
    INSERT INTO firebase_item (project_id, place, uid, digest, taken_at, seen_id)
    SELECT %s, %s, key, value, %s, %s FROM jsonb_each_text(%s::jsonb)
    ON CONFLICT (project_id, place, uid) DO UPDATE SET
        digest = excluded.digest, taken_at = excluded.taken_at, seen_id = excluded.seen_id
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What an item was like when it was taken over, and when that was."""

    digest: str
    taken_at: datetime


class Ledger:
    """The items that imports brought into a project; `import_id` is the import going on."""

    def __init__(self, project_id: int, import_id: int) -> None:
        self._project_id = project_id
        self._import_id = import_id

    def known(self, place: str, uids: Collection[str]) -> dict[str, Known]:
        """Return those of the items that an import brought, by id."""
        rows = self._items(place, uids).values_list("uid", "digest", "taken_at")
        return {uid: Known(digest, taken_at) for uid, digest, taken_at in rows}

    def take(self, place: str, digests: Mapping[str, str]) -> None:
        """Note items as they have just been taken over."""
        if digests:
            content = orjson.dumps(digests).decode()
            given = (self._project_id, place, clock.now(), self._import_id, content)
            sql.execute(_TAKE, given)

    def see(self, place: str, uids: Collection[str]) -> None:
        """Note that files still hold items, whatever became of them here."""
        self._items(place, uids).update(seen_id=self._import_id)

    def gone(self, places: Collection[str], *, after: int, at_most: int) -> list[FirebaseItem]:
        """Return items that the files do not hold any more, those that come after a number."""
        rows = FirebaseItem.objects.filter(project_id=self._project_id, place__in=places)
        rows = rows.exclude(seen_id=self._import_id).filter(id__gt=after)
        return list(rows.order_by("id")[:at_most])

    def forget(self, items: Iterable[FirebaseItem]) -> None:
        FirebaseItem.objects.filter(id__in=[each.id for each in items]).delete()

    def _items(self, place: str, uids: Collection[str]) -> QuerySet[FirebaseItem]:
        return FirebaseItem.objects.filter(
            project_id=self._project_id, place=place, uid__in=list(uids)
        )


def document_digest(document: SourceDocument, permissions: Collection[str]) -> str:
    """Return what stands for a document's fields, and for the permissions that follow from them."""
    return _digest([document.fields, sorted(permissions)])


def user_digest(source: SourceUser) -> str:
    """Return what stands for a user: for all but the password, and behind it for the password."""
    user = source.user
    identities = sorted((each.provider, each.provider_uid) for each in user.identities)
    flags = (user.is_active, user.is_email_verified, user.is_phone_verified)
    parts = [user.email, user.phone, user.name, flags, sorted(user.labels), user.prefs, identities]
    return _digest(parts) + _digest(user.password_hash)


def has_new_password(digest: str, known: Known) -> bool:
    """Tell whether two digests of a user differ in the password."""
    return digest[2 * DIGEST_BYTES :] != known.digest[2 * DIGEST_BYTES :]


def _digest(content: object) -> str:
    text = orjson.dumps(content, default=plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()
