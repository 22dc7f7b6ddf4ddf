"""Messages that leave in bundles: one thread of the process sends what all others post.

Those that only some processes want are dropped where none does.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from kernel.arrays import text_array
from kernel.attendance import ASK, Attendance
from kernel.descriptors import has_something_to_read
from kernel.limits import NOTIFY_PAYLOAD_BYTES
from kernel.prepared import Prepared

MAX_BUNDLE = 256
# From one bundle to the next: where many write, waking up for each message costs more than it.
PAUSE_SECONDS = 0.005
# Where nobody wanted what came. Who begins to meanwhile has the first message by so much later.
IDLE_SECONDS = 0.02
MAX_WAITING = 10_000
FINISH_SECONDS = 2.0
# Between messages that share a payload. No JSON has it, and no message of ours.
SEPARATOR = "\x1e"

Message = tuple[str, str]
Posted = tuple[str, str, bool]
Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.RawCursor[tuple[Any, ...]]

_SEND = (
    b"SELECT pg_notify(m.channel, m.payload)"
    b" FROM unnest($1::text[], $2::text[]) AS m (channel, payload)"
)
# A message is in no log that could be read after a crash, yet its commit would wait for the disk.
_WITHOUT_DISK = b"SET synchronous_commit = off"
_logger = logging.getLogger(__name__)


class Sender:
    """Sends messages in the order they were posted: at once, or with all that came in a pause.

    Those who post neither wait nor learn of failures. At the end what waits is sent.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._link: tuple[Cursor, Prepared] | None = None
        self._attendance = Attendance(self._ask)
        self._waiting: deque[Posted] = deque()
        self._changed = threading.Condition()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="notify-out", daemon=True)
        self._thread.start()

    def post(self, channel: str, payload: str, *, is_optional: bool = False) -> None:
        """Have a message sent soon; one too many is logged and lost.

        One that is optional is dropped unless some process wants the channel.
        """
        with self._changed:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append((channel, payload, is_optional))
                self._changed.notify()
                return
        _logger.error("a message to %s was dropped: too many wait", channel)

    def stop(self) -> None:
        """Send what waits, and end."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        self._thread.join(FINISH_SECONDS)

    def _run(self) -> None:
        while posted := self._next():
            wanted: list[Message] = []
            try:
                wanted = self._wanted(posted)
                for bundle in unequal(wanted):
                    self._send(bundle)
            except psycopg.Error as error:
                _logger.warning("%d messages were lost: %s", len(posted), error)
            is_idle = not wanted and len(posted) < MAX_BUNDLE
            time.sleep(IDLE_SECONDS if is_idle else PAUSE_SECONDS)
        if self._link is not None:
            self._link[0].connection.close()

    def _next(self) -> list[Posted]:
        """Wait for messages; none come any more after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_ending)
            count = min(len(self._waiting), MAX_BUNDLE)
            return [self._waiting.popleft() for _ in range(count)]

    def _wanted(self, posted: list[Posted]) -> list[Message]:
        """Leave out what nobody wants: asked now, after all of it was posted."""
        asked = {channel for channel, _, is_optional in posted if is_optional}
        left = {channel for channel in asked if not self._attendance.is_wanted(channel)}
        return [
            (channel, payload)
            for channel, payload, is_optional in posted
            if not is_optional or channel not in left
        ]

    def _ask(self, channel: str) -> bool:
        return bool(self._answer(ASK, [channel])[0][0])

    def _send(self, bundle: list[Message]) -> None:
        self._answer(_SEND, [text_array(column) for column in zip(*joined(bundle), strict=True)])

    def _answer(self, text: bytes, values: list[str]) -> list[tuple[Any, ...]]:
        cursor, prepared = self._live()
        answer = prepared.run(text, values)
        return (answer or cursor.execute(text, values, prepare=True)).fetchall()

    def _live(self) -> tuple[Cursor, Prepared]:
        if self._link is not None:
            used = self._link[0].connection
            if not used.closed and not has_something_to_read(used.fileno()):
                return self._link
            used.close()
        cursor = psycopg.RawCursor(self._connect())
        cursor.execute(_WITHOUT_DISK)
        self._link = cursor, Prepared(cursor)
        return self._link


def unequal(messages: list[Message]) -> Iterator[list[Message]]:
    """Part messages so that no two of a part are equal: PostgreSQL would send one of them."""
    bundle: dict[Message, None] = {}
    for message in messages:
        if message in bundle:
            yield list(bundle)
            bundle = {}
        bundle[message] = None
    if bundle:
        yield list(bundle)


def joined(messages: list[Message]) -> list[Message]:
    """Join messages in a row to one channel, as many as a payload takes: each wakes listeners."""
    found: list[Message] = []
    room = 0
    for channel, payload in messages:
        size = len(payload.encode()) + len(SEPARATOR)
        if found and found[-1][0] == channel and size <= room:
            found[-1] = (channel, found[-1][1] + SEPARATOR + payload)
            room -= size
        else:
            found.append((channel, payload))
            room = NOTIFY_PAYLOAD_BYTES - size
    return found


def parted(payload: str) -> list[str]:
    """Return the messages of a payload."""
    return payload.split(SEPARATOR)
