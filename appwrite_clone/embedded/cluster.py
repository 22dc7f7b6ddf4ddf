"""A cluster in the data directory: making it, starting it, stopping it."""

import contextlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

from appwrite_clone.bootstrap import StartError, last_line
from appwrite_clone.embedded.accounts import account_for, closed_directory
from appwrite_clone.embedded.home import make_secret, temporary_directory
from appwrite_clone.embedded.processes import die_with_parent, stop_process, stop_servers_in
from appwrite_clone.embedded.programs import Programs, find_programs
from appwrite_clone.embedded.space import FILE as READ_ONLY_FILE
from appwrite_clone.embedded.space import Space

NAME = "appwrite"  # of the database and of the role that owns it
SOCKET_NAME = ".s.PGSQL.5432"
BUILTIN_LOCALE_MAJOR = 17

START_SECONDS = 300  # recovery after a crash replays the log first
RETRY_SECONDS = 15  # what a killed server shared with its processes goes when the last one does
POLL_SECONDS = 0.02
LOG_BYTES = 10_000_000

CONNECTIONS = 200
# A statement over a partitioned table locks each partition and index: planned for 10,000 of them.
LOCKS_PER_TRANSACTION = 1024
SHARED_BUFFERS_MB = (64, 512)


class Identity(TypedDict):
    """How PostgreSQL's programs are started: arguments of `subprocess.Popen`."""

    cwd: str
    env: dict[str, str]
    pass_fds: tuple[int, ...]
    user: int | None
    group: int | None
    extra_groups: list[int] | None


