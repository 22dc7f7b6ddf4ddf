"""Permission decisions against an independent reading of the rules, over random grants.

`python -m bench.oracle --cases 1000000` starts an installation of its own. Its listings decide in
bulk, in SQL, which of 2,000 documents each caller sees; reads, updates and sockets one by one.
"""

import argparse
import json
import random
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
from websockets.sync.client import ClientConnection, connect

from bench.api import Api
from bench.faults.site import BUILD_SECONDS, DATABASE, Site, running
from tests.compat.live import PROJECT

COLLECTION = "judged"
OPEN_ACTIONS = ("read", "update", "delete")
MOST_CASES = 10_000_000
DOCUMENTS = 2_000
CHANGED_PER_ROUND = 20
OVER_HTTP = 4_000
OVER_SOCKET = 1_000
OK, REFUSALS = 200, frozenset({401, 404})
ASKED_IN_ORDER = ("read", "update")
SILENCE_SECONDS = 3.0

Grants = frozenset[tuple[str, str]]


# The oracle: it knows people and rules, and nothing of the code


@dataclass(frozen=True)
class Person:
    uid: str = ""
    is_verified: bool = False
    labels: frozenset[str] = frozenset()
    teams: tuple[tuple[str, str], ...] = ()  # team and role in it

    def is_named_by(self, role: str) -> bool:
        kind, _, name = role.partition(":")
        match kind:
            case "any":
                return True
            case "guests" | "users/verified" | "users/unverified" | "users":
                status = "users/verified" if self.is_verified else "users/unverified"
                return kind in ({"users", status} if self.uid else {"guests"})
            case "user":
                own, _, status = name.partition("/")
                wanted = "verified" if self.is_verified else "unverified"
                return own == self.uid and status in ("", wanted)
            case "label":
                return name in self.labels
            case _:
                team, _, place = name.partition("/")
                return any(team == own and place in ("", role) for own, role in self.teams)


def may(person: Person, action: str, collection: Grants, item: Grants) -> bool:
    return any(
        granted == action and person.is_named_by(role) for granted, role in collection | item
    )


# The scene: everybody, and documents with random grants

PEOPLE = {
    "guest": Person(),
    "alice": Person("alice", True, frozenset({"vip"}), (("red", "owner"),)),
    "bob": Person("bob", False, frozenset(), (("red", "member"), ("blue", "owner"))),
    "carol": Person("carol", False, frozenset({"vip", "staff"}), ()),
    "dave": Person("dave", True, frozenset(), (("blue", "member"),)),
}
ROLES = (
    *("any", "guests", "users", "users/verified", "users/unverified"),
    *("user:alice", "user:bob", "user:bob/verified", "user:dave/verified", "user:carol"),
    *("team:red", "team:red/owner", "team:red/member", "team:blue", "team:blue/owner"),
    *("label:vip", "label:staff", "label:none", "team:none", "user:none"),
)
PASSWORD = "correct horse battery staple"


def some_grants(choose: random.Random, most: int) -> Grants:
    count = choose.randint(0, most)
    return frozenset((choose.choice(OPEN_ACTIONS), choose.choice(ROLES)) for _ in range(count))


def texts(grants: Collection[tuple[str, str]]) -> list[str]:
    return [f'{action}("{role}")' for action, role in sorted(grants)]


@dataclass
class Scene:
    site: Site
    headers: dict[str, dict[str, str]]
    collection: Grants
    items: dict[str, Grants]

    @property
    def path(self) -> str:
        return f"/databases/{DATABASE}/collections/{COLLECTION}"


def prepare(site: Site, choose: random.Random, documents: int) -> Scene:
    """Make the people with their teams, and documents with random grants, all through the API."""
    with Api(site.url, site.key) as api:
        for team in ("red", "blue"):
            api.post("/teams", {"teamId": team, "name": team})
        project = {"X-Appwrite-Project": PROJECT}
        headers = {name: project | _enter(api, each) for name, each in PEOPLE.items() if each.uid}
        scene = Scene(site, headers | {"guest": project}, frozenset(), {})
        _make_collection(api, scene)
        for number in range(documents):
            uid = f"d{number}"
            scene.items[uid] = some_grants(choose, 4)
            api.post(
                f"{scene.path}/documents",
                {"documentId": uid, "data": {"number": 0}, "permissions": texts(scene.items[uid])},
            )
    return scene


def _enter(api: Api, person: Person) -> dict[str, str]:
    uid = person.uid
    api.post("/users", {"userId": uid, "email": f"{uid}@example.com", "password": PASSWORD})
    api.patch(f"/users/{uid}/verification", {"emailVerification": person.is_verified})
    api.put(f"/users/{uid}/labels", {"labels": sorted(person.labels)})
    for team, role in person.teams:
        joining = {"userId": uid, "roles": [role], "url": "http://localhost"}
        api.post(f"/teams/{team}/memberships", joining)
    return {"X-Appwrite-Session": api.post(f"/users/{uid}/sessions", {})["secret"]}


def _make_collection(api: Api, scene: Scene) -> None:
    body = {"collectionId": COLLECTION, "name": COLLECTION, "documentSecurity": True}
    api.post(scene.path.rpartition("/")[0], body)
    path = f"{scene.path}/attributes"
    api.post(f"{path}/integer", {"key": "number", "required": False})
    api.wait(path, "attributes", BUILD_SECONDS)


# The questions


