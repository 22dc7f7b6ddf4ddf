"""Sign-ins: what they take beyond the hash, what their time tells, and whom they hold up.

`python -m bench.logins --samples 500 --seed 1` starts an installation of its own and ends with 1
when a promise is broken.
"""

import argparse
import bisect
import json
import logging
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection

from accounts.passwords import Argon2Hasher
from appwrite_clone.bootstrap import LARGE_PAGES
from bench.api import Api
from bench.faults.site import EMAIL, PASSWORD, Site, running
from bench.requests import JSON_TYPE
from kernel.ids import unique_id
from tests.compat.live import PROJECT

MOST_SAMPLES = 5_000
LOGINS_AT_ONCE = 8
GETS = 200
WARM_UPS = 10
CLIENT_SECONDS = 30
#: The promises: an area under the curve of 0.5 is none, 1.0 tells one from the other each time.
MOST_TELLING_AREA = 0.55
MOST_OVERHEAD_MILLISECONDS = 5.0

Timed = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured; times in milliseconds, medians unless named otherwise."""

    samples: int
    hash_time: float
    login: float
    unknown_user: float
    wrong_password: float
    area_under_curve: float
    get_alone: float
    get_alone_p99: float
    get_beside_logins: float
    get_beside_logins_p99: float
    logins_per_second_beside: float

    @property
    def overhead(self) -> float:
        return self.login - self.hash_time

    @property
    def is_clean(self) -> bool:
        is_silent = self.area_under_curve <= MOST_TELLING_AREA
        return is_silent and self.overhead <= MOST_OVERHEAD_MILLISECONDS


def main() -> int:
    """Measure, print JSON; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="bench.logins", description=__doc__)
    parser.add_argument("--samples", type=int, default=500, help="of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the samples")
    asked = parser.parse_args()
    if LARGE_PAGES[0] not in os.environ:  # as the server has them, and only from the start on
        os.environ.setdefault(*LARGE_PAGES)
        os.execv(sys.executable, [sys.executable, "-m", "bench.logins", *sys.argv[1:]])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # what it prepares is no news here
    with running() as site:
        found = measure(site, samples=min(asked.samples, MOST_SAMPLES), seed=asked.seed)
    figures = {"overhead": found.overhead, **asdict(found)}
    rounded = {name: round(value, 3) for name, value in figures.items()}
    sys.stdout.write(json.dumps(rounded, indent=1) + "\n")
    return 0 if found.is_clean else 1


def measure(site: Site, *, samples: int, seed: int) -> Found:
    """Time sign-ins that succeed and fail, and reads alone and beside them."""
    with _client(site) as client:
        good = _login(client, EMAIL, PASSWORD, expected=201)
        wrong = _login(client, EMAIL, f"{PASSWORD}!", expected=401)
        unknown = _login(client, "nobody@example.com", PASSWORD, expected=401)
        read = _get(client, _reader(site))
        for timed in (good, wrong, unknown, read) * WARM_UPS:
            timed()
        kinds = (_bare_hash(), unknown, wrong, good)
        hashes, unknowns, wrongs, logins = interleaved(kinds, samples=samples, seed=seed)
        alone = [read() for _ in range(GETS)]
        with _logins_beside(site) as done:
            started = time.perf_counter()
            beside = [read() for _ in range(GETS)]
            rate = done() / (time.perf_counter() - started)
    return Found(
        samples=samples,
        hash_time=statistics.median(hashes),
        login=statistics.median(logins),
        unknown_user=statistics.median(unknowns),
        wrong_password=statistics.median(wrongs),
        area_under_curve=area_under_curve(unknowns, wrongs),
        get_alone=statistics.median(alone),
        get_alone_p99=_p99(alone),
        get_beside_logins=statistics.median(beside),
        get_beside_logins_p99=_p99(beside),
        logins_per_second_beside=rate,
    )


def area_under_curve(some: list[float], others: list[float]) -> float:
    """Return how well a threshold tells two kinds apart (Mann-Whitney): 0.5 is not at all."""
    ranked = sorted(others)
    below = sum(
        (bisect.bisect_left(ranked, each) + bisect.bisect_right(ranked, each)) / 2 for each in some
    )
    area = below / (len(some) * len(others))
    return max(area, 1 - area)


def interleaved(kinds: Sequence[Timed], *, samples: int, seed: int) -> list[list[float]]:
    """Take samples of each kind in a random order, so that a slow moment favours none."""
    order = [*range(len(kinds))] * samples
    random.Random(seed).shuffle(order)
    taken: list[list[float]] = [[] for _ in kinds]
    for place in order:
        taken[place].append(kinds[place]())
    return taken


def _client(site: Site) -> AbstractContextManager[HTTPConnection]:
    """Return a client that takes next to no time of its own, which would count as the server's."""
    return closing(HTTPConnection("127.0.0.1", site.installation.port, timeout=CLIENT_SECONDS))


def _login(client: HTTPConnection, email: str, password: str, *, expected: int) -> Timed:
    body = json.dumps({"email": email, "password": password}).encode()
    headers = {"X-Appwrite-Project": PROJECT, "Content-Type": JSON_TYPE}
    path = "/v1/account/sessions/email"
    return lambda: _timed(lambda: client.request("POST", path, body, headers), client, expected)


def _reader(site: Site) -> dict[str, str]:
    """Return the headers of a user who stays signed in, however often another signs in."""
    with Api(site.url, site.key) as api:
        uid = unique_id()
        api.post("/users", {"userId": uid})
        session = api.post(f"/users/{uid}/sessions", {})
    return {"X-Appwrite-Project": PROJECT, "X-Appwrite-Session": session["secret"]}


def _get(client: HTTPConnection, headers: dict[str, str]) -> Timed:
    path = "/v1/account"
    return lambda: _timed(lambda: client.request("GET", path, headers=headers), client, 200)


def _timed(send: Callable[[], None], client: HTTPConnection, expected: int) -> float:
    started = time.perf_counter()
    send()
    answer = client.getresponse()
    text = answer.read()
    taken = (time.perf_counter() - started) * 1000
    if answer.status != expected:
        raise RuntimeError(f"answered {answer.status}: {text.decode(errors='replace')}")
    return taken


def _bare_hash() -> Timed:
    hasher = Argon2Hasher()
    encoded = hasher.encode(PASSWORD, hasher.salt())

    def timed() -> float:
        started = time.perf_counter()
        hasher.verify(PASSWORD, encoded)
        return (time.perf_counter() - started) * 1000

    return timed


@contextmanager
def _logins_beside(site: Site) -> Iterator[Callable[[], int]]:
    """Sign in again and again in the background; tells how often that was."""
    ended, counts = threading.Event(), [0] * LOGINS_AT_ONCE

    def work(place: int) -> None:
        with _client(site) as client:
            login = _login(client, EMAIL, PASSWORD, expected=201)
            while not ended.is_set():
                login()
                counts[place] += 1

    with ThreadPoolExecutor(LOGINS_AT_ONCE) as pool:
        running_ones = [pool.submit(work, place) for place in range(LOGINS_AT_ONCE)]
        try:
            yield lambda: sum(counts)
        finally:
            ended.set()
    for each in running_ones:
        each.result()


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    raise SystemExit(main())
