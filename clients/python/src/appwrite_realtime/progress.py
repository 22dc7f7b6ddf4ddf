"""How far a subscription got in the change feed of a collection."""

from time import monotonic

MAX_REMEMBERED_CHANGES = 5_000


class Progress:
    """The cursor to go on from after a loss, and what was received since, to receive it once."""

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor
        self._changes: dict[str, None] = {}
        self._renewed_at = monotonic()
        self._has_news = False

    def takes(self, change: str) -> bool:
        """Tell whether an event is to be delivered: one that came before is not."""
        if not change:
            return True
        if change in self._changes:
            return False
        self._has_news = True
        self._changes[change] = None
        if len(self._changes) > MAX_REMEMBERED_CHANGES:
            del self._changes[next(iter(self._changes))]
        return True

    def advance(self, cursor: str) -> None:
        """Take a later cursor, behind everything that was missed."""
        self.cursor = cursor
        self._renewed_at = monotonic()
        self._has_news = False

    def is_due(self, seconds: float) -> bool:
        """Tell whether to ask for a later cursor: there was news, and the last one is old."""
        return self._has_news and monotonic() - self._renewed_at >= seconds
