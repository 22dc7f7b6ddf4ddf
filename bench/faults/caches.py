"""Redis flushed, frozen, killed, full: the API goes on, sign-in is limited, no job forgotten."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import redis

from bench.faults.audit import Audit, audit, new_ledger
from bench.faults.builds import Builder
from bench.faults.outages import CHECKS, poisoned
from bench.faults.site import Site, running
from bench.faults.writers import Client, Ledger, writing
from kernel.ids import unique_id

PROGRAM = "redis-server"
START_SECONDS = 10.0
POLL_SECONDS = 0.05
WARM_UP_SECONDS = 1.0
#: Promised: so long after Redis is back every queued job is queued again.
JOB_SECONDS = 60.0
SIGN_INS = 30
LIMITED, REFUSED = 429, 401


@dataclass(frozen=True, kw_only=True)
class CacheFault:
    """What clients saw; of `sign_ins_tried` wrong passwords no more than the limit are checked."""

    name: str
    seconds: float
    outcomes: dict[str, int]
    slowest_seconds: float
    sign_ins_checked: int
    sign_in_limit: int
    job_seconds: float
    poisoned: int
    checked: int
    was_restarted: bool
    audit: Audit
    broken: list[str]

    @property
    def is_clean(self) -> bool:
        is_limited = self.sign_ins_checked <= self.sign_in_limit
        works = not self.poisoned and not self.was_restarted and self.audit.is_clean
        return works and is_limited and self.job_seconds <= JOB_SECONDS


class RedisServer:
    """A Redis of this run's own, in memory only."""

    def __init__(self, program: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self._place = tempfile.mkdtemp(prefix="appwrite-redis-")
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", self._place]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(POLL_SECONDS)
        raise TimeoutError(f"{PROGRAM} does not answer after {START_SECONDS:.0f} s")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._place, ignore_errors=True)


Fault = Callable[[RedisServer], AbstractContextManager[None]]


def program() -> str | None:
    return shutil.which(PROGRAM)


@contextmanager
def site_with_redis() -> Iterator[tuple[Site, RedisServer]]:
    """Start a Redis, and an installation on it whose rate limits hold."""
    found = program()
    if found is None:
        raise FileNotFoundError(f"{PROGRAM} is not installed")
    server = RedisServer(found)
    try:
        with running(REDIS_URL=server.url, ABUSE_LIMITS="on") as site:
            yield site, server
    finally:
        server.close()


def run(
    site: Site, server: RedisServer, name: str, *, seconds: float, writers: int, seed: int
) -> CacheFault:
    """Have clients write through one fault of `FAULTS`."""
    ledger = new_ledger(site)
    builder = Builder(site, ledger)
    web = site.web()
    with writing(site, ledger, writers=writers, seed=seed, has_users=False):
        time.sleep(WARM_UP_SECONDS)
        before = Counter(ledger.outcomes)
        with FAULTS[name](server):
            ends_at = time.monotonic() + seconds
            checked, limit = _guess_passwords(site, ledger)
            key = builder.attribute()
            time.sleep(max(ends_at - time.monotonic(), 0))
        during = Counter(ledger.outcomes) - before
        job_seconds = builder.seconds_until_built(key, time.monotonic())
    builder.close()
    return CacheFault(
        name=name,
        seconds=seconds,
        outcomes=dict(during),
        slowest_seconds=ledger.slowest_seconds,
        sign_ins_checked=checked,
        sign_in_limit=limit,
        job_seconds=job_seconds,
        poisoned=poisoned(site, ledger),
        checked=CHECKS,
        was_restarted=site.web() != web,
        audit=audit(site, ledger),
        broken=ledger.broken[:20],
    )


def _guess_passwords(site: Site, ledger: Ledger) -> tuple[int, int]:
    """Try wrong passwords; return how many were checked, and the limit that the server tells."""
    project = {name: value for name, value in site.key.items() if name == "X-Appwrite-Project"}
    client = Client(site, ledger, project)
    guess = {"email": f"{unique_id()}@example.com", "password": "not the password"}
    checked = limit = 0
    for _ in range(SIGN_INS):
        answer = client.send("POST", "/account/sessions/email", guess)
        if answer is None:
            continue
        limit = int(answer.headers.get("x-ratelimit-limit", 0))
        checked += answer.status_code == REFUSED
        if answer.status_code not in (REFUSED, LIMITED):
            ledger.accuse(f"sign-in: {answer.status_code} {answer.text[:200]}")
    client.close()
    return checked, limit


@contextmanager
def flushed(server: RedisServer) -> Iterator[None]:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    yield


@contextmanager
def frozen(server: RedisServer) -> Iterator[None]:
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@contextmanager
def killed(server: RedisServer) -> Iterator[None]:
    """Kill it; what it held is gone when it is started again."""
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def full(server: RedisServer) -> Iterator[None]:
    """Leave it no memory: it reads, and refuses what would take more."""
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


FAULTS: dict[str, Fault] = {"flushed": flushed, "frozen": frozen, "killed": killed, "full": full}
