"""What a user may is changed through one web process: the other knows it, and open sockets do."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.compat import sdk
from tests.compat.live import PROJECT, Installation
from tests.real.test_spread import SECONDS, on_both_processes

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROUNDS = 6
SOCKETS = 6
HEARD_SECONDS = 0.2
PLACE = "/databases/revoked/collections/posts"


@dataclass(frozen=True)
class Pair:
    """Connections to the two web processes, and the server behind them."""

    server: Installation
    connections: list[requests.Session]

    def key(self, turn: int, method: str, path: str, body: Any = None) -> Any:
        """Have one process do something by the key, the other one in the next turn."""
        headers = {"X-Appwrite-Key": self.server.key}
        answer = self._send(self.connections[turn % 2], method, path, body, headers)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def seen(self, turn: int, session: str, path: str) -> int:
        """Return the status that the process which did not do it answers a user with."""
        headers = {"X-Appwrite-Session": session}
        return self._send(self.connections[1 - turn % 2], "GET", path, None, headers).status_code

    def _send(
        self, by: requests.Session, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> requests.Response:
        url = f"{self.server.endpoint}{path}"
        return by.request(method, url, json=body, headers=headers, timeout=SECONDS)


@pytest.fixture
def pair(spread: Installation) -> Iterator[Pair]:
    with on_both_processes(spread) as connections:
        yield Pair(spread, connections)


@pytest.fixture(scope="module")
def documents(spread: Installation) -> None:
    """Two documents: one for a role in a team and one for a label."""
    title = {"key": "title", "type": "string", "size": 100, "required": False}
    collection = {
        "collectionId": "posts",
        "name": "Posts",
        "documentSecurity": True,
        "attributes": [title],
    }
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/databases", {"databaseId": "revoked", "name": "Revoked"}),
        ("/databases/revoked/collections", collection),
        ("/teams", {"teamId": "revoked", "name": "Revoked"}),
    ]
    for uid, role in (("of-team", "team:revoked/editor"), ("of-label", "label:revoked")):
        document = {"documentId": uid, "data": {"title": role}, "permissions": [f'read("{role}")']}
        asked.append((f"{PLACE}/documents", document))
    headers = {"X-Appwrite-Project": PROJECT, "X-Appwrite-Key": spread.key}
    for path, body in asked:
        url = f"{spread.endpoint}{path}"
        answer = requests.post(url, json=body, headers=headers, timeout=SECONDS)
        assert answer.status_code == 201, answer.text


@pytest.fixture
def person(pair: Pair) -> sdk.Person:
    return sdk.sign_up(sdk.key_client(pair.server))


def session_of(pair: Pair, person: sdk.Person, turn: int = 0) -> dict[str, str]:
    opened: dict[str, str] = pair.key(turn, "POST", f"/users/{person.id}/sessions", {})
    return opened


def test_a_label_counts_in_the_next_request(pair: Pair, documents: None, person: sdk.Person):
    secret = session_of(pair, person)["secret"]
    for turn in range(ROUNDS):
        labels = ["revoked"] if turn % 3 else []
        pair.key(turn, "PUT", f"/users/{person.id}/labels", {"labels": labels})
        status = pair.seen(turn, secret, f"{PLACE}/documents/of-label")
        assert status == (200 if labels else 404), turn


def test_a_role_in_a_team_counts_in_the_next_request(
    pair: Pair, documents: None, person: sdk.Person
):
    secret = session_of(pair, person)["secret"]
    path = f"{PLACE}/documents/of-team"
    for turn in range(0, ROUNDS, 3):
        body = {"userId": person.id, "roles": ["editor"]}
        place = pair.key(turn, "POST", "/teams/revoked/memberships", body)["$id"]
        membership = f"/teams/revoked/memberships/{place}"
        assert pair.seen(turn, secret, path) == 200
        pair.key(turn + 1, "PATCH", membership, {"roles": ["reader"]})
        assert pair.seen(turn + 1, secret, path) == 404
        pair.key(turn + 2, "PATCH", membership, {"roles": ["editor"]})
        assert pair.seen(turn + 2, secret, path) == 200
        pair.key(turn, "DELETE", membership)
        assert pair.seen(turn, secret, path) == 404


@pytest.mark.parametrize("means", ["session", "sessions", "password", "status", "user"])
def test_what_lets_a_user_in_is_worth_nothing_in_the_next_request(pair: Pair, means: str):
    for turn in range(ROUNDS):
        person = sdk.sign_up(sdk.key_client(pair.server))
        session = session_of(pair, person, turn)
        assert pair.seen(turn, session["secret"], "/account") == 200
        assert pair.seen(turn + 1, session["secret"], "/account") == 200
        revoke(pair, turn, person, session["$id"], means)
        status = pair.seen(turn, session["secret"], "/account")
        assert status == (403 if means == "status" else 401), turn


def revoke(pair: Pair, turn: int, person: sdk.Person, session_id: str, means: str) -> None:
    user = f"/users/{person.id}"
    match means:
        case "session":
            pair.key(turn, "DELETE", f"{user}/sessions/{session_id}")
        case "sessions":
            pair.key(turn, "DELETE", f"{user}/sessions")
        case "password":
            pair.key(turn, "PATCH", f"{user}/password", {"password": "another long password"})
        case "status":
            pair.key(turn, "PATCH", f"{user}/status", {"status": False})
        case "user":
            pair.key(turn, "DELETE", user)


@contextlib.contextmanager
def listening(server: Installation, secret: str) -> Iterator[list[ClientConnection]]:
    """Open sockets of a user, enough for both processes to have some."""
    url = f"ws://127.0.0.1:{server.port}/v1/realtime?project={PROJECT}&channels[]=documents"
    headers = {"X-Appwrite-Session": secret}
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(connect(url, additional_headers=headers)) for _ in range(SOCKETS)
        ]
        for each in opened:
            assert json.loads(each.recv(SECONDS))["type"] == "connected"
        yield opened


@pytest.mark.parametrize("means", ["session", "password", "status", "user"])
def test_open_sockets_end_with_what_let_them_in(pair: Pair, means: str):
    person = sdk.sign_up(sdk.key_client(pair.server))
    session = session_of(pair, person)
    with listening(pair.server, session["secret"]) as sockets:
        revoke(pair, 0, person, session["$id"], means)
        until = time.monotonic() + SECONDS
        assert all(is_closed(one, until) for one in sockets)


def test_open_sockets_hear_by_the_roles_of_the_moment(
    pair: Pair, documents: None, person: sdk.Person
):
    secret = session_of(pair, person)["secret"]
    path = f"{PLACE}/documents/of-label"
    labels = f"/users/{person.id}/labels"
    with listening(pair.server, secret) as sockets:
        news = count()

        def hearers() -> int:
            pair.key(1, "PATCH", path, {"data": {"title": f"{next(news)}"}})
            return [heard(one) for one in sockets].count(True)

        pair.key(0, "PUT", labels, {"labels": ["revoked"]})
        sdk.wait_until(lambda: hearers() == SOCKETS)
        pair.key(1, "PUT", labels, {"labels": []})
        sdk.wait_until(lambda: hearers() == 0)


def is_closed(one: ClientConnection, until: float) -> bool:
    """Tell whether the server ends a socket by then, whatever it says before."""
    try:
        while True:
            one.recv(max(until - time.monotonic(), 0))
    except ConnectionClosed:
        return True
    except TimeoutError:
        return False


def heard(one: ClientConnection) -> bool:
    """Tell whether the news of a document comes, whatever else is said before."""
    until = time.monotonic() + HEARD_SECONDS
    try:
        while True:
            frame = json.loads(one.recv(max(until - time.monotonic(), 0)))
            if frame["type"] == "event" and frame["data"]["payload"].get("$id") == "of-label":
                return True
    except TimeoutError:
        return False
