"""The threads of one web process: a few that run requests, a few that produce streamed bodies."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import TypeAlias

from appwrite_clone.bridge.answers import Answer, WsgiApplication
from appwrite_clone.bridge.asgi_types import Environ
from appwrite_clone.bridge.limits import Limits

#: A thread that is busy for longer ends with the process.
STOP_SECONDS = 2.0
USUAL_SWITCH_SECONDS = sys.getswitchinterval()
FULL_SWITCH_SECONDS = 0.0005
#: How much the last request counts in what one takes.
LAST_SHARE = 1 / 64


class WaitedTooLongError(Exception):
    """No thread was free for the request in time, or the thread it had did not come to an end."""


#: Takes what became of a request, on the event loop: an answer, or an error in its place.
Done: TypeAlias = Callable[[Answer, BaseException | None], None]


class _Job:
    __slots__ = ("done", "due", "environ", "is_over", "loop", "seconds", "timer")

    def __init__(self, environ: Environ, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self.environ = environ
        self.loop = loop
        self.due = time.monotonic() + limits.max_wait_seconds
        #: How long its thread took.
        self.seconds = 0.0
        #: Nobody waits for it any more.
        self.is_over = False
        self.done: Done
        self.timer: asyncio.TimerHandle


class RequestThreads:
    """Threads that take requests from one queue. Each request runs in a context of its own."""

    def __init__(
        self,
        application: WsgiApplication,
        limits: Limits,
        on_exit: Callable[[], None],
        *,
        name: str,
        count: int,
        queue_seconds: float,
    ) -> None:
        self._application = application
        self._limits = limits
        self._on_exit = on_exit
        self._name = name
        self._count = count
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._queue_seconds = queue_seconds
        #: Requests were refused, and as long as half of the room is not free again.
        self.is_pressed = False
        #: What a request has taken of late, and how many wait or run.
        self.seconds = 0.0
        self.pending = 0

    def is_full(self) -> bool:
        """Tell whether as many requests wait or run as may, or the next would wait too long.

        As long as it is, threads take turns faster: by the usual interval a loop that refuses
        what is too much keeps the interpreter from those that answer the rest.
        """
        if self.pending < self._most():
            return False
        if not self.is_pressed:
            self.is_pressed = True
            sys.setswitchinterval(FULL_SWITCH_SECONDS)
        return True

    def submit(self, environ: Environ, done: Done) -> _Job:
        """Run one request on a thread, which closes its body; `done` is called on the loop.

        It is told of a `WaitedTooLongError` where the request waited longer than the limit and was
        not run, or still runs when it has to be answered: on a database that says nothing, say.
        """
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        job = _Job(environ, loop, self._limits)
        job.done = done
        job.timer = loop.call_later(self._limits.max_answer_seconds, self._give_up, job)
        self.pending += 1
        self._jobs.put(job)
        return job

    def _most(self) -> float:
        """How many of such requests as came of late are done in the time that one may wait."""
        in_time = self._count * self._queue_seconds / (self.seconds or self._queue_seconds)
        usual = self._count * self._limits.usual_pending
        return min(max(in_time, usual), self._limits.max_pending)

    async def run(self, environ: Environ) -> Answer:
        """Run one request on a thread, and wait for its answer.

        Raises:
            WaitedTooLongError: as `submit` says.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        job = self.submit(environ, partial(_resolve, future))
        try:
            return await future
        finally:
            job.is_over = True

    def stop(self) -> None:
        """Let the threads finish what they have; further requests start new ones."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join(STOP_SECONDS)

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True)
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._serve(job)
        self._on_exit()

    def _serve(self, job: _Job) -> None:
        answer = Answer()
        error: BaseException | None = None
        began = time.monotonic()
        if job.is_over or began > job.due:
            error = WaitedTooLongError()
        else:
            try:
                contextvars.Context().run(answer.fill, self._application, job.environ)
            except BaseException as raised:  # noqa: BLE001  # it belongs to whoever awaits the job
                error = raised
        job.environ["wsgi.input"].close()
        job.seconds = time.monotonic() - began
        try:
            job.loop.call_soon_threadsafe(self._settle, job, answer, error)
        except RuntimeError:  # the loop has ended, nobody waits for the answer
            answer.close()
            return
        if answer.pieces is None:
            answer.close()

    def _settle(self, job: _Job, answer: Answer, error: BaseException | None) -> None:
        self.pending -= 1
        self.seconds += (job.seconds - self.seconds) * (LAST_SHARE if self.seconds else 1)
        if self.is_pressed and self.pending < self._most() / 2:
            self.is_pressed = False
            sys.setswitchinterval(USUAL_SWITCH_SECONDS)
        job.timer.cancel()
        if not job.is_over:
            job.is_over = True
            job.done(answer, error)
        elif answer.pieces is not None:
            answer.close()

    def _give_up(self, job: _Job) -> None:
        if not job.is_over:
            job.is_over = True
            job.done(Answer(), WaitedTooLongError())


def _resolve(future: asyncio.Future[Answer], answer: Answer, error: BaseException | None) -> None:
    if future.done():  # its waiter was cancelled
        if answer.pieces is not None:
            answer.close()
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)


class StreamLanes:
    """One thread per lane. A streamed body stays on its lane, as database connections ask for.

    Between two pieces it gives the thread back, so that a slow client holds none.
    """

    def __init__(self, limits: Limits, on_exit: Callable[[], None]) -> None:
        self._on_exit = on_exit
        self._lanes = [
            ThreadPoolExecutor(1, thread_name_prefix=f"stream-{number}")
            for number in range(limits.stream_threads)
        ]
        self._turns = cycle(self._lanes)

    def pick(self) -> ThreadPoolExecutor:
        return next(self._turns)

    def stop(self) -> None:
        for lane in self._lanes:
            lane.submit(self._on_exit)
            lane.shutdown()
