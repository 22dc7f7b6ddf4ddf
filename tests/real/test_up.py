"""`manage.py up` for real: what it prints, how it stops, and what it brings through a kill -9."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from appwrite_clone.bootstrap import ROOT
from appwrite_clone.embedded.cluster import Cluster
from appwrite_clone.embedded.processes import servers_in
from tests.ports import free_port
from tests.real import processes

pytestmark = [pytest.mark.real, pytest.mark.slow]

FIRST_START_SECONDS = 120
# The promise is 5 s; the rest is for a machine that runs other tests at the same time.
SECOND_START_SECONDS = 5 * 4
STOP_SECONDS = 60
RESTART_SECONDS = 20
POLL_SECONDS = 0.05
NOT_INHERITED = ("APPWRITE_", "DATABASE_URL", "REDIS_URL", "PYTEST", "COV_")


class Up:
    """One run of `manage.py up`; its standard output is read as it comes."""

    def __init__(self, *arguments: str, **variables: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(NOT_INHERITED)}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", *arguments],
            env=kept | {"WEB_PROCESSES": "2"} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_until(self, found: Callable[[], object], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not found():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"it did not come to that:\n{self.error_text()}\n{self.lines}")
            time.sleep(POLL_SECONDS)

    def wait_until_ready(self, seconds: float) -> float:
        """Return how many seconds it took."""
        self.wait_until(lambda: any(line.startswith("Ready:") for line in self.lines), seconds)
        return time.monotonic() - self.started_at

    def error_text(self) -> str:
        self.errors.seek(0)
        return self.errors.read()

    def finish(self) -> int:
        """Wait for its end; returns the exit code."""
        code = self.process.wait(FIRST_START_SECONDS)
        self.reader.join()
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.finish()

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop()
        self.reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.errors.close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def data() -> Iterator[Path]:
    """A place for data that does not exist yet."""
    parent = Path(tempfile.mkdtemp(prefix="appwrite-up-"))
    yield parent / "data"
    sockets = parent / "data" / "postgres.socket"
    if sockets.exists():  # a killed server leaves them to the next start
        shutil.rmtree(sockets.read_text(), ignore_errors=True)
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def used_once() -> Iterator[Path]:
    """Data of a server that was started with `--bare`, and stopped."""
    parent = Path(tempfile.mkdtemp(prefix="appwrite-up-"))
    server = Up("--bare", f"--port={free_port()}", f"--data-dir={parent / 'data'}")
    try:
        server.wait_until_ready(FIRST_START_SECONDS)
    finally:
        server.close()
    yield parent / "data"
    shutil.rmtree(parent)


@pytest.fixture
def used(used_once: Path, data: Path) -> Path:
    """Make `data` a copy of them, owners included."""
    subprocess.run(["cp", "-a", str(used_once), str(data)], check=True)
    return data


@pytest.fixture
def up(port: int, data: Path) -> Iterator[Callable[..., Up]]:
    """Start a server, by default on an address and data of the test's own."""
    started: list[Up] = []

    def start(*arguments: str, **variables: str) -> Up:
        command = [f"--port={port}", f"--data-dir={data}", *arguments]
        started.append(Up(*command, **variables))
        return started[-1]

    yield start
    for each in started:
        each.close()


