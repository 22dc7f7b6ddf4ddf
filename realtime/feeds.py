"""Subscriptions that go on from a cursor: first what was missed, then live, each change once."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from django.conf import settings

from realtime.frames import EventFrames
from realtime.limits import MAX_HELD_EVENTS, MAX_KNOWN_EVENTS
from realtime.mailboxes import CLOSE_TRY_AGAIN, Mailbox

MARK_BYTES = 9


class Entry(NamedTuple):
    """An event with its number in the log."""

    id: int
    frames: EventFrames


class Feed:
    """The way of one subscription's frames, which holds live ones back until it caught up.

    An event may be in the log that is replayed and come live as well: it is told once.
    """

    def __init__(self, subscription_id: str, mailbox: Mailbox) -> None:
        self._id = subscription_id
        self._mailbox = mailbox
        self._known: dict[int, None] = {}
        self._held: deque[Entry] | None = deque()
        self._is_ended = False
        #: How much of what was missed waits for the reader.
        self.unread_bytes = 0

    def end(self) -> None:
        """Tell nothing any more, and let go of what was missed."""
        self._is_ended = True
        self._mailbox.recheck_room()

    def renewed(self) -> Feed:
        """Return a feed for another cursor that repeats nothing of this one."""
        renewed = Feed(self._id, self._mailbox)
        renewed._known = self._known
        return renewed

    def hear(self, entry: Entry) -> None:
        """Take a live event."""
        if self._held is None:
            self._tell(entry)
            return
        self._held.append(entry)
        if len(self._held) > MAX_HELD_EVENTS:
            self._mailbox.close(CLOSE_TRY_AGAIN)

    async def catch_up(self, missed: Sequence[Entry], caught_up: str) -> None:
        """Tell what was missed, that this is all, then what came meanwhile; as fast as it is read.

        Only behind what was missed comes the frame with the new cursor: a client who is cut off
        before still has the old one.
        """
        for entry in missed:
            await self._mailbox.room(self._is_going_on)
            if self._is_ended:
                return
            self._tell(entry)
        if not self._is_ended:
            self._mailbox.put(caught_up)
        while self._held and not self._is_ended:
            await self._mailbox.room(self._is_going_on)
            self._tell(self._held.popleft())
        self._held = None
        self.unread_bytes = 0

    def _is_going_on(self) -> bool:
        return not self._is_ended

    def _tell(self, entry: Entry) -> None:
        if self._is_ended or entry.id in self._known:
            return
        self._known[entry.id] = None
        if len(self._known) > MAX_KNOWN_EVENTS:
            del self._known[next(iter(self._known))]
        self._mailbox.put(entry.frames.marked(self._id, mark(entry.id)))


def mark(event_id: int) -> str:
    """Return a name of an event that is the same on every connection, and tells nothing else."""
    digest = hashlib.blake2b(str(event_id).encode(), key=_mark_key(), digest_size=MARK_BYTES)
    return base64.urlsafe_b64encode(digest.digest()).decode()


@cache
def _mark_key() -> bytes:
    return hashlib.sha256(b"realtime marks " + settings.SECRET_KEY.encode()).digest()
