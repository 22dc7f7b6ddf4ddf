import threading
from dataclasses import replace

import pytest
from appwrite.client import Client

from appwrite_realtime import Event, RealtimeError, Timing
from realtime_server import QUICK, RealtimeServer, eventually

BUSY = replace(QUICK, ping_interval_seconds=0.05)


@pytest.mark.parametrize("loss", ["dropped", "cut"])
def test_connection_comes_back_and_renews_every_subscription(server, realtime, loss):
    received: list[Event] = []
    first = realtime.subscribe("documents", received.append)
    second = realtime.subscribe("files", received.append, ["query"])
    ended = realtime.subscribe("teams", received.append)
    ended.close()

    server.drop() if loss == "dropped" else server.cut()

    eventually(lambda: len(server.handshakes) == 2 and server.subscription_count() == 2)
    server.emit("documents")
    server.emit("files")
    eventually(lambda: len(received) == 2)
    assert server.sent("subscribe")[-1] == [first.frame(), second.frame()]


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1013, 4000])
def test_every_close_code_but_one_leads_to_a_reconnect(server, realtime, code):
    realtime.subscribe("documents", print)

    server.drop(code)

    eventually(lambda: len(server.handshakes) == 2)


def test_server_that_is_away_for_a_while_is_found_again(server, realtime):
    received: list[Event] = []
    realtime.subscribe("documents", received.append)

    server.stop()
    successor = RealtimeServer(port=server.port)
    try:
        eventually(lambda: successor.subscription_count() == 1)
        successor.emit("documents")
        eventually(lambda: received)
    finally:
        successor.stop()


def test_subscription_made_while_disconnected_is_sent_on_return(server, realtime):
    realtime.subscribe("documents", print)
    server.refusals = [(1013, "Too many connections.")] * 3
    server.drop()
    eventually(lambda: len(server.refusals) < 3)

    realtime.subscribe("files", print)

    assert server.subscription_count() == 2


def test_subscription_ended_while_disconnected_is_not_renewed(server, realtime):
    subscription = realtime.subscribe("documents", print)
    kept = realtime.subscribe("files", print)
    server.refusals = [(1013, "Too many connections.")] * 3
    server.drop()
    eventually(lambda: len(server.refusals) < 3)

    subscription.close()

    eventually(lambda: server.subscription_count() == 1)
    assert server.sent("subscribe")[-1] == [kept.frame()]


def test_refused_handshake_is_final(server, realtime, errors):
    server.refusals = [(1008, "Project not found.")]

    with pytest.raises(RealtimeError, match=r"Project not found\.") as caught:
        realtime.subscribe("documents", print)

    assert caught.value.code == 1008
    assert len(server.handshakes) == 1
    assert errors == []


def test_connection_closed_for_policy_is_reported_and_not_reopened(server, realtime, errors):
    first = realtime.subscribe("documents", print)
    second = realtime.subscribe("files", print)

    server.drop(1008, "origin no longer allowed")

    with pytest.raises(RealtimeError, match="origin no longer allowed"):
        realtime.wait(5)
    eventually(lambda: errors)
    assert [(str(error), error.code) for error in errors] == [("origin no longer allowed", 1008)]
    assert first.is_closed
    assert second.is_closed
    assert len(server.handshakes) == 1


def test_forbidden_channel_ends_the_connection_and_tells_everybody(server, realtime, errors):
    other = realtime.subscribe("documents", print)
    server.refused_channels["console.tail.blog"] = (1008, "Channel is forbidden.")

    with pytest.raises(RealtimeError, match=r"Channel is forbidden\.") as caught:
        realtime.subscribe("console.tail.blog", print)

    eventually(lambda: errors)
    assert caught.value.code == 1008
    assert str(errors[0]) == "Channel is forbidden."
    assert other.is_closed


def test_subscribing_again_after_a_refusal_opens_a_new_connection(server, realtime):
    server.refusals = [(1008, "Project not found.")]
    with pytest.raises(RealtimeError):
        realtime.subscribe("documents", print)
    eventually(lambda: realtime._connection is None)

    assert realtime.subscribe("documents", print).wait(0)
    assert not realtime.wait(0)


def test_pings_are_sent_all_the_time(server, client, realtime_for):
    realtime_for(client, timing=BUSY).subscribe("documents", print)

    eventually(lambda: len(server.sent("ping")) >= 3)
    assert {"type": "ping"} in server.frames
    assert len(server.handshakes) == 1


