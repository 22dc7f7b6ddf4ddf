"""Processes of the operating system: dying with their parent, being stopped, being left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

STOP_SECONDS = 10
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_NAME = 15
LONGEST_NAME_BYTES = 15


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what a child calls first, to get this signal should its parent be killed.

    Linux only; elsewhere the next start finds and stops what was left behind.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    library = ctypes.CDLL(None)  # loaded before the fork, where loading is safe
    parent = os.getpid()

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the request
            os.kill(os.getpid(), number)

    return ask


def name_process(name: str) -> None:
    """Have `ps` and `top` show this name for the calling process, on Linux."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:LONGEST_NAME_BYTES], 0, 0, 0)


def stop_process(process: "subprocess.Popen[bytes]", signals: Sequence[signal.Signals]) -> None:
    """Send each signal in turn until the process has gone, waiting 10 s in between."""
    for number in signals:
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def stop_servers_in(data: Path) -> None:
    """Stop every PostgreSQL process a killed predecessor left in this data directory."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        remaining = servers_in(data)
        # Only the postmaster takes a SIGINT as "shut down"; without it the others just leave.
        asked = set(remaining)
        if number == signal.SIGINT:
            asked &= {_postmaster(data)}
        for process_id in asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, number)
        if _all_gone(data):
            break
    _forget_stale_lock(data)


def _all_gone(data: Path) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while servers_in(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _postmaster(data: Path) -> int:
    try:
        return int((data / "postmaster.pid").read_text().split(maxsplit=1)[0])
    except (OSError, ValueError, IndexError):
        return 0


def _forget_stale_lock(data: Path) -> None:
    # Its number may belong to an unrelated process by now (always so after a container restarts),
    # and PostgreSQL would believe that one. Where /proc shows that nobody is here, nobody is.
    if Path("/proc/self/cwd").exists():
        (data / "postmaster.pid").unlink(missing_ok=True)


def servers_in(data: Path) -> list[int]:
    """Return the processes of PostgreSQL at work in a data directory.

    All of them have it as their working directory, which is more than a stale pid file can tell.
    """
    if not Path("/proc/self/cwd").exists():
        return _servers_by_command(data)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            is_server = (entry / "comm").read_text().strip() == "postgres"
            if is_server and (entry / "cwd").samefile(data):
                found.append(int(entry.name))
        except OSError:
            continue  # it ended, or belongs to somebody else
    return found


def _servers_by_command(data: Path) -> list[int]:
    listed = subprocess.run(
        ["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=False
    )
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, command in lines if f"postgres -D {data} " in f"{command} "]
