"""Values kept for a moment, and dropped when they change."""

import os
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from kernel import notify
from kernel import recent as recent_room
from kernel.recent import Recent, renew

pytestmark = pytest.mark.db

WAIT_SECONDS = 30.0


@pytest.fixture
def _listening(django_db_setup):
    assert notify.start(timeout_seconds=WAIT_SECONDS)


@pytest.fixture
def clock(monkeypatch):
    """The clock by which values get old."""
    standing = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr(recent_room, "time", standing)
    return standing


class Source:
    """Something to read, which counts how often it is."""

    def __init__(self, value="value"):
        self.value = value
        self.reads = 0

    def __call__(self):
        self.reads += 1
        return self.value


def asked(recent, source, times=3, group=1, key="k"):
    return [recent.find(group, key, source) for _ in range(times)]


@pytest.mark.usefixtures("_listening")
def test_a_value_is_read_once_in_its_time():
    recent, source = Recent[Any](seconds=60, maximum=10), Source()
    assert asked(recent, source) == ["value"] * 3
    assert source.reads == 1


@pytest.mark.usefixtures("_listening")
def test_a_value_is_read_anew_after_its_time(clock):
    recent, source = Recent[Any](seconds=60, maximum=10), Source()
    asked(recent, source)
    clock.monotonic = lambda: 61.0
    asked(recent, source)
    assert source.reads == 2


@pytest.mark.usefixtures("_listening")
def test_the_time_counts_from_before_the_reading(clock):
    recent, source = Recent[Any](seconds=60, maximum=10), Source()

    def read_slowly():
        clock.monotonic = lambda: 61.0 * (source.reads + 1)
        return source()

    asked(recent, read_slowly, times=2)
    assert source.reads == 2


@pytest.mark.usefixtures("_listening")
def test_that_there_is_nothing_is_not_kept():
    recent, source = Recent[Any](seconds=60, maximum=10), Source(None)
    assert asked(recent, source) == [None] * 3
    assert source.reads == 3


@pytest.mark.usefixtures("_listening")
def test_a_changed_group_is_dropped_and_no_other():
    recent, source = Recent[Any](seconds=60, maximum=10), Source()
    asked(recent, source, group=1)
    asked(recent, source, group=2)
    recent.drop(1)
    asked(recent, source, group=1)
    asked(recent, source, group=2)
    assert source.reads == 3


@pytest.mark.usefixtures("_listening")
def test_a_value_that_changes_while_it_is_read_is_not_kept():
    recent, source = Recent[Any](seconds=60, maximum=10), Source("old")

    def read_before_the_change():
        old = source()
        source.value = "new"
        recent.drop(1)
        return old

    assert asked(recent, read_before_the_change, times=1) == ["old"]
    assert asked(recent, source) == ["new"] * 3


@pytest.mark.usefixtures("_listening")
def test_a_process_forked_beside_this_one_outdates_what_is_kept_here():
    recent, source = Recent[Any](seconds=60, maximum=10), Source()
    asked(recent, source, group=1)
    asked(recent, source, group=2)
    child = os.fork()
    if not child:
        try:
            renew(1)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    asked(recent, source, group=1)
    asked(recent, source, group=2)
    assert source.reads == 3


@pytest.mark.usefixtures("_listening")
def test_a_group_renewed_while_it_is_read_is_read_anew():
    recent, source = Recent[Any](seconds=60, maximum=10), Source("old")

    def read_before_the_change():
        old = source()
        source.value = "new"
        renew(1)
        return old

    assert asked(recent, read_before_the_change, times=1) == ["old"]
    assert asked(recent, source) == ["new"] * 3


@pytest.mark.usefixtures("_listening")
def test_a_group_renewed_twice_at_the_same_time_is_read_anew_twice():
    recent, source = Recent[Any](seconds=60, maximum=10), Source()
    with time_machine.travel(1_800_000_000, tick=False):
        for _ in range(3):
            renew(1)
            asked(recent, source)
    assert source.reads == 3


@pytest.mark.usefixtures("_listening")
def test_no_more_values_are_kept_than_allowed():
    recent, source = Recent[Any](seconds=60, maximum=10), Source()
    for key in range(1000):
        recent.find(key % 3, key, source)
    assert sum(map(len, recent._groups.values())) <= 10


def test_nothing_is_kept_while_nobody_listens():
    notify.stop()
    recent, source = Recent[Any](seconds=60, maximum=10), Source()
    asked(recent, source)
    assert source.reads == 3


@pytest.mark.usefixtures("_listening")
def test_many_threads_may_ask():
    recent, source = Recent[Any](seconds=60, maximum=50), Source()
    failures = []

    def ask():
        try:
            for number in range(2000):
                assert recent.find(number % 5, number % 97, source) == "value"
                if number % 13 == 0:
                    recent.drop(number % 5)
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
