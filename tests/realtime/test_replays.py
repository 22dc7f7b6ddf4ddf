"""Subscriptions that go on from a cursor: what was missed, then live events, each of them once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from kernel.caller import ProjectContext
from realtime import replays
from realtime.database import in_database
from realtime.mailboxes import Mailbox
from tests.client import ApiClient
from tests.conftest import ClientFor, Person
from tests.documents.blog import DATABASE, DOCUMENTS, make_collection
from tests.documents.conftest import MakeKey

CHANNEL = f"databases.{DATABASE}.collections.posts.documents"
ROWS = f"tablesdb.{DATABASE}.tables.posts.rows"
ANY, ALICE = 'read("any")', 'read("user:alice")'
#: Takes the events of two small documents, and leaves no room for two more.
ONE_REPLAY_BYTES = 1500


@pytest.fixture
def key(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> ApiClient:
    make_collection(project, document_security=True)
    return client_for(project, key=make_key(project, ["documents.read", "documents.write"]))


def create(key: ApiClient, uid: str, *permissions: str) -> None:
    body = {"documentId": uid, "data": {"title": uid}, "permissions": list(permissions or [ANY])}
    assert key.post(DOCUMENTS, body).status == 201


def cursor_of(client: ApiClient) -> str:
    cursor: str = client.get(f"{DOCUMENTS}/changes").json["cursor"]
    return cursor


def entries(since: str, count: int) -> list[dict[str, Any]]:
    """Return what a `subscribe` frame says for that many subscriptions from one cursor."""
    return [
        {"subscriptionId": f"s{number}", "channels": [CHANNEL], "since": since}
        for number in range(count)
    ]


async def resume(one: Any, since: str, *, channel: str = CHANNEL, **entry: Any) -> dict[str, Any]:
    """Subscribe from a cursor; return what the answer says of the replay."""
    wanted = {"subscriptionId": "s", "channels": [channel], "since": since, **entry}
    answer = await one.ask("subscribe", [wanted])
    assert answer["type"] == "response", answer
    replay: dict[str, Any] = answer["data"]["subscriptions"][0]["replay"]
    return replay


async def caught_up(one: Any) -> str:
    """Return the cursor that comes behind what was missed."""
    data = (await one.receive())["data"]
    assert (data["to"], data["subscriptionId"]) == ("replay", "s")
    cursor: str = data["cursor"]
    return cursor


async def receive(one: Any, count: int) -> list[str]:
    """Return what happened to which document in the next frames, such as `p create`."""
    events = [(await one.receive())["data"] for _ in range(count)]
    return [f"{each['payload']['$id']} {each['events'][0].split('.')[-1]}" for each in events]


def test_what_was_missed_comes_before_what_comes_live(talk, project, client_for, key):
    guest = client_for(project)
    since = cursor_of(guest)
    create(key, "a")
    key.patch(f"{DOCUMENTS}/a", {"data": {"likes": 1}})
    key.delete(f"{DOCUMENTS}/a")

    async def conversation(connections):
        one = await connections.open(project)
        replay = await resume(one, since)
        assert (replay["total"], replay["isComplete"]) == (3, True)
        assert await receive(one, 3) == ["a create", "a update", "a delete"]
        await caught_up(one)
        await in_database(create, key, "b")
        assert await receive(one, 1) == ["b create"]
        assert await one.is_silent()

    talk(conversation)


def test_the_new_cursor_leads_to_what_came_after_it(talk, project, client_for, key):
    since = cursor_of(client_for(project))
    create(key, "a")

    async def conversation(connections):
        one = await connections.open(project)
        await resume(one, since, channel=ROWS)
        assert await receive(one, 1) == ["a create"]
        cursor = await caught_up(one)
        await in_database(create, key, "b")
        first = (await one.receive())["data"]
        two = await connections.open(project)
        again = await resume(two, cursor, channel=ROWS)
        assert again["total"] == 1
        second = (await two.receive())["data"]
        assert first["change"] == second["change"]  # so clients know what they had
        assert first["payload"] == second["payload"]

    talk(conversation)


def test_on_one_connection_nothing_is_repeated(talk, project, client_for, key):
    since = cursor_of(client_for(project))
    create(key, "a")

    async def conversation(connections):
        one = await connections.open(project)
        await resume(one, since)
        assert await receive(one, 1) == ["a create"]
        cursor = await caught_up(one)
        await in_database(create, key, "b")
        assert await receive(one, 1) == ["b create"]
        assert (await resume(one, cursor))["total"] == 1
        assert await caught_up(one) != cursor
        assert await one.is_silent()

    talk(conversation)


def test_a_cursor_in_the_url_does_the_same(talk, project, client_for, key):
    since = cursor_of(client_for(project))
    create(key, "a")

    async def conversation(connections):
        one = connections.make(project, channels=[CHANNEL], since=since)
        data = await one.open()
        (id_,) = data["subscriptions"].values()
        assert data["replays"][id_]["total"] == 1
        assert await receive(one, 1) == ["a create"]

    talk(conversation)


def test_queries_channels_and_roles_choose_what_is_replayed(talk, project, client_for, key):
    since = cursor_of(client_for(project))
    create(key, "a")
    create(key, "b")
    create(key, "hidden", ALICE)
    only_b = '{"method":"equal","attribute":"title","values":["b"]}'

    async def conversation(connections):
        one = await connections.open(project)
        assert (await resume(one, since, queries=[only_b]))["total"] == 1
        assert await receive(one, 1) == ["b create"]
        two = await connections.open(project)
        assert (await resume(two, since, channel=f"{CHANNEL}.a"))["total"] == 1
        assert await receive(two, 1) == ["a create"]
        three = await connections.open(project)
        assert (await resume(three, since, channel=f"{CHANNEL}.delete"))["total"] == 0

    talk(conversation)


def test_what_may_no_longer_be_read_is_not_replayed(
    talk, project: ProjectContext, alice: Person, client_for, key
):
    since = cursor_of(client_for(project, session=alice.session))
    create(key, "a", ALICE)
    key.patch(f"{DOCUMENTS}/a", {"permissions": []})

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        assert (await resume(one, since))["total"] == 0
        await caught_up(one)
        assert await one.is_silent()

    talk(conversation)


def test_encrypted_values_are_replayed_opened(talk, project, client_for, make_key):
    make_collection(
        project,
        attributes={"pin": {"type": "string", "size": 200, "encrypt": True}},
        permissions=[ANY],
    )
    key = client_for(project, key=make_key(project, ["documents.write"]))
    since = cursor_of(client_for(project))
    key.post(DOCUMENTS, {"documentId": "a", "data": {"pin": "1234"}})

    async def conversation(connections):
        one = await connections.open(project)
        await resume(one, since)
        assert (await one.receive())["data"]["payload"]["pin"] == "1234"

    talk(conversation)


# Gaps


@pytest.mark.parametrize("limit", ["MAX_REPLAYED_EVENTS", "MAX_REPLAYED_BYTES"])
def test_who_missed_too_much_is_told_of_a_gap_and_goes_live(
    talk, project, client_for, key, monkeypatch, limit
):
    monkeypatch.setattr(replays, limit, 1)
    since = cursor_of(client_for(project))
    create(key, "a")
    create(key, "b")

    async def conversation(connections):
        one = await connections.open(project)
        replay = await resume(one, since)
        assert (replay["total"], replay["isComplete"]) == (0, False)
        cursor = await caught_up(one)
        await in_database(create, key, "c")
        assert await receive(one, 1) == ["c create"]
        two = await connections.open(project)
        assert (await resume(two, cursor))["isComplete"] is (limit.endswith("EVENTS"))

    talk(conversation)


def test_a_cursor_past_the_retention_is_told_as_a_gap(talk, project, client_for, key, settings):
    since = cursor_of(client_for(project))
    settings.CHANGES_RETENTION_SECONDS = -1
    create(key, "a")

    async def conversation(connections):
        one = await connections.open(project)
        assert (await resume(one, since))["isComplete"] is False
        await caught_up(one)
        assert await one.is_silent()

    talk(conversation)


def test_the_replays_of_one_frame_share_what_may_be_replayed(
    talk, project, client_for, key, monkeypatch
):
    monkeypatch.setattr(replays, "MAX_REPLAYED_BYTES", ONE_REPLAY_BYTES)
    since = cursor_of(client_for(project))
    create(key, "a")
    create(key, "b")

    async def conversation(connections):
        one = await connections.open(project)
        answer = await one.ask("subscribe", entries(since, 3))
        told = [each["replay"] for each in answer["data"]["subscriptions"]]
        assert told[0] == {"total": 2, "isComplete": True}
        assert told[1:] == [{"total": 0, "isComplete": False}] * 2
        heard = [(await one.receive())["data"] for _ in range(5)]
        assert sum("payload" in each for each in heard) == 2
        assert (await resume(one, since))["isComplete"] is True  # what was read makes room

    talk(conversation)


def test_a_replay_that_is_not_read_leaves_no_room_until_its_subscription_ends(
    talk, project, client_for, key, monkeypatch
):
    async def unread(_mailbox: Mailbox, is_needed: Callable[[], bool]) -> None:
        while is_needed():
            await asyncio.sleep(0.01)

    monkeypatch.setattr(replays, "MAX_REPLAYED_BYTES", ONE_REPLAY_BYTES)
    monkeypatch.setattr(Mailbox, "room", unread)
    since = cursor_of(client_for(project))
    create(key, "a")
    create(key, "b")

    async def conversation(connections):
        one = await connections.open(project)
        assert (await resume(one, since))["isComplete"] is True
        assert (await resume(one, since))["isComplete"] is True  # in place of the former
        answer = await one.ask("subscribe", entries(since, 1))
        assert answer["data"]["subscriptions"][0]["replay"]["isComplete"] is False
        assert (await one.receive())["data"]["subscriptionId"] == "s0"
        await one.ask("unsubscribe", [{"subscriptionId": "s"}])
        assert (await resume(one, since))["isComplete"] is True

    talk(conversation)


# The seam


@pytest.mark.slow
def test_beside_writers_each_change_comes_once_and_in_its_documents_order(
    talk, project, client_for, key
):
    since = cursor_of(client_for(project))
    writers, writes = 3, 25

    def write(name: str) -> None:
        try:
            for number in range(writes):
                create(key, f"{name}{number}")
                key.patch(f"{DOCUMENTS}/{name}{number}", {"data": {"likes": number}})
        finally:
            connection.close()

    async def conversation(connections):
        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"[:writers]]
        for thread in threads:
            thread.start()
        one = await connections.open(project)
        await asyncio.sleep(0.05)  # somewhere among the writes
        await resume(one, since)
        heard: list[str] = []
        while len(heard) < 2 * writers * writes:
            data = (await one.receive())["data"]
            if "payload" in data:
                heard.append(f"{data['payload']['$id']} {data['events'][0].split('.')[-1]}")
        for thread in threads:
            await asyncio.to_thread(thread.join)
        assert await one.is_silent()
        assert len(heard) == len(set(heard))
        for name in "abc"[:writers]:
            own = [each for each in heard if each.startswith(name)]
            expected = [
                f"{name}{number} {action}"
                for number in range(writes)
                for action in ("create", "update")
            ]
            assert own == expected

    talk(conversation)
