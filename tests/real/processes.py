"""The processes of a running server, as the operating system tells them."""

import os
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
