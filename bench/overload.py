"""Three times as many requests as the server can answer: what becomes of them, and of it after."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import uvloop

from bench.data import Stage
from bench.plan import Plan

WORKLOAD = "create"
TIMES = 3
TICK_SECONDS = 0.005
#: Connections of the generator; what finds none free is not sent.
LINES = 1_000
WARM_UP_SECONDS = 1.0
PRIORITY = -10
RECOVERY_SECONDS = 5
RECOVERED_SHARE = 0.9
LAST_ANSWERS_SECONDS = 10.0
REFUSALS = frozenset({429, 503})

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Overload:
    """What came of it: rates per second, times in milliseconds."""

    peak: float
    offered: float
    goodput: float
    refused: int
    refusal_p50: float
    refusal_p99: float
    answer_p99: float
    other: int
    unsent: int
    #: Seconds after the load until a second brought nine tenths of the peak; None if none did.
    recovery: float | None

    @property
    def share(self) -> float:
        return self.goodput / self.peak

    def as_text(self) -> str:
        back = "never" if self.recovery is None else f"within {self.recovery:.0f} s"
        return (
            f"peak {self.peak:,.0f}/s; offered {self.offered:,.0f}/s: answered"
            f" {self.goodput:,.0f}/s ({self.share:.0%} of the peak, p99 {self.answer_p99:,.0f} ms),"
            f" refused {self.refused:,} (p50 {self.refusal_p50:.0f} ms, p99"
            f" {self.refusal_p99:.0f} ms), else {self.other:,}, not sent {self.unsent:,};"
            f" back to normal {back}"
        )


@dataclass
class Tally:
    """How requests of one phase ended: seconds by status; 0 is a connection that broke."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    unsent: int = 0

    def add(self, status: int, seconds: float) -> None:
        self.seconds.setdefault(status, []).append(seconds)

    def of(self, wanted: Callable[[int], bool]) -> list[float]:
        return sorted(s for status, all_ in self.seconds.items() if wanted(status) for s in all_)


class Line(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._began: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP's
        self._transport = transport

    def send(self, request: bytes) -> None:
        self._began = time.monotonic()
        self._buffer = b""
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or self._began is None:
            return
        fields = head.lower()
        length = int(fields.partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
        if len(body) < length:
            return
        self._end(int(head[9:12]))
        if b"connection: close" in fields and self._transport is not None:
            self._transport.close()
        else:
            self._pool.idle.append(self)
            self._pool.on_idle()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(0)
        self._pool.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _end(self, status: int) -> None:
        if self._began is not None:
            self._pool.tally.add(status, time.monotonic() - self._began)
            self._began = None


class Pool:
    """The connections of the generator; one that the server closes is opened anew."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.idle: deque[Line] = deque()
        self.lines: set[Line] = set()
        self.tally = Tally()
        self.on_idle: Callable[[], None] = lambda: None
        self._is_open = True
        self._opening: set[asyncio.Task[None]] = set()

    async def open(self, count: int) -> None:
        for _ in range(count):
            await self._open()

    def send(self, request: bytes) -> None:
        if self.idle:
            self.idle.popleft().send(request)
        else:
            self.tally.unsent += 1

    def lost(self, line: Line) -> None:
        self.lines.discard(line)
        if line in self.idle:
            self.idle.remove(line)
        if self._is_open:
            task = asyncio.ensure_future(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        self._is_open = False
        for task in self._opening:
            task.cancel()
        for line in list(self.lines):
            line.close()
        await asyncio.sleep(TICK_SECONDS)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            _, line = await loop.create_connection(
                lambda: Line(self), self._plan.host, self._plan.port
            )
            self.lines.add(line)
            self.idle.append(line)
            self.on_idle()


def run(stage: Stage, plan: Plan, say: Say) -> Overload:
    """Measure what the server answers at most, offer it three times that, and watch it after."""
    (workload,) = (each for each in stage.workloads() if each.name == WORKLOAD)
    with suppress(PermissionError):  # busy as the machine is, what waits here is not the server's
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    request = workload.variants[0].raw(f"{plan.host}:{plan.port}", plan.prefix)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(plan, request, say))


async def _measure(plan: Plan, request: bytes, say: Say) -> Overload:
    await _at_most(plan, request, WARM_UP_SECONDS)
    say("measuring the peak")
    peak = _rate(await _at_most(plan, request, plan.seconds), plan.seconds)
    say(f"offering {TIMES} times {peak:,.0f} a second")
    tally = await _at_rate(plan, request, TIMES * peak)
    recovery = await _recovery(plan, request, peak)
    refusals = tally.of(lambda status: status in REFUSALS)
    answers = tally.of(_is_answer)
    return Overload(
        peak=peak,
        offered=sum(map(len, tally.seconds.values())) / plan.seconds,
        goodput=_rate(tally, plan.seconds),
        refused=len(refusals),
        refusal_p50=_milliseconds(refusals, 0.5),
        refusal_p99=_milliseconds(refusals, 0.99),
        answer_p99=_milliseconds(answers, 0.99),
        other=len(tally.of(lambda status: not _is_answer(status) and status not in REFUSALS)),
        unsent=tally.unsent,
        recovery=recovery,
    )


async def _at_most(plan: Plan, request: bytes, seconds: float) -> Tally:
    """Keep the plan's connections busy."""
    pool = Pool(plan)

    def again() -> None:
        while pool.idle:
            pool.send(request)

    pool.on_idle = again
    await pool.open(plan.connections)
    await asyncio.sleep(seconds)
    await pool.close()
    return pool.tally


async def _at_rate(plan: Plan, request: bytes, rate: float) -> Tally:
    """Send so many a second, whatever becomes of them, and wait for the last answers."""
    pool = Pool(plan)
    await pool.open(LINES)
    begin = time.monotonic()
    sent = 0
    while (passed := time.monotonic() - begin) < plan.seconds:
        for _ in range(int(passed * rate) - sent):
            pool.send(request)
            sent += 1
        await asyncio.sleep(TICK_SECONDS)
    deadline = time.monotonic() + LAST_ANSWERS_SECONDS
    while len(pool.idle) < len(pool.lines) and time.monotonic() < deadline:
        await asyncio.sleep(TICK_SECONDS)
    await pool.close()
    return pool.tally


async def _recovery(plan: Plan, request: bytes, peak: float) -> float | None:
    for second in range(1, RECOVERY_SECONDS + 1):
        if _rate(await _at_most(plan, request, 1.0), 1.0) >= RECOVERED_SHARE * peak:
            return float(second)
    return None


def _is_answer(status: int) -> bool:
    return 200 <= status < 400


def _rate(tally: Tally, seconds: float) -> float:
    return len(tally.of(_is_answer)) / seconds


def _milliseconds(ordered: Sequence[float], share: float) -> float:
    return ordered[int(share * (len(ordered) - 1))] * 1000 if ordered else 0.0
