"""The real product as its user starts it: `manage.py up` on a free port, data thrown away after."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests

from appwrite_clone.embedded.cluster import Cluster
from tests.compat.parts import ROOT
from tests.ports import free_port

START_SECONDS = 300
STOP_SECONDS = 60
COMMAND_SECONDS = 60
REQUEST_SECONDS = 30
POLL_SECONDS = 0.05
LOG_LINES = 60
# Nothing else of the test run's environment reaches the server: it is a newcomer's start.
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "POSTGRES_BIN")

ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "correct horse battery"
PROJECT = "blog"
CONSOLE = "console"
PAGE_HOST = "app.localhost"  # registered as a platform of the project
STRANGE_HOST = "unregistered.localhost"


class ServerError(Exception):
    """The server did not do what its user would expect; the end of its log is in the text."""


@dataclass(frozen=True)
class Installation:
    """A server under way, and what its first administrator has prepared on it."""

    data_directory: Path
    port: int
    supervisor: int
    team: str = ""
    key: str = field(default="", repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def log(self) -> Path:
        return self.data_directory / "up.log"

    @property
    def database_url(self) -> str:
        return Cluster(self.data_directory).url()

    def manage(self, *arguments: str) -> str:
        """Run a management command beside the running server; return what it prints."""
        done = subprocess.run(
            [*_manage(), *arguments, "--data-dir", str(self.data_directory)],
            cwd=ROOT,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        if done.returncode != 0:
            raise ServerError(f"{arguments[0]} failed: {done.stderr[-2000:]}{done.stdout[-500:]}")
        return done.stdout

    def prepared(self) -> Self:
        """Do what the first administrator does: account, team, project, key, platform."""
        self.manage("create_admin", "--email", ADMIN_EMAIL, "--password", ADMIN_PASSWORD)
        console = self.sign_in_to_console()
        writers = {"teamId": "writers", "name": "Writers"}
        team = _created(console.post(f"{self.endpoint}/teams", json=writers))
        self.manage("create_project", PROJECT, "--name", "BlogApp", "--team", team["$id"])
        made = self.manage("create_key", PROJECT, "--name", "compat", "--scopes", "all")
        platform = {"type": "web", "name": "Blog", "key": "", "hostname": PAGE_HOST}
        _created(console.post(f"{self.endpoint}/projects/{PROJECT}/platforms", json=platform))
        return type(self)(
            data_directory=self.data_directory,
            port=self.port,
            supervisor=self.supervisor,
            team=team["$id"],
            key=json.loads(made)["secret"],
        )

    def sign_in_to_console(self) -> requests.Session:
        """Return a browser-like session of the administrator on the console's own project."""
        session = requests.Session()
        session.headers["X-Appwrite-Project"] = CONSOLE
        credentials = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
        _created(session.post(f"{self.endpoint}/account/sessions/email", json=credentials))
        return session

    def stop(self) -> None:
        """Stop the server as Ctrl-C does and throw its data away.

        Raises: ServerError when it had to be killed.
        """
        has_stopped = True
        with self._ended_file().open("a") as ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.supervisor, signal.SIGTERM)
            if not _wait_for_lock(ended.fileno(), STOP_SECONDS):
                has_stopped = False
                os.kill(self.supervisor, signal.SIGKILL)
                _wait_for_lock(ended.fileno(), STOP_SECONDS)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.supervisor, os.WNOHANG)
        tail = self.log_tail()
        shutil.rmtree(self.data_directory, ignore_errors=True)
        if not has_stopped:
            raise ServerError(f"the server did not stop within {STOP_SECONDS} s:\n{tail}")

    def is_running(self) -> bool:
        if not self._ended_file().exists():
            return False
        with self._ended_file().open("a") as ended:
            return not _wait_for_lock(ended.fileno(), 0)

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LOG_LINES:])

    def _ended_file(self) -> Path:
        return self.data_directory / "up.running"


def start(*, web_processes: int = 2, parent: Path | None = None, **variables: str) -> Installation:
    """Run `manage.py up` on an empty data directory until it says that it is ready.

    The data directory is made in `parent`; `variables` are added to the environment.

    Raises: ServerError with the end of its log.
    """
    # As root, PostgreSQL runs as another user, who has to reach its data.
    data_directory = Path(tempfile.mkdtemp(prefix="appwrite-compat-", dir=parent))
    data_directory.chmod(0o711)
    port = free_port()
    command = [*_manage(), "up", "--data-dir", str(data_directory), "--port", str(port), "--bare"]
    environment = _environment() | {"WEB_PROCESSES": str(web_processes)} | variables
    # The supervisor inherits this lock: it is free again exactly when the supervisor has ended,
    # whoever its parent is by then.
    with (
        (data_directory / "up.running").open("a") as running,
        (data_directory / "up.log").open("ab") as log,
    ):
        fcntl.flock(running, fcntl.LOCK_EX)
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(running.fileno(),),
        )
    process.returncode = 0  # whoever stops it waits for its lock instead, maybe from elsewhere
    installation = Installation(data_directory, port, process.pid)
    try:
        _wait_until_ready(installation)
    except BaseException:
        with contextlib.suppress(ServerError):
            installation.stop()
        raise
    return installation


def _wait_until_ready(installation: Installation) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if "Ready:" in installation.log_tail():
            return
        if not installation.is_running():
            raise ServerError(f"the server ended:\n{installation.log_tail()}")
        time.sleep(POLL_SECONDS)
    raise ServerError(f"not ready within {START_SECONDS} s:\n{installation.log_tail()}")


def _wait_for_lock(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True


def _manage() -> list[str]:
    return [sys.executable, str(ROOT / "manage.py")]


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}


def _created(answer: requests.Response) -> dict[str, Any]:
    if answer.status_code != 201:
        raise ServerError(f"{answer.request.url} answered {answer.status_code}: {answer.text}")
    body: dict[str, Any] = answer.json()
    return body