def test_server_that_leaves_pings_unanswered_is_left(server, client, realtime_for):
    realtime_for(client, timing=BUSY).subscribe("documents", print)

    server.ignored.add("ping")

    eventually(lambda: len(server.handshakes) == 2)
    eventually(lambda: server.subscription_count() >= 1)


def test_any_frame_proves_that_the_server_lives(server, client, realtime_for):
    realtime_for(client, timing=BUSY).subscribe("documents", print)
    server.ignored.add("ping")
    seen = len(server.sent("ping"))

    # Thirty pings take longer than a silent server would be given.
    while len(server.sent("ping")) < seen + 30:
        server.emit("documents")
        threading.Event().wait(0.01)

    assert len(server.handshakes) == 1


def test_server_that_never_says_connected_is_left(server, client, realtime_for, caplog):
    server.ignored.add("connect")
    timing = replace(QUICK, connect_timeout_seconds=0.2)

    realtime_for(client, timing=timing).subscribe("documents", print, timeout=0)

    eventually(lambda: len(server.handshakes) >= 2 and "does not answer" in caplog.text)
    assert server.kinds() == []


def test_unexpected_failure_reaches_who_waits(realtime_for, caplog):
    client = Client().set_endpoint("http://127.0.0.1:port/v1").set_project("blog")
    realtime = realtime_for(client)

    with pytest.raises(RealtimeError, match="ended unexpectedly"):
        realtime.subscribe("documents", print)

    with pytest.raises(RealtimeError, match="ended unexpectedly"):
        realtime.wait(5)
    assert "Traceback" in caplog.text


def test_closing_says_goodbye_and_ends_every_subscription(server, realtime):
    subscription = realtime.subscribe("documents", print)

    realtime.close()

    eventually(lambda: server.subscription_count() == 0)
    assert subscription.is_closed
    assert realtime.wait(0)
    assert len(server.handshakes) == 1


def test_closing_leaves_no_threads(client, realtime_for):
    with realtime_for(client, timing=replace(QUICK, close_timeout_seconds=5.0)) as realtime:
        realtime.subscribe("documents", print)

    names = {thread.name for thread in threading.enumerate()}
    assert not any(name.startswith("appwrite-realtime") for name in names)


def test_closing_interrupts_the_pause_before_a_reconnect(server, client, realtime_for):
    timing = replace(QUICK, pauses_seconds=((float("inf"), 600.0),), close_timeout_seconds=5)
    realtime = realtime_for(client, timing=timing)
    realtime.subscribe("documents", print)
    connection = realtime._connection
    server.drop()
    eventually(lambda: connection.last_failure is not None)

    realtime.close()

    assert not connection._thread.is_alive()


def test_closing_releases_who_waits_for_a_confirmation(server, realtime):
    server.ignored.add("subscribe")
    closer = threading.Timer(0.1, realtime.close)
    closer.start()

    with pytest.raises(RealtimeError, match="was closed"):
        realtime.subscribe("documents", print, timeout=5)

    closer.join()


def test_closed_realtime_takes_no_subscription(realtime):
    realtime.close()
    realtime.close()

    with pytest.raises(RealtimeError, match="was closed"):
        realtime.subscribe("documents", print)


def test_closing_one_that_was_never_used_opens_nothing(server, client, realtime_for):
    with realtime_for(client):
        pass

    assert server.handshakes == []


def test_threads_may_subscribe_and_end_at_the_same_time(server, realtime):
    received: list[Event] = []
    failures: list[RealtimeError] = []

    def come_and_go() -> None:
        try:
            for _ in range(10):
                realtime.subscribe("documents", print).close()
            realtime.subscribe("documents", received.append)
        except RealtimeError as error:
            failures.append(error)

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: server.subscription_count() == 8)
    server.emit("documents")

    eventually(lambda: len(received) == 8)
    assert failures == []
    assert len(server.handshakes) == 1


def test_default_pauses_grow_as_those_of_the_web_sdk():
    timing = Timing()

    for attempt, pause in [(0, 1), (4, 1), (5, 5), (14, 5), (15, 10), (99, 10), (100, 60)]:
        values = {timing.pause_seconds(attempt) for _ in range(50)}
        assert all(0.5 * pause <= value <= 1.5 * pause for value in values)
        assert len(values) > 1  # not everybody at the same moment


def test_default_ping_is_that_of_the_web_sdk():
    assert Timing().ping_interval_seconds == 20
