"""`manage.py up`: the database, the tables, the children, and all of them down again in order.

Standard library only. What needs more is in `children`, loaded once and then forked.
"""

import argparse
import contextlib
import http.client
import importlib
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import urlsplit

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded import environment, home
from appwrite_clone.embedded.cluster import Cluster
from appwrite_clone.embedded.processes import die_with_parent

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000
LAST_PORT = 65535
MOST_PROCESSES = 4
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

READY_SECONDS = 60
FAILURES_BEFORE_READY = 3
STOP_SECONDS = 10
POLL_SECONDS = 0.5
FIRST_BACKOFF_SECONDS = 0.5
LAST_BACKOFF_SECONDS = 10.0
SETTLED_SECONDS = 30  # a child that lived this long starts again without delay

Ready = Callable[[], None]
Entry = Callable[[Ready], int | None]


class Stopped(BaseException):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or a closed terminal."""


@dataclass(frozen=True)
class Options:
    host: str
    port: int
    data_directory: Path
    is_bare: bool

    @property
    def url(self) -> str:
        """Return an address a client on this machine can open."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


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

    @property
    def is_alive(self) -> bool:
        return self.process_id != 0


def main(arguments: list[str], data_directory: Path) -> int:
    """Run everything until asked to stop; returns the exit code."""
    options = parse(arguments, data_directory)
    for number in STOP_SIGNALS:
        signal.signal(number, _raise_stopped)
    try:
        with _reserved_address(options) as (address, family), _database(options) as cluster:
            _export_address(options)
            Supervisor(options, cluster).run(partial(_children, address, family))
    except Stopped:
        return 0


def parse(arguments: list[str], data_directory: Path) -> Options:
    parser = argparse.ArgumentParser(prog="manage.py up", description="Start everything.")
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port to listen on")
    parser.add_argument("--bare", action="store_true", help="make no first project")
    parser.add_argument("--data-dir", help="where data is kept (default: .data)")
    parsed = parser.parse_args(arguments)
    if not 0 < parsed.port <= LAST_PORT:
        raise StartError(f"--port: {parsed.port} is not between 1 and {LAST_PORT}.")
    return Options(parsed.host, parsed.port, data_directory, parsed.bare)


