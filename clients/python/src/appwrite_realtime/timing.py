"""How long to wait for what."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """All durations of a connection, in seconds; the defaults are those of the web SDK."""

    connect_timeout_seconds: float = 10.0
    close_timeout_seconds: float = 2.0
    ping_interval_seconds: float = 20.0
    pong_timeout_seconds: float = 10.0
    # How old the cursor of a subscription may get while events come.
    cursor_renewal_seconds: float = 60.0
    # (up to this many failed attempts, this pause)
    pauses_seconds: tuple[tuple[float, float], ...] = (
        (5, 1.0),
        (15, 5.0),
        (100, 10.0),
        (float("inf"), 60.0),
    )

    def pause_seconds(self, attempt: int) -> float:
        """Return the pause before reconnecting when `attempt` tries (from 0) have failed so far.

        Between half and one and a half times the listed pause, so that the clients of a
        restarted server do not all come back in the same moment.
        """
        pause = next(pause for limit, pause in self.pauses_seconds if attempt < limit)
        return pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, hides nothing
