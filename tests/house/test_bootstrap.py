"""From a bare Python to a running command."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import ProgrammingError, transaction

from appwrite_clone import bootstrap
from appwrite_clone.bootstrap import Progress, StartError, last_line, take_data_directory
from kernel import sql

MANAGE = bootstrap.ROOT / "manage.py"

PRETEND_OLD = """
import runpy, sys
sys.version_info = (3, 9, 18)
sys.argv = ["manage.py", "up"]
runpy.run_path({path!r}, run_name="__main__")
"""


def test_old_python_gets_one_clear_line():
    done = subprocess.run(
        [sys.executable, "-c", PRETEND_OLD.format(path=str(MANAGE))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"Python 3.11 or newer is needed; this is Python 3.9 ({sys.executable})."
    ]


def test_old_python_can_parse_the_entry():
    ast.parse(MANAGE.read_text(), feature_version=(3, 4))


def test_only_the_entry_is_imported_before_the_version_is_checked():
    imported = [
        node
        for node in ast.parse(MANAGE.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert [alias.name for node in imported for alias in node.names] == ["sys"]


@pytest.mark.parametrize(
    ("arguments", "rest", "directory"),
    [
        (["up"], ["up"], "/from/environment"),
        (["up", "--data-dir", "/x", "--port", "1"], ["up", "--port", "1"], "/x"),
        (["up", "--data-dir=/x"], ["up"], "/x"),
        (["--data-dir", "/x", "up"], ["up"], "/x"),
        (["up", "--data-dir=/x", "--data-dir=/y"], ["up"], "/y"),
        (["test", "--", "--data-dir", "/x"], ["test", "--", "--data-dir", "/x"], None),
        (["up", "--data-directory", "/x"], ["up", "--data-directory", "/x"], None),
    ],
)
def test_data_directory_is_taken_off_the_command_line(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], rest: list[str], directory: str | None
):
    monkeypatch.setenv("APPWRITE_DATA_DIR", "/from/environment")

    assert take_data_directory(arguments) == (rest, Path(directory or "/from/environment"))


def test_data_directory_is_in_the_project_by_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("APPWRITE_DATA_DIR", raising=False)

    assert take_data_directory(["up"]) == (["up"], bootstrap.ROOT / ".data")


def test_relative_data_directory_belongs_to_where_the_command_was_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)

    assert take_data_directory(["up", "--data-dir", "here"])[1] == tmp_path / "here"


@pytest.mark.parametrize("arguments", [["up", "--data-dir"], ["up", "--data-dir="]])
def test_data_directory_without_a_value_is_refused(arguments: list[str]):
    with pytest.raises(StartError, match="--data-dir needs a directory"):
        take_data_directory(arguments)


# The virtual environment


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project with requirements and, so far, no virtual environment."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path / ".venv")
    (tmp_path / "requirements.txt").write_text("django==5.2  # the framework\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\npytest==9\n")
    return tmp_path


def pretend_installed(root: Path, requirements: str) -> None:
    (root / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
    python = root / ".venv" / "bin" / "python"
    if not python.exists():
        python.symlink_to(sys.executable)
    stamp = root / ".venv" / f"installed-{requirements}"
    stamp.write_text(bootstrap.stamp_of(requirements))


def test_nothing_is_installed_without_an_environment(root: Path):
    assert not bootstrap.is_installed("requirements.txt")


def test_stamp_spares_the_second_installation(root: Path):
    pretend_installed(root, "requirements.txt")

    assert bootstrap.is_installed("requirements.txt")
    assert not bootstrap.is_installed("requirements-dev.txt")


def test_changed_requirements_are_installed_again(root: Path):
    pretend_installed(root, "requirements.txt")
    (root / "requirements.txt").write_text("django==5.3\n")

    assert not bootstrap.is_installed("requirements.txt")


def test_tests_notice_changed_requirements_of_the_server(root: Path):
    pretend_installed(root, "requirements-dev.txt")
    (root / "requirements.txt").write_text("django==5.3\n")

    assert not bootstrap.is_installed("requirements-dev.txt")


def test_another_interpreter_behind_the_environment_is_noticed(root: Path):
    pretend_installed(root, "requirements.txt")
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/bin/sh")

    assert not bootstrap.is_installed("requirements.txt")


def test_missing_venv_package_is_named_in_one_line(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(StartError) as raised:
        bootstrap.enter_environment("requirements.txt", ["up"])

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt install python{version}-venv" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (root / ".venv").exists()


def test_environment_of_another_python_does_not_loop(root: Path, monkeypatch: pytest.MonkeyPatch):
    pretend_installed(root, "requirements.txt")
    monkeypatch.setenv(bootstrap.REEXECUTED, "1")

    with pytest.raises(StartError, match="remove it"):
        bootstrap.enter_environment("requirements.txt", ["up"])


@pytest.mark.parametrize("asked", ["", "glibc.malloc.hugetlb=0"])
def test_command_continues_inside_the_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch, asked: str
):
    pretend_installed(root, "requirements.txt")
    monkeypatch.setenv("GLIBC_TUNABLES", asked)
    if not asked:
        monkeypatch.delenv("GLIBC_TUNABLES")
    monkeypatch.delenv(bootstrap.REEXECUTED, raising=False)
    calls: list[tuple[str, list[str]]] = []

    def stop_here(path: str, arguments: list[str]) -> None:
        calls.append((path, arguments))
        raise SystemExit

    monkeypatch.setattr(os, "execv", stop_here)
    with pytest.raises(SystemExit):
        bootstrap.enter_environment("requirements.txt", ["up", "--port", "1"])

    python = str(root / ".venv" / "bin" / "python")
    assert calls == [(python, [python, str(root / "manage.py"), "up", "--port", "1"])]
    assert os.environ["GLIBC_TUNABLES"] == (asked or "glibc.malloc.hugetlb=1")
    monkeypatch.delenv(bootstrap.REEXECUTED)


def test_error_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert bootstrap.main(["up", "--data-dir="]) == 1
    assert capsys.readouterr().err == "Error: --data-dir needs a directory.\n"


# Progress


@pytest.mark.db
@pytest.mark.django_db
def test_a_database_without_tables_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch):
    @transaction.atomic
    def fail(_arguments: list[str]) -> None:
        sql.execute("SELECT 1 FROM no_such_table")

    monkeypatch.setattr("django.core.management.execute_from_command_line", fail)
    with pytest.raises(StartError, match="up`, which makes the tables") as caught:
        bootstrap.execute(["doctor"])
    assert "\n" not in str(caught.value)
    with pytest.raises(ProgrammingError):
        bootstrap.execute(["doctor", "--traceback"])


def test_without_a_command_the_project_s_own_are_named(capsys: pytest.CaptureFixture[str]):
    assert bootstrap.main([]) == 0
    assert "create_project" in capsys.readouterr().out


def test_progress_counts_each_package_once_chosen_and_once_downloaded():
    progress = Progress(expected=2)
    for line in [
        "Collecting django==5.2 (from -r requirements.txt (line 1))",
        "Collecting django==5.2 (from guardian)",
        "  Downloading django-5.2-py3-none-any.whl.metadata (4 kB)",
        "Downloading https://files.example/django-5.2-py3-none-any.whl (8.3 MB)",
        "",
    ]:
        progress.read(line)

    assert progress.percent() == 50


def test_progress_never_promises_the_end_too_early():
    progress = Progress(expected=1)
    for number in range(20):
        progress.read(f"Collecting package{number}")

    assert progress.percent() == 99


def test_progress_is_not_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]):
    progress = Progress(expected=1)
    progress.printed_at -= bootstrap.PROGRESS_SECONDS
    progress.read("Collecting django==5.2")
    progress.read("Collecting celery[redis]==5.7")
    progress.read("Installing collected packages: celery, django")
    progress.finish()

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "   50 %  collecting django"
    assert lines[1] == "   99 %  unpacking"
    assert lines[2].startswith("  100 %  installed in ")


def test_last_line_skips_blank_ones():
    assert last_line("first\nERROR: no such package\n\n  \n") == "ERROR: no such package"
    assert last_line(" \n") == "no message"
