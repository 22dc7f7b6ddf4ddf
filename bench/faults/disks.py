"""A full disk under the data: reads go on, writes are refused, and all is well when there is room.

Root only: the disk is a small one in memory, mounted for the run.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.faults.audit import Audit, audit, new_ledger
from bench.faults.outages import CHECKS, poisoned
from bench.faults.recovery import seconds_to_recover
from bench.faults.site import Site, running
from bench.faults.writers import OK, Client, Ledger, writing

SIZE = "400m"
PIECE_BYTES = 1024 * 1024
WARM_UP_SECONDS = 1.0
NOTICE_SECONDS = 1.0  # the server looks at the room left twice a second
READ_PAUSE_SECONDS = 0.05
# What a neighbour's writing adds to the log, until it is refused: more than one file of it.
PRESSURE = 2_000
_PRESS = "UPDATE document SET data = data"


@dataclass(frozen=True, kw_only=True)
class FullDisk:
    """What clients saw while the disk was full, and afterwards."""

    seconds: float
    outcomes: dict[str, int]
    reads: int
    reads_failed: int
    slowest_seconds: float
    recovery_seconds: float
    poisoned: int
    checked: int
    was_restarted: bool
    audit: Audit
    broken: list[str]

    @property
    def is_clean(self) -> bool:
        whole = not self.reads_failed and not self.poisoned and not self.was_restarted
        return whole and self.audit.is_clean


def can_run() -> bool:
    """Tell whether this process may mount a small disk."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


def run(*, seconds: float, writers: int, seed: int) -> FullDisk:
    """Fill the disk of a server of its own while clients write; then give the room back."""
    with _small_disk() as disk, running(parent=disk) as site:
        ledger = new_ledger(site)
        servers = site.web() + site.postmaster()
        with writing(site, ledger, writers=writers, seed=seed):
            time.sleep(WARM_UP_SECONDS)
            ballast = _fill(disk)
            before = Counter(ledger.outcomes)
            time.sleep(NOTICE_SECONDS)
            _press(site)
            reads, failed = _read_on(site, ledger, seconds)
            during = Counter(ledger.outcomes) - before
            ballast.unlink()
            recovery = seconds_to_recover(site, ledger, time.monotonic(), lambda: True)
        return FullDisk(
            seconds=seconds,
            outcomes=dict(during),
            reads=reads,
            reads_failed=failed,
            slowest_seconds=ledger.slowest_seconds,
            recovery_seconds=recovery,
            poisoned=poisoned(site, ledger),
            checked=CHECKS,
            was_restarted=site.web() + site.postmaster() != servers,
            audit=audit(site, ledger),
            broken=ledger.broken[:20],
        )


@contextmanager
def _small_disk() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="appwrite-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(place)]
    subprocess.run(command, check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


def _fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        with suppress(OSError):  # which is what was wanted: no space left
            while True:
                os.write(descriptor, bytes(PIECE_BYTES))
    finally:
        os.close(descriptor)
    return ballast


def _press(site: Site) -> None:
    with suppress(psycopg.Error), site.database() as database:
        for _ in range(PRESSURE):
            database.execute(_PRESS)


def _read_on(site: Site, ledger: Ledger, seconds: float) -> tuple[int, int]:
    client = Client(site, ledger, site.user)
    asked = failed = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        asked += 1
        answer = client.send("GET", f"{site.documents}?total=false")
        failed += answer is None or answer.status_code != OK
        time.sleep(READ_PAUSE_SECONDS)
    client.close()
    return asked, failed
