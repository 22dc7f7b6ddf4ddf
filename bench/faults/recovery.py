"""How long it takes until the site works again: seen by a client that keeps asking."""

import time
from collections.abc import Callable

from bench.faults.site import Site
from bench.faults.writers import CREATED, LAST_WORD_SECONDS, Client, Ledger
from kernel.ids import unique_id

PROBE_SECONDS = 0.02
STEADY_SECONDS = 1.0  # so long every probe has to succeed before it counts as recovered
GIVE_UP_SECONDS = 60.0


class NotRecoveredError(Exception):
    """The site did not come back on its own."""


def seconds_to_recover(
    site: Site, ledger: Ledger, since: float, is_replaced: Callable[[], bool]
) -> float:
    """Return the seconds from `since` to the first of a steady row of acknowledged writes.

    What was hurt has to be replaced by then, too.

    Raises: NotRecoveredError
    """
    client = Client(site, ledger, site.key)
    replaced_at = steady_since = 0.0
    try:
        while True:
            now = time.monotonic()
            if now - since > GIVE_UP_SECONDS:
                raise NotRecoveredError(f"still not recovered after {GIVE_UP_SECONDS:.0f} s")
            if not replaced_at and is_replaced():
                replaced_at = time.monotonic()
            if not _can_write(client, ledger):
                steady_since = 0.0
            elif not steady_since:
                steady_since = time.monotonic()
            elif replaced_at and now - max(steady_since, replaced_at) > STEADY_SECONDS:
                return max(steady_since, replaced_at) - since
            time.sleep(PROBE_SECONDS)
    finally:
        client.close()


def _can_write(client: Client, ledger: Ledger) -> bool:
    uid = unique_id()
    if client.create(uid) == CREATED:
        ledger.acknowledge(uid)
        return True
    client.write(uid, until=time.monotonic() + LAST_WORD_SECONDS)
    return False
