"""Parts that do not come with the tests' own packages: found, installed once, or told missing."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

COMPAT = Path(__file__).resolve().parent
ROOT = COMPAT.parent.parent
INSTALLED = Path(sys.prefix) / "compat"  # in the tests' own virtual environment
INSTALL_SECONDS = 300
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing(reason: str) -> NoReturn:
    """End the test: skipped on a newcomer's machine, failed where `CI` promises every part."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def program(*names: str) -> str:
    """Return the path of the first program that is installed."""
    for name in names:
        if path := shutil.which(name):
            return path
    missing(f"{names[0]} is not installed")


def python_sdk_13() -> Path:
    """Return the folder that holds the official Python SDK 13.4.1, and nothing else."""
    requirements = COMPAT / "requirements-13.txt"
    folder = INSTALLED / "appwrite-13"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--upgrade", "--quiet"]
    _install_once(
        [*command, "--disable-pip-version-check", "--target", str(folder), "-r", str(requirements)],
        folder=folder,
        pins=requirements,
    )
    return folder


def web_sdk() -> Path:
    """Return the folder of browser scripts of the official web SDK."""
    web = COMPAT / "web"
    _install_once(
        [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        folder=web / "node_modules",
        pins=web / "package-lock.json",
    )
    return web / "node_modules" / "appwrite" / "dist" / "iife"


def _install_once(command: list[str], *, folder: Path, pins: Path) -> None:
    """Run an installer unless its folder already holds what the pins say, one at a time."""
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    stamp = folder / ".installed"
    with one_at_a_time(INSTALLED / f"{folder.name}.lock"):
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        done = subprocess.run(
            command,
            cwd=pins.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
        if done.returncode != 0:
            missing(f"cannot install {pins.name}: {(done.stderr or done.stdout).strip()[-300:]}")
        stamp.write_text(wanted)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process at a time through; the kernel frees the lock of one that dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
