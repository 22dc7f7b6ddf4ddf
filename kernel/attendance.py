"""Whether any process wants the messages of a channel, asked after what they tell was committed.

Each process that wants them holds a lock of the database, shared, on the connection it listens on;
nobody else does for longer than it takes to ask. So whoever was promised messages before a commit
is found after it, and is gone with its connection. Where two ask at once one may find the other,
and sends in vain.
"""

import time
from collections.abc import Callable
from typing import LiteralString

BELIEVED_SECONDS = 1.0

_LOCK: LiteralString = "735061, hashtext({channel})"
HOLD: LiteralString = f"SELECT pg_advisory_lock_shared({_LOCK.format(channel='%s')})"
LEAVE: LiteralString = f"SELECT pg_advisory_unlock_shared({_LOCK.format(channel='%s')})"
# Taken by who asks until the statement's own transaction ends.
_IS_FREE: LiteralString = "pg_try_advisory_xact_lock({lock})"

ASK = f"SELECT NOT {_IS_FREE.format(lock=_LOCK.format(channel='$1::text'))}".encode()
NOTIFY_IF_WANTED: LiteralString = (
    "SELECT pg_notify(%(channel)s, %(payload)s)"
    f" WHERE NOT {_IS_FREE.format(lock=_LOCK.format(channel='%(channel)s'))}"
)


class Attendance:
    """What is known of channels: a yes is believed for a second, a no never."""

    def __init__(self, ask: Callable[[str], bool]) -> None:
        self._ask = ask
        self._wanted_until: dict[str, float] = {}

    def is_wanted(self, channel: str) -> bool:
        now = time.monotonic()
        if now < self._wanted_until.get(channel, 0.0):
            return True
        is_wanted = self._ask(channel)
        if is_wanted:
            self._wanted_until[channel] = now + BELIEVED_SECONDS
        return is_wanted
