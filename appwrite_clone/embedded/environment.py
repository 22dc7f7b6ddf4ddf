"""What commands and children find in their environment, and the database behind it."""

import contextlib
import os
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded import home
from appwrite_clone.embedded.cluster import Cluster

SERVER_START_SECONDS = 60
# They read code and settings only; starting a database for them would be waste.
COMMANDS_WITHOUT_DATABASE = frozenset(
    {"check", "compilemessages", "diffsettings", "findstatic", "help", "makemessages",
     "makemigrations", "startapp", "version", "--help", "--version", "-h"}
)  # fmt: skip


def has_own_database() -> bool:
    """Return whether the user brings a PostgreSQL server of their own."""
    return bool(os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"))


def has_own_secret() -> bool:
    return bool(os.environ.get("APPWRITE_SECRET") or os.environ.get("APPWRITE_SECRET_FILE"))


def has_own_address() -> bool:
    return bool(os.environ.get("APPWRITE_PUBLIC_URL") or os.environ.get("APPWRITE_PUBLIC_URL_FILE"))


def require_secret() -> None:
    if not has_own_secret():
        raise StartError(
            "APPWRITE_SECRET: is not set; DATABASE_URL asks for it (32 random bytes), "
            "or for APPWRITE_SECRET_FILE, the name of a file with it."
        )


def embedded_environment(cluster: Cluster) -> dict[str, str]:
    """Return the variables that lead every process to the embedded database."""
    variables = {
        "DATABASE_URL": cluster.url(),
        "APPWRITE_DATA_DIR": str(cluster.home),
        "APPWRITE_EMBEDDED": "1",
    }
    if not has_own_secret():
        variables["APPWRITE_SECRET_FILE"] = str(master_secret(cluster))
    return variables


def master_secret(cluster: Cluster) -> Path:
    """Return the file of the master secret, made together with the cluster and never after it."""
    path = cluster.home / "secrets" / "master"
    if cluster.exists() and not path.exists():
        raise StartError(f"{path} is missing: restore it from a backup.")
    home.make_secret(path)
    return path


@contextlib.contextmanager
def database_for_command(command: str, data_directory: Path) -> Iterator[None]:
    """Give one command its database: the user's, the running one, or one started for its time."""
    os.environ["APPWRITE_DATA_DIR"] = str(data_directory)
    if has_own_database():
        yield
    elif command in COMMANDS_WITHOUT_DATABASE:
        _set_placeholders()
        yield
    else:
        with _embedded_database(data_directory):
            yield


def _set_placeholders() -> None:
    os.environ["DATABASE_URL"] = "postgresql:///appwrite?host=/nonexistent"
    if not has_own_secret():
        os.environ["APPWRITE_SECRET"] = secrets.token_urlsafe(32)


@contextlib.contextmanager
def _embedded_database(data_directory: Path) -> Iterator[None]:
    home.prepare(data_directory)
    if not has_own_address() and (address := home.remembered_address(data_directory)):
        os.environ["APPWRITE_PUBLIC_URL"] = address
    cluster = Cluster(data_directory)
    try:
        with home.locked(data_directory, home.COMMAND):
            with running(cluster):
                os.environ.update(embedded_environment(cluster))
                yield
            return
    except home.DataDirectoryBusy as busy:
        if not busy.is_server():
            raise
        _wait_for_server(cluster, busy)
    os.environ.update(embedded_environment(cluster))
    yield


def _wait_for_server(cluster: Cluster, busy: home.DataDirectoryBusy) -> None:
    deadline = time.monotonic() + SERVER_START_SECONDS
    while not cluster.is_running():
        if time.monotonic() > deadline:
            raise busy
        time.sleep(0.1)


@contextlib.contextmanager
def running(cluster: Cluster) -> Iterator[None]:
    """Run a cluster for a while; a SIGTERM meanwhile still stops it in order."""
    if not has_own_secret():
        master_secret(cluster)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        cluster.prepare()
        cluster.start()
        yield
    finally:
        cluster.stop()


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def database_for_tests() -> Iterator[dict[str, str]]:
    """Give the tests a server of their own, gone afterwards; yields the variables they need."""
    with tempfile.TemporaryDirectory(prefix="appwrite-test-", ignore_cleanup_errors=True) as path:
        variables = {"APPWRITE_DATA_DIR": path, "APPWRITE_SECRET": secrets.token_urlsafe(32)}
        if has_own_database():
            yield variables
            return
        home.prepare(Path(path))
        cluster = Cluster(Path(path), is_durable=False)
        with running(cluster):
            yield {"DATABASE_URL": cluster.url(), "APPWRITE_EMBEDDED": "1"} | variables
