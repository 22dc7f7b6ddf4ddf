"""`manage.py up`: the database, the tables, the children, and all of them down again in order.

Standard library only. What needs more is in `children`, loaded once and then forked.
"""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded import environment, home
from appwrite_clone.embedded.cluster import Cluster
from appwrite_clone.supervisor.forks import STOP_SIGNALS, Child
from appwrite_clone.supervisor.options import Options, parse, process_count, reserved_address
from appwrite_clone.supervisor.seats import Seat
from appwrite_clone.supervisor.watch import Supervisor


class Stopped(BaseException):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or a closed terminal."""


def main(arguments: list[str], data_directory: Path) -> int:
    """Run everything until asked to stop; returns the exit code."""
    options = parse(arguments, data_directory)
    _listen_to_signals()
    _export_options(options)
    try:
        with reserved_address(options) as (address, family), _database(options) as cluster:
            Supervisor(options, cluster).run(partial(_children, address, family))
    except Stopped:
        return 0


def _listen_to_signals() -> None:
    for number in STOP_SIGNALS:
        # Under nohup a closed terminal is no reason to stop.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _raise_stopped)


def _raise_stopped(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped


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
        home.remember_address(options.data_directory, options.url if options.is_loopback else None)
        os.environ.update(environment.embedded_environment(cluster))
        yield cluster


def _export_options(options: Options) -> None:
    os.environ["APPWRITE_HOST"] = options.host
    os.environ["WEB_PROCESSES"] = str(process_count("WEB_PROCESSES"))
    if os.environ.get("APPWRITE_PUBLIC_URL"):
        return
    if options.is_everywhere:
        raise StartError(
            f"APPWRITE_PUBLIC_URL: is not set; --host {options.host} asks for it, since no client"
            " elsewhere can guess the address that leads here."
        )
    os.environ["APPWRITE_PUBLIC_URL"] = options.url


def _children(address: Any, family: socket.AddressFamily, rooms: Any) -> list[Child]:
    """Return the children in the order in which they stop."""
    seats = [Seat(address, family) for _ in range(process_count("WEB_PROCESSES"))]
    return [
        *(
            Child(f"web {n}", partial(rooms.serve_web, seat), seat=seat)
            for n, seat in enumerate(seats, 1)
        ),
        *(
            Child(f"worker {n}", rooms.run_worker)
            for n in range(1, process_count("WORKER_PROCESSES") + 1)
        ),
        Child("beat", rooms.run_beat),
    ]
