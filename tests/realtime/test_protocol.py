"""The protocol of one connection, with the real consumer, layer and database."""

import json

import pytest

from tests.realtime.conversations import TIMEOUT_SECONDS

DOCUMENT = "databases.d.collections.c.documents.x"


def test_a_guest_connects_and_is_told_so(talk, project):
    async def conversation(connections):
        one = connections.make(project)
        assert await one.open() == {"channels": [], "subscriptions": [], "user": None}
        assert one.first_type == "connected"

    talk(conversation)


def test_url_channels_are_one_subscription_that_receives(talk, project, announce):
    async def conversation(connections):
        one = connections.make(project, channels=["documents", "account"])
        data = await one.open()
        assert data["channels"] == ["documents", "account"]
        assert list(data["subscriptions"]) == ["0"]
        await announce(project, f"{DOCUMENT}.create", "any", title="Hello")
        event = (await one.receive())["data"]
        assert event["subscriptions"] == [data["subscriptions"]["0"]]
        assert event["payload"] == {"title": "Hello"}
        assert event["events"][0] == f"{DOCUMENT}.create"
        assert "databases.*.collections.*.documents.*.create" in event["events"]
        assert {"documents", "rows", "documents.create"} <= set(event["channels"])
        assert event["timestamp"].endswith("+00:00")

    talk(conversation)


def test_a_subscribe_frame_is_answered_and_receives(talk, project, announce):
    async def conversation(connections):
        one = await connections.open(project)
        answer = await one.ask(
            "subscribe", [{"subscriptionId": "mine", "channels": ["documents", "account.other"]}]
        )
        assert answer == {
            "type": "response",
            "data": {
                "to": "subscribe",
                "success": True,
                "subscriptions": [
                    {
                        "subscriptionId": "mine",
                        "channels": ["documents"],
                        "queries": ['{"method":"select","values":["*"]}'],
                    }
                ],
            },
        }
        await announce(project, f"{DOCUMENT}.update", "any", a=1)
        assert (await one.receive())["data"]["subscriptions"] == ["mine"]

    talk(conversation)


def test_one_frame_names_all_subscriptions_that_matched(talk, project, announce):
    async def conversation(connections):
        one = await connections.open(project)
        query = json.dumps({"method": "equal", "attribute": "a", "values": [1]})
        await one.subscribe("documents", id_="all")
        await one.subscribe("rows.update", id_="ones", queries=[query])
        await announce(project, f"{DOCUMENT}.update", "any", a=1)
        await announce(project, f"{DOCUMENT}.update", "any", a=2)
        assert (await one.receive())["data"]["subscriptions"] == ["all", "ones"]
        assert (await one.receive())["data"]["subscriptions"] == ["all"]

    talk(conversation)


