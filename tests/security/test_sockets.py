"""Classes 24, 25, 27, 28 and 35: what one caller may know never reaches another, by any way.

How sockets end with their session, team or user (16 and 28) is in
`tests/realtime/test_identities.py`.
"""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest

from appwrite_clone import asgi
from kernel.caller import Caller, CallerKind, ProjectContext
from projects import services as projects
from projects.models import Platform, Project
from realtime.database import in_database
from realtime.hub import Hub
from realtime.mailboxes import Mailbox
from realtime.sockets import Socket
from realtime.subscriptions import Subscription
from tests.client import ApiClient
from tests.conftest import Person, sign_up
from tests.documents.schema import drop_partitions
from tests.realtime.conversations import Connection, Connections, Conversation, hold
from tests.security.world import client, found, made, make_key

pytestmark = pytest.mark.slow

INTERLEAVED_EVENTS = 10_000
COLLECTIONS, DOCUMENTS_EACH = 6, 8
CLIENTS, REQUESTS, CANCELLED_SHARE = 20, 200, 0.2
MAX_TRIES = 60  # a slow machine has no room for all at once, and says when to come again
SEED = 27


@pytest.fixture
def talk(transactional_db: None) -> Iterator[Callable[[Conversation], None]]:
    yield hold
    drop_partitions()


# Class 24


def listener(project: ProjectContext, uid: str) -> Socket:
    """Return a user's socket that wants every document there is."""
    roles = frozenset({"any", "users", f"user:{uid}"})
    caller = Caller(project=project, kind=CallerKind.SESSION, user_uid=uid, roles=roles)
    socket = Socket(project.uid, caller, partial(replace, caller), Mailbox(lambda: None))
    socket.subscribe([Subscription("s", ("documents",), ('{"method":"select","values":["*"]}',))])
    return socket


def test_class_24_interleaved_events_reach_their_own_user_alone() -> None:
    project = ProjectContext(id=1, uid="blog", name="")
    chance = random.Random(SEED)

    async def deliver() -> None:
        hub = Hub(asyncio.get_running_loop())
        people = {uid: listener(project, uid) for uid in ("alice", "bob")}
        for socket in people.values():
            hub._index.put(socket)
        heard: dict[str, int] = dict.fromkeys(people, 0)
        for number in range(INTERLEAVED_EVENTS):
            uid = chance.choice(["alice", "bob"])
            await hub.deliver(document_event(number, uid))
            for owner, socket in people.items():
                frames = [json.loads(text) for text in socket.mailbox._frames]
                socket.mailbox = Mailbox(lambda: None)
                assert [each["data"]["payload"]["of"] for each in frames] == [owner] * (
                    owner == uid
                )
                heard[owner] += len(frames)
        assert sum(heard.values()) == INTERLEAVED_EVENTS

    asyncio.run(deliver())


def document_event(number: int, owner: str) -> Any:
    return {
        "type": "event",
        "name": f"databases.d.collections.c.documents.d{number}.create",
        "project": "blog",
        "roles": [f"user:{owner}"],
        "timestamp": "",
        "changed": "",
        "outbox": number,
        "payload": {"of": owner},
    }


# Classes 27 and 28


@dataclass(frozen=True)
class Stage:
    """A project with people in it, and what each is known by."""

    project: ProjectContext
    server: ApiClient
    people: dict[str, str]  # name to session; the guest's is empty

    def client(self, name: str) -> ApiClient:
        return client(self.project, session=self.people[name])

    def headers(self, name: str) -> dict[str, str]:
        session = self.people[name]
        return {"X-Appwrite-Session": session} if session else {}


@pytest.fixture
def stage(talk: Any, project: ProjectContext) -> Stage:
    scopes = ["users.write", "teams.write", "databases.write", "collections.write"]
    scopes += ["documents.read", "documents.write"]
    server = client(project, key=make_key(project, scopes))
    people: dict[str, Person] = {name: sign_up(project, name) for name in ("alice", "bob", "cleo")}
    made(server.post("/teams", {"teamId": "t", "name": "T"}))
    made(server.post("/teams/t/memberships", {"userId": "bob", "roles": ["editor"]}))
    made(server.put("/users/cleo/labels", {"labels": ["vip"]}), 200)
    made(server.post("/databases", {"databaseId": "main", "name": "Main"}))
    sessions = {name: person.session for name, person in people.items()}
    return Stage(project, server, sessions | {"guest": ""})


ROLES = [
    *("any", "guests", "users", "users/unverified", "users/verified", "user:alice", "user:bob"),
    *("team:t", "team:t/editor", "team:t/owner", "label:vip", "label:other", "user:cleo/verified"),
]


