"""The report of what did not come, or not as a whole: a line of JSON for each."""

from pathlib import Path
from typing import Any

import orjson

from console.firebase.accounts import SourceUser, UserFault
from console.firebase.firestore import Source
from console.firebase.ledger import USERS
from console.models import FirebaseItem

SKIPPED, INCOMPLETE = "skipped", "incomplete"


class SkippedFile:
    """The report's file; without a path nothing is written."""

    def __init__(self, path: Path | None, kept_bytes: int = 0) -> None:
        self._file = None
        if path is not None:
            self._file = path.open("r+b" if kept_bytes and path.exists() else "wb")
            # What was written past the last step is written once more.
            self._file.truncate(min(kept_bytes, self._file.seek(0, 2)))
            self._file.seek(0, 2)

    def user(
        self,
        path: Path | None,
        source: SourceUser | UserFault,
        reason: str,
        *,
        what: str = SKIPPED,
    ) -> None:
        self._write(what, "user", path, source.line, source.uid, reason)

    def document(self, path: Path, source: Source, reason: str, *, what: str = SKIPPED) -> None:
        self._write(what, "document", path, source.line, "/".join(source.path), reason)

    def gone(self, item: FirebaseItem, reason: str, *, what: str) -> None:
        kind, place = ("user", "") if item.place == USERS else ("document", f"{item.place}/")
        self._write(what, kind, None, 0, place + item.uid, reason)

    def flush(self) -> int:
        """Return how long the file is."""
        if self._file is None:
            return 0
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, what: str, kind: str, *parts: Any) -> None:
        if self._file is None:
            return
        path, line, uid, reason = parts
        entry = {
            "what": what,
            "kind": kind,
            "file": str(path) if path else None,
            "line": line or None,
            "id": uid,
            "reason": reason,
        }
        self._file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
