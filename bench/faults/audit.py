"""After the faults: is everything there that was promised, once, and nothing else?"""

from dataclasses import dataclass

from bench.faults.site import DATABASE, WRITTEN, Site
from bench.faults.writers import Ledger

_STORED = (
    "SELECT d.uid, count(*), bool_and(d.data ->> 'title' = d.uid) FROM document d"
    " JOIN document_collection c ON c.id = d.collection_id AND c.place = d.place"
    " WHERE c.uid = %s GROUP BY d.uid"
)
_EVENTS = (
    "SELECT payload ->> '$id', count(*) FROM outbox"
    " WHERE starts_with(name, %s) AND name LIKE '%%.create' GROUP BY 1"
)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Figures that are to be zero, but for the first: how many writes were acknowledged."""

    acknowledged: int
    lost: int
    duplicated: int
    damaged: int
    unasked: int
    events_missing: int
    events_repeated: int
    broken_answers: int

    @property
    def is_clean(self) -> bool:
        return not any(
            (
                *(self.lost, self.duplicated, self.damaged, self.unasked),
                *(self.events_missing, self.events_repeated, self.broken_answers),
            )
        )


def new_ledger(site: Site) -> Ledger:
    """Return a ledger that knows what earlier ones have written."""
    with site.database() as database:
        rows = database.execute(_STORED, [WRITTEN]).fetchall()
    return Ledger(earlier=frozenset(uid for uid, _, _ in rows))


def audit(site: Site, ledger: Ledger) -> Audit:
    """Compare what clients were told with the tables themselves, past the API."""
    with site.database() as database:
        rows = database.execute(_STORED, [WRITTEN]).fetchall()
        place = f"databases.{DATABASE}.collections.{WRITTEN}.documents."
        events = dict(database.execute(_EVENTS, [place]).fetchall())
    stored = {uid for uid, _, _ in rows} - ledger.earlier
    promised = set(ledger.acknowledged)
    return Audit(
        acknowledged=len(promised),
        lost=len(promised - stored),
        duplicated=sum(count > 1 for _, count, _ in rows),
        damaged=sum(not is_whole for _, _, is_whole in rows),
        unasked=len(stored - promised - ledger.unknown),
        events_missing=len(stored - events.keys()),
        events_repeated=sum(count > 1 for count in events.values()),
        broken_answers=len(ledger.broken),
    )
