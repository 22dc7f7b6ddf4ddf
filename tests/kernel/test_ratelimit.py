"""Rate counters: fixed windows, one budget for all processes."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection

from kernel import ratelimit
from kernel.models import RateCounter

pytestmark = [pytest.mark.db, pytest.mark.django_db]

NOON = 1_800_000_000


def hit(key="k"):
    return ratelimit.hit(key, limit=3, window_seconds=60)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def test_hits_are_counted_down_to_the_limit():
    states = [hit() for _ in range(5)]
    assert [state.remaining for state in states] == [2, 1, 0, 0, 0]
    assert [state.is_exceeded for state in states] == [False, False, False, True, True]
    assert {(state.limit, state.resets_at) for state in states} == {(3, NOON + 60)}


def test_keys_have_counters_of_their_own():
    for _ in range(4):
        hit("a")
    assert not hit("b").is_exceeded


def test_a_new_window_begins_at_zero(clock):
    for _ in range(4):
        hit()
    clock.shift(59)
    assert hit().is_exceeded
    clock.shift(1)
    state = hit()
    assert (state.remaining, state.resets_at) == (2, NOON + 120)


def test_a_reset_forgets_one_key():
    for key in "ab":
        for _ in range(4):
            hit(key)
    ratelimit.reset("a")
    assert not hit("a").is_exceeded
    assert hit("b").is_exceeded


def test_keys_are_stored_as_digests():
    hit("ip:192.0.2.1,email:ada@example.com")
    stored = RateCounter.objects.get().key
    assert len(stored) == 64
    assert "ada" not in stored


def test_counters_of_yesterday_are_swept(clock):
    hit("old")
    clock.shift(24 * 3600 + 61)
    hit("new")
    assert ratelimit.sweep() == 1
    assert RateCounter.objects.count() == 1


@pytest.fixture
def _no_redis(settings):
    """Name a Redis that nobody runs."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        settings.REDIS_URL = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
    ratelimit._redis.cache_clear()
    yield
    ratelimit._redis.cache_clear()


@pytest.mark.usefixtures("_no_redis")
def test_without_its_redis_the_database_counts(caplog):
    assert [hit().is_exceeded for _ in range(4)] == [False, False, False, True]
    ratelimit.reset("k")
    assert not hit().is_exceeded
    assert "Redis does not answer" in caplog.text


def test_the_table_is_not_logged():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'rate_counter'")
        assert cursor.fetchone() == ("u",)


@pytest.mark.django_db(transaction=True)
def test_parallel_hits_never_pass_the_limit():
    def one(_number):
        try:
            return ratelimit.hit("race", limit=20, window_seconds=60).is_exceeded
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        exceeded = list(pool.map(one, range(100)))
    assert exceeded.count(False) == 20
