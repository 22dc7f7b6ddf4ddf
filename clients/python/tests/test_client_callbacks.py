import logging
import threading
from dataclasses import replace

from appwrite_realtime import Event, Realtime, RealtimeError, dispatcher
from realtime_server import QUICK, eventually


def test_slow_callback_does_not_hold_up_the_socket(server, client, realtime_for):
    timing = replace(QUICK, ping_interval_seconds=0.03)
    realtime = realtime_for(client, timing=timing)
    release = threading.Event()
    realtime.subscribe("documents", lambda event: release.wait(10))

    server.emit("documents")
    before = len(server.sent("ping"))
    eventually(lambda: len(server.sent("ping")) > before + 15)
    realtime.subscribe("files", print)  # the confirmation arrives all the same
    release.set()

    assert len(server.handshakes) == 1


def test_events_keep_their_order(server, realtime):
    received: list[int] = []
    realtime.subscribe("documents", lambda event: received.append(event["payload"]["n"]))

    for number in range(100):
        server.emit("documents", n=number)

    eventually(lambda: len(received) == 100)
    assert received == list(range(100))


def test_all_callbacks_run_on_one_thread_of_their_own(server, realtime):
    threads: set[threading.Thread] = set()
    for channel in ("documents", "files"):
        realtime.subscribe(channel, lambda event: threads.add(threading.current_thread()))
        server.emit(channel)
    done: list[Event] = []
    realtime.subscribe("teams", done.append)
    server.emit("teams")

    eventually(lambda: done)
    assert len(threads) == 1
    assert threads.pop().daemon
    assert threading.main_thread() not in threads


def test_raising_callback_is_reported_and_called_again(server, realtime, errors):
    calls: list[Event] = []

    def fail(event: Event) -> None:
        calls.append(event)
        raise LookupError("no such post")

    realtime.subscribe("documents", fail)
    server.emit("documents")
    server.emit("documents")

    eventually(lambda: len(errors) == 2)
    assert all(isinstance(error, LookupError) for error in errors)
    assert len(calls) == 2
    assert len(server.handshakes) == 1


def test_exit_in_a_callback_does_not_silence_the_others(server, realtime, caplog):
    received: list[Event] = []

    def leave(event: Event) -> None:
        raise SystemExit

    realtime.subscribe("documents", leave)
    realtime.subscribe("files", received.append)
    server.emit("documents")
    server.emit("files")

    eventually(lambda: received)
    assert "sys.exit()" in caplog.text


def test_errors_are_logged_where_no_on_error_is_given(server, client, caplog):
    def fail(event: Event) -> None:
        raise LookupError("no such post")

    with Realtime(client, timing=QUICK) as realtime:
        realtime.subscribe("documents", fail)
        server.emit("documents")
        eventually(lambda: "no such post" in caplog.text)

    record = next(record for record in caplog.records if "no such post" in record.message)
    assert (record.name, record.levelno) == ("appwrite_realtime", logging.ERROR)
    assert record.exc_info


def test_raising_on_error_is_logged_and_harmless(server, client, realtime_for, caplog):
    def fail(_: object) -> None:
        raise LookupError("no such post")

    received: list[Event] = []
    realtime = realtime_for(client, on_error=fail)
    realtime.subscribe("documents", fail)
    realtime.subscribe("files", received.append)
    server.emit("documents")
    server.emit("files")

    eventually(lambda: received)
    assert "on_error itself failed" in caplog.text


def test_callback_may_subscribe(server, realtime):
    received: list[Event] = []
    realtime.subscribe("documents", lambda event: realtime.subscribe("files", received.append))

    server.emit("documents")
    eventually(lambda: server.subscription_count() == 2)
    server.emit("files")

    eventually(lambda: received)


def test_callback_may_end_its_own_subscription(server, realtime):
    received: list[Event] = []

    def once(event: Event) -> None:
        received.append(event)
        subscription.close()

    subscription = realtime.subscribe("documents", once)

    server.emit("documents")
    server.emit("documents")
    server.emit("documents")

    eventually(lambda: server.subscription_count() == 0)
    assert len(received) == 1


def test_callback_may_close_the_connection(server, realtime):
    realtime.subscribe("documents", lambda event: realtime.close())

    server.emit("documents")

    assert realtime.wait(5)
    eventually(lambda: server.subscription_count() == 0)


def test_waiting_events_are_bounded_and_the_loss_is_reported(server, realtime, errors, monkeypatch):
    monkeypatch.setattr(dispatcher, "MAX_WAITING_CALLS", 5)
    release = threading.Event()
    received: list[int] = []

    def slow(event: Event) -> None:
        release.wait(10)
        received.append(event["payload"]["n"])

    realtime.subscribe("documents", slow)
    for number in range(50):
        server.emit("documents", n=number)
    realtime.subscribe("files", print)  # confirmed, so all fifty have been read
    release.set()

    eventually(lambda: errors)
    assert isinstance(errors[0], RealtimeError)
    assert "too slow" in str(errors[0])
    assert len(errors) == 1
    assert 5 <= len(received) <= 6
    server.emit("documents", n=99)
    eventually(lambda: received[-1] == 99)
