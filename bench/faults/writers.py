"""Clients that write all the while, and remember exactly what they were promised."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from bench.faults.site import Site
from kernel.ids import unique_id

LONGEST_ANSWER_SECONDS = 10.0
TIMEOUT_SECONDS = 30.0  # longer than what is promised, so that a hang is seen and counted
RETRY_SECONDS = 0.1
LAST_WORD_SECONDS = 60.0  # for a write whose outcome is unknown when the writers stop
READ_SHARE = 0.3
RECENT = 50  # reads ask for one of the last so many writes
CREATED, OK, CONFLICT, UNAVAILABLE = 201, 200, 409, 503


@dataclass
class Ledger:
    """What clients saw; thread-safe."""

    earlier: frozenset[str] = frozenset()
    acknowledged: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, outcome: str, seconds: float) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            self.slowest_seconds = max(self.slowest_seconds, seconds)
            if seconds > LONGEST_ANSWER_SECONDS:
                self.broken.append(f"{outcome} after {seconds:.1f} s")

    def acknowledge(self, uid: str) -> None:
        with self._lock:
            self.acknowledged.append(uid)

    def give_up(self, uid: str) -> None:
        with self._lock:
            self.unknown.add(uid)

    def accuse(self, text: str) -> None:
        """Note an answer that is never right."""
        with self._lock:
            self.broken.append(text)

    def recent(self, choose: random.Random) -> str | None:
        with self._lock:
            return choose.choice(self.acknowledged[-RECENT:]) if self.acknowledged else None


class Client:
    """One client of the site: it classifies every answer, and judges it."""

    def __init__(self, site: Site, ledger: Ledger, headers: Mapping[str, str]) -> None:
        self.site = site
        self.ledger = ledger
        self._http = httpx.Client(base_url=site.url, headers=dict(headers), timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: object = None) -> httpx.Response | None:
        """Return the answer, or None when the connection was lost or answered "not now"."""
        began = time.monotonic()
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            self.ledger.note(f"lost ({type(error).__name__})", time.monotonic() - began)
            return None
        self.ledger.note(str(answer.status_code), time.monotonic() - began)
        if answer.status_code == UNAVAILABLE:
            if "retry-after" not in answer.headers:
                self.ledger.accuse(f"503 without Retry-After: {answer.text[:200]}")
            return None
        if answer.is_server_error:
            self.ledger.accuse(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer

    def create(self, uid: str) -> int:
        """Try once to write a document; 0 when what became of it is not known."""
        document = {"documentId": uid, "data": {"title": uid}}
        answer = self.send("POST", self.site.documents, document)
        if answer is None or answer.is_server_error:
            return 0
        if answer.status_code not in (CREATED, CONFLICT):
            self.ledger.accuse(f"create: {answer.status_code} {answer.text[:200]}")
        return answer.status_code

    def write(self, uid: str, *, until: float) -> bool:
        """Write a document, again and again under the same id, until its fate is known."""
        tries = 0
        while True:
            status = self.create(uid)
            # A duplicate at a later try: the write before was done, its answer lost.
            if status == CREATED or (status == CONFLICT and tries):
                self.ledger.acknowledge(uid)
                return True
            if status:
                self.ledger.accuse(f"{uid}: {status} at try {tries + 1}")
                return False
            if time.monotonic() > until:
                self.ledger.give_up(uid)
                return False
            tries += 1
            time.sleep(RETRY_SECONDS)

    def read(self, uid: str) -> bool:
        """Read an acknowledged document; tell whether there was an answer."""
        answer = self.send("GET", f"{self.site.documents}/{uid}")
        if answer is None:
            return False
        if answer.status_code != OK or answer.json().get("title") != uid:
            self.ledger.accuse(f"{uid} was acknowledged: {answer.status_code} {answer.text[:200]}")
        return True


@contextmanager
def writing(
    site: Site, ledger: Ledger, *, writers: int, seed: int, has_users: bool = True
) -> Iterator[None]:
    """Have clients write and read while the body runs, half with a key and half signed in."""
    callers = (site.key, site.user if has_users else site.key)
    stop = threading.Event()

    def work(number: int) -> None:
        choose = random.Random(seed + number)
        client = Client(site, ledger, callers[number % 2])
        while not stop.is_set():
            client.write(unique_id(), until=time.monotonic() + LAST_WORD_SECONDS)
            known = ledger.recent(choose) if choose.random() < READ_SHARE else None
            if known is not None:
                client.read(known)
        client.close()

    with ThreadPoolExecutor(writers) as pool:
        working = [pool.submit(work, number) for number in range(writers)]
        try:
            yield
        finally:
            stop.set()
    for each in working:
        each.result()
