"""The handle a subscriber holds."""

from collections.abc import Callable
from threading import Event as Flag
from types import TracebackType
from typing import Self
from uuid import uuid4

from .errors import RealtimeError
from .frames import Event
from .progress import Progress


class Subscription:
    """A live subscription. Close it, call it, or leave its `with` block to end it."""

    def __init__(
        self,
        channels: list[str],
        queries: list[str],
        on_message: Callable[[Event], object],
        *,
        on_close: Callable[["Subscription"], None],
        is_awaited: bool,
        since: str = "",
        on_gap: Callable[[], object] | None = None,
    ) -> None:
        self.id = uuid4().hex
        self.channels = channels
        self.queries = queries
        self.is_closed = False
        #: Where to go on another time, behind all events that `on_message` was called with before
        #: it changed. Empty for a subscription without `since`.
        self.cursor = since
        self.progress = Progress(since) if since else None
        self.on_gap = on_gap
        self._on_message = on_message
        self._on_close = on_close
        self._is_awaited = is_awaited
        self._settled = Flag()
        self._error: RealtimeError | None = None

    def close(self) -> None:
        """End the subscription; a callback that already runs finishes, none starts any more."""
        if not self.is_closed:
            self.is_closed = True
            self._on_close(self)

    def __call__(self) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether the server has confirmed the subscription within `timeout` seconds.

        Raises: RealtimeError when the server refused it.
        """
        is_settled = self._settled.wait(timeout)
        if self._error is not None:
            raise self._error
        return is_settled

    def deliver(self, event: Event) -> None:
        if not self.is_closed:
            self._on_message(event)

    def reach(self, cursor: str) -> None:
        self.cursor = cursor

    def confirm(self) -> None:
        self._settled.set()

    def refuse(self, error: RealtimeError) -> bool:
        """End the subscription; return whether a blocked `subscribe()` will raise the error."""
        is_heard = self._is_awaited and not self._settled.is_set()
        self.is_closed = True
        self._error = error
        self._settled.set()
        return is_heard

    def frame(self) -> dict[str, object]:
        wanted: dict[str, object] = {
            "subscriptionId": self.id,
            "channels": self.channels,
            "queries": self.queries,
        }
        if self.progress is not None:
            wanted["since"] = self.progress.cursor
        return wanted
