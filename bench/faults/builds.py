"""Jobs under the faults: attributes and indexes, each of which has to be built in the end."""

import time
from urllib.parse import quote

from bench.faults.site import Site
from bench.faults.writers import CONFLICT, RETRY_SECONDS, Client, Ledger
from kernel.ids import unique_id

POLL_SECONDS = 0.05
LEASE_SECONDS = 90.0  # a job whose worker died is given to the next one after 30
ACCEPTED, OK = 202, 200
_ALL = quote('{"method":"limit","values":[5000]}')  # a page has 25 otherwise


class Builder:
    """Asks for attributes and indexes, and knows which it asked for."""

    def __init__(self, site: Site, ledger: Ledger) -> None:
        self._client = Client(site, ledger, site.key)
        self._ledger = ledger
        self._path = site.built
        self.asked: list[str] = []

    def close(self) -> None:
        self._client.close()

    def attribute(self) -> str:
        key = f"a{unique_id()}"
        self._ask(f"{self._path}/attributes/string", {"key": key, "size": 20, "required": False})
        self.asked.append(key)
        return key

    def index(self) -> str:
        key = f"i{unique_id()}"
        body = {"key": key, "type": "key", "attributes": ["title"], "orders": ["ASC"]}
        self._ask(f"{self._path}/indexes", body)
        self.asked.append(key)
        return key

    def statuses(self) -> dict[str, str]:
        """Return how far each is; empty while the site does not answer."""
        found: dict[str, str] = {}
        for kind in ("attributes", "indexes"):
            answer = self._client.send("GET", f"{self._path}/{kind}?queries[]={_ALL}")
            if answer is None or answer.status_code != OK:
                return {}
            found |= {each["key"]: each["status"] for each in answer.json()[kind]}
        return found

    def seconds_until_built(self, key: str, since: float) -> float:
        """Return the seconds from `since` until it is available, or until nobody waits longer."""
        while time.monotonic() - since < LEASE_SECONDS:
            if self.statuses().get(key) == "available":
                break
            time.sleep(POLL_SECONDS)
        return time.monotonic() - since

    def unfinished(self) -> int:
        """Wait until everything is built; return how many never were."""
        deadline = time.monotonic() + LEASE_SECONDS
        while True:
            statuses = self.statuses()
            waiting = [key for key in self.asked if statuses.get(key) != "available"]
            if not waiting or time.monotonic() > deadline:
                return len(waiting)
            time.sleep(POLL_SECONDS * 10)

    def _ask(self, path: str, body: object) -> None:
        tries = 0
        while True:
            answer = self._client.send("POST", path, body)
            if answer is not None and answer.status_code == ACCEPTED:
                return
            if answer is not None and not (answer.status_code == CONFLICT and tries):
                self._ledger.accuse(f"{path}: {answer.status_code} {answer.text[:200]}")
                return
            if answer is not None:
                return  # the request before was done, its answer lost
            tries += 1
            time.sleep(RETRY_SECONDS)