def make_collection(stage: Stage, uid: str, roles: Sequence[str], *, by_document: bool) -> str:
    text = {"key": "title", "type": "string", "size": 50, "required": False}
    body = {
        "collectionId": uid,
        "name": uid,
        "permissions": [f'read("{role}")' for role in roles],
        "documentSecurity": by_document,
        "attributes": [text],
    }
    made(stage.server.post("/databases/main/collections", body))
    return f"/databases/main/collections/{uid}/documents"


async def listeners(connections: Connections, stage: Stage) -> dict[str, Connection]:
    opened = {}
    for name in stage.people:
        opened[name] = await connections.open(stage.project, headers=stage.headers(name))
        await opened[name].subscribe("documents")
    return opened


async def heard(sockets: dict[str, Connection], last: str) -> dict[str, list[str]]:
    """Read every socket up to the event of the document `last`, which is for all."""
    found: dict[str, list[str]] = {name: [] for name in sockets}
    for name, socket in sockets.items():
        while True:
            event = (await socket.receive())["data"]
            if event["payload"]["$id"] == last:
                break
            found[name].append(f"{event['payload']['$id']} {event['events'][0].rpartition('.')[2]}")
    return found


def test_class_27_sockets_and_answers_show_the_same_documents(talk: Any, stage: Stage) -> None:
    chance = random.Random(SEED)
    for_all = make_collection(stage, "all", ["any"], by_document=False)
    written: list[str] = []

    def write() -> None:
        for number in range(COLLECTIONS):
            roles = chance.sample(ROLES, chance.choice([0, 0, 1, 2]))
            path = make_collection(stage, f"c{number}", roles, by_document=number % 3 != 0)
            for place in range(DOCUMENTS_EACH):
                readers = chance.sample(ROLES, chance.randint(0, 2))
                body = {
                    "documentId": f"d{number}-{place}",
                    "data": {"title": "x"},
                    "permissions": [f'read("{role}")' for role in readers],
                }
                made(stage.server.post(path, body))
                written.append(f"{path}/d{number}-{place}")
        made(stage.server.post(for_all, {"documentId": "last", "data": {"title": "x"}}))

    def readable(name: str) -> list[str]:
        asking = stage.client(name)
        return [f"{path.rpartition('/')[2]} create" for path in written
                if asking.get(path).status == 200]  # fmt: skip

    async def conversation(connections: Connections) -> None:
        sockets = await listeners(connections, stage)
        await in_database(write)
        by_socket = await heard(sockets, "last")
        for name in stage.people:
            assert by_socket[name] == await in_database(readable, name), name
        assert 0 < len(by_socket["guest"]) < len(by_socket["bob"]) < len(written)

    talk(conversation)


def test_class_28_a_revoked_grant_is_heard_by_nobody_who_lost_it(talk: Any, stage: Stage) -> None:
    path = make_collection(stage, "c", [], by_document=True)
    for_all = make_collection(stage, "all", ["any"], by_document=False)

    def write() -> None:
        both = ['read("user:alice")', 'read("user:bob")']
        made(
            stage.server.post(
                path, {"documentId": "d", "data": {"title": "x"}, "permissions": both}
            )
        )
        made(stage.server.patch(f"{path}/d", {"permissions": both[1:]}), 200)
        made(stage.server.patch(f"{path}/d", {"data": {"title": "not for alice"}}), 200)
        assert stage.server.delete(f"{path}/d").status == 204
        made(stage.server.post(for_all, {"documentId": "last", "data": {"title": "x"}}))

    async def conversation(connections: Connections) -> None:
        sockets = await listeners(connections, stage)
        await in_database(write)
        assert await heard(sockets, "last") == {
            "alice": ["d create"],
            "bob": ["d create", "d update", "d update", "d delete"],
            "cleo": [],
            "guest": [],
        }

    talk(conversation)


# Class 35: what HTTP refuses, sockets refuse

ORIGINS = [
    ("https://app.example.com", True),
    ("https://app.example.com:8443", True),
    ("https://sub.wild.example.com", True),
    ("http://localhost:3000", True),
    ("https://evil.example", False),
    ("https://app.example.com.evil.example", False),
    ("https://wild.example.com.evil.example", False),
    ("https://app.example.com@evil.example", False),
    ("null", False),
    ("file://", False),
    ("http://[::1", False),
]


