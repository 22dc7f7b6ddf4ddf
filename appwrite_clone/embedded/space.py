"""The room left on the disk of a cluster: when it runs short, only reading goes on.

A log that cannot be continued ends the whole server, reads and all. So writing stops while there
still is room for it. The switch is a file that is renamed, which needs no room.
"""

import contextlib
import os
import shutil
import signal
from pathlib import Path

from appwrite_clone.embedded.accounts import Account

MIB = 1024 * 1024
#: A few files of the log, 16 MiB each. Writing starts again when there is twice as much.
RESERVE_BYTES = 64 * MIB

FILE = "read_only.conf"
READ_ONLY = "default_transaction_read_only = on\n"


class Space:
    """The switch of one cluster."""

    def __init__(self, data: Path) -> None:
        self._on = data / FILE
        self._off = data / f"{FILE}.off"

    @property
    def is_short(self) -> bool:
        return self._on.exists()

    def prepare(self, account: Account | None) -> None:
        """Make what is renamed later."""
        if self.is_short or self._off.exists():
            return
        self._off.write_text(READ_ONLY)
        if account:
            os.chown(self._off, account.uid, account.gid)

    def watch(self, postmaster: int) -> bool:
        """Switch when the room left asks for it; tell whether anything changed."""
        free = shutil.disk_usage(self._on.parent).free
        if self.is_short == (free < RESERVE_BYTES * (2 if self.is_short else 1)):
            return False
        old, new = (self._on, self._off) if self.is_short else (self._off, self._on)
        with contextlib.suppress(ProcessLookupError):
            old.rename(new)
            os.kill(postmaster, signal.SIGHUP)
        return True
