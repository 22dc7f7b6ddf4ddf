"""CPU time of the server's processes, where the system tells it (Linux)."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from django.db import connection

_LISTENING = "0A"
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


class CpuMeter:
    """CPU seconds that some processes have used since the meter was made."""

    def __init__(self, find: Callable[[], Iterable[int]]) -> None:
        self._find = find
        self._before = self._read()

    def seconds(self) -> float:
        return sum(used - self._before.get(pid, 0.0) for pid, used in self._read().items())

    def _read(self) -> dict[int, float]:
        return {pid: used for pid in self._find() if (used := cpu_seconds(pid)) is not None}


def cpu_seconds(pid: int) -> float | None:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def listeners(port: int) -> set[int]:
    """Return the processes that serve a port; several may share it.

    One that only holds the sockets of its children does not.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    found = {
        int(process.name)
        for process in _PROC.glob("[0-9]*")
        if not sockets.isdisjoint(_open_files(process))
    }
    return found - {_parent(process) for process in found}


def _parent(process: int) -> int:
    try:
        return int((_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (_PROC / "net/tcp", _PROC / "net/tcp6"):
        if table.exists():
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _open_files(process: Path) -> Iterator[str]:
    with suppress(OSError):
        for entry in (process / "fd").iterdir():
            with suppress(OSError):  # closed since the directory was read
                yield str(entry.readlink())


def database_processes() -> set[int]:
    """Return PostgreSQL's processes: those of connections, and those of the server itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        return {pid for (pid,) in cursor.fetchall()}
