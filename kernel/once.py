"""What a process makes when it is first needed, and must not have two of."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Generic, TypeVar

Made = TypeVar("Made")


class once(Generic[Made]):  # noqa: N801  # a decorator
    """`functools.cache` for a function without parameters that threads may call at the same time.

    The other one lets each of them make its own while there is none: two queues with one bound.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = cache(make)
        self._lock = threading.Lock()

    def __call__(self) -> Made:
        with self._lock:
            return self._make()

    def cache_clear(self) -> None:
        """Make another one when it is needed again."""
        with self._lock:
            self._make.cache_clear()
