"""Sockets on two web processes: a write on either is heard on both, by those who may."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.compat.live import PROJECT, Installation
from tests.real import processes

pytestmark = [pytest.mark.real, pytest.mark.slow]

# On two processes, and fewer in all than one address may open in a minute.
SOCKETS = 14
RECEIVE_SECONDS = 30.0
SILENCE_SECONDS = 0.5
BUILD_SECONDS = 30.0
PLACE = "/databases/blog/collections/posts"


@pytest.fixture(scope="module")
def server(spread: Installation) -> Installation:
    _make_collection(spread)
    return spread


def call(server: Installation, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Call the API on a connection of its own, so that either process may answer."""
    sent = {"X-Appwrite-Project": PROJECT, **headers}
    answer = requests.request(
        method, f"{server.endpoint}{path}", json=body, headers=sent, timeout=RECEIVE_SECONDS
    )
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def as_key(server: Installation) -> dict[str, str]:
    return {"X-Appwrite-Key": server.key}


def _make_collection(server: Installation) -> None:
    key = as_key(server)
    call(server, "POST", "/databases", {"databaseId": "blog", "name": "Blog"}, **key)
    call(
        server,
        "POST",
        "/databases/blog/collections",
        {
            "collectionId": "posts",
            "name": "Posts",
            "permissions": ['create("users")'],
            "documentSecurity": True,
        },
        **key,
    )
    attribute = {"key": "title", "size": 100, "required": True}
    call(server, "POST", f"{PLACE}/attributes/string", attribute, **key)
    deadline = time.monotonic() + BUILD_SECONDS
    while call(server, "GET", f"{PLACE}/attributes/title", **key)["status"] != "available":
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def sessions(server: Installation) -> dict[str, str]:
    """The session secrets of two users."""
    secrets = {}
    for name in ("alice", "bob"):
        account = {"userId": name, "email": f"{name}@example.com", "password": "a long password"}
        call(server, "POST", "/account", account)
        opened = call(server, "POST", f"/users/{name}/sessions", {}, **as_key(server))
        secrets[name] = opened["secret"]
    return secrets


@contextlib.contextmanager
def listening(server: Installation, count: int, **headers: str) -> Iterator[list[ClientConnection]]:
    """Open sockets that listen to all documents."""
    url = f"ws://127.0.0.1:{server.port}/v1/realtime?project={PROJECT}&channels[]=documents"
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(connect(url, additional_headers=headers)) for _ in range(count)
        ]
        for each in opened:
            assert json.loads(each.recv(RECEIVE_SECONDS))["type"] == "connected"
        yield opened


def next_event(one: ClientConnection) -> dict[str, Any]:
    frame = json.loads(one.recv(RECEIVE_SECONDS))
    assert frame["type"] == "event"
    data: dict[str, Any] = frame["data"]
    return data


def is_silent(one: ClientConnection) -> bool:
    try:
        one.recv(SILENCE_SECONDS)
    except TimeoutError:
        return True
    return False


def closing_code(one: ClientConnection) -> int:
    """Read until the server closes."""
    try:
        while True:
            one.recv(RECEIVE_SECONDS)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


def write(server: Installation, session: str, document_id: str, *permissions: str) -> Any:
    body = {
        "documentId": document_id,
        "data": {"title": "First"},
        "permissions": list(permissions),
    }
    return call(server, "POST", f"{PLACE}/documents", body, **{"X-Appwrite-Session": session})


def test_create_update_and_delete_are_heard_on_both_processes_in_order(server, sessions):
    alice = {"X-Appwrite-Session": sessions["alice"]}
    with listening(server, SOCKETS) as guests:
        web = processes.web_processes(server.supervisor, server.port)
        assert len(web) == 2
        assert all(processes.connections_of(each, server.port) for each in web)
        made = write(server, sessions["alice"], "heard", 'read("any")', 'write("user:alice")')
        path = f"{PLACE}/documents/heard"
        changed = call(server, "PATCH", path, {"data": {"title": "Second"}}, **alice)
        call(server, "DELETE", path, **alice)
        for one in guests:
            created, updated, deleted = (next_event(one) for _ in range(3))
            assert (created["payload"], updated["payload"]) == (made, changed)
            assert deleted["payload"]["title"] == "Second"
            actions = [each["events"][0].rpartition(".")[2] for each in (created, updated, deleted)]
            assert actions == ["create", "update", "delete"]


def test_a_private_document_is_heard_by_its_reader_alone_on_both_processes(server, sessions):
    alice = {"X-Appwrite-Session": sessions["alice"]}
    bob = {"X-Appwrite-Session": sessions["bob"]}
    with (
        listening(server, SOCKETS, **alice) as hers,
        listening(server, 4, **bob) as his,
        listening(server, 4) as guests,
    ):
        made = write(server, sessions["alice"], "private", 'read("user:alice")')
        assert [next_event(one)["payload"] for one in hers] == [made] * SOCKETS
        assert all(is_silent(one) for one in (*his, *guests))


def test_signing_out_ends_the_sockets_of_both_processes(server, sessions):
    opened = call(server, "POST", "/users/bob/sessions", {}, **as_key(server))
    headers = {"X-Appwrite-Session": opened["secret"]}
    with listening(server, SOCKETS, **headers) as sockets:
        call(server, "DELETE", f"/users/bob/sessions/{opened['$id']}", **as_key(server))
        for one in sockets:
            assert closing_code(one) == 1012


def wait_for_others(server: Installation, victim: int) -> None:
    """Wait for two web processes beside a killed one, which listens until it is buried."""
    deadline = time.monotonic() + BUILD_SECONDS
    while len(set(processes.web_processes(server.supervisor, server.port)) - {victim}) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while victim in processes.web_processes(server.supervisor, server.port):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_killed_process_takes_only_its_own_sockets_along(server, sessions):
    with listening(server, SOCKETS) as guests:
        victim, _survivor = processes.web_processes(server.supervisor, server.port)
        os.kill(victim, signal.SIGKILL)
        wait_for_others(server, victim)
        write(server, sessions["alice"], "after", 'read("any")')
        heard = 0
        for one in guests:
            with contextlib.suppress(ConnectionClosed):
                assert next_event(one)["payload"]["$id"] == "after"
                heard += 1
        assert 0 < heard < SOCKETS
    with listening(server, SOCKETS) as guests:
        write(server, sessions["alice"], "again", 'read("any")')
        assert {next_event(one)["payload"]["$id"] for one in guests} == {"again"}
