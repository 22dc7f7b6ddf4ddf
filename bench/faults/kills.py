"""kill -9 of web, worker or PostgreSQL while clients write and jobs run."""

import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice

from bench.faults.audit import Audit, audit, new_ledger
from bench.faults.builds import Builder
from bench.faults.recovery import seconds_to_recover
from bench.faults.site import Site
from bench.faults.writers import Ledger, writing

#: Promised, in seconds.
GOALS = {"web": 2.0, "PostgreSQL": 3.0, "worker": 5.0}
# A child that lived so long is started again without delay; sooner, the back-off is measured.
SETTLED_SECONDS = 31.0
WARM_UP_SECONDS = 1.0
LONGEST_LEAD_SECONDS = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Kills:
    """What a run of kills found; recovery times are seconds by kind."""

    rounds: int
    recovery: dict[str, list[float]]
    audit: Audit
    builds: int
    unfinished_builds: int
    outcomes: dict[str, int]
    slowest_seconds: float
    broken: list[str]

    @property
    def is_clean(self) -> bool:
        return self.audit.is_clean and not self.unfinished_builds


@dataclass
class _Run:
    site: Site
    ledger: Ledger
    builder: Builder
    choose: random.Random
    settle_seconds: float
    has_builds: bool
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    hurt_at: dict[str, float] = field(default_factory=dict)

    def round(self, kind: str) -> float:
        rested_at = self.hurt_at.get(kind, -self.settle_seconds) + self.settle_seconds
        time.sleep(max(rested_at - time.monotonic(), WARM_UP_SECONDS))
        if self.has_builds:
            self.builder.attribute()
            self.builder.index()
        time.sleep(self.choose.uniform(0, LONGEST_LEAD_SECONDS))
        seconds = {"web": self._web, "worker": self._worker, "PostgreSQL": self._postgresql}[kind]()
        self.recovery[kind].append(seconds)
        self.hurt_at[kind] = time.monotonic()
        return seconds

    def _web(self) -> float:
        before = self.site.web()
        victim, killed_at = self._kill(before)

        def is_replaced() -> bool:
            now = self.site.web()
            return len(now) == len(before) and victim not in now

        return seconds_to_recover(self.site, self.ledger, killed_at, is_replaced)

    def _worker(self) -> float:
        """Kill every worker; what is asked for then has to be built."""
        killed_at = time.monotonic()
        for victim in self.site.workers():
            os.kill(victim, signal.SIGKILL)
        return self.builder.seconds_until_built(self.builder.attribute(), killed_at)

    def _postgresql(self) -> float:
        """Kill the server, or the process of one connection, at which all of them end."""
        if self.choose.random() < 0.5:
            before = self.site.postmaster()
            _, killed_at = self._kill(before)
            return seconds_to_recover(
                self.site, self.ledger, killed_at, lambda: self.site.postmaster() != before
            )
        _, killed_at = self._kill(self.site.backends())
        return seconds_to_recover(self.site, self.ledger, killed_at, lambda: True)

    def _kill(self, processes: Sequence[int]) -> tuple[int, float]:
        victim = self.choose.choice(processes)
        with suppress(ProcessLookupError):  # a connection may have ended meanwhile
            os.kill(victim, signal.SIGKILL)
        return victim, time.monotonic()


def plan(rounds: int, seed: int) -> list[str]:
    """Return which kind is killed in each round: random, and each as often as the others."""
    kinds = list(islice(cycle(GOALS), rounds))
    random.Random(seed).shuffle(kinds)
    return kinds


def run(
    site: Site,
    *,
    rounds: int,
    seed: int,
    writers: int,
    settle_seconds: float = SETTLED_SECONDS,
    has_builds: bool = True,
    say: Say,
) -> Kills:
    """Kill something in each round; nothing that was acknowledged may be lost by it.

    With `has_builds` jobs are killed amid their work, too, which then waits for its lease to end.
    """
    ledger = new_ledger(site)
    builder = Builder(site, ledger)
    choose = random.Random(seed)
    work = _Run(site, ledger, builder, choose, settle_seconds, has_builds)
    with writing(site, ledger, writers=writers, seed=seed):
        time.sleep(WARM_UP_SECONDS)
        for number, kind in enumerate(plan(rounds, seed), start=1):
            seconds = work.round(kind)
            say(f"round {number} of {rounds}: {kind} was back after {seconds:.2f} s")
    unfinished = builder.unfinished()
    builder.close()
    return Kills(
        rounds=rounds,
        recovery=dict(work.recovery),
        audit=audit(site, ledger),
        builds=len(builder.asked),
        unfinished_builds=unfinished,
        outcomes=dict(ledger.outcomes),
        slowest_seconds=ledger.slowest_seconds,
        broken=ledger.broken[:20],
    )
