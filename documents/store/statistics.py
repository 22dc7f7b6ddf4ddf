"""How many documents a role may read, as far as the database's own statistics tell."""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock

from documents import partitions
from kernel import sql

CACHED_COLLECTIONS = 16_384
STATISTICS_SECONDS = 60.0

_READ = (
    "SELECT most_common_elems::text::text[], most_common_elem_freqs FROM pg_stats"
    " WHERE schemaname = current_schema() AND tablename = %s AND attname = 'read_roles'"
)


@dataclass(frozen=True, slots=True)
class _Statistics:
    """The shares of documents that grant read to the common roles; None where nobody counted."""

    shares: Mapping[str, float] | None
    read_at: float


_known: OrderedDict[int, _Statistics] = OrderedDict()
_lock = Lock()


def readable_share(place: int, roles: Iterable[str]) -> float:
    """Guess the share of documents at a collection's place that grant read to one of some roles.

    A collection without statistics of its own is small or new: there it is taken to be all.
    """
    if partitions.is_shared(place):
        return 1.0
    shares = _statistics(place).shares
    if shares is None:
        return 1.0
    return min(sum(shares.get(role, 0.0) for role in roles), 1.0)


def forget_statistics() -> None:
    """Empty the process's cache."""
    with _lock:
        _known.clear()


def _statistics(place: int) -> _Statistics:
    with _lock:
        known = _known.get(place)
    if known is not None and time.monotonic() - known.read_at < STATISTICS_SECONDS:
        return known
    row = sql.fetch_one(_READ, (partitions.name(place),))
    # Counted, but no common role at all: every document grants to another one.
    shares = None if row is None else dict(zip(row[0] or (), row[1] or (), strict=False))
    fresh = _Statistics(shares, time.monotonic())
    with _lock:
        _known[place] = fresh
        _known.move_to_end(place)
        while len(_known) > CACHED_COLLECTIONS:
            _known.popitem(last=False)
    return fresh