def test_class_35_pages_are_judged_alike(talk: Any, project: ProjectContext) -> None:
    row = Project.objects.get(uid=project.uid)
    for place, host in enumerate(("app.example.com", "*.wild.example.com")):
        Platform.objects.create(project=row, uid=f"p{place}", type="web", name=host, hostname=host)
    blog = found(project.uid)
    for origin, is_accepted in ORIGINS:
        reply = client(blog, Origin=origin).get("/ping")
        assert (reply.status == 200) == is_accepted, origin

    async def conversation(connections: Connections) -> None:
        for origin, is_accepted in ORIGINS:
            one = connections.make(blog, headers={"Origin": origin})
            await one.open()
            assert (one.first_type == "connected") == is_accepted, origin

    talk(conversation)


def blocked(project: ProjectContext, person: Person) -> dict[str, str]:
    server = client(project, key=make_key(project, ["users.write"]))
    made(server.patch(f"/users/{person.uid}/status", {"status": False}), 200)
    return {"X-Appwrite-Session": person.session}


def unknown_token(_project: ProjectContext, _person: Person) -> dict[str, str]:
    return {"X-Appwrite-JWT": "a.b.c"}


def two_identities(project: ProjectContext, person: Person) -> dict[str, str]:
    jwt = made(client(project, session=person.session).post("/account/jwts"))["jwt"]
    return {"X-Appwrite-Session": person.session, "X-Appwrite-JWT": jwt}


def test_class_35_credentials_are_judged_alike(talk: Any, project: ProjectContext) -> None:
    cases = {}
    for place, credentials in enumerate((blocked, unknown_token, two_identities)):
        headers = credentials(project, sign_up(project, f"user{place}"))
        refused = ApiClient({"X-Appwrite-Project": project.uid, **headers}).get("/account")
        assert refused.status in (401, 403)
        cases[refused.error] = headers, refused.status
    assert len(cases) == 3

    async def conversation(connections: Connections) -> None:
        for headers, status in cases.values():
            one = connections.make(project, headers=headers)
            told = await one.open()
            assert (one.first_type, told["code"]) == ("error", status)
            assert await one.closed_with() == 1008

    talk(conversation)


def test_class_35_an_unknown_project_has_no_socket(talk: Any, project: ProjectContext) -> None:
    assert ApiClient({"X-Appwrite-Project": "nowhere"}).get("/ping").status == 404

    async def conversation(connections: Connections) -> None:
        one = connections.make("nowhere")
        await one.open()
        assert one.first_type == "error"
        assert await one.closed_with() == 1008

    talk(conversation)


# Class 25


async def answer_to(http: httpx.AsyncClient, *asked: str, **more: Any) -> httpx.Response:
    """Ask until the server has time for it."""
    answer = await http.request(*asked, **more)
    for _ in range(MAX_TRIES):
        if answer.status_code != 503:
            break
        await asyncio.sleep(float(answer.headers["Retry-After"]))
        answer = await http.request(*asked, **more)
    return answer


def test_class_25_concurrent_requests_never_mix(talk: Any, project: ProjectContext) -> None:
    """A fifth of the clients goes away in the middle; what they asked for reaches nobody else."""
    people = [sign_up(project, f"user{number}") for number in range(CLIENTS)]
    for person in people:
        nonce = {"prefs": {"nonce": f"nonce of {person.uid}"}}
        made(client(project, session=person.session).patch("/account/prefs", nonce), 200)
    projects.drop_project()
    chance = random.Random(SEED)

    async def ask(http: httpx.AsyncClient, person: Person, number: int) -> None:
        headers = {"X-Appwrite-Project": project.uid, "X-Appwrite-Session": person.session}
        account = (await answer_to(http, "GET", "/v1/account", headers=headers)).json()
        assert account["$id"] == person.uid
        assert account["prefs"] == {"nonce": f"nonce of {person.uid}"}
        renamed = {"name": f"{person.uid} {number}"}
        patched = await answer_to(http, "PATCH", "/v1/account/name", headers=headers, json=renamed)
        assert patched.json()["$id"] == person.uid
        headers = {"X-Appwrite-Project": project.uid}
        guest = await answer_to(http, "GET", "/v1/account", headers=headers)
        assert guest.status_code == 401

    async def main() -> None:
        transport = httpx.ASGITransport(asgi.http)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            asked = [
                asyncio.create_task(ask(http, chance.choice(people), number))
                for number in range(REQUESTS)
            ]
            await asyncio.sleep(0.05)
            for task in chance.sample(asked, int(REQUESTS * CANCELLED_SHARE)):
                task.cancel()
            results = await asyncio.gather(*asked, return_exceptions=True)
        failed = [each for each in results if isinstance(each, Exception)]
        assert failed == []
        gone = sum(isinstance(each, asyncio.CancelledError) for each in results)
        assert 0 < gone <= REQUESTS * CANCELLED_SHARE

    try:
        asyncio.run(main())
    finally:
        asgi.http.stop()
