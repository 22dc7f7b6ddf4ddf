"""Cursors of the change feed: opaque texts that say which changes of a collection are known.

What is known is told by snapshots of the database, not by numbers: a transaction with a lower
number may commit later, but no snapshot taken before shows it. A cursor is encrypted, so that it
names nothing and works in its own project and collection only.
"""

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Self

import orjson
from django.conf import settings

from kernel import clock
from kernel.limits import MAX_CURSOR_LENGTH
from projects import encryption

PURPOSE = "changes"


class MalformedCursorError(ValueError):
    """A text that is no cursor of this project."""


@dataclass(frozen=True, slots=True)
class Place:
    """Known are all changes that `seen` shows and, of those that `until` shows, the first ones.

    They end with the change (xid, id). An empty `until` means that `seen` is all.
    """

    seen: str
    until: str = ""
    xid: int = 0
    id: int = 0

    @property
    def start(self) -> tuple[int, int]:
        """The place in the log, in the order (xid, id), after which all unknown changes are."""
        return (self.xid, self.id) if self.until else self.oldest

    @property
    def oldest(self) -> tuple[int, int]:
        """The same for all changes that `seen` does not show."""
        return (int(self.seen.partition(":")[0]), 0)

    @property
    def newest(self) -> int:
        """The number of the first transaction that was to come when the place was told."""
        return int((self.until or self.seen).split(":")[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in the changes of one collection, and the view of whoever got there.

    `view` differs for callers who may read different documents, `epoch` for histories of the
    database. Times are seconds since 1970.
    """

    collection_id: int
    database_uid: str
    collection_uid: str
    view: str
    issued_at: int
    valid_until: int
    epoch: str
    place: Place

    def at(self, place: Place, *, epoch: str) -> Self:
        """Return the cursor of somebody who went on; in the middle of a page it gets no younger."""
        moved = replace(self, place=place, epoch=epoch)
        if place.until:
            return moved
        issued_at, valid_until = _times()
        return replace(moved, issued_at=issued_at, valid_until=valid_until)

    def is_expired(self) -> bool:
        """Tell whether changes that it does not know may have been swept.

        A retention that was changed meanwhile holds where it is the shorter one.
        """
        now = int(clock.now().timestamp())
        return not now <= min(self.valid_until, self.issued_at + settings.CHANGES_RETENTION_SECONDS)


def issue(
    *,
    collection_id: int,
    database_uid: str,
    collection_uid: str,
    view: str,
    epoch: str,
    place: Place,
) -> Cursor:
    """Return a cursor of now."""
    issued_at, valid_until = _times()
    return Cursor(
        collection_id=collection_id,
        database_uid=database_uid,
        collection_uid=collection_uid,
        view=view,
        epoch=epoch,
        place=place,
        issued_at=issued_at,
        valid_until=valid_until,
    )


def seal(cursor: Cursor, *, project_id: int) -> str:
    """Return a cursor as clients get it."""
    place = cursor.place
    parts = [
        cursor.collection_id,
        cursor.database_uid,
        cursor.collection_uid,
        cursor.view,
        cursor.issued_at,
        cursor.valid_until,
        cursor.epoch,
        [place.seen, place.until, str(place.xid), place.id],
    ]
    sealed = encryption.encrypt(
        orjson.dumps(parts).decode(), project_id=project_id, purpose=PURPOSE
    )
    return base64.urlsafe_b64encode(sealed.encode()).decode().rstrip("=")


def read(text: str, *, project_id: int) -> Cursor:
    """Return the cursor that a client sent.

    Raises: MalformedCursorError
    """
    if not text.isascii() or len(text) > MAX_CURSOR_LENGTH:
        raise MalformedCursorError
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        opened = encryption.decrypt(sealed.decode(), project_id=project_id, purpose=PURPOSE)
    except (binascii.Error, UnicodeDecodeError, encryption.DecryptionError):
        raise MalformedCursorError from None
    *named, (seen, until, xid, id_) = orjson.loads(opened)
    return Cursor(
        collection_id=named[0],
        database_uid=named[1],
        collection_uid=named[2],
        view=named[3],
        issued_at=named[4],
        valid_until=named[5],
        epoch="".join(named[6:]),  # those of earlier versions had none
        place=Place(seen, until, int(xid), id_),
    )


def _times() -> tuple[int, int]:
    now = int(clock.now().timestamp())
    return now, now + settings.CHANGES_RETENTION_SECONDS
