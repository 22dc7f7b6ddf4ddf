"""From a bare Python to a running command: the virtual environment, its packages, the dispatch.

Standard library only: this runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
DATA_DIRECTORY = ROOT / ".data"
SERVER_REQUIREMENTS = "requirements.txt"
TEST_REQUIREMENTS = "requirements-dev.txt"

# Read by glibc when a program starts. In usual pages of memory a password's hash takes 1.7 times as
# long: most of it asking the kernel for 46 MiB.
LARGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"
# Set across the re-execution, so that an environment that is not what it seems cannot loop forever.
REEXECUTED = "APPWRITE_REEXECUTED"

# Progress counts packages, and pip tells how many there are only at the end. So this is a guess:
# a pin and what it brings along.
PACKAGES_PER_PIN = 3.5
PROGRESS_SECONDS = 5
PIP_ERROR_LINES = 15

UNDEFINED_TABLE = "42P01"  # PostgreSQL's code
HELP = """usage: python3 manage.py COMMAND [--data-dir DIRECTORY]

  up              start everything (--help names the options)
  create_admin    make a console user
  create_project  make a project
  create_key      make an API key
  rotate_secrets  sign with a new key from now on
  doctor          check database, migrations, worker and stored grants
  test            run the tests; arguments go to pytest

Each has --help, and `python3 manage.py help` lists Django's own commands too.
"""


class StartError(Exception):
    """Something the person at the terminal has to change, said in one line."""


def main(arguments: list[str]) -> int:
    """Run one command line; returns the exit code."""
    try:
        return _dispatch(arguments)
    except StartError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(HELP, end="")
        return 0
    command = arguments[0]
    if command == "test":
        enter_environment(TEST_REQUIREMENTS, arguments)
        return _run_tests(arguments[1:])
    rest, data_directory = take_data_directory(arguments)
    enter_environment(SERVER_REQUIREMENTS, arguments)
    if command == "up":
        return int(_load("supervisor").main(rest[1:], data_directory))
    return _run_django(rest, data_directory)


def _load(room: str) -> Any:
    # Loaded only now: this room is imported by that one.
    return importlib.import_module(f"appwrite_clone.{room}")


def _run_django(arguments: list[str], data_directory: Path) -> int:
    command = arguments[0] if arguments else "help"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appwrite_clone.settings")
    # What `makemigrations` says when there is no database to compare with.
    warnings.filterwarnings("ignore", "Got an error checking a consistent", RuntimeWarning)
    with _load("embedded.environment").database_for_command(command, data_directory):
        _load("celery")  # so that jobs the command enqueues find their broker
        execute(arguments)
    return 0


def execute(arguments: list[str]) -> None:
    """Run a command of Django's; a database it cannot use is one line, not a traceback."""
    management = importlib.import_module("django.core.management")
    database = importlib.import_module("django.db")
    try:
        management.execute_from_command_line(["manage.py", *arguments])
    except (database.OperationalError, database.ProgrammingError) as error:
        if "--traceback" in arguments:
            raise
        reason = str(error).strip().partition("\n")[0]
        if getattr(error.__cause__, "sqlstate", None) == UNDEFINED_TABLE:
            reason += "; start it once with `python3 manage.py up`, which makes the tables"
        raise StartError(f"cannot use the database: {reason}.") from error


def _run_tests(arguments: list[str]) -> int:
    if arguments[:1] == ["--prepare"]:
        return 0
    with _load("embedded.environment").database_for_tests() as variables:
        command = [sys.executable, "-m", "pytest", *arguments]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}) as pytest:
            return _wait_through_interrupts(pytest)


