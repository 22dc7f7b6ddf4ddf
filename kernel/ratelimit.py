"""Fixed-window counters shared by all processes, in Redis if there is one, else in PostgreSQL.

While Redis is out of reach PostgreSQL counts in its place, so that no limit is open meanwhile.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from functools import cache
from typing import cast

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from kernel import sql

REDIS_TIMEOUT_SECONDS = 1.0

_logger = logging.getLogger(__name__)

_HIT = (
    "INSERT INTO rate_counter AS c (key, window_start, hits) VALUES (%s, %s, 1)"
    " ON CONFLICT (key) DO UPDATE SET"
    " hits = CASE WHEN c.window_start = excluded.window_start THEN c.hits + 1 ELSE 1 END,"
    " window_start = excluded.window_start RETURNING hits"
)
_RESET = "DELETE FROM rate_counter WHERE key = %s"
_SWEEP = "DELETE FROM rate_counter WHERE window_start < %s"
SWEEP_AGE_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class RateState:
    """One counter after a hit: `resets_at` is in Unix seconds."""

    limit: int
    remaining: int
    resets_at: int
    is_exceeded: bool


def hit(key: str, *, limit: int, window_seconds: int) -> RateState:
    """Count one use of `key` in the current window."""
    window_start = int(time.time()) // window_seconds * window_seconds
    hits = _count(_digest(key), window_start, window_seconds)
    return RateState(
        limit=limit,
        remaining=max(limit - hits, 0),
        resets_at=window_start + window_seconds,
        is_exceeded=hits > limit,
    )


def reset(key: str) -> None:
    """Forget the uses of `key`, after a success that proves it was no attack."""
    digest = _digest(key)
    if settings.REDIS_URL:
        try:
            _redis().delete(_redis_key(digest))
        except RedisError as error:
            _warn(error)
    sql.execute(_RESET, (digest,))


def sweep() -> int:
    """Delete counters whose window is long over; return how many."""
    return sql.execute(_SWEEP, (int(time.time()) - SWEEP_AGE_SECONDS,))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _count(digest: str, window_start: int, window_seconds: int) -> int:
    if settings.REDIS_URL:
        try:
            return _count_in_redis(digest, window_start + window_seconds)
        except RedisError as error:
            _warn(error)
    row = sql.fetch_one(_HIT, (digest, window_start))
    return int(row[0]) if row else 1


def _count_in_redis(digest: str, window_end: int) -> int:
    name = _redis_key(digest)
    with _redis().pipeline(transaction=True) as pipeline:
        pipeline.incr(name)
        pipeline.expireat(name, window_end, nx=True)
        return int(cast("int", pipeline.execute()[0]))


def _warn(error: RedisError) -> None:
    _logger.warning("Redis does not answer, the database counts in its place: %s", error)


def _redis_key(digest: str) -> str:
    return f"rate:{digest}"


@cache
def _redis() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the database stands by
    )
