"""What a connection has yet to read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from realtime.limits import MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES

#: Codes on which clients come again: something may have been missed, or the reader was too slow.
CLOSE_RESTART = 1012
CLOSE_TRY_AGAIN = 1013


class Mailbox:
    """Frames on their way to one reader, with one writer, and never more than the limits."""

    __slots__ = (
        "_bytes",
        "_frames",
        "_has_room",
        "_on_end",
        "_waiter",
        "close_code",
        "is_overrun",
        "write",
    )

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._has_room: asyncio.Event | None = None
        #: The code to close with once everything before it is written.
        self.close_code = 0
        #: The reader is too slow: what waited for it is dropped.
        self.is_overrun = False
        #: Writes a frame at once, or tells that the connection is not ready for it.
        self.write: Callable[[str], bool] = _never

    def put(self, frame: str) -> None:
        if self.close_code or (self._is_idle() and self.write(frame)):
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        if len(self._frames) > MAX_QUEUED_FRAMES or self._bytes > MAX_QUEUED_BYTES:
            self.is_overrun = True
            self.close_code = CLOSE_TRY_AGAIN
            self._frames.clear()
            self._on_end()
        self._wake()

    async def room(self, is_needed: Callable[[], bool]) -> None:
        """Wait while half of what may wait for the reader does; not once it is time to close.

        Whether it still `is_needed` is looked at again after `recheck_room`.
        """
        while self._is_half_full() and not self.close_code and is_needed():
            self._has_room = self._has_room or asyncio.Event()
            self._has_room.clear()
            await self._has_room.wait()

    def recheck_room(self) -> None:
        if self._has_room is not None:
            self._has_room.set()

    def close(self, code: int) -> None:
        """Have the connection closed after the frames that wait."""
        if self.close_code:
            return
        self.close_code = code
        self._on_end()
        self._wake()

    async def take(self) -> str:
        """Return the next frame, or nothing when it is time to close."""
        while not self._frames:
            if self.close_code:
                return ""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        if not self._is_half_full():
            self.recheck_room()
        return frame

    def _is_idle(self) -> bool:
        """Tell whether the writer waits for a frame, with none on its way."""
        return not self._frames and self._waiter is not None and not self._waiter.done()

    def _is_half_full(self) -> bool:
        return len(self._frames) > MAX_QUEUED_FRAMES // 2 or self._bytes > MAX_QUEUED_BYTES // 2

    def _wake(self) -> None:
        if self.close_code:
            self.recheck_room()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _never(_frame: str) -> bool:
    return False
