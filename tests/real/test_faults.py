"""Faults while clients write: what was acknowledged stays, and everything comes back on its own."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from bench.faults import site as sites
from bench.faults.builds import Builder
from bench.faults.site import Site
from bench.faults.writers import Ledger

pytestmark = [pytest.mark.real, pytest.mark.slow]

# The promise is 5 s; the rest is for a machine that runs other tests at the same time.
WORKER_SECONDS = 5 * 4


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A server of this module's own: others must not lose theirs."""
    with sites.running() as running:
        yield running


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """What clients saw; no answer may be one that is never right."""
    kept = Ledger()
    yield kept
    assert kept.broken == []


def test_killed_worker_leaves_the_others_at_work(site: Site, ledger: Ledger):
    builder = Builder(site, ledger)
    before = site.workers()
    for victim in before:
        killed_at = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        seconds = builder.seconds_until_built(builder.attribute(), killed_at)
        assert seconds < WORKER_SECONDS
    builder.close()

    assert set(before).isdisjoint(site.workers())