@dataclass
class Verdict:
    """How many decisions of one kind were asked for, and which of them were wrong."""

    asked: int = 0
    wrong: int = 0
    example: str = ""

    def note(self, said: bool, right: bool, what: str) -> None:
        self.asked += 1
        if said != right:
            self.wrong += 1
            self.example = self.example or f"{what}: {said}, and it is {right}"

    def __str__(self) -> str:
        bound = "" if self.wrong or not self.asked else f" (< {3 / self.asked:.1g})"
        return f"{self.wrong} wrong of {self.asked:,}{bound} {self.example}".rstrip()


def ask_in_bulk(scene: Scene, choose: random.Random, cases: int) -> Verdict:
    """List as everybody, under other grants each time, until so many decisions were made."""
    verdict = Verdict()
    listing = "&".join(
        "queries[]=" + json.dumps(query, separators=(",", ":"))
        for query in (
            {"method": "limit", "values": [5000]},
            {"method": "select", "values": ["$id"]},
        )
    )
    while verdict.asked < cases:
        _change_grants(scene, choose)
        for name, person in PEOPLE.items():
            with httpx.Client(headers=scene.headers[name], timeout=30) as client:
                answer = client.get(f"{scene.site.url}{scene.path}/documents?{listing}&total=false")
            shown = {each["$id"] for each in answer.json().get("documents", ())}
            for uid, item in scene.items.items():
                right = may(person, "read", scene.collection, item)
                verdict.note(uid in shown, right, f"{name} lists {uid} with {texts(item)}")
    return verdict


def _change_grants(scene: Scene, choose: random.Random) -> None:
    scene.collection = some_grants(choose, 1)
    with Api(scene.site.url, scene.site.key) as api:
        body = {"name": COLLECTION, "permissions": texts(scene.collection)}
        api.put(scene.path, body | {"documentSecurity": True})
        for uid in choose.sample(sorted(scene.items), CHANGED_PER_ROUND):
            scene.items[uid] = some_grants(choose, 4)
            permissions = {"permissions": texts(scene.items[uid])}
            api.patch(f"{scene.path}/documents/{uid}", permissions)


def ask_over_http(scene: Scene, choose: random.Random, cases: int) -> Verdict:
    """Read or update one document at a time, each as somebody."""
    verdict = Verdict()
    with ExitStack() as opened:
        clients = {
            name: opened.enter_context(httpx.Client(headers=headers, timeout=30))
            for name, headers in scene.headers.items()
        }
        uids = sorted(scene.items)
        for number in range(cases):
            name, uid = choose.choice(list(PEOPLE)), choose.choice(uids)
            action = ASKED_IN_ORDER[number % len(ASKED_IN_ORDER)]
            url = f"{scene.site.url}{scene.path}/documents/{uid}"
            if action == "read":
                status = clients[name].get(url).status_code
            else:
                status = clients[name].patch(url, json={"data": {"number": number}}).status_code
            if status not in REFUSALS | {OK}:
                raise RuntimeError(f"{action} as {name}: {status}")
            right = may(PEOPLE[name], action, scene.collection, scene.items[uid])
            verdict.note(status == OK, right, f"{action} {uid} as {name}")
    return verdict


def ask_over_socket(scene: Scene, choose: random.Random, cases: int) -> Verdict:
    """Change documents, and see on whose socket the news arrive."""
    verdict = Verdict()
    chosen = choose.sample(sorted(scene.items), cases // len(PEOPLE))
    with ExitStack() as opened, Api(scene.site.url, scene.site.key) as api:
        sockets = {
            name: opened.enter_context(_socket(scene, headers))
            for name, headers in scene.headers.items()
        }
        for socket in sockets.values():
            socket.recv(SILENCE_SECONDS)  # it is connected
        for number, uid in enumerate(chosen):
            api.patch(f"{scene.path}/documents/{uid}", {"data": {"number": -number - 1}})
        for name, socket in sockets.items():
            heard = set(_heard(socket))
            for uid in chosen:
                right = may(PEOPLE[name], "read", scene.collection, scene.items[uid])
                verdict.note(uid in heard, right, f"{name} hears of {uid}")
    return verdict


def _socket(scene: Scene, headers: Mapping[str, str]) -> ClientConnection:
    query = urlencode({"project": PROJECT, "channels[]": "documents"})
    url = scene.site.url.replace("http", "ws", 1)
    return connect(f"{url}/realtime?{query}", additional_headers=headers)


def _heard(socket: ClientConnection) -> Iterator[str]:
    while True:
        try:
            frame = json.loads(socket.recv(SILENCE_SECONDS))
        except TimeoutError:
            return
        if frame["type"] == "event":
            yield frame["data"]["payload"]["$id"]


def main() -> int:
    """Ask so many questions as were wanted; 1 when one decision was wrong."""
    parser = argparse.ArgumentParser(prog="bench.oracle", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000, help="decided in bulk")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if not 0 < asked.cases <= MOST_CASES:
        parser.error(f"--cases: at most {MOST_CASES:,}, at least one")
    choose = random.Random(asked.seed)
    with running() as site:
        scene = prepare(site, choose, min(DOCUMENTS, asked.cases))
        verdicts = {
            "in bulk": ask_in_bulk(scene, choose, asked.cases),
            "over HTTP": ask_over_http(scene, choose, min(OVER_HTTP, asked.cases)),
            "over the socket": ask_over_socket(scene, choose, min(OVER_SOCKET, asked.cases)),
        }
    for kind, verdict in verdicts.items():
        sys.stdout.write(f"{kind}: {verdict}\n")
    return int(any(verdict.wrong for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
