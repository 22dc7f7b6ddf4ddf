"""Messages that leave in bundles."""

import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from kernel import attendance, bundles, notify
from kernel.bundles import Sender
from kernel.limits import NOTIFY_PAYLOAD_BYTES

pytestmark = [pytest.mark.db, pytest.mark.django_db]

WAIT_SECONDS = 30.0
CHANNEL = "appwrite_test_bundles"


@pytest.fixture
def listener(db):
    """A connection that hears the channel."""
    with notify._connect() as raw:
        raw.execute(f"LISTEN {CHANNEL}")
        yield raw


@pytest.fixture
def sender(db):
    made = Sender(notify._connect)
    yield made
    made.stop()


@contextmanager
def held(sender):
    """Hold the sender up, as a slow database does."""
    with sender._changed:
        yield


def heard(listener, count):
    found: list[str] = []
    while len(found) < count:
        came = listener.notifies(timeout=WAIT_SECONDS, stop_after=1)  # which may hold many
        news = [part for message in came for part in bundles.parted(message.payload)]
        assert news, f"only {len(found)} of {count} came"
        found += news
    return found


def test_messages_come_in_the_order_they_were_posted(sender, listener):
    sent = [str(number) for number in range(500)]
    for payload in sent:
        sender.post(CHANNEL, payload)
    assert heard(listener, 500) == sent


def test_what_came_meanwhile_leaves_in_one_statement(sender, listener, monkeypatch):
    sizes: list[int] = []
    send = sender._send

    def send_and_note(bundle):
        sizes.append(len(bundle))
        send(bundle)

    monkeypatch.setattr(sender, "_send", send_and_note)
    with held(sender):
        for number in range(100):
            sender._waiting.append((CHANNEL, str(number), False))
        sender._changed.notify()
    assert len(heard(listener, 100)) == 100
    assert sizes == [100]


def test_messages_to_one_channel_share_a_payload_that_has_room():
    large = "x" * (NOTIFY_PAYLOAD_BYTES // 2)
    sent = [("a", "1"), ("a", "2"), ("b", "3"), ("a", large), ("a", large), ("a", "é" * 3700)]

    found = bundles.joined(sent)

    assert [channel for channel, _ in found] == ["a", "b", "a", "a", "a"]
    assert all(len(payload.encode()) <= 8000 for _, payload in found)
    parts = [(channel, part) for channel, payload in found for part in bundles.parted(payload)]
    assert parts == sent


def test_equal_messages_are_all_sent(sender, listener):
    with held(sender):
        sender._waiting.extend([(CHANNEL, "same", False)] * 3)
        sender._changed.notify()
    assert heard(listener, 3) == ["same"] * 3


def test_what_is_optional_is_sent_while_somebody_wants_the_channel(sender, listener):
    sender.post(CHANNEL, "for nobody", is_optional=True)
    sender.post(CHANNEL, "for all")
    assert heard(listener, 1) == ["for all"]
    with notify._connect() as wanting:
        wanting.execute(attendance.HOLD, (CHANNEL,))
        sender.post("appwrite_test_other", "for nobody", is_optional=True)
        sender.post(CHANNEL, "for some", is_optional=True)
        assert heard(listener, 1) == ["for some"]


def test_wanting_is_asked_for_after_the_message_was_posted(sender, listener):
    with notify._connect() as wanting:
        for number in range(20):
            sender.post(CHANNEL, "for nobody", is_optional=True)
            wanting.execute(attendance.HOLD, (CHANNEL,))
            sender.post(CHANNEL, f"number {number}", is_optional=True)
            while f"number {number}" not in heard(listener, 1):
                pass
            wanting.execute(attendance.LEAVE, (CHANNEL,))
            sender._attendance = attendance.Attendance(sender._ask)


def test_a_yes_is_believed_for_a_while_and_a_no_never():
    answers = [False, True, False]
    asked = []

    def ask(channel):
        asked.append(channel)
        return answers.pop(0)

    known = attendance.Attendance(ask)
    assert [known.is_wanted("a") for _ in range(5)] == [False, True, True, True, True]
    assert not known.is_wanted("b")
    assert asked == ["a", "a", "b"]


def test_who_asks_leaves_no_lock(listener):
    with notify._connect() as asking:
        asking.execute(attendance.NOTIFY_IF_WANTED, {"channel": CHANNEL, "payload": "x"})
        held = asking.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert held.fetchone() == (0,)


def test_a_bundle_has_its_bound(sender, listener, monkeypatch):
    monkeypatch.setattr(bundles, "MAX_BUNDLE", 2)
    for number in range(7):
        sender.post(CHANNEL, str(number))
    assert heard(listener, 7) == list("0123456")


def test_too_many_waiting_messages_are_told_and_lost(sender, monkeypatch, caplog):
    monkeypatch.setattr(bundles, "MAX_WAITING", 0)
    sender.post(CHANNEL, "one too many")
    assert "too many wait" in caplog.text


def test_at_the_end_everything_is_sent(listener, monkeypatch):
    monkeypatch.setattr(bundles, "FINISH_SECONDS", WAIT_SECONDS)
    sender = Sender(notify._connect)
    for number in range(300):
        sender.post(CHANNEL, str(number))
    sender.stop()
    assert not sender._thread.is_alive()
    assert len(heard(listener, 300)) == 300


def test_a_connection_that_died_is_replaced(sender, listener):
    sender.post(CHANNEL, "first")
    assert heard(listener, 1) == ["first"]
    backend = sender._link[0].connection.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    sender.post(CHANNEL, "second")
    assert heard(listener, 1) == ["second"]


def test_no_message_waits_for_the_disk(sender, listener):
    sender.post(CHANNEL, "a message")
    heard(listener, 1)
    shown = sender._link[0].connection.execute("SHOW synchronous_commit").fetchone()
    assert shown == ("off",)


def test_a_failure_loses_its_bundle_and_no_other(listener, caplog):
    refusals = iter([psycopg.OperationalError("no room")])

    def connect():
        for error in refusals:
            raise error
        return notify._connect()

    sender = Sender(connect)
    try:
        sender.post(CHANNEL, "lost")
        while "1 messages were lost" not in caplog.text:
            threading.Event().wait(0.01)
        sender.post(CHANNEL, "kept")
        assert heard(listener, 1) == ["kept"]
    finally:
        sender.stop()


def test_a_process_posts_in_bundles_only_once_it_was_told_to(listener, monkeypatch):
    at_once = []
    monkeypatch.setattr(notify, "notify", lambda *message: at_once.append(message))
    notify.post(CHANNEL, "a")
    notify.start_sending()
    notify.start_sending()
    notify.post(CHANNEL, "b")
    notify.stop_sending()
    notify.stop_sending()
    notify.post(CHANNEL, "c")
    assert at_once == [(CHANNEL, "a"), (CHANNEL, "c")]
    assert heard(listener, 1) == ["b"]
