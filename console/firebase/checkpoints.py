"""Where an import is: written down in the same transaction as what it wrote."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from console.models import FirebaseImport
from kernel import clock


class BusyImportError(Exception):
    """Somebody else carries out the same import."""


@dataclass(slots=True)
class Progress:
    """What is done: users and documents that were read, and what became of them.

    `strangers` are ids of users that somebody else has here, `permissions_refused` counts owners
    of documents who are no users. `changes` counts what became of what an earlier import brought,
    and `swept` is the last of those that were looked for in vain. `report_bytes` is the length of
    the report's file that belongs to it.
    """

    users_read: int = 0
    users_created: int = 0
    users_existing: int = 0
    users_refused: int = 0
    strangers: list[str] = field(default_factory=list)
    documents_read: int = 0
    created: dict[str, int] = field(default_factory=dict)
    existing: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    permissions_refused: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    swept: int = 0
    report_bytes: int = 0

    @property
    def is_begun(self) -> bool:
        return bool(self.users_read or self.documents_read)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Checkpoint:
    """An import's row. A finished one begins anew: what exists is passed over then.

    So does one after which another was begun: what each saw is noted of the last one alone.
    """

    def __init__(self, project_id: int, digest: str) -> None:
        self._row, _ = FirebaseImport.objects.get_or_create(project_id=project_id, digest=digest)
        is_open = self._row.finished_at is None and self.is_last()
        self.progress = Progress(**(self._row.state if is_open else {}))
        if not is_open:
            self._row.started_at = clock.now()
            FirebaseImport.objects.filter(id=self._row.id).update(started_at=self._row.started_at)
            self._write()

    @property
    def id(self) -> int:
        return self._row.id

    def is_last(self) -> bool:
        """Tell whether no other import of the project was begun since."""
        later = FirebaseImport.objects.filter(
            project_id=self._row.project_id, started_at__gt=self._row.started_at
        )
        return not later.exclude(id=self._row.id).exists()

    def save(self) -> None:
        """Write down where it is.

        Raises: BusyImportError
        """
        self._write()

    def finish(self) -> None:
        """Write down that it is done.

        Raises: BusyImportError
        """
        self._write(finished_at=clock.now())

    def _write(self, *, finished_at: datetime | None = None) -> None:
        rows = FirebaseImport.objects.filter(id=self._row.id, steps=self._row.steps)
        steps, state = self._row.steps + 1, self.progress.as_json()
        if not rows.update(steps=steps, state=state, finished_at=finished_at):
            raise BusyImportError
        self._row.steps += 1
