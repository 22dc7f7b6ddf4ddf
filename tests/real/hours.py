"""Budgets are spent by the hour: who counts one spends it within the same hour."""

import time

HOUR_SECONDS = 3600
#: More than any test takes to spend a budget.
ROOM_SECONDS = 45


def in_one_hour() -> None:
    """Wait for the next hour where this one is about to end."""
    left = HOUR_SECONDS - time.time() % HOUR_SECONDS
    if left < ROOM_SECONDS:
        time.sleep(left + 1)
