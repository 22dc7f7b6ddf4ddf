"""How far the builds of indexes are, as PostgreSQL tells of those that run."""

from collections.abc import Iterable

from documents.indexes import Index
from kernel import sql

#: How the names of phases begin, the longer before the shorter, and from which percentage to which
#: each of them leads. What is counted in a phase says how far it is; there, nothing else does.
PHASES = (
    ("building index: scanning table", 0, 40),
    ("building index: loading tuples", 45, 60),
    ("building index: ", 40, 45),
    ("building index", 0, 60),
    ("waiting for writers before validation", 60, 60),
    ("index validation: scanning index", 60, 75),
    ("index validation: scanning table", 80, 99),
    ("index validation", 75, 80),
    ("waiting for old snapshots", 99, 99),
)
_READ = """
    SELECT c.relname, p.phase, p.blocks_done + p.tuples_done, p.blocks_total + p.tuples_total
    FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.index_relid
    WHERE p.datname = current_database() AND c.relname = ANY(%s::text[])
"""


def progress(indexes: Iterable[Index]) -> dict[str, int]:
    """Return the percentage of those whose build runs now, by the names in the database."""
    names = [each.name for each in indexes]
    if not names:
        return {}
    rows = sql.fetch_all(_READ, (names,))
    return {name: percentage(phase, done, total) for name, phase, done, total in rows}


def percentage(phase: str, done: int, total: int) -> int:
    """Return how far a build is that has done a part of a phase."""
    for beginning, start, end in PHASES:
        if phase.startswith(beginning):
            share = min(done / total, 1.0) if total > 0 else 0.0
            return int(start + (end - start) * share)
    return 0