class Cluster:
    """One PostgreSQL cluster in `<home>/postgres`, reachable through a unix socket only.

    `prepare`, `start` and `stop` belong to the holder of the data directory's lock.
    """

    def __init__(self, home: Path, *, is_durable: bool = True) -> None:
        self.home = home
        self.is_durable = is_durable
        self.data = home / "postgres"
        self.log = home / "postgres.log"
        self.socket_record = home / "postgres.socket"
        self.new_mark = home / "new"
        self.password_file = home / "secrets" / "database"
        self.account = account_for(self.data)
        self.process: subprocess.Popen[bytes] | None = None
        self._descriptor: int | None = None

    @property
    def space(self) -> Space:
        return Space(self.data)

    @cached_property
    def programs(self) -> Programs:
        return find_programs(self.account)

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def watch_space(self) -> str:
        """Stop or resume writing as the room on the disk asks; returns what has changed."""
        if self.process is None or not self.space.watch(self.process.pid):
            return ""
        if self.space.is_short:
            return f"{self.data} has little room left: writing stops, reading goes on."
        return f"{self.data} has room again: writing goes on."

    def is_new(self) -> bool:
        """Return whether nobody has been greeted here yet."""
        return self.new_mark.exists()

    def forget_new(self) -> None:
        self.new_mark.unlink(missing_ok=True)

    def url(self) -> str:
        """Return the DATABASE_URL of this cluster, good for as long as it runs."""
        password = quote(self.password_file.read_text().strip(), safe="")
        host = quote(str(self.socket_directory()), safe="")
        return f"postgresql://{NAME}:{password}@/{NAME}?host={host}"

    def socket_directory(self) -> Path:
        return Path(self.socket_record.read_text().strip())

    def is_running(self) -> bool:
        return self.socket_record.exists() and (self.socket_directory() / SOCKET_NAME).exists()

    def prepare(self) -> None:
        """Make what is missing: the password, the cluster, the place of its socket."""
        make_secret(self.password_file)
        if not self.exists():
            self._create()
        major = (self.data / "PG_VERSION").read_text().strip()
        if major != str(self.programs.major):
            raise StartError(
                f"{self.data} was written by PostgreSQL {major} and this is "
                f"{self.programs.major}: set POSTGRES_BIN to the older one to dump or to use it."
            )
        self.space.prepare(self.account)
        self._make_socket_directory()

    def _create(self) -> None:
        print("Creating the database", file=sys.stderr, flush=True)
        # Built beside its place and renamed when complete: a kill leaves nothing half made.
        final, self.data = self.data, self.data.with_name("postgres.new")
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        self._give(self.data)
        self._initialise()
        self._configure()
        password = self.password_file.read_text().strip()
        self._run_single_user(
            f"CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{password}';\n"
            f"CREATE DATABASE {NAME} OWNER {NAME};\n"
        )
        self.new_mark.touch()
        self.data = self.data.rename(final)

    def _initialise(self) -> None:
        locale = ["--locale=C"]
        if self.programs.major >= BUILTIN_LOCALE_MAJOR:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # Nobody keeps the superuser's password: the server connects as an ordinary role.
        place = temporary_directory(self.account)
        with tempfile.NamedTemporaryFile("w", dir=place) as password:
            password.write(secrets.token_urlsafe())
            password.flush()
            self._give(Path(password.name))
            made = subprocess.run(
                [
                    *(self.programs.path("initdb"), "-D", self._data_argument()),
                    *("--username=postgres", "--auth=scram-sha-256", f"--pwfile={password.name}"),
                    *("--encoding=UTF8", "--data-checksums", *locale),
                    *([] if self.is_durable else ["--no-sync"]),
                ],
                capture_output=True,
                text=True,
                check=False,
                **self._identity(),
            )
        if made.returncode != 0:
            raise StartError(f"PostgreSQL's initdb failed: {last_line(made.stderr)}")

    def _configure(self) -> None:
        settings = {
            "listen_addresses": "''",
            "password_encryption": "'scram-sha-256'",
            "max_connections": str(CONNECTIONS),
            "max_locks_per_transaction": str(LOCKS_PER_TRANSACTION),
            "shared_buffers": f"'{shared_buffers_mb()}MB'",
            "jit": "off",  # compiling costs more than any of our short statements
            "log_checkpoints": "off",
            "timezone": "'UTC'",
            "include_if_exists": f"'{READ_ONLY_FILE}'",
        }
        if sys.platform.startswith("linux"):
            # After a crash: one call, instead of one for each of thousands of files.
            settings["recovery_init_sync_method"] = "syncfs"
        if not self.is_durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(["\n# Chosen at creation; change them as you like.\n", *lines])

    def _run_single_user(self, statements: str) -> None:
        done = subprocess.run(
            [self.programs.path("postgres"), "--single", "-D", self._data_argument(), "postgres"],
            input=statements,
            capture_output=True,
            text=True,
            check=False,
            **self._identity(),
        )
        if done.returncode != 0 or "ERROR:" in done.stderr:
            raise StartError(f"PostgreSQL cannot be set up: {last_line(done.stderr)}")

    def _make_socket_directory(self) -> None:
        if self.socket_record.exists() and self._owns(self.socket_directory()):
            return
        made = Path(tempfile.mkdtemp(prefix="appwrite-", dir=temporary_directory(self.account)))
        self._give(made)
        self.socket_record.write_text(str(made))

    def _owns(self, directory: Path) -> bool:
        # It lies where everybody may write: after a reboot the name may be somebody else's.
        try:
            found = directory.lstat()
        except FileNotFoundError:
            return False
        owner = self.account.uid if self.account else os.geteuid()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == owner

    def start(self) -> None:
        """Start the server and wait until it accepts connections.

        Raises: StartError with PostgreSQL's own reason.
        """
        stop_servers_in(self.data)
        if self.process is not None:
            self.process.wait()
        for stale in self.socket_directory().glob(f"{SOCKET_NAME}*"):
            stale.unlink()
        deadline = time.monotonic() + RETRY_SECONDS
        while not self._launch():
            reason = self._last_reason()
            if "shared memory" not in reason or time.monotonic() > deadline:
                raise StartError(f"PostgreSQL does not start: {reason} (see {self.log})")
            time.sleep(0.5)

    def _launch(self) -> bool:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.rename(self.log.with_name("postgres.log.1"))
        sockets = str(self.socket_directory())
        # Closed to others: a failed statement is in it, word for word.
        with open(self.log, "ab", opener=_open_private) as log:
            self._log_offset = log.tell()
            self.process = subprocess.Popen(
                [self.programs.path("postgres"), "-D", self._data_argument(), "-k", sockets],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for who started it, who then stops it in order
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - the caller has no threads
                **self._identity(),
            )
        return self._becomes_ready(self.process)

    def _becomes_ready(self, process: "subprocess.Popen[bytes]") -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            with contextlib.suppress(FileNotFoundError):
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                if lines[:1] == [str(process.pid)] and lines[-1].strip() == "ready":
                    return True
            time.sleep(POLL_SECONDS)
        self.stop()
        raise StartError(f"PostgreSQL is not ready after {START_SECONDS} s (see {self.log}).")

    def _last_reason(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_offset)
            text = log.read().decode(errors="replace")
        fatal = [line.split("FATAL:")[1].strip() for line in text.splitlines() if "FATAL:" in line]
        return fatal[-1] if fatal else last_line(text)

    def stop(self) -> None:
        """Stop the server: connections end at once, nothing that was committed is lost."""
        if self.process is not None:
            stop_process(self.process, [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
            self.process = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self.socket_record.exists():
            shutil.rmtree(self.socket_directory(), ignore_errors=True)
            self.socket_record.unlink()

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _data_argument(self) -> str:
        """Return the path PostgreSQL is told for its data.

        Below a directory that its user may not enter (/root, say) an inherited descriptor leads
        to the data all the same, and gives that user no right on anything else.
        """
        closed = closed_directory(self.data, self.account) if self.account else None
        if self.account is None or closed is None:
            return str(self.data)
        if not Path("/proc/self/fd").is_dir():
            raise StartError(
                f"PostgreSQL runs as user {self.account.name}, who may not enter {closed}: "
                "choose another --data-dir."
            )
        if self._descriptor is None:
            self._descriptor = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._descriptor}"

    def _identity(self) -> Identity:
        account = self.account
        return {
            "cwd": "/",
            # Nothing of the caller's own (PGDATA, PGHOST, a locale) reaches the server.
            "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            "pass_fds": () if self._descriptor is None else (self._descriptor,),
            "user": account.uid if account else None,
            "group": account.gid if account else None,
            "extra_groups": [] if account else None,
        }


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def shared_buffers_mb() -> int:
    """Return an eighth of the machine's memory, within bounds that suit laptop and server."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    smallest, largest = SHARED_BUFFERS_MB
    return max(smallest, min(total // 8, largest))
