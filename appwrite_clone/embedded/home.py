"""The data directory: its lock, its secrets, and short-lived places beside it."""

import contextlib
import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded.accounts import Account, closed_directory

SERVER = "up"
COMMAND = "command"
ADDRESS = "address"
COMMAND_WAIT_SECONDS = 60
SECRET_BYTES = 32
# A socket's whole path must fit: 107 bytes on Linux, 103 on macOS.
LONGEST_TEMPORARY_BYTES = 60


class DataDirectoryBusy(StartError):  # noqa: N818 - a state, which a command may go along with
    """Another process runs the database of this data directory."""

    def __init__(self, path: Path, holder: str) -> None:
        self.holder = holder
        super().__init__(f"{path} is in use by another process ({holder}).")

    def is_server(self) -> bool:
        return self.holder.startswith(SERVER)


def prepare(path: Path) -> None:
    """Make the data directory; entering it gives away nothing, its secrets are closed."""
    try:
        path.mkdir(mode=0o711, parents=True, exist_ok=True)
        (path / "secrets").mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=path), tempfile.TemporaryFile(dir=path / "secrets"):
            pass
    except OSError as error:
        raise StartError(f"cannot write to the data directory {path}: {error.strerror}.") from error


@contextlib.contextmanager
def locked(path: Path, kind: str) -> Iterator[None]:
    """Hold the data directory: only the holder starts and stops its database.

    The kernel frees the lock when the holder dies. A command that finds another command at work
    waits for it; nobody waits for a running server.

    Raises: DataDirectoryBusy.
    """
    # Appending, so that opening it does not erase the holder's name.
    with (path / "lock").open("a+") as file:
        deadline = time.monotonic() + COMMAND_WAIT_SECONDS
        while not _try_lock(file.fileno()):
            file.seek(0)
            holder = file.read().strip() or COMMAND
            if holder.startswith(SERVER) or time.monotonic() > deadline:
                raise DataDirectoryBusy(path, holder)
            time.sleep(0.1)
        file.truncate(0)
        file.write(f"{kind} {os.getpid()}\n")
        file.flush()
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_secret(path: Path) -> None:
    """Write a random secret for its owner's eyes only, unless there is one already."""
    if path.exists():
        return
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secrets.token_urlsafe(SECRET_BYTES)}\n")
        file.flush()
        os.fsync(descriptor)
    unfinished.rename(path)  # never half written, whenever a kill comes


def remember_address(path: Path, address: str | None) -> None:
    """Note where the server answers on this machine, for commands that print links to it."""
    if address is None:
        (path / ADDRESS).unlink(missing_ok=True)
    else:
        (path / ADDRESS).write_text(f"{address}\n")


def remembered_address(path: Path) -> str | None:
    try:
        return (path / ADDRESS).read_text().strip() or None
    except FileNotFoundError:
        return None


def temporary_directory(account: Account | None = None) -> Path:
    """Return a directory for sockets: a short path that the account may enter."""
    chosen = Path(tempfile.gettempdir())
    is_closed = account is not None and closed_directory(chosen, account) is not None
    if is_closed or len(os.fsencode(chosen)) > LONGEST_TEMPORARY_BYTES:
        return Path("/tmp")  # noqa: S108 - names below it come from mkdtemp
    return chosen
