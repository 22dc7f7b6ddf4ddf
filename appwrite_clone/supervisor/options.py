"""What was asked for: address, data directory, numbers of processes."""

import argparse
import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appwrite_clone.bootstrap import StartError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000
LAST_PORT = 65535
MOST_PROCESSES = 4


@dataclass(frozen=True)
class Options:
    host: str
    port: int
    data_directory: Path
    is_bare: bool

    @property
    def url(self) -> str:
        """Return an address a client on this machine can open."""
        host = {"::": "::1"}.get(self.host, "127.0.0.1") if self.is_everywhere else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_everywhere(self) -> bool:
        """Return whether it listens on every address of the machine."""
        return self.host in {"", "0.0.0.0", "::"}  # noqa: S104  # asks, and listens nowhere

    @property
    def is_loopback(self) -> bool:
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


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


@contextlib.contextmanager
def reserved_address(options: Options) -> "Iterator[tuple[Any, socket.AddressFamily]]":
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
