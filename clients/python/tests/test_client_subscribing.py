import pytest
from appwrite.client import Client
from appwrite.query import Query

from appwrite_realtime import Event, Realtime, RealtimeError
from realtime_server import RealtimeServer, event_data, eventually

POSTS = "databases.default.collections.posts.documents"


def test_event_reaches_the_callback_with_every_part(server, realtime):
    received: list[Event] = []
    subscription = realtime.subscribe([POSTS], received.append)

    server.emit(POSTS, title="Hello")

    eventually(lambda: received)
    assert received == [
        {
            "event": f"{POSTS}.x1.create",
            "events": [f"{POSTS}.x1.create", f"{POSTS}.*.create", f"{POSTS}.*"],
            "payload": {"title": "Hello"},
            "channels": [POSTS],
            "timestamp": "2026-01-02T03:04:05.678+00:00",
            "subscriptions": [subscription.id],
        }
    ]


def test_subscribing_returns_after_the_server_has_confirmed(server, realtime):
    realtime.subscribe([POSTS], print)

    assert server.subscription_count() == 1


def test_subscribe_frame_carries_id_channels_and_queries(server, realtime):
    queries = [Query.equal("authorId", ["alice"]), Query.is_not_null("title")]

    subscription = realtime.subscribe([POSTS, "files"], print, queries)

    assert server.sent("subscribe") == [
        [{"subscriptionId": subscription.id, "channels": [POSTS, "files"], "queries": queries}]
    ]
    assert 0 < len(subscription.id) <= 36
    assert subscription.id.isalnum()


def test_a_single_channel_may_be_a_plain_string(realtime):
    assert realtime.subscribe("documents", print).channels == ["documents"]


def test_subscribing_to_nothing_is_a_mistake(server, realtime):
    with pytest.raises(ValueError, match="at least one channel"):
        realtime.subscribe([], print)

    assert server.handshakes == []


def test_all_subscriptions_share_one_connection(server, realtime):
    realtime.subscribe("documents", print)
    realtime.subscribe("files", print)

    assert len(server.handshakes) == 1


def test_events_are_routed_by_subscription_id_alone(server, realtime):
    by_name: dict[str, list[Event]] = {"first": [], "second": []}
    first = realtime.subscribe("documents", by_name["first"].append)
    second = realtime.subscribe("documents", by_name["second"].append)

    server.send("event", event_data("documents", "create", {"n": 1}, [second.id]))
    server.send("event", event_data("other", "create", {"n": 2}, [first.id, second.id, "unknown"]))

    eventually(lambda: len(by_name["second"]) == 2)
    assert [event["payload"]["n"] for event in by_name["first"]] == [2]
    assert [event["payload"]["n"] for event in by_name["second"]] == [1, 2]


@pytest.mark.parametrize("missing", ["events", "channels", "payload", "subscriptions"])
def test_incomplete_event_is_dropped(server, realtime, missing):
    received: list[Event] = []
    subscription = realtime.subscribe("documents", received.append)
    data = event_data("documents", "create", {"n": 1}, [subscription.id])
    del data[missing]

    server.send("event", data)
    server.emit("documents", n=2)

    eventually(lambda: received)
    assert [event["payload"]["n"] for event in received] == [2]


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"data": {}}', b"\xff", '{"type": "novelty"}'])
def test_unreadable_frame_is_ignored(server, realtime, text):
    received: list[Event] = []
    realtime.subscribe("documents", received.append)

    server.send_text(text)
    server.emit("documents")

    eventually(lambda: received)
    assert len(server.handshakes) == 1


@pytest.mark.parametrize("end", ["close", "call", "with"])
def test_ended_subscription_hears_nothing_more(server, realtime, end):
    ended: list[Event] = []
    others: list[Event] = []
    subscription = realtime.subscribe("documents", ended.append)
    realtime.subscribe("documents", others.append)

    match end:
        case "close":
            subscription.close()
        case "call":
            subscription()
        case "with":
            with subscription:
                pass
    eventually(lambda: server.subscription_count() == 1)
    server.emit("documents")
    server.send("event", event_data("documents", "create", {}, [subscription.id]))

    eventually(lambda: others)
    assert ended == []
    assert subscription.is_closed
    assert server.sent("unsubscribe") == [[{"subscriptionId": subscription.id}]]


