"""Totals that were counted a moment ago, kept with the snapshot they were counted under.

The snapshots of a database follow one another: each sees all that an earlier one saw. Every
transaction that touches the documents of a collection leaves a row in `document_change`, with its
id. So a total holds under a later snapshot as long as that sees no row of a transaction which the
earlier one did not see: both see the same documents. The statement that reads a page asks for that
under its own snapshot; nothing rests on clocks, messages or what other processes know.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

import orjson
from django.db import transaction
from psycopg import sql as psql

from documents.catalog import CollectionSchema
from kernel import sql
from kernel.query import Condition

CACHED_TOTALS = 8192
#: Not for their truth: what nobody asks for any more makes room.
KEPT_SECONDS = 60.0


class Kept(NamedTuple):
    """A total, and the snapshot that it was counted under."""

    total: int
    snapshot: str
    until: float


#: Whether what was counted under the snapshot `seen` still holds. Rows below that of collection 0
#: have been swept: whoever did not see all of those transactions cannot tell.
HOLDS = psql.SQL("""
    (coalesce((
        SELECT h.xid FROM document_change h WHERE h.collection_id = 0 ORDER BY h.xid DESC LIMIT 1
    ) <= pg_snapshot_xmin(%(seen)s::pg_snapshot), false) AND NOT EXISTS (
        SELECT 1 FROM document_change h WHERE h.collection_id = %(collection)s::bigint
        AND h.xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)
        AND NOT pg_visible_in_snapshot(h.xid, %(seen)s::pg_snapshot)
    ))
""")
_LINE = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
# Ids that are yet to come are those of another server, whose backup this was.
_SWEEP = """
    DELETE FROM document_change
    WHERE xid < %s::xid8 OR xid >= pg_snapshot_xmax(pg_current_snapshot())
"""
_DRAW_LINE = """
    INSERT INTO document_change (collection_id, xid) VALUES (0, %s::xid8) ON CONFLICT DO NOTHING
"""

_kept: OrderedDict[bytes, Kept] = OrderedDict()
_lock = Lock()


def key(
    schema: CollectionSchema, conditions: Sequence[Condition], readable_by: Sequence[str] | None
) -> bytes:
    """Return what a total depends on, besides the documents; of one size, however much it is."""
    roles = None if readable_by is None else sorted(readable_by)
    parts = (schema.id, schema.version, conditions, roles)
    return hashlib.blake2b(orjson.dumps(parts, default=repr), digest_size=16).digest()


def find(key: bytes) -> Kept | None:
    with _lock:
        kept = _kept.get(key)
    return kept if kept is not None and kept.until > time.monotonic() else None


def keep(key: bytes, total: int, snapshot: str) -> None:
    with _lock:
        _kept[key] = Kept(total, snapshot, time.monotonic() + KEPT_SECONDS)
        _kept.move_to_end(key)
        while len(_kept) > CACHED_TOTALS:
            _kept.popitem(last=False)


def forget_totals() -> None:
    """Empty the process's cache."""
    with _lock:
        _kept.clear()


@transaction.atomic
def sweep() -> int:
    """Delete the changes that every snapshot sees, and note how far that went."""
    line = sql.fetch_one(_LINE) or ("0",)
    swept = sql.execute(_SWEEP, line)
    sql.execute(_DRAW_LINE, line)
    return swept
