"""Short messages between processes over the database."""

import os
import resource
import threading
from contextlib import ExitStack

import pytest
from django.db import connection

from kernel import notify
from kernel.attendance import ASK
from tests.compat.parts import missing

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]

WAIT_SECONDS = 30.0
CHANNEL = "appwrite_test"
WANTED = "appwrite_test_wanted"
WANTED_STILL = "appwrite_test_wanted_still"
MANY_DESCRIPTORS = 1100


class Inbox:
    """Collects messages, and lets a test wait for one."""

    def __init__(self):
        self.messages = []
        self.arrived = threading.Condition()

    def __call__(self, payload):
        with self.arrived:
            self.messages.append(payload)
            self.arrived.notify_all()

    def wait_for(self, payload):
        with self.arrived:
            return self.arrived.wait_for(lambda: payload in self.messages, WAIT_SECONDS)


def test_a_message_reaches_every_listener():
    first, second = Inbox(), Inbox()
    notify.listen(CHANNEL, first)
    notify.listen(CHANNEL, second)
    assert notify.start(timeout_seconds=WAIT_SECONDS)
    assert _heard(first, CHANNEL, "hello")
    assert second.wait_for("hello")


def test_a_channel_named_later_is_heard_too():
    assert notify.start(timeout_seconds=WAIT_SECONDS)
    inbox = Inbox()
    notify.listen("appwrite_test_later", inbox)
    assert _heard(inbox, "appwrite_test_later", "hello")


def test_one_listeners_failure_silences_nobody(caplog):
    def fail(_payload):
        raise RuntimeError("no")

    inbox = Inbox()
    notify.listen("appwrite_test_failing", fail)
    notify.listen("appwrite_test_failing", inbox)
    assert notify.start(timeout_seconds=WAIT_SECONDS)
    assert _heard(inbox, "appwrite_test_failing", "x")


def test_a_process_with_thousands_of_sockets_listens_again():
    notify.stop()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < MANY_DESCRIPTORS * 2:
        missing("no more files may be opened: raise the hard limit (`ulimit -Hn`)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY_DESCRIPTORS * 2), hard))
    inbox = Inbox()
    notify.listen(CHANNEL, inbox)
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        stack.callback(notify.stop)
        for _ in range(MANY_DESCRIPTORS):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        assert notify.start(timeout_seconds=WAIT_SECONDS)
        assert _heard(inbox, CHANNEL, "hello")


def test_a_lost_connection_is_made_again_and_told():
    inbox = Inbox()
    notify.listen(CHANNEL, inbox)
    assert notify.start(timeout_seconds=WAIT_SECONDS)
    assert _heard(inbox, CHANNEL, "before")
    inbox.messages.clear()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE (query LIKE 'LISTEN%%' OR query LIKE 'SELECT pg_advisory%%shared%%')"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert inbox.wait_for("")
    assert _heard(inbox, CHANNEL, "after")


def test_a_channel_is_attended_while_it_is_wanted(monkeypatch):
    wanted: list[bool] = []
    inbox = Inbox()
    monkeypatch.setattr(notify, "_wants", {})
    notify.want(WANTED, lambda: bool(wanted))
    notify.listen(WANTED, inbox)
    assert notify.start(timeout_seconds=WAIT_SECONDS)
    assert not notify.attend(WANTED, timeout_seconds=0)
    notify.post_if_wanted(WANTED, "for nobody")
    wanted.append(True)
    assert notify.attend(WANTED, timeout_seconds=WAIT_SECONDS)
    notify.post_if_wanted(WANTED, "for us")
    assert inbox.wait_for("for us")
    assert "for nobody" not in inbox.messages
    wanted.clear()
    _until(lambda: not _is_attended(WANTED))


def test_a_lost_connection_is_attended_again_before_it_is_told(monkeypatch):
    inbox = Inbox()
    monkeypatch.setattr(notify, "_wants", {WANTED_STILL: lambda: True})
    notify.listen(WANTED_STILL, inbox)
    assert notify.start(timeout_seconds=WAIT_SECONDS)
    assert notify.attend(WANTED_STILL, timeout_seconds=WAIT_SECONDS)
    inbox.messages.clear()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
            " AND mode = 'ShareLock' AND objid = hashtext(%s)::oid"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [WANTED_STILL],
        )
    assert inbox.wait_for("")
    notify.post_if_wanted(WANTED_STILL, "after")
    assert inbox.wait_for("after")


def _is_attended(channel):
    with connection.cursor() as cursor:
        cursor.execute(ASK.replace(b"$1", b"%(channel)s").decode(), {"channel": channel})
        return cursor.fetchone()[0]


def _until(is_so):
    for _ in range(500):
        if is_so():
            return
        threading.Event().wait(0.02)
    raise AssertionError


def _heard(inbox, channel, payload):
    for _ in range(300):
        notify.notify(channel, payload)
        with inbox.arrived:
            if inbox.arrived.wait_for(lambda: payload in inbox.messages, 0.1):
                return True
    return False
