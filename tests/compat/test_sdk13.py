"""The official Python SDK 13.4.1: answers are dicts, and tokens have a method of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.live import PROJECT, Installation
from tests.compat.parts import COMPAT, python_sdk_13

SCENARIO_SECONDS = 60


@pytest.fixture(scope="session")
def sdk_folder() -> Path:
    return python_sdk_13()


@pytest.fixture
def answers(server: Installation, sdk_folder: Path) -> Callable[[str], dict[str, Any]]:
    """Run a scenario by name and return what it was answered."""

    def run(name: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(COMPAT / "sdk13" / f"{name}.py")],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(sdk_folder),
                "APPWRITE_ENDPOINT": server.endpoint,
                "APPWRITE_PROJECT": PROJECT,
                "APPWRITE_KEY": server.key,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=SCENARIO_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    return run


def test_account(answers: Callable[[str], dict[str, Any]]):
    told = answers("account")

    assert told["user"]["name"] == "Alice"
    assert told["session"]["userId"] == told["user"]["$id"]
    assert told["jwt"]["jwt"].count(".") == 2
    assert told["me"]["$id"] == told["by_token"]["$id"] == told["user"]["$id"]
    assert told["changed"]["prefs"] == told["prefs"] == {"theme": "dark"}
    assert told["sessions"]["total"] == 1
    assert told["ended"] == ""
    assert told["afterwards"] == [401, "general_unauthorized_scope"]
    assert told["token_afterwards"] == [401, "user_jwt_invalid"]


def test_documents(answers: Callable[[str], dict[str, Any]]):
    told = answers("documents")

    assert told["attribute"]["status"] == "processing"
    assert [each["key"] for each in told["collection"]["attributes"]] == ["title", "size"]
    assert [each["key"] for each in told["collection"]["indexes"]] == ["by_size"]
    assert told["collection"]["documentSecurity"] is True
    assert (told["made"]["title"], told["made"]["size"]) == ("A", 5)
    assert told["made"]["$permissions"] == ['update("users")', 'delete("users")']
    assert told["made"]["$collectionId"] == "notes"
    assert told["found"] == told["made"]
    assert told["changed"]["title"] == "C"
    assert [each["title"] for each in told["listed"]["documents"]] == ["C"]
    assert told["by_guest"]["total"] == 2
    assert told["missing"] == [404, "document_not_found"]


def test_rows(answers: Callable[[str], dict[str, Any]]):
    told = answers("rows")

    assert told["table"]["rowSecurity"] is False
    assert told["made"]["$tableId"] == "notes"
    assert told["changed"]["title"] == "B"
    assert told["listed"]["rows"] == [told["changed"]]
    assert told["emptied"]["total"] == 0


def test_users_teams_and_health(answers: Callable[[str], dict[str, Any]]):
    told = answers("people")

    assert told["found"] == told["made"]
    assert [each["$id"] for each in told["listed"]["users"]] == [told["made"]["$id"]]
    assert told["missing"] == [404, "user_not_found"]
    assert told["team"]["name"] == "Readers"
    assert told["team"]["$id"] in [each["$id"] for each in told["teams"]["teams"]]
    assert told["health"]["status"] == "pass"
    assert told["time"]["localTime"] > 0
