"""The command as it is called, and who looks at what it did."""

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core.management import call_command

from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.console.firebase.exports import HASH_CONFIG
from tests.documents.conftest import MakeKey


@dataclass(frozen=True)
class Said:
    """What the command printed: the plan, the outcome behind it, and its progress."""

    out: str
    progress: str

    @property
    def outcome(self) -> dict[str, Any]:
        outcome: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return outcome


class ImportFirebase(Protocol):
    """The type of the fixture `import_firebase`."""

    def __call__(self, *options: object) -> Said: ...


@pytest.fixture
def import_firebase(project: ProjectContext) -> ImportFirebase:
    def run(*options: object) -> Said:
        out, progress = StringIO(), StringIO()
        options = ("blog", *map(str, options))
        call_command("import_firebase", *options, stdout=out, stderr=progress)
        return Said(out.getvalue(), progress.getvalue())

    return run


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    scopes = ["users.read", "collections.read", "documents.read", "documents.write"]
    return client_for(project, key=make_key(project, scopes))


@pytest.fixture
def hash_config(tmp_path: Path) -> Path:
    path = tmp_path / "hash-config.txt"
    path.write_text(HASH_CONFIG)
    return path


def skipped(path: Path) -> list[dict[str, Any]]:
    """Return what the report tells, without the files' names."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [{name: each[name] for name in each if name != "file"} for each in entries]
