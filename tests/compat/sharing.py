"""One running server for every process of the test run: the first starts it, the last stops it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.compat import live
from tests.compat.parts import one_at_a_time


@contextmanager
def shared_installation(folder: Path) -> Iterator[live.Installation]:
    """Yield the installation of the processes that name the same folder.

    Each holds a shared lock on one file as long as it needs the server; who can turn that lock
    into an exclusive one is the last.
    """
    turn = folder / "compat.lock"
    with (folder / "compat.users").open("a") as users:
        with one_at_a_time(turn):
            fcntl.flock(users, fcntl.LOCK_SH)
            installation = _join_or_start(folder / "compat.json")
        try:
            yield installation
        finally:
            with one_at_a_time(turn):
                if _is_last(users.fileno()):
                    (folder / "compat.json").unlink(missing_ok=True)
                    installation.stop()


def _join_or_start(record: Path) -> live.Installation:
    if record.exists():
        known = json.loads(record.read_text())
        known["data_directory"] = Path(known["data_directory"])
        installation = live.Installation(**known)
        if installation.is_running():
            return installation
    started = live.start(OUTBOUND_HOSTS="127.0.0.1")  # where tests have a provider
    try:
        installation = started.prepared()
    except BaseException:
        started.stop()
        raise
    record.touch(mode=0o600)
    record.write_text(json.dumps(asdict(installation), default=str))
    return installation


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
