"""Turns at what may be in vain: the more were, the later comes the next one.

They are for guesses at a secret, and for servers that say nothing.

Shared by all processes, and kept with the rate counters: `hits` are the turns taken in vain so far
and `window_start` is when the next one comes, in Unix seconds.
"""

import hashlib
import time
from typing import LiteralString, NamedTuple

from kernel import sql

MAX_WAIT_SECONDS = 900
FORGET_SECONDS = 3600
_MAX_DOUBLINGS = 20


class Turn(NamedTuple):
    """A turn that is asked for: `free` of one key come without a wait."""

    key: str
    free: int


def _taking(key: LiteralString, free: LiteralString, source: LiteralString = "") -> LiteralString:
    return f"""
        INSERT INTO rate_counter AS c (key, window_start, hits)
        SELECT %({key})s, %(now)s::bigint, 1 {source}
        ON CONFLICT (key) DO UPDATE SET
            hits = CASE WHEN c.window_start < %(forgotten)s THEN 1 ELSE c.hits + 1 END,
            window_start = CASE
                WHEN c.window_start < %(forgotten)s OR c.hits + 1 < %({free})s THEN %(now)s
                ELSE %(now)s + least(2 ^ least(c.hits + 1 - %({free})s, %(doublings)s), %(longest)s)
            END
        WHERE c.window_start <= %(now)s
        RETURNING hits
    """


# One statement: of many who guess at the same moment no more get a turn than are free.
_TAKE = _taking("key", "free")
_TAKE_BOTH = (
    f"WITH first AS ({_TAKE}),"  # noqa: S608  # statements of our own
    f" second AS ({_taking('second_key', 'second_free', 'FROM first')})"
    " SELECT EXISTS (SELECT FROM first), EXISTS (SELECT FROM second)"
)
_NEXT = "SELECT window_start FROM rate_counter WHERE key = %s"
# Only its own turn: were the wait undone, too, one good guess would let through many others.
_GIVE_BACK = "UPDATE rate_counter SET hits = greatest(hits - 1, 0) WHERE key = %s"
_FORGET = "DELETE FROM rate_counter WHERE key = %s"


def take_turn(key: str, *, free: int, longest_seconds: int = MAX_WAIT_SECONDS) -> int:
    """Take a turn and return 0, or else return the seconds until the next one.

    After `free` turns in vain each doubles the time to the next, up to the longest, until an hour
    without any.
    """
    now, asked = int(time.time()), Turn(_digest(key), free)
    if sql.fetch_one(_TAKE, _parameters(asked, now, longest_seconds)) is not None:
        return 0
    return _wait(asked, now)


def take_both_turns(first: Turn, second: Turn) -> int:
    """Take both turns and return 0, or else return the seconds until the one that has to wait.

    The second is not counted while the first has to wait. Whoever takes two of the same turns, or
    gives them back, comes to them in the same order.
    """
    now = int(time.time())
    first, second = (Turn(_digest(each.key), each.free) for each in (first, second))
    asked = _parameters(first, now, MAX_WAIT_SECONDS)
    asked |= {"second_key": second.key, "second_free": second.free}
    has_first, has_second = sql.fetch_one(_TAKE_BOTH, asked) or (False, False)
    if has_first and has_second:
        return 0
    return _wait(second if has_first else first, now)


def give_turn_back(key: str) -> None:
    """Undo one turn, which was not in vain; the others, and the wait they cause, stay."""
    sql.execute(_GIVE_BACK, (_digest(key),))


def forget_turns(key: str) -> None:
    """Forget all turns, after a success that proves who took them."""
    sql.execute(_FORGET, (_digest(key),))


def _parameters(asked: Turn, now: int, longest_seconds: int) -> dict[str, str | int]:
    return {
        "key": asked.key,
        "free": asked.free,
        "now": now,
        "forgotten": now - FORGET_SECONDS,
        "doublings": _MAX_DOUBLINGS,
        "longest": longest_seconds,
    }


def _wait(asked: Turn, now: int) -> int:
    row = sql.fetch_one(_NEXT, (asked.key,))
    return max(int(row[0]) - now, 1) if row else 1


def _digest(key: str) -> str:
    return hashlib.sha256(f"turns:{key}".encode()).hexdigest()
