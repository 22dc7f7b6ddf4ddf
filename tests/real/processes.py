"""The processes of a running server, as the operating system tells them."""

import contextlib
import os
import signal
from pathlib import Path

LISTENING = "0A"
ESTABLISHED = "01"


def children(process_id: int) -> list[int]:
    """Return the ids of a process's children."""
    return [each for each in _all() if _parent(each) == process_id]


def web_processes(supervisor: int, port: int) -> list[int]:
    """Return those children of a supervisor that listen on its port."""
    sockets = _listening_sockets(port)
    return [each for each in children(supervisor) if not sockets.isdisjoint(_links(each))]


def workers(supervisor: int) -> list[int]:
    """Return those children of a supervisor that run jobs."""
    return [each for each in children(supervisor) if _name(each).startswith("worker ")]


def connections_of(process_id: int, port: int) -> int:
    """Count the established connections that a process serves on a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {
        row[9]
        for row in rows
        if row[3] == ESTABLISHED and int(row[1].rpartition(":")[2], 16) == port
    }
    return len(_links(process_id) & {f"socket:[{inode}]" for inode in inodes})


def tree(supervisor: int) -> list[int]:
    """Return a supervisor and all processes below it."""
    below = [tree(child) for child in children(supervisor)]
    return [supervisor, *(each for branch in below for each in branch)]


def kill(process_ids: list[int]) -> None:
    for process_id in process_ids:
        with contextlib.suppress(ProcessLookupError):  # it died with the one before
            os.kill(process_id, signal.SIGKILL)


def is_at_work(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # a zombie waits for whoever adopted it, and does nothing


def _all() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _name(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _parent(process_id: int) -> int:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(status.rpartition(")")[2].split()[1])  # a name may hold spaces and brackets


def _listening_sockets(port: int) -> set[str]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        f"socket:[{row[9]}]"
        for row in rows
        if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port
    }


def _links(process_id: int) -> set[str]:
    found = set()
    try:
        for path in Path(f"/proc/{process_id}/fd").iterdir():
            found.add(os.readlink(path))  # noqa: PTH115  # the target is no path
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found
