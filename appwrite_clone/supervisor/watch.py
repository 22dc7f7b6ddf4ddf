"""The supervisor itself: everything up, everything kept alive, everything down."""

import http.client
import importlib
import os
import select
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn
from urllib.parse import urlsplit

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded.cluster import Cluster
from appwrite_clone.supervisor.forks import (
    POLL_SECONDS,
    STOP_SIGNALS,
    Backoff,
    Child,
    Entry,
    Ready,
    fork,
    held,
    stop_together,
    warn,
)
from appwrite_clone.supervisor.options import Options

READY_SECONDS = 60
FAILURES_BEFORE_READY = 3
HEALTH_SECONDS = 10


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
            child.start(self.children)
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
        if wants_project:
            self._errand(rooms.print_quickstart, self.cluster.forget_new, speaks=True)
        else:
            self.cluster.forget_new()

    def _step(self) -> None:
        """Wait for news of a child, or half a second, and do what is due."""
        pipes = [child.pipe for child in self.children if child.pipe >= 0]
        readable, _, _ = select.select(pipes, [], [], POLL_SECONDS)
        for child in self.children:
            if child.pipe in readable:
                child.read_pipe()
            if child.is_alive:
                child.reap()
        self._watch_database()
        now = time.monotonic()
        for child in self.children:
            if not child.is_alive and now >= child.backoff.due_at:
                child.start(self.children)

    def _watch_database(self) -> None:
        cluster, backoff = self.cluster, self.database_backoff
        if cluster is None:
            return
        if cluster.is_alive():
            if news := cluster.watch_space():
                warn(news)
            return
        now = time.monotonic()
        if backoff.due_at <= backoff.started_at:
            pause = backoff.note_end(now)
            warn(f"PostgreSQL ended; it starts again in {pause:g} s.")
        elif now >= backoff.due_at:
            backoff.note_start(now)
            try:
                cluster.start()
            except StartError as error:
                warn(str(error))

    def _errand(self, entry: Entry, ready: Ready | None = None, *, speaks: bool = False) -> int:
        """Do one thing in a process of its own; returns its exit code."""
        own = held(self.children)
        process_id = fork(partial(entry, ready or _ignore), close=own, speaks=speaks)
        _, status = os.waitpid(process_id, 0)
        return os.waitstatus_to_exitcode(status)

    def _stop_all(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        while self.children:
            kind = self.children[0].name.split()[0]
            together = [child for child in self.children if child.name.split()[0] == kind]
            self.children = self.children[len(together) :]
            for seat in [child.seat for child in together if child.seat is not None]:
                os.close(seat.descriptor)  # nobody comes after them
            stop_together([child.process_id for child in together if child.is_alive])


def _ignore() -> None:
    pass


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


def _ask_health(options: Options) -> None:
    """Go the way of a client once before saying that the way is open."""
    parts = urlsplit(options.url)
    client = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=HEALTH_SECONDS)
    try:
        # By the public name: the server need not answer to the address it listens on.
        host = urlsplit(os.environ["APPWRITE_PUBLIC_URL"]).netloc
        client.request("GET", "/v1/health/version", headers={"Host": host})
        status = client.getresponse().status
    except OSError as error:
        raise StartError(f"{options.url} does not answer: {error}.") from error
    finally:
        client.close()
    # A service behind a gateway tells strangers nothing, not even its health.
    if status not in (http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED):
        raise StartError(f"{options.url}/v1/health/version answers {status}.")
