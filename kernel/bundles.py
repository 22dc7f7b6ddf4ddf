"""Messages that leave in bundles: one thread of the process sends what all others post."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg

from kernel.arrays import text_array
from kernel.descriptors import has_something_to_read
from kernel.limits import NOTIFY_PAYLOAD_BYTES
from kernel.prepared import Prepared

MAX_BUNDLE = 256
# From one bundle to the next: where many write, waking up for each message costs more than it.
PAUSE_SECONDS = 0.005
MAX_WAITING = 10_000
FINISH_SECONDS = 2.0
# Between messages that share a payload. No JSON has it, and no message of ours.
SEPARATOR = "\x1e"

Message = tuple[str, str]
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
        self._waiting: deque[Message] = deque()
        self._changed = threading.Condition()
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="notify-out", daemon=True)
        self._thread.start()

    def post(self, channel: str, payload: str) -> None:
        """Have a message sent soon; one too many is logged and lost."""
        with self._changed:
            if len(self._waiting) < MAX_WAITING:
                self._waiting.append((channel, payload))
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
        while bundle := self._next():
            try:
                self._send(bundle)
            except psycopg.Error as error:
                _logger.warning("%d messages were lost: %s", len(bundle), error)
            time.sleep(PAUSE_SECONDS)
        if self._link is not None:
            self._link[0].connection.close()

    def _next(self) -> list[Message]:
        """Wait for messages; none come any more after the last.

        PostgreSQL sends equal messages of one statement once, so they are parted.
        """
        bundle: dict[Message, None] = {}
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_ending)
            while self._waiting and self._waiting[0] not in bundle and len(bundle) < MAX_BUNDLE:
                bundle[self._waiting.popleft()] = None
        return list(bundle)

    def _send(self, bundle: list[Message]) -> None:
        values = [text_array(column) for column in zip(*joined(bundle), strict=True)]
        cursor, prepared = self._live()
        if prepared.run(_SEND, values) is None:
            cursor.execute(_SEND, values, prepare=True)

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