def _wait_through_interrupts(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a child that a Ctrl-C or a SIGTERM reaches too, and that then ends by itself."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the terminal has told the child as well
        except SystemExit:
            process.terminate()


def take_data_directory(arguments: list[str]) -> tuple[list[str], Path]:
    """Split `--data-dir X` off a command line; without it APPWRITE_DATA_DIR, then `.data`.

    Everything after a bare `--` belongs to somebody else and is left alone.
    """
    rest: list[str] = []
    chosen = os.environ.get("APPWRITE_DATA_DIR") or str(DATA_DIRECTORY)
    pending = deque(arguments)
    while pending:
        argument = pending.popleft()
        if argument == "--":
            rest += [argument, *pending]
            break
        name, equals, value = argument.partition("=")
        if name != "--data-dir":
            rest.append(argument)
            continue
        if not equals and pending:
            value = pending.popleft()
        if not value:
            raise StartError("--data-dir needs a directory.")
        chosen = value
    return rest, Path(chosen).expanduser().absolute()


def enter_environment(requirements: str, arguments: list[str]) -> None:
    """Make `.venv` hold what the requirements file names, and continue inside it.

    The C library reads what it is asked for when a program starts, so that takes a start as well.
    """
    if not is_installed(requirements):
        _install(requirements)
    if inside_environment() and LARGE_PAGES[0] in os.environ:
        os.environ.pop(REEXECUTED, None)
        return
    if os.environ.get(REEXECUTED):
        raise StartError(f"{ENVIRONMENT} is not a virtual environment of this Python: remove it.")
    os.environ[REEXECUTED] = "1"
    os.environ.setdefault(*LARGE_PAGES)
    sys.stdout.flush()
    python = str(_python())
    os.execv(python, [python, str(ROOT / "manage.py"), *arguments])  # noqa: S606 - our own script


def inside_environment() -> bool:
    return ENVIRONMENT.is_dir() and ENVIRONMENT.samefile(sys.prefix)


def is_installed(requirements: str) -> bool:
    stamp = _stamp_path(requirements)
    return _python().exists() and stamp.exists() and stamp.read_text() == stamp_of(requirements)


def stamp_of(requirements: str) -> str:
    """Digest of everything whose change asks for another installation.

    The interpreter is part of it: after an upgrade of the system's Python the link in `.venv`
    leads to a version whose packages are not there.
    """
    digest = hashlib.sha256(os.path.realpath(_python()).encode())
    for name in _with_included(requirements):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _with_included(requirements: str) -> list[str]:
    text = (ROOT / requirements).read_text()
    included = re.findall(r"^-r\s+(\S+)", text, flags=re.MULTILINE)
    return [*included, requirements]


def _stamp_path(requirements: str) -> Path:
    return ENVIRONMENT / f"installed-{requirements}"


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _install(requirements: str) -> None:
    try:
        with _one_installer():
            if is_installed(requirements):
                return  # somebody else installed while this process waited for the lock
            _make_environment()
            _install_packages(requirements)
            for name in _with_included(requirements):
                _stamp_path(name).write_text(stamp_of(name))
    except PermissionError as error:
        raise StartError(f"cannot write {error.filename}: {error.strerror}.") from error


@contextlib.contextmanager
def _one_installer() -> Iterator[None]:
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_environment() -> None:
    if _has_pip():
        return
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise StartError(
            f"Python's venv module is incomplete: install the package {package} "
            f"(or python3-venv), for example with `apt install {package}`."
        )
    print(f"Making the virtual environment {ENVIRONMENT}", file=sys.stderr, flush=True)
    interpreter = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run(
        [interpreter, "-m", "venv", "--clear", str(ENVIRONMENT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise StartError(f"cannot make {ENVIRONMENT}: {last_line(made.stdout + made.stderr)}")


def _has_pip() -> bool:
    if not _python().exists():
        return False
    asked = subprocess.run(
        [_python(), "-m", "pip", "--version"], capture_output=True, check=False, cwd=ROOT
    )
    return asked.returncode == 0


def _install_packages(requirements: str) -> None:
    print(f"Installing the packages of {requirements}", file=sys.stderr, flush=True)
    command = [
        *(str(_python()), "-m", "pip", "install", "--requirement", requirements),
        *("--disable-pip-version-check", "--no-input", "--progress-bar", "off"),
    ]
    progress = Progress(expected=int(_count_pins(requirements) * PACKAGES_PER_PIN))
    tail: deque[str] = deque(maxlen=PIP_ERROR_LINES)
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            tail.append(line)
            progress.read(line)
    if pip.returncode != 0:
        progress.interrupt()
        sys.stderr.writelines(tail)
        raise StartError(f"pip could not install {requirements}; its last lines are above.")
    progress.finish()


def _count_pins(requirements: str) -> int:
    lines = [line for name in _with_included(requirements) for line in (ROOT / name).open()]
    return sum("==" in line for line in lines)


class Progress:
    """Turns pip's output into a percentage, redrawn on a terminal, else shown every few seconds."""

    def __init__(self, expected: int) -> None:
        self.expected = max(expected, 1)
        self.seen: set[str] = set()
        self.is_terminal = sys.stderr.isatty()
        self.started_at = self.printed_at = time.monotonic()

    def read(self, line: str) -> None:
        """Note one line of pip's output."""
        words = line.split()
        if not words:
            return
        is_package = len(words) > 1 and not words[1].endswith(".metadata")
        if words[0] in {"Collecting", "Downloading"} and is_package:
            name = re.split(r"[<>=!~;\[(]", words[1])[0].rsplit("/", 1)[-1]
            self.seen.add(f"{words[0]} {name}")
            self._show(f"{words[0].lower()} {name}")
        elif line.startswith("Installing collected packages"):
            self._show("unpacking", always=True)

    def percent(self) -> int:
        # A package is met twice: when it is chosen and when it is downloaded.
        return min(99, 100 * len(self.seen) // (2 * self.expected))

    def finish(self) -> None:
        self.interrupt()
        seconds = time.monotonic() - self.started_at
        print(f"  100 %  installed in {seconds:.0f} s", file=sys.stderr, flush=True)

    def interrupt(self) -> None:
        if self.is_terminal:
            sys.stderr.write("\r\x1b[K")

    def _show(self, what: str, *, always: bool = False) -> None:
        text = f"  {self.percent():3d} %  {what}"
        if self.is_terminal:
            sys.stderr.write(f"\r\x1b[K{text[:78]}")
            sys.stderr.flush()
        elif always or time.monotonic() - self.printed_at >= PROGRESS_SECONDS:
            self.printed_at = time.monotonic()
            print(text, file=sys.stderr, flush=True)


def last_line(text: str) -> str:
    """Return the last line that says something, for messages of one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
