"""Fan-out: processes full of bare sockets, and one that publishes to them through the API."""

import asyncio
import base64
import contextlib
import http.client
import multiprocessing
import os
import re
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from bench.plan import Plan, RefusedError
from bench.requests import Request

LISTENING_PROCESSES = 2
OPEN_AT_ONCE = 20
OPEN_SECONDS = 30
GRACE_SECONDS = 15
MOST_PUBLISHED = 100_000
STAMP = b"@%019d@"  # when it was published, in nanoseconds; zero in the last one
PLACE = STAMP % 10**18  # what a request holds where the stamp goes

_STAMPS = re.compile(rb"@(\d{19})@")
_PING, _PONG = 0x89, 0x8A
_MASK = bytes(4)  # a mask of zeros leaves a payload as it is
_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True, kw_only=True)
class Fanout:
    """What arrived: `delays` in milliseconds, sorted; `seconds` until the last delivery."""

    published: int
    due: int
    delays: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.delays) / self.seconds if self.seconds else 0.0

    def delay(self, share: float) -> float:
        return self.delays[int((len(self.delays) - 1) * share)] if self.delays else 0.0


class Listeners:
    """Processes that together hold the plan's sockets, for several measurements."""

    def __init__(self, plan: Plan, path: str) -> None:
        self._plan = plan
        self._pipes: list[Connection] = []
        for number in range(LISTENING_PROCESSES):
            ours, theirs = _spawn.Pipe()
            count = len(range(number, plan.sockets, LISTENING_PROCESSES))
            _spawn.Process(target=listen, args=(theirs, plan, path, count), daemon=True).start()
            theirs.close()
            self._pipes.append(ours)
        self._receive()

    def measure(self, request: Request, *, per_second: float) -> Fanout:
        """Publish for the plan's seconds; `per_second` 0 is as fast as one connection goes."""
        for pipe in self._pipes:
            pipe.send(self._plan.seconds + GRACE_SECONDS)
        started = time.time_ns()
        published = publish(self._plan, request, per_second)
        found = self._receive()
        delays = sorted(delay / 1e6 for delays, _ in found for delay in delays)
        last = max(seen for _, seen in found)
        return Fanout(
            published=published,
            due=published * self._plan.sockets,
            delays=delays,
            seconds=max(last - started, 0) / 1e9,
        )

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()

    def _receive(self) -> list[tuple["array[int]", int]]:
        try:
            found = [pipe.recv() for pipe in self._pipes]
        except EOFError:
            found = [None]
        for answer in found:
            if not isinstance(answer, tuple):
                raise RefusedError(f"the sockets did not open: {answer or 'no reason given'}")
        return found


# The process of listeners


class Inbox:
    """What one process's sockets have seen since it was last emptied."""

    def __init__(self, sockets: int) -> None:
        self.sockets = sockets
        self.clear()

    def clear(self) -> None:
        self.delays = array("q")
        self.last = 0
        self.finished = 0
        self.is_complete = asyncio.Event()

    def see(self, stamps: list[bytes]) -> None:
        now = time.time_ns()
        for stamp in stamps:
            published = int(stamp)
            if published:
                self.delays.append(now - published)
                self.last = now
            else:
                self.finished += 1
        if self.finished >= self.sockets:
            self.is_complete.set()


class Socket(asyncio.Protocol):
    """A websocket that answers pings and looks for stamps; frames do not concern it otherwise."""

    def __init__(self, inbox: Inbox, opening: bytes) -> None:
        self._inbox = inbox
        self._opening = opening
        self._rest = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # TCP has no other kind
        self._transport.write(self._opening)

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self._open(self._rest + data)
            return
        if data[0] == _PING:
            payload = data[2 : 2 + data[1]]
            self._transport.write(bytes([_PONG, 0x80 | len(payload)]) + _MASK + payload)
        data = self._rest + data
        stamps, end = [], 0
        for match in _STAMPS.finditer(data):
            stamps.append(match[1])
            end = match.end()
        self._inbox.see(stamps)
        # A stamp may have been cut in two.
        self._rest = data[max(end, len(data) - len(PLACE) + 1) :]

    def _open(self, data: bytes) -> None:
        self._rest = data
        if b'"connected"' in data:
            self.opened.set_result(None)
            self._rest = b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 101"):
            self._fail(data)
        elif b'"error"' in data:
            self._fail(data.partition(b"\r\n\r\n")[2])

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(b"closed by the server")

    def _fail(self, reason: bytes) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(reason[:300].decode(errors="replace")))


def listen(pipe: Connection, plan: Plan, path: str, count: int) -> None:
    """Hold `count` sockets until the pipe closes; each number it brings starts a measurement."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            inbox = runner.run(_open_all(plan, path, count))
        except (OSError, TimeoutError) as error:
            pipe.send(str(error) or type(error).__name__)
            return
        pipe.send((array("q"), 0))
        runner.run(_report_until_closed(pipe, inbox))


async def _open_all(plan: Plan, path: str, count: int) -> Inbox:
    inbox = Inbox(count)
    turns = asyncio.Semaphore(OPEN_AT_ONCE)

    async def open_one() -> None:
        loop = asyncio.get_running_loop()
        async with turns:
            _, protocol = await loop.create_connection(
                lambda: Socket(inbox, _handshake(plan, path)), plan.host, plan.port
            )
            await asyncio.wait_for(protocol.opened, OPEN_SECONDS)

    await asyncio.gather(*(open_one() for _ in range(count)))
    return inbox


def _handshake(plan: Plan, path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    return Request("GET", path, headers).raw(f"{plan.host}:{plan.port}", plan.prefix)


async def _report_until_closed(pipe: Connection, inbox: Inbox) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            seconds = await loop.run_in_executor(None, pipe.recv)
        except EOFError:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(inbox.is_complete.wait(), seconds)
        pipe.send((inbox.delays, inbox.last))
        inbox.clear()


# The publisher


def publish(plan: Plan, request: Request, per_second: float) -> int:
    """Send stamped copies of a request, then the one that says it was the last; returns how many.

    Raises: RefusedError when one fails.
    """
    connection = http.client.HTTPConnection(plan.host, plan.port, timeout=GRACE_SECONDS)
    started = time.monotonic()
    count = 0
    try:
        while (passed := time.monotonic() - started) < plan.seconds and count < MOST_PUBLISHED:
            if per_second and (early := count / per_second - passed) > 0:
                time.sleep(min(early, plan.seconds - passed))
                continue
            _send(connection, plan, request, time.time_ns())
            count += 1
        _send(connection, plan, request, 0)
    finally:
        connection.close()
    return count


def _send(connection: http.client.HTTPConnection, plan: Plan, request: Request, stamp: int) -> None:
    body = request.body.replace(PLACE, STAMP % stamp)
    headers = dict(request.headers) | {"Content-Type": "application/json"}
    connection.request(request.method, plan.prefix + request.path, body, headers)
    response = connection.getresponse()
    text = response.read()
    if response.status >= 400:
        raise RefusedError(f"publishing answers {response.status}: {text.decode(errors='replace')}")
