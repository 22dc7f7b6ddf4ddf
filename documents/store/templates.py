"""The texts of listings that were composed lately, as many as there is room for."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from kernel.sql import Numbered

#: Of texts, of which each counts twice: for what it is found by, and with what it takes besides.
CACHED_BYTES = 32 * 1024 * 1024
MAX_TEXT_BYTES = 16 * 1024
_OVERHEAD_BYTES = 1024


class Templates:
    """Statements by what they were composed of; long ones are composed each time.

    Clients may name free fields as they like, so the number of statements has no end.
    """

    def __init__(self, most_bytes: int = CACHED_BYTES) -> None:
        self.size = 0
        self._most_bytes = most_bytes
        self._known: OrderedDict[Hashable, Numbered] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: Hashable) -> Numbered | None:
        with self._lock:
            template = self._known.get(key)
            if template is not None:
                self._known.move_to_end(key)
            return template

    def keep(self, key: Hashable, template: Numbered) -> None:
        if len(template.text) > MAX_TEXT_BYTES:
            return
        with self._lock:
            if key in self._known:  # another thread composed it as well
                return
            self._known[key] = template
            self.size += _size(template)
            while self.size > self._most_bytes:
                self.size -= _size(self._known.popitem(last=False)[1])

    def clear(self) -> None:
        with self._lock:
            self._known.clear()
            self.size = 0


def _size(template: Numbered) -> int:
    return _OVERHEAD_BYTES + 2 * len(template.text)
