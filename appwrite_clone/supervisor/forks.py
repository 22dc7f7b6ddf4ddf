"""Children of the supervisor: forked, watched through a pipe, started again, stopped."""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from appwrite_clone.embedded.processes import die_with_parent, name_process
from appwrite_clone.supervisor.seats import Seat

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STOP_SECONDS = 10
POLL_SECONDS = 0.5
FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 2.0  # for a child that is away; then its visitors go elsewhere
SETTLED_SECONDS = 30  # a child that lived this long starts again without delay

Ready = Callable[[], None]
Entry = Callable[[Ready], int | None]


@dataclass
class Backoff:
    """When something that ended may start again: 0.5 s, then twice as long each time, up to 10."""

    seconds: float = FIRST_BACKOFF_SECONDS
    started_at: float = 0.0
    due_at: float = 0.0

    def note_start(self, now: float) -> None:
        self.started_at = now

    def note_end(self, now: float) -> float:
        if now - self.started_at > SETTLED_SECONDS:
            self.seconds = FIRST_BACKOFF_SECONDS
        pause, self.seconds = self.seconds, min(self.seconds * 2, LAST_BACKOFF_SECONDS)
        self.due_at = now + pause
        return pause


@dataclass
class Child:
    name: str
    entry: Entry
    process_id: int = 0
    # Carries one byte when the child is ready, and ends when the child does.
    pipe: int = -1
    is_ready: bool = False
    failures: int = 0
    backoff: Backoff = field(default_factory=Backoff)
    seat: Seat | None = None

    @property
    def is_alive(self) -> bool:
        return self.process_id != 0

    def start(self, siblings: "Sequence[Child]") -> None:
        self.pipe, announcing = os.pipe()
        self.backoff.note_start(time.monotonic())
        self.process_id = fork(
            partial(self.entry, partial(_announce, announcing)),
            close=held([child for child in siblings if child is not self]),
            speaks=False,
            name=self.name,
        )
        os.close(announcing)

    def read_pipe(self) -> None:
        if os.read(self.pipe, 1):
            self.is_ready = True
        else:
            self.close_pipe()

    def close_pipe(self) -> None:
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1

    def reap(self) -> None:
        """Note the end of the process, if it has ended, and when to start it again."""
        process_id, status = os.waitpid(self.process_id, os.WNOHANG)
        if process_id == 0:
            return
        self.process_id, self.is_ready = 0, False
        self.failures += 1
        self.close_pipe()
        pause = self.backoff.note_end(time.monotonic())
        if self.seat is not None and pause > LONGEST_WAIT_SECONDS:
            self.seat.renew()
        warn(f"{self.name} ended ({_describe(status)}); it starts again in {pause:g} s.")


def held(children: Sequence[Child]) -> list[int]:
    """Return the descriptors that the supervisor keeps for children, and no other process may."""
    pipes = [child.pipe for child in children if child.pipe >= 0]
    return pipes + [child.seat.descriptor for child in children if child.seat is not None]


def fork(
    work: Callable[[], int | None], *, close: Sequence[int], speaks: bool, name: str = ""
) -> int:
    """Do `work` in a new process without the descriptors `close`; returns its id.

    Only one that `speaks` writes to standard output, which is for what the contract promises.
    """
    die = die_with_parent(signal.SIGKILL)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # a full disk under it
            stream.flush()
    # A request to stop must not unwind the parent's stack inside the child.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    parent = os.getpid()
    process_id = os.fork()
    if process_id == 0:
        for descriptor in close:
            os.close(descriptor)
        if not speaks:
            os.dup2(2, 1)
        die()
        if name:
            name_process(name)
        if not sys.platform.startswith("linux"):
            threading.Thread(target=end_with_parent, args=(parent,), daemon=True).start()
        _become(work)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return process_id


def end_with_parent(parent: int) -> None:
    """Watch the parent from a thread, where the operating system does not."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)


def _become(work: Callable[[], int | None]) -> NoReturn:
    code = 1
    try:
        os.setsid()  # a Ctrl-C is for the supervisor, which stops the children in order
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = work() or 0
    except SystemExit as error:
        if isinstance(error.code, str):
            warn(f"Error: {error.code}")
        else:
            code = error.code or 0
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def stop_together(process_ids: list[int]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for process_id in process_ids:
        os.kill(process_id, signal.SIGTERM)
    for process_id in process_ids:
        while os.waitpid(process_id, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(process_id, signal.SIGKILL)
                os.waitpid(process_id, 0)
                break
            time.sleep(0.02)


def _announce(descriptor: int) -> None:
    os.write(descriptor, b".")


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def warn(text: str) -> None:
    """Tell the operator; a log on a full disk is no reason to end."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)
