"""What was read a moment ago, for processes that hear at once when it changes."""

import mmap
import secrets
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from kernel import notify

Value = TypeVar("Value")

MARKS = 8192
MARK_BYTES = 8

# Memory that all processes forked from the one which loaded this share: what a request to one of
# them changed, the next request finds changed in all. Groups that share a mark only read more.
# The hash of a text is alike in them too: forks keep its seed.
_marks = memoryview(mmap.mmap(-1, MARKS * MARK_BYTES)).cast("Q")
_renewed: ContextVar[set[int | str] | None] = ContextVar("renewed", default=None)


def mark_of(group: Hashable) -> int:
    """Return what differs once a group was renewed, in this process or one forked beside it.

    Taken before a value is read, and the same when it is used: the value is as of now.
    """
    return _marks[hash(group) % MARKS]


def renew(group: int | str) -> None:
    """Outdate what all processes forked beside this one keep of a group; to be called after commit.

    Those elsewhere hear of it by NOTIFY, which takes some milliseconds, but for a gateway: it hears
    with the answer.
    """
    # Of numbers counted up, two that renew at once would write the same.
    _marks[hash(group) % MARKS] = secrets.randbits(MARK_BYTES * 8)
    renewed = _renewed.get()
    if renewed is not None:
        renewed.add(group)


@contextmanager
def renewals() -> Iterator[set[int | str]]:
    """Collect the groups that are renewed meanwhile."""
    renewed: set[int | str] = set()
    token = _renewed.set(renewed)
    try:
        yield renewed
    finally:
        _renewed.reset(token)


class Recent(Generic[Value]):
    """Values by key, kept for some seconds in groups that are dropped as a whole.

    Whoever changes one renews its group after the commit, and announces it, so that processes
    elsewhere drop it. A value is kept only while the process listens: else it would hear of no
    change from there.
    """

    def __init__(self, *, seconds: float, maximum: int) -> None:
        self._seconds = seconds
        self._maximum = maximum
        self._groups: dict[Hashable, dict[Hashable, tuple[float, int, Value]]] = {}
        self._count = 0  # at least as many as there are

    def find(
        self, group: Hashable, key: Hashable, read: Callable[[], Value | None]
    ) -> Value | None:
        """Return the value, read anew unless it was read within the last seconds.

        That there is none is never kept.
        """
        if not notify.is_listening():
            return read()
        begin, mark = time.monotonic(), mark_of(group)
        # Dropped while it is read here, the group is nobody's any more: nothing outdated is kept.
        values = self._groups.setdefault(group, {})
        kept = values.get(key)
        if kept is not None and kept[0] > begin and kept[1] == mark:
            return kept[2]
        value = read()
        if value is not None:
            self._make_room()
            values[key] = (begin + self._seconds, mark, value)
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
