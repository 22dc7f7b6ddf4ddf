"""The start guard of `manage.py up`: what is refused in production, and what gets through."""

import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from appwrite_clone.embedded import home
from appwrite_clone.embedded.cluster import Cluster
from tests.ports import free_port
from tests.real.test_up import FIRST_START_SECONDS, POLL_SECONDS, Up

pytestmark = [pytest.mark.real, pytest.mark.slow]
RELOAD_SECONDS = 60


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of the operator's own, which keeps what it acknowledged."""
    parent = Path(tempfile.mkdtemp(prefix="appwrite-guard-"))
    parent.chmod(0o711)  # as root, PostgreSQL runs as somebody else
    home.prepare(parent / "data")
    cluster = Cluster(parent / "data")
    cluster.prepare()
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(parent)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(*arguments: str, **variables: str) -> Up:
        command = [f"--port={free_port()}", f"--data-dir={tmp_path / 'data'}", *arguments]
        started.append(Up(*command, **variables))
        return started[-1]

    yield start
    for each in started:
        each.close()


def refusals(server: Up) -> list[str]:
    assert server.finish() == 1
    assert server.lines == []
    return server.error_text().splitlines()


def switch_fsync(cluster: Cluster, value: str) -> None:
    """Have the running server flush its writes, or not."""
    with (cluster.data / "postgresql.conf").open("a") as file:
        file.write(f"fsync = {value}\n")
    assert cluster.process is not None
    cluster.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + RELOAD_SECONDS
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        while connection.execute("SHOW fsync").fetchone() != (value,):
            assert time.monotonic() < deadline
            time.sleep(POLL_SECONDS)


def test_class_21_every_reason_is_a_line_and_nothing_is_made(
    up: Callable[..., Up], cluster: Cluster
):
    before = _tables(cluster)
    switch_fsync(cluster, "off")
    try:
        lines = refusals(
            up(
                DATABASE_URL=cluster.url(),
                APPWRITE_SECRET="changeme",
                ALLOWED_HOSTS="*",
                APPWRITE_PUBLIC_URL="http://api.example.com",
            )
        )
    finally:
        switch_fsync(cluster, "on")
    told = sorted(line.split(":")[1].strip() for line in lines)
    assert told == ["ALLOWED_HOSTS", "APPWRITE_PUBLIC_URL", "APPWRITE_SECRET", "PostgreSQL"]
    assert all(line.startswith("Error: ") for line in lines)
    assert _tables(cluster) == before


def _tables(cluster: Cluster) -> list[tuple[Any, ...]]:
    with psycopg.connect(cluster.url()) as connection:
        return connection.execute("SELECT oid, relname FROM pg_class ORDER BY oid").fetchall()


def test_listening_for_others_asks_for_a_public_address(up: Callable[..., Up]):
    (line,) = refusals(up("--host=0.0.0.0"))
    assert line.startswith("Error: APPWRITE_PUBLIC_URL: is not set")


def test_well_set_up_it_starts_and_answers_to_its_own_names_alone(
    up: Callable[..., Up], cluster: Cluster
):
    server = up(
        DATABASE_URL=cluster.url(),
        APPWRITE_SECRET=secrets.token_urlsafe(32),
        APPWRITE_PUBLIC_URL="https://api.example.com",
        WEB_PROCESSES="1",
        WORKER_PROCESSES="1",
    )
    server.wait_until_ready(FIRST_START_SECONDS)
    address = server.lines[0].removeprefix("Ready: ")
    for host, status in (("api.example.com", 200), ("localhost", 200), ("evil.example", 400)):
        for path in ("/v1/health/version", "/console/login/"):
            answer = requests.get(
                address + path, headers={"Host": host}, allow_redirects=False, timeout=10
            )
            expected = 302 if (status, path) == (200, "/console/login/") else status
            assert answer.status_code == expected, (host, path)
            assert "evil.example" not in answer.text
    assert server.stop() == 0
