"""Reading a request's body before a thread is taken: in memory while small, on disk past that."""

from __future__ import annotations

import asyncio
import io
import tempfile
from typing import IO

from appwrite_clone.bridge.asgi_types import Message, Receive, Scope
from appwrite_clone.bridge.limits import Limits


class BodyTooLargeError(Exception):
    """The body is over the hard maximum."""


class ClientGoneError(Exception):
    """The client went away, or fell silent, before its body was complete."""


class SpoolError(Exception):
    """The body could not be kept on disk."""


def declared_length(scope: Scope) -> int | None:
    """The declared length of the body: 0 without one, `None` when it comes in chunks."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length" and value.isdigit():
            length = int(value)
    return length


async def read_body(receive: Receive, length: int | None, limits: Limits) -> tuple[IO[bytes], int]:
    """Read the whole body; the caller closes it.

    Returns:
        The body from its beginning, and its length in bytes.

    Raises:
        BodyTooLargeError: before reading when the declared length says so, else on the way.
        ClientGoneError: the body never became complete.
    """
    if length is not None and length > limits.max_body_bytes:
        raise BodyTooLargeError
    message = await _next_message(receive, limits)
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(first) > limits.max_body_bytes:
            raise BodyTooLargeError
        return io.BytesIO(first), len(first)
    return await _read_pieces(receive, first, limits)


async def _read_pieces(receive: Receive, first: bytes, limits: Limits) -> tuple[IO[bytes], int]:
    spool = _Spool(limits)
    try:
        await spool.write(first)
        more = True
        while more:
            message = await _next_message(receive, limits)
            await spool.write(message.get("body", b""))
            more = message.get("more_body", False)
        return await spool.finish(), spool.total
    except BaseException:
        spool.close()
        raise


async def _next_message(receive: Receive, limits: Limits) -> Message:
    try:
        async with asyncio.timeout(limits.body_idle_seconds):
            message = await receive()
    except TimeoutError as error:
        raise ClientGoneError from error
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message


async def linger(receive: Receive, limits: Limits) -> None:
    """Read on for a moment after a refusal: closing on unread bytes may reset the answer away."""
    left = limits.linger_bytes
    try:
        async with asyncio.timeout(limits.linger_seconds):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message["body"])
    except TimeoutError:
        return


class _Spool:
    """Bytes that move to a temporary file once there are many; the file is written off the loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending = bytearray()
        self._file: IO[bytes] | None = None
        self.total = 0

    async def write(self, piece: bytes) -> None:
        self.total += len(piece)
        if self.total > self._limits.max_body_bytes:
            raise BodyTooLargeError
        self._pending += piece
        if len(self._pending) > self._limits.memory_body_bytes:
            await asyncio.to_thread(self._to_file)

    async def finish(self) -> IO[bytes]:
        if self._file is None:
            return io.BytesIO(bytes(self._pending))
        await asyncio.to_thread(self._to_file)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _to_file(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="body-")  # noqa: SIM115  # closed later
            self._file.write(self._pending)
            self._file.flush()
        except OSError as error:
            raise SpoolError from error
        self._pending.clear()
