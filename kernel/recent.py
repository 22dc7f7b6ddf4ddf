"""What was read a moment ago, for processes that hear at once when it changes."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from kernel import notify

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Values by key, kept for some seconds in groups that are dropped as a whole.

    Whoever changes one announces its group, and drops it here, after the commit. A value is kept
    only while the process listens: else it would hear of no change.
    """

    def __init__(self, *, seconds: float, maximum: int) -> None:
        self._seconds = seconds
        self._maximum = maximum
        self._groups: dict[Hashable, dict[Hashable, tuple[float, Value]]] = {}
        self._count = 0  # at least as many as there are

    def find(
        self, group: Hashable, key: Hashable, read: Callable[[], Value | None]
    ) -> Value | None:
        """Return the value, read anew unless it was read within the last seconds.

        That there is none is never kept.
        """
        if not notify.is_listening():
            return read()
        begin = time.monotonic()
        # Dropped while it is read here, the group is nobody's any more: nothing outdated is kept.
        values = self._groups.setdefault(group, {})
        kept = values.get(key)
        if kept is not None and kept[0] > begin:
            return kept[1]
        value = read()
        if value is not None:
            self._make_room()
            values[key] = (begin + self._seconds, value)
        return value

    def drop(self, group: Hashable) -> None:
        """Forget the values of a group."""
        self._groups.pop(group, None)

    def clear(self) -> None:
        """Forget everything."""
        self._groups.clear()
        self._count = 0

    def _make_room(self) -> None:
        self._count += 1
        if self._count > self._maximum:
            self.clear()
