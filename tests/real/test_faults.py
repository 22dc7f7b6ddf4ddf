"""Faults while clients write: what was acknowledged stays, and everything comes back on its own."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from bench.faults import caches, disks, kills, outages
from bench.faults import site as sites
from bench.faults.builds import Builder
from bench.faults.site import Site
from bench.faults.writers import LONGEST_ANSWER_SECONDS, Ledger
from tests.compat import parts

pytestmark = [pytest.mark.real, pytest.mark.slow]

# The promises are 2 to 5 s; the rest is for a machine that runs other tests at the same time.
WORKER_SECONDS = RECOVERY_SECONDS = 5 * 4
WRITERS = 3


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A server of this module's own: others must not lose theirs."""
    with sites.running() as running:
        yield running


def test_killed_worker_leaves_the_others_at_work(site: Site):
    ledger = Ledger()
    builder = Builder(site, ledger)
    before = site.workers()
    for victim in before:
        killed_at = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        seconds = builder.seconds_until_built(builder.attribute(), killed_at)
        assert seconds < WORKER_SECONDS
    builder.close()

    assert set(before).isdisjoint(site.workers())
    assert ledger.broken == []


@pytest.mark.parametrize(
    ("name", "seconds"), [("frozen", LONGEST_ANSWER_SECONDS), ("stopped", 2.0), ("exhausted", 15.0)]
)
def test_outage_of_the_database_is_told_in_time_and_leaves_no_trace(
    site: Site, name: str, seconds: float
):
    found = outages.run(site, name, seconds=seconds, writers=WRITERS, seed=1)

    assert found.is_clean, found
    assert found.outcomes["503"] > 0
    assert found.recovery_seconds < RECOVERY_SECONDS


def test_kills_lose_nothing(site: Site):
    found = kills.run(
        site,
        rounds=3,
        seed=1,
        writers=WRITERS,
        settle_seconds=0,
        has_builds=False,  # what killed jobs do is in test_worker_kill
        say=lambda _text: None,
    )

    assert found.is_clean, found
    assert found.recovery.keys() == kills.GOALS.keys()
    assert max(max(each) for each in found.recovery.values()) < RECOVERY_SECONDS


def test_full_disk_is_still_read_and_written_again_when_there_is_room():
    if not disks.can_run():
        parts.missing("a small disk can only be mounted by root")
    found = disks.run(seconds=2, writers=WRITERS, seed=1)

    assert found.is_clean, found
    assert found.reads > 0
    assert found.outcomes["503"] > 0


def test_without_redis_the_api_works_and_sign_in_stays_limited():
    parts.program(caches.PROGRAM)
    with caches.site_with_redis() as (site, server):
        for name in ("full", "killed"):
            found = caches.run(site, server, name, seconds=1, writers=WRITERS, seed=1)
            assert found.is_clean, found
