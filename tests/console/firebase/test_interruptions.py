"""An import that was interrupted goes on where it was: nothing is missing, nothing comes twice."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from accounts.models import User
from console.firebase import checkpoints, runs
from console.models import FirebaseImport
from documents.models import Document
from kernel.caller import ProjectContext
from kernel.models import OutboxEvent
from tests.console.firebase.conftest import ImportFirebase, skipped
from tests.console.firebase.exports import typed, user, write_lines, write_users

pytestmark = [pytest.mark.db, pytest.mark.django_db]

USERS, DOCUMENTS = 25, 47
#: Every so many of either cannot come.
FAULTY = 10
AT_ONCE = 6


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "USERS_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(runs, "DOCUMENTS_AT_ONCE", AT_ONCE)


@pytest.fixture
def options(tmp_path: Path) -> list[Any]:
    users = [user(f"u{n}", email="none" if n % FAULTY == 0 else None) for n in range(USERS)]
    path = write_users(tmp_path / "users.json", users)
    documents = [
        typed(
            f"posts/p{n}" if n % 3 else f"posts/p{n}/notes/n",
            {"n": {"integerValue": "x" if n % FAULTY == 0 else str(n)}},
        )
        for n in range(DOCUMENTS)
    ]
    lines = write_lines(tmp_path / "posts.jsonl", documents)
    return ["--users", path, "--firestore", lines, "--report", tmp_path / "skipped.jsonl"]


class _KilledError(Exception):
    pass


def counts(project: ProjectContext) -> tuple[int, int, int, int]:
    events = OutboxEvent.objects.filter(is_creation=True)
    return (
        User.objects.in_project(project.id).count(),
        Document.objects.count(),
        events.count(),
        OutboxEvent.objects.filter(name__startswith="users.").count(),
    )


@pytest.mark.parametrize("committed", [True, False])
def test_each_batch_may_be_the_last_one(
    import_firebase: ImportFirebase,
    project: ProjectContext,
    options: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    committed: bool,
):
    """Each run does one batch, and dies before or behind what makes it count."""
    save = checkpoints.Checkpoint.save

    def dying(checkpoint: checkpoints.Checkpoint) -> None:
        saved.append(1)
        if len(saved) == (1 if committed else 2):
            save(checkpoint)
            if not committed:
                raise _KilledError
            return
        if committed:
            raise _KilledError
        save(checkpoint)

    monkeypatch.setattr(checkpoints.Checkpoint, "save", dying)
    runs_made = 0
    while True:
        saved: list[int] = []
        runs_made += 1
        try:
            said = import_firebase(*options)
            break
        except _KilledError:
            assert runs_made < 50
    assert runs_made == -(-USERS // AT_ONCE) + -(-DOCUMENTS // AT_ONCE)
    assert "Going on where an earlier run was interrupted." in said.progress
    assert said.outcome["users"] == {"created": 22, "existing": 0, "skipped": 3}
    assert said.outcome["documents"] == {"created": 42, "existing": 0, "skipped": 5}
    assert counts(project) == (22, 42, 42, 22)
    told = skipped(tmp_path / "skipped.jsonl")
    assert [each["id"] for each in told if each["kind"] == "user"] == ["u0", "u10", "u20"]
    assert [each["line"] for each in told if each["kind"] == "document"] == [1, 11, 21, 31, 41]


def test_a_finished_import_begins_anew(
    import_firebase: ImportFirebase, project: ProjectContext, options: list[Any], tmp_path: Path
):
    import_firebase(*options)
    row = FirebaseImport.objects.get()
    assert row.finished_at is not None
    said = import_firebase(*options)
    assert "Going on" not in said.progress
    assert said.outcome["users"] == {"created": 0, "existing": 22, "skipped": 3}
    assert said.outcome["documents"] == {"created": 0, "existing": 42, "skipped": 5}
    assert len(skipped(tmp_path / "skipped.jsonl")) == 8
    assert counts(project) == (22, 42, 42, 22)


def test_of_two_who_import_the_same_files_one_stops(
    import_firebase: ImportFirebase, options: list[Any], monkeypatch: pytest.MonkeyPatch
):
    take = runs.Run._take_documents

    def rival(run: runs.Run, batch: Any) -> None:
        take(run, batch)
        row = FirebaseImport.objects.get()
        FirebaseImport.objects.update(steps=row.steps + 1)

    monkeypatch.setattr(runs.Run, "_take_documents", rival)
    with pytest.raises(CommandError, match="These files are being imported by another command"):
        import_firebase(*options)
    assert not Document.objects.exists()
