"""Turns at what may be in vain: the more were, the later comes the next one.

They are for guesses at a secret, and for servers that say nothing.

Shared by all processes, and kept with the rate counters: `hits` are the turns taken in vain so far
and `window_start` is when the next one comes, in Unix seconds.
"""

import hashlib
import time

from kernel import sql

MAX_WAIT_SECONDS = 900
FORGET_SECONDS = 3600
_MAX_DOUBLINGS = 20

# One statement: of many who guess at the same moment no more get a turn than are free.
_TAKE = """
    INSERT INTO rate_counter AS c (key, window_start, hits) VALUES (%(key)s, %(now)s, 1)
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN c.window_start < %(forgotten)s THEN 1 ELSE c.hits + 1 END,
        window_start = CASE
            WHEN c.window_start < %(forgotten)s OR c.hits + 1 < %(free)s THEN %(now)s
            ELSE %(now)s + least(2 ^ least(c.hits + 1 - %(free)s, %(doublings)s), %(longest)s)
        END
    WHERE c.window_start <= %(now)s
    RETURNING hits
"""
_NEXT = "SELECT window_start FROM rate_counter WHERE key = %s"
# Only its own turn: were the wait undone, too, one good guess would let through many others.
_GIVE_BACK = "UPDATE rate_counter SET hits = greatest(hits - 1, 0) WHERE key = %s"
_FORGET = "DELETE FROM rate_counter WHERE key = %s"


def take_turn(key: str, *, free: int, longest_seconds: int = MAX_WAIT_SECONDS) -> int:
    """Take a turn and return 0, or else return the seconds until the next one.

    After `free` turns in vain each doubles the time to the next, up to the longest, until an hour
    without any.
    """
    now, stored = int(time.time()), _digest(key)
    turn = {
        "key": stored,
        "now": now,
        "free": free,
        "forgotten": now - FORGET_SECONDS,
        "doublings": _MAX_DOUBLINGS,
        "longest": longest_seconds,
    }
    if sql.fetch_one(_TAKE, turn) is not None:
        return 0
    row = sql.fetch_one(_NEXT, (stored,))
    return max(int(row[0]) - now, 1) if row else 1


def give_turn_back(key: str) -> None:
    """Undo one turn, which was not in vain; the others, and the wait they cause, stay."""
    sql.execute(_GIVE_BACK, (_digest(key),))


def forget_turns(key: str) -> None:
    """Forget all turns, after a success that proves who took them."""
    sql.execute(_FORGET, (_digest(key),))


def _digest(key: str) -> str:
    return hashlib.sha256(f"turns:{key}".encode()).hexdigest()