def test_ending_a_subscription_twice_tells_the_server_once(server, realtime):
    subscription = realtime.subscribe("documents", print)

    subscription.close()
    subscription.close()

    eventually(lambda: server.subscription_count() == 0)
    assert len(server.sent("unsubscribe")) == 1


def test_refused_subscription_raises_what_the_server_said(server, realtime, errors):
    server.refused_channels["bad"] = (1003, "Query is not valid.")

    with pytest.raises(RealtimeError, match=r"Query is not valid\.") as caught:
        realtime.subscribe("bad", print)

    assert caught.value.code == 1003
    assert errors == []
    assert realtime.subscribe("good", print).wait(0)


def test_refusal_nobody_waits_for_goes_to_on_error(server, realtime, errors):
    realtime.subscribe("good", print)
    server.refused_channels["bad"] = (1003, "Query is not valid.")

    subscription = realtime.subscribe("bad", print, timeout=0)

    eventually(lambda: errors)
    assert str(errors[0]) == "Query is not valid."
    assert subscription.is_closed
    with pytest.raises(RealtimeError, match="Query is not valid"):
        subscription.wait(1)


def test_too_many_messages_refuse_the_subscription_and_keep_the_rest(server, realtime):
    received: list[Event] = []
    realtime.subscribe("good", received.append)
    server.refused_channels["more"] = (1013, "Too many messages.")

    with pytest.raises(RealtimeError) as caught:
        realtime.subscribe("more", print)
    server.emit("good")

    eventually(lambda: received)
    assert caught.value.code == 1013
    assert len(server.handshakes) == 1


def test_one_bad_subscription_of_a_batch_does_not_take_the_others_along(server, realtime, errors):
    received: list[Event] = []
    server.refused_channels["bad"] = (1003, "Query is not valid.")
    server.refusals = [(1013, "Too many connections.")]  # so that all three wait for one frame
    realtime.subscribe("bad", print, timeout=0)
    realtime.subscribe("good", received.append, timeout=0)
    realtime.subscribe("fine", print, timeout=5)

    server.emit("good")

    eventually(lambda: received and errors)
    assert [str(error) for error in errors] == ["Query is not valid."]
    assert server.subscription_count() == 2


def test_unconfirmed_subscription_raises_after_its_timeout_and_is_gone(server, realtime):
    realtime.subscribe("files", print)
    server.ignored.add("subscribe")

    with pytest.raises(RealtimeError, match=r"did not confirm within 0\.05 seconds"):
        realtime.subscribe("documents", print, timeout=0.05)

    eventually(lambda: server.sent("unsubscribe"))


def test_timeout_names_what_went_wrong(server, realtime):
    server.stop()

    with pytest.raises(RealtimeError, match="refused"):
        realtime.subscribe("documents", print, timeout=0.5)


def test_not_waiting_returns_at_once(server, realtime):
    server.ignored.add("connect")

    subscription = realtime.subscribe("documents", print, timeout=0)

    assert not subscription.wait(0)


def test_client_without_project_is_told_so(server):
    client = Client().set_endpoint(server.endpoint)

    with Realtime(client) as realtime, pytest.raises(RealtimeError, match="set_project"):
        realtime.subscribe("documents", print)


def test_client_without_host_is_told_so():
    client = Client().set_endpoint("http:///v1").set_project("blog")

    with Realtime(client) as realtime, pytest.raises(RealtimeError, match="endpoint"):
        realtime.subscribe("documents", print)


def test_server_error_without_a_request_goes_to_on_error(server: RealtimeServer, realtime, errors):
    realtime.subscribe("documents", print)

    server.send("error", {"code": 500, "message": "Server Error"})

    eventually(lambda: errors)
    assert str(errors[0]) == "Server Error"
    assert isinstance(errors[0], RealtimeError)
    assert errors[0].code == 500
