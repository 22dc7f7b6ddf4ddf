"""kill -9 of an import from Firebase, several times: it goes on, and nothing comes twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from console.models import FirebaseImport
from documents.models import Document
from kernel.caller import ProjectContext
from kernel.models import OutboxEvent
from tests.console.firebase.exports import typed, user, write_lines, write_users

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
USERS, DOCUMENTS = 6_000, 20_000
KILLS = 3


def database_url() -> str:
    wanted = connection.get_connection_params()
    place = f"{wanted.get('user', '')}:{wanted.get('password') or ''}@"
    host = str(wanted.get("host") or "")
    at = f"{place}{host}:{wanted.get('port', 5432)}" if not host.startswith("/") else place
    query = f"?host={host}&port={wanted.get('port', 5432)}" if host.startswith("/") else ""
    return f"postgresql://{at}/{wanted['dbname']}{query}"


def steps() -> int:
    return FirebaseImport.objects.values_list("steps", flat=True).first() or 0


def test_a_killed_import_goes_on(project: ProjectContext, tmp_path: Path):
    users = write_users(
        tmp_path / "users.json", (user(f"u{n}", email=f"u{n}@example.com") for n in range(USERS))
    )
    documents = write_lines(
        tmp_path / "posts.jsonl",
        (typed(f"posts/p{n}", {"n": {"integerValue": str(n)}}) for n in range(DOCUMENTS)),
    )
    command = [sys.executable, "manage.py", "import_firebase", "blog"]
    command += ["--users", str(users), "--firestore", str(documents)]
    environment = os.environ | {"DATABASE_URL": database_url()}
    for _ in range(KILLS):
        before = steps()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while steps() < before + 3 and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["users"] == {"created": USERS, "existing": 0, "skipped": 0}
    assert outcome["documents"] == {"created": DOCUMENTS, "existing": 0, "skipped": 0}
    assert User.objects.in_project(project.id).count() == USERS
    assert Document.objects.count() == DOCUMENTS
    assert OutboxEvent.objects.filter(is_creation=True).count() == DOCUMENTS