def ask(data: Path, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(Cluster(data).url(), autocommit=True) as connection:
        done = connection.execute(statement)
        return done.fetchall() if done.description else []


def wait_for_first_project(server: Up) -> None:
    """Wait until the last line of a first start is there: the console's one-time link."""
    server.wait_until_ready(FIRST_START_SECONDS)
    server.wait_until(lambda: server.lines[-1].startswith("    http"), STOP_SECONDS)


def test_first_start_prints_what_writes_the_first_document(
    up: Callable[..., Up], port: int, data: Path
):
    server = up()
    wait_for_first_project(server)
    assert server.stop() == 0

    url = f"http://127.0.0.1:{port}"
    assert [line for line in server.lines if line.startswith("Ready:")] == [f"Ready: {url}"]
    assert server.lines[:2] == [f"Ready: {url}", f"Console: {url}/console/"]
    text = "\n".join(server.lines)
    assert f"{url}/v1" in text
    assert "quickstart" in text
    assert re.search(rf"{re.escape(url)}/console/\S+", text.partition("Console:")[2][50:])
    assert "Creating the database" in server.error_text()


def test_printed_snippet_writes_the_first_document(up: Callable[..., Up]):
    server = up()
    wait_for_first_project(server)
    indented = [line.strip() for line in server.lines if re.match(r" {4}\S", line)]
    snippet = [line for line in indented if not line.startswith("http")]

    assert len(snippet) == 3
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(snippet)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Hello" in done.stdout


def test_second_start_is_quick_and_says_nothing_of_a_first_project(up: Callable[..., Up]):
    first = up()
    wait_for_first_project(first)
    first.stop()

    second = up()
    seconds = second.wait_until_ready(SECOND_START_SECONDS)
    print(f"second start to Ready: {seconds:.2f} s")  # noqa: T201 - a figure worth seeing
    second.stop()

    assert len(second.lines) == 2


def test_bare_start_makes_no_project(up: Callable[..., Up], data: Path):
    server = up("--bare")
    server.wait_until_ready(FIRST_START_SECONDS)
    uids = ask(data, "SELECT uid FROM project")
    server.stop()

    assert uids == [("console",)]
    assert len(server.lines) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_leaves_nothing_behind(
    up: Callable[..., Up], port: int, used: Path, number: signal.Signals
):
    server = up("--bare")
    server.wait_until_ready(FIRST_START_SECONDS)
    everything = processes.tree(server.process.pid)
    assert len(processes.web_processes(server.process.pid, port)) == 2

    assert server.stop(number) == 0

    assert [pid for pid in everything if Path(f"/proc/{pid}").exists()] == []
    assert servers_in(used / "postgres") == []
    assert "not properly shut down" not in (used / "postgres.log").read_text()


def test_killed_web_process_is_replaced(up: Callable[..., Up], used: Path, port: int):
    server = up("--bare")
    server.wait_until_ready(FIRST_START_SECONDS)
    supervisor = server.process.pid
    before = processes.web_processes(supervisor, port)
    os.kill(before[0], signal.SIGKILL)

    server.wait_until(
        lambda: len(set(processes.web_processes(supervisor, port)) - {before[0]}) == 2,
        RESTART_SECONDS,
    )
    for _ in range(10):
        answer = requests.get(f"http://127.0.0.1:{port}/v1/health/version", timeout=10)
        assert answer.status_code == 200
    assert "ended (SIGKILL); it starts again in 0.5 s" in server.error_text()


def test_killed_database_is_replaced(up: Callable[..., Up], used: Path):
    server = up("--bare")
    server.wait_until_ready(FIRST_START_SECONDS)
    ask(used, "CREATE TABLE kept AS SELECT 7 AS number")
    processes.kill(servers_in(used / "postgres"))

    def is_back() -> bool:
        try:
            return ask(used, "SELECT number FROM kept") == [(7,)]
        except psycopg.OperationalError:
            return False

    server.wait_until(is_back, RESTART_SECONDS)


def test_nothing_is_lost_when_everything_is_killed(up: Callable[..., Up], used: Path):
    first = up("--bare")
    first.wait_until_ready(FIRST_START_SECONDS)
    ask(used, "CREATE TABLE kept AS SELECT 7 AS number")
    processes.kill(processes.tree(first.process.pid))
    first.finish()

    second = up("--bare")
    second.wait_until_ready(FIRST_START_SECONDS)

    assert ask(used, "SELECT number FROM kept") == [(7,)]
    assert second.stop() == 0


def test_children_do_not_outlive_a_killed_supervisor(up: Callable[..., Up], used: Path):
    server = up("--bare")
    server.wait_until_ready(FIRST_START_SECONDS)
    everything = processes.tree(server.process.pid)
    os.kill(server.process.pid, signal.SIGKILL)
    server.finish()

    deadline = time.monotonic() + STOP_SECONDS
    while servers_in(used / "postgres") and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    assert [pid for pid in everything if processes.is_at_work(pid)] == []


def test_command_works_on_the_running_database_and_on_a_stopped_one(
    up: Callable[..., Up], used: Path
):
    def count_projects() -> str:
        done = subprocess.run(
            [
                *(sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0"),
                *("-c", "from projects.models import Project; print(Project.objects.count())"),
                f"--data-dir={used}",
            ],
            env={k: v for k, v in os.environ.items() if not k.startswith(NOT_INHERITED)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    server = up("--bare")
    server.wait_until_ready(FIRST_START_SECONDS)
    assert count_projects() == "1"
    server.stop()

    assert count_projects() == "1"
    assert servers_in(used / "postgres") == []


# One clear line each, exit code 1


def refusal(server: Up) -> str:
    assert server.finish() == 1
    assert server.lines == []
    lines = server.error_text().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    return lines[0]


def test_port_in_use_is_told_before_anything_is_made(up: Callable[..., Up], port: int, data: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said = refusal(up())

    assert said == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use."
    assert not data.exists()


def test_unwritable_data_directory_is_told(up: Callable[..., Up], data: Path):
    data.parent.joinpath("file").touch()

    said = refusal(up(f"--data-dir={data.parent}/file/data"))

    assert said.startswith(f"Error: cannot write to the data directory {data.parent}/file/data:")


def test_data_directory_in_use_is_told(up: Callable[..., Up], used: Path, port: int):
    first = up("--bare")
    first.wait_until_ready(FIRST_START_SECONDS)

    said = refusal(up("--host=127.0.0.2"))

    assert f"is in use by another process (up {first.process.pid})" in said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "Connection refused"),
        ("postgresql://nobody@/none?host=/nonexistent", "No such file or directory"),
        ("mysql://nobody@127.0.0.1/none", "postgresql://"),
    ],
)
def test_wrong_database_url_is_told(up: Callable[..., Up], url: str, reason: str):
    said = refusal(up(DATABASE_URL=url, APPWRITE_SECRET="a" * 20 + "secret for this test"))

    assert "DATABASE_URL" in said
    assert reason in said


def test_unreachable_redis_is_told(up: Callable[..., Up], used: Path):
    said = refusal(up(REDIS_URL="redis://127.0.0.1:1"))

    assert "REDIS_URL: cannot use Redis" in said
    assert "Connection refused" in said


def test_own_database_without_a_secret_is_told(up: Callable[..., Up]):
    said = refusal(up(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none"))

    assert "APPWRITE_SECRET" in said