def _raise_stopped(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped


# Before the children


@contextlib.contextmanager
def _reserved_address(options: Options) -> "Iterator[tuple[Any, socket.AddressFamily]]":
    """Hold the port against other programs, without listening.

    The web processes share it by SO_REUSEPORT, which would also let a second `up` in: so it must
    be free for somebody who does not share, first.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host or None, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
        reservation = socket.socket(family, kind, protocol)
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reservation.bind(address)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        raise StartError(f"cannot listen on {where}: {error.strerror}.") from error
    with reservation:
        yield address, family


@contextlib.contextmanager
def _database(options: Options) -> Iterator[Cluster | None]:
    home.prepare(options.data_directory)
    os.environ["APPWRITE_DATA_DIR"] = str(options.data_directory)
    if environment.has_own_database():
        environment.require_secret()
        yield None
        return
    cluster = Cluster(options.data_directory)
    with home.locked(options.data_directory, home.SERVER), environment.running(cluster):
        os.environ.update(environment.embedded_environment(cluster))
        yield cluster


def _export_address(options: Options) -> None:
    os.environ.setdefault("APPWRITE_PUBLIC_URL", options.url)


def process_count(name: str) -> int:
    """Return how many processes of a kind to run: the variable, or one per core up to four."""
    given = os.environ.get(name, "")
    if not given:
        return min(_cores(), MOST_PROCESSES)
    if not given.isdecimal() or int(given) == 0:
        raise StartError(f"{name}: {given!r} is not a whole number above 0.")
    return int(given)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _children(address: Any, family: socket.AddressFamily, rooms: Any) -> list[Child]:
    """Return the children in the order in which they stop."""
    web = partial(rooms.serve_web, address, family)
    return [
        *(Child(f"web {n}", web) for n in range(1, process_count("WEB_PROCESSES") + 1)),
        Child("worker", partial(rooms.run_worker, process_count("WORKER_PROCESSES"))),
        Child("beat", rooms.run_beat),
    ]


class Supervisor:
    """Keeps the children alive, and the database under them."""

    def __init__(self, options: Options, cluster: Cluster | None) -> None:
        self.options = options
        self.cluster = cluster
        self.database_backoff = Backoff()
        self.children: list[Child] = []

    def run(self, make_children: Callable[[Any], list[Child]]) -> NoReturn:
        """Start what `make_children` names, say so when all is ready, then watch over it.

        Raises: Stopped when asked to end; StartError when it cannot begin.
        """
        rooms = load_rooms()
        if self._errand(rooms.migrate) != 0:
            raise SystemExit(1)  # which has said why
        self.children = make_children(rooms)
        try:
            self._start_all()
            self._greet(rooms)
            while True:
                self._step()
        finally:
            self._stop_all()

    def _start_all(self) -> None:
        for child in self.children:
            self._start(child)
        deadline = time.monotonic() + READY_SECONDS
        while waiting := [child.name for child in self.children if not child.is_ready]:
            self._step()
            failed = [c.name for c in self.children if c.failures >= FAILURES_BEFORE_READY]
            if failed:
                raise StartError(f"{failed[0]} does not start; the reason is above.")
            if time.monotonic() > deadline:
                raise StartError(f"not ready after {READY_SECONDS} s: {', '.join(waiting)}.")

    def _greet(self, rooms: Any) -> None:
        _ask_health(self.options)
        print(f"Ready: {self.options.url}")
        print(f"Console: {os.environ['APPWRITE_PUBLIC_URL']}/console/", flush=True)
        if self.cluster is None or not self.cluster.is_new():
            return
        wants_project = self.options.is_loopback and not self.options.is_bare
        if not wants_project or self._errand(rooms.print_quickstart, speaks=True) == 0:
            self.cluster.forget_new()

    # Watching

    def _step(self) -> None:
        """Wait for news of a child, or half a second, and do what is due."""
        pipes = [child.pipe for child in self.children if child.is_alive and child.pipe >= 0]
        readable, _, _ = select.select(pipes, [], [], POLL_SECONDS)
        for child in self.children:
            if child.pipe in readable:
                self._read_pipe(child)
            if child.is_alive:
                self._reap(child)
        self._watch_database()
        now = time.monotonic()
        for child in self.children:
            if not child.is_alive and now >= child.backoff.due_at:
                self._start(child)

    def _read_pipe(self, child: Child) -> None:
        if os.read(child.pipe, 1):
            child.is_ready = True
        else:
            _close_pipe(child)

    def _reap(self, child: Child) -> None:
        process_id, status = os.waitpid(child.process_id, os.WNOHANG)
        if process_id == 0:
            return
        child.process_id, child.is_ready = 0, False
        child.failures += 1
        _close_pipe(child)
        pause = child.backoff.note_end(time.monotonic())
        _warn(f"{child.name} ended ({_describe(status)}); it starts again in {pause:g} s.")

    def _watch_database(self) -> None:
        cluster, backoff = self.cluster, self.database_backoff
        if cluster is None or cluster.is_alive():
            return
        now = time.monotonic()
        if backoff.due_at <= backoff.started_at:
            pause = backoff.note_end(now)
            _warn(f"PostgreSQL ended; it starts again in {pause:g} s.")
        elif now >= backoff.due_at:
            backoff.note_start(now)
            try:
                cluster.start()
            except StartError as error:
                _warn(str(error))

    # Starting and stopping processes

    def _start(self, child: Child) -> None:
        child.pipe, announcing = os.pipe()
        child.backoff.note_start(time.monotonic())
        child.process_id = self._fork(partial(child.entry, partial(_announce, announcing)))
        os.close(announcing)

    def _errand(self, entry: Entry, *, speaks: bool = False) -> int:
        """Do one thing in a process of its own; returns its exit code."""
        process_id = self._fork(partial(entry, lambda: None), speaks=speaks)
        _, status = os.waitpid(process_id, 0)
        return os.waitstatus_to_exitcode(status)

    def _fork(self, work: Callable[[], int | None], *, speaks: bool = False) -> int:
        die = die_with_parent(signal.SIGKILL)
        sys.stdout.flush()
        sys.stderr.flush()
        # A request to stop must not unwind the parent's stack inside the child.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        process_id = os.fork()
        if process_id == 0:
            for child in self.children:
                _close_pipe(child)
            if not speaks:  # standard output is for what the contract promises
                os.dup2(2, 1)
            _become(work, die)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        return process_id

    def _stop_all(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        while self.children:
            kind = self.children[0].name.split()[0]
            together = [child for child in self.children if child.name.split()[0] == kind]
            self.children = self.children[len(together) :]
            _stop_together([child.process_id for child in together if child.is_alive])


def load_rooms() -> Any:
    """Import the server's code and settings once, for every child.

    Raises: StartError with the one line of a setting that is missing or malformed.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appwrite_clone.settings")
    try:
        importlib.import_module("django").setup()
        rooms = importlib.import_module("appwrite_clone.children")
    except SystemExit as error:
        raise StartError(str(error.code)) from error
    rooms.freeze()
    return rooms


def _become(work: Callable[[], int | None], die: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        os.setsid()  # a Ctrl-C is for the supervisor, which stops the children in order
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        die()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = work() or 0
    except SystemExit as error:
        if isinstance(error.code, str):
            _warn(f"Error: {error.code}")
        else:
            code = error.code or 0
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _stop_together(process_ids: list[int]) -> None:
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


def _ask_health(options: Options) -> None:
    """Go the way of a client once before saying that the way is open."""
    parts = urlsplit(options.url)
    client = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=STOP_SECONDS)
    try:
        client.request("GET", "/v1/health/version")
        status = client.getresponse().status
    except OSError as error:
        raise StartError(f"{options.url} does not answer: {error}.") from error
    finally:
        client.close()
    if status != http.HTTPStatus.OK:
        raise StartError(f"{options.url}/v1/health/version answers {status}.")


def _announce(descriptor: int) -> None:
    os.write(descriptor, b".")


def _close_pipe(child: Child) -> None:
    if child.pipe >= 0:
        os.close(child.pipe)
        child.pipe = -1


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