def test_without_an_id_the_server_makes_one_up(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        answer = await one.ask("subscribe", [{"channels": ["files"]}, {"channels": ["files"]}])
        ids = [each["subscriptionId"] for each in answer["data"]["subscriptions"]]
        assert len(set(ids)) == 2

    talk(conversation)


def test_unsubscribing_ends_delivery(talk, project, announce):
    async def conversation(connections):
        one = await connections.open(project)
        await one.subscribe("documents", id_="mine")
        answer = await one.ask(
            "unsubscribe", [{"subscriptionId": "mine"}, {"subscriptionId": "never"}]
        )
        assert answer["data"]["to"] == "unsubscribe"
        assert answer["data"]["subscriptions"] == [
            {"subscriptionId": "mine", "removed": True},
            {"subscriptionId": "never", "removed": False},
        ]
        await announce(project, f"{DOCUMENT}.update", "any")
        assert await one.is_silent()

    talk(conversation)


def test_events_for_other_roles_are_not_heard(talk, project, announce):
    async def conversation(connections):
        one = await connections.open(project)
        await one.subscribe("documents")
        await announce(project, f"{DOCUMENT}.create", "users", "user:alice", "team:t")
        await announce(project, f"{DOCUMENT}.create")
        assert await one.is_silent()
        await announce(project, f"{DOCUMENT}.create", "guests")
        assert (await one.receive())["type"] == "event"

    talk(conversation)


def test_events_of_other_projects_are_not_heard(talk, project, other_project, announce):
    async def conversation(connections):
        one = await connections.open(project)
        await one.subscribe("documents", "rows", "databases.d.tables.c.rows")
        await announce(other_project, f"{DOCUMENT}.create", "any")
        assert await one.is_silent()

    talk(conversation)


def test_a_payload_too_large_to_send_along_arrives_whole(talk, project, announce):
    async def conversation(connections):
        one = await connections.open(project)
        await one.subscribe("documents")
        await announce(project, f"{DOCUMENT}.create", "any", text="é" * 60_000)
        await announce(project, f"{DOCUMENT}.create", "users", text="é" * 60_000)
        assert (await one.receive())["data"]["payload"] == {"text": "é" * 60_000}
        assert await one.is_silent()

    talk(conversation)


def test_schema_events_reach_only_owners_on_the_console(talk, project, console_project, announce):
    async def conversation(connections):
        own = await connections.open(project)
        console = await connections.open(console_project)
        for each in (own, console):
            await each.subscribe("console", f"projects.{project.uid}", "documents")
        await announce(project, "databases.d.collections.c.attributes.a.create", "any")
        assert await own.is_silent()
        assert await console.is_silent()  # a guest, although the event says any

    talk(conversation)


def test_ping_is_answered_without_data(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        assert await one.ask("ping") == {"type": "pong"}

    talk(conversation)


MALFORMED = [
    " ",
    "nonsense",
    "[]",
    "{}",
    '{"type": 5}',
    '{"type": "unknown"}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "data": {}}',
    '{"type": "subscribe", "data": []}',
    '{"type": "subscribe", "data": ["documents"]}',
    '{"type": "subscribe", "data": [{}]}',
    '{"type": "subscribe", "data": [{"channels": "documents"}]}',
    '{"type": "subscribe", "data": [{"channels": [5]}]}',
    '{"type": "subscribe", "data": [{"channels": [""]}]}',
    '{"type": "subscribe", "data": [{"channels": ["a"], "queries": "x"}]}',
    '{"type": "subscribe", "data": [{"channels": ["a"], "queries": ["x"]}]}',
    '{"type": "subscribe", "data": [{"channels": ["a"], "subscriptionId": "_x"}]}',
    '{"type": "subscribe", "data": [{"channels": ["a"], "subscriptionId": {}}]}',
    '{"type": "unsubscribe", "data": [{}]}',
    '{"type": "authentication"}',
    '{"type": "authentication", "data": {"session": 5}}',
    '{"type": "authentication", "data": {"session": "nobody"}}',
    '{"type": "authentication", "data": {"session": "\\u0000\\ud800"}}',
    '{"type": "ping", "data": ' + "[" * 5000 + "]" * 5000 + "}",
]


def test_a_malformed_frame_is_an_error_and_the_socket_stays(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        for text in MALFORMED:
            await one.send_text(text)
            answer = await one.receive()
            assert (answer["type"], answer["data"].get("code")) == ("error", 1003), text[:200]
        assert await one.ask("ping") == {"type": "pong"}

    talk(conversation)


def test_a_binary_frame_is_an_error(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        await one.send_bytes(b'{"type":"ping"}')
        assert (await one.receive())["data"]["code"] == 1003

    talk(conversation)


def test_a_frame_that_is_too_large_closes_the_socket(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        await one.send_text(json.dumps({"type": "ping", "data": "x" * 70_000}))
        assert await one.closed_with() == 1009

    talk(conversation)


def test_too_many_subscriptions_are_refused(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        many = [{"subscriptionId": f"s{number}", "channels": ["a"]} for number in range(257)]
        assert (await one.ask("subscribe", many))["data"]["code"] == 1003
        wide = [{"channels": [f"c{number}" for number in range(513)]}]
        assert (await one.ask("subscribe", wide))["data"]["code"] == 1003

    talk(conversation)


def test_a_forbidden_channel_closes_the_socket(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        answer = await one.ask("subscribe", [{"channels": [f"console.tail.{project.uid}"]}])
        assert answer["data"]["code"] == 1008
        assert await one.closed_with() == 1008

    talk(conversation)


def test_an_unknown_project_is_refused(talk, project):
    async def conversation(connections):
        for uid in ("", "nowhere", "no where", "\0", "x" * 5000):
            one = connections.make(uid)
            assert (await one.open())["code"] == 1008
            assert one.first_type == "error"
            assert await one.closed_with() == 1008

    talk(conversation)


def test_the_project_may_come_by_header(talk, project):
    async def conversation(connections):
        one = connections.make(headers={"X-Appwrite-Project": project.uid})
        assert (await one.open())["user"] is None

    talk(conversation)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"documents[0]": ['{"method":"search","attribute":"a","values":["b"]}']}, "search"),
        ({"documents[0]": ["nonsense"]}, "Syntax"),
    ],
)
def test_a_query_in_the_url_that_is_not_offered_closes_the_socket(talk, project, query, reason):
    async def conversation(connections):
        one = connections.make(project, channels=["documents"], **query)
        data = await one.open()
        assert data["code"] == 1008
        assert reason in data["message"]
        assert await one.closed_with() == 1008

    talk(conversation)


def test_pages_of_unknown_origins_are_refused(talk, project):
    async def conversation(connections):
        one = connections.make(project, headers={"Origin": "https://elsewhere.example"})
        assert (await one.open())["code"] == 1008
        assert await one.closed_with() == 1008

    talk(conversation)


def test_no_origin_means_no_check_and_the_console_has_none(talk, project, console_project):
    async def conversation(connections):
        await connections.open(project)
        one = connections.make(console_project, headers={"Origin": "https://elsewhere.example"})
        assert (await one.open())["user"] is None

    talk(conversation)


def test_other_paths_are_turned_away(talk, project):
    async def conversation(connections):
        one = connections.make(project, path="/v1/elsewhere")
        is_open, _ = await one._socket.connect(timeout=TIMEOUT_SECONDS)
        assert not is_open

    talk(conversation)


def test_the_129th_connection_of_a_minute_is_refused(talk, project, limits):

    async def conversation(connections):
        for _ in range(128):
            one = await connections.open(project)
            assert one.first_type == "connected"
            await one.close()
        last = connections.make(project)
        assert (await last.open())["code"] == 1013
        assert await last.closed_with() == 1013

    talk(conversation)


def test_the_33rd_message_of_a_minute_is_an_error_and_the_socket_stays(talk, project, limits):

    async def conversation(connections):
        one = await connections.open(project)
        for _ in range(32):
            assert await one.ask("ping") == {"type": "pong"}
        answer = await one.ask("ping")
        assert answer["type"] == "error"
        assert answer["data"]["code"] == 1013
        assert await one.is_silent()

    talk(conversation)
