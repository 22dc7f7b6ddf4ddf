"""PostgreSQL frozen, stopped, or with no connection left: bounded refusals, and full recovery."""

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from appwrite_clone.embedded.processes import servers_in
from bench.faults.audit import Audit, audit, new_ledger
from bench.faults.recovery import seconds_to_recover
from bench.faults.site import Site
from bench.faults.writers import CREATED, OK, Client, Ledger, writing
from kernel.ids import unique_id

WARM_UP_SECONDS = 1.0
SHUTDOWN_SECONDS = 30.0
POLL_SECONDS = 0.05
MOST_CONNECTIONS = 500  # more than any server of this run allows
CHECKS = 200
CHECKS_AT_ONCE = 16
_END_OTHERS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND usename = current_user AND NOT (pid = ANY(%s))"
)


@dataclass(frozen=True, kw_only=True)
class Outage:
    """What clients saw of one outage; `poisoned` are answers that failed after the recovery."""

    name: str
    seconds: float
    outcomes: dict[str, int]
    slowest_seconds: float
    recovery_seconds: float
    poisoned: int
    checked: int
    was_restarted: bool
    audit: Audit
    broken: list[str]

    @property
    def is_clean(self) -> bool:
        return self.audit.is_clean and not self.poisoned and not self.was_restarted


Fault = Callable[[Site], AbstractContextManager[None]]


def run(site: Site, name: str, *, seconds: float, writers: int, seed: int) -> Outage:
    """Have clients write through one fault of `FAULTS`; web processes have to live through it."""
    ledger = new_ledger(site)
    web = site.web()
    with writing(site, ledger, writers=writers, seed=seed):
        time.sleep(WARM_UP_SECONDS)
        before = Counter(ledger.outcomes)
        with FAULTS[name](site):
            time.sleep(seconds)
        ended_at = time.monotonic()
        during = Counter(ledger.outcomes) - before
        recovery = seconds_to_recover(site, ledger, ended_at, lambda: True)
    return Outage(
        name=name,
        seconds=seconds,
        outcomes=dict(during),
        slowest_seconds=ledger.slowest_seconds,
        recovery_seconds=recovery,
        poisoned=poisoned(site, ledger),
        checked=CHECKS,
        was_restarted=site.web() != web,
        audit=audit(site, ledger),
        broken=ledger.broken[:20],
    )


def poisoned(site: Site, ledger: Ledger) -> int:
    """Ask from many connections at once, so that every thread is met; return how many failed."""

    def works(number: int) -> bool:
        client = Client(site, ledger, (site.key, site.user)[number % 2])
        try:
            if number % 4:
                answer = client.send("GET", f"{site.documents}?total=false")
                return answer is not None and answer.status_code == OK
            uid = unique_id()
            status = client.create(uid)
            if status != CREATED:
                ledger.give_up(uid)
                return False
            ledger.acknowledge(uid)
            return True
        finally:
            client.close()

    with ThreadPoolExecutor(CHECKS_AT_ONCE) as pool:
        return sum(not worked for worked in pool.map(works, range(CHECKS)))


@contextmanager
def frozen(site: Site) -> Iterator[None]:
    """Stop every process of PostgreSQL in its tracks: it accepts what is sent and says nothing."""
    stopped = servers_in(site.data)
    try:
        _signal(stopped, signal.SIGSTOP)
        yield
    finally:
        _signal(stopped, signal.SIGCONT)


@contextmanager
def stopped(site: Site) -> Iterator[None]:
    """Shut PostgreSQL down in order; whoever would start it again sleeps meanwhile."""
    try:
        os.kill(site.supervisor, signal.SIGSTOP)
        _signal(site.postmaster(), signal.SIGINT)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while servers_in(site.data) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.kill(site.supervisor, signal.SIGCONT)


@contextmanager
def exhausted(site: Site) -> Iterator[None]:
    """Let other clients take every connection, and keep them."""
    ended = threading.Event()
    with ExitStack() as taken:
        held = [taken.enter_context(site.database())]
        taking = threading.Thread(target=_take_all, args=(site, held, taken, ended))
        taking.start()
        try:
            yield
        finally:
            ended.set()
            taking.join()


def _take_all(
    site: Site,
    held: "list[psycopg.Connection[tuple[Any, ...]]]",
    taken: ExitStack,
    ended: threading.Event,
) -> None:
    while not ended.wait(POLL_SECONDS):
        with suppress(psycopg.OperationalError):
            while len(held) < MOST_CONNECTIONS:
                held.append(taken.enter_context(site.database()))
        with contextlib.suppress(psycopg.OperationalError):
            held[0].execute(_END_OTHERS, [[each.info.backend_pid for each in held]])


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


FAULTS: dict[str, Fault] = {"frozen": frozen, "stopped": stopped, "exhausted": exhausted}
