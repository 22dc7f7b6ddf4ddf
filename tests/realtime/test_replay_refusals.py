"""Cursors that no subscription can go on from."""

from realtime.database import in_database
from realtime.limits import MAX_CURSORS_PER_FRAME
from realtime.subscriptions import SELECT_ALL
from tests.documents.blog import DATABASE
from tests.realtime.test_replays import CHANNEL, create, cursor_of, entries, key

__all__ = ["key"]  # a fixture


def test_a_frame_with_too_many_cursors_is_refused(talk, project, client_for, key):
    since = cursor_of(client_for(project))
    many = MAX_CURSORS_PER_FRAME + 1

    async def conversation(connections):
        one = await connections.open(project)
        answer = await one.ask("subscribe", entries(since, many))
        assert (answer["type"], answer["data"]["code"]) == ("error", 1003)
        assert f"{MAX_CURSORS_PER_FRAME} cursors" in answer["data"]["message"]
        await in_database(create, key, "a")
        assert await one.is_silent()
        others = entries("", many)
        answer = await one.ask("subscribe", [*entries(since, many - 1), others[-1]])
        assert answer["type"] == "response"

    talk(conversation)


def test_a_cursor_in_the_url_is_for_few_subscriptions(talk, project, client_for, key):
    since = cursor_of(client_for(project))
    name = CHANNEL.replace(".", "_")
    slots = {f"{name}[{number}]": [SELECT_ALL] for number in range(MAX_CURSORS_PER_FRAME + 1)}

    async def conversation(connections):
        one = connections.make(project, channels=[CHANNEL], since=since, **slots)
        refused = await one.open()
        assert (one.first_type, refused["code"]) == ("error", 1003)
        assert await one.closed_with() == 1003

    talk(conversation)


def test_cursors_of_nothing_or_of_other_channels_are_refused(talk, project, client_for, key):
    since = cursor_of(client_for(project))

    async def conversation(connections):
        one = await connections.open(project)
        for wanted, cursor in [
            (CHANNEL, "nonsense"),
            (CHANNEL, 7),
            ("documents", since),
            (f"{CHANNEL}x", since),
            (f"databases.{DATABASE}.collections.other.documents", since),
        ]:
            entry = {"subscriptionId": "s", "channels": [wanted], "since": cursor}
            answer = await one.ask("subscribe", [entry])
            assert (answer["type"], answer["data"]["code"]) == ("error", 1003), wanted
        await in_database(create, key, "a")
        assert await one.is_silent()

    talk(conversation)


def test_a_collection_that_is_gone_refuses_its_cursors(talk, project, client_for, key, make_key):
    since = cursor_of(client_for(project))
    schema_key = client_for(project, key=make_key(project, ["collections.write"]))
    assert schema_key.delete(f"/databases/{DATABASE}/collections/posts").status == 204

    async def conversation(connections):
        one = await connections.open(project)
        entry = {"subscriptionId": "s", "channels": [CHANNEL], "since": since}
        answer = await one.ask("subscribe", [entry])
        assert (answer["type"], answer["data"]["code"]) == ("error", 1003)

    talk(conversation)
