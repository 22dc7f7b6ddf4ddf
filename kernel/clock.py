"""The one clock, and the one way times are written."""

from datetime import UTC, datetime
from functools import lru_cache

CACHED_TIMES = 256


def now() -> datetime:
    """Return the current time in UTC, cut to the millisecond that answers show."""
    current = datetime.now(UTC)
    return current.replace(microsecond=current.microsecond // 1000 * 1000)


@lru_cache(maxsize=CACHED_TIMES)  # a write has the same time in many places
def api_time(moment: datetime | None) -> str:
    """Write a time as `YYYY-MM-DDTHH:MM:SS.mmm+00:00`; no time is an empty text."""
    if moment is None:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def parse_time(value: str) -> datetime:
    """Read an ISO 8601 time as UTC, a time without an offset being UTC already.

    Raises:
        ValueError: The text is no ISO 8601 time, or its year is outside 1000 to 9999.
    """
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("time outside the calendar") from None
    if moment.year < 1000:
        raise ValueError("year before 1000")
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
