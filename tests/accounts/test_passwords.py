"""Password hashes, and how many are made at once."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from accounts import passwords
from kernel.errors import ApiError


def test_hash_is_argon2id_and_matches_its_password_alone():
    encoded = passwords.hash_password("correct horse")
    assert encoded.startswith("argon2$argon2id$")
    assert passwords.matches("correct horse", encoded)
    assert not passwords.matches("wrong horse", encoded)


@pytest.mark.parametrize("password", ["", "no user has this password", "anything"])
def test_nothing_matches_an_empty_hash(password):
    assert passwords.hash_password("") == ""
    assert not passwords.matches(password, "")


def test_unreadable_hash_matches_nothing():
    assert not passwords.matches("anything", "rubbish$hash")
    assert passwords.needs_rehash("rubbish$hash")


def test_parameters_in_use_are_46_mebibytes_and_one_pass():
    defaults = vars(passwords.Argon2Hasher)
    assert (defaults["time_cost"], defaults["parallelism"]) == (1, 1)


def test_never_more_hashes_at_once_than_cores_and_a_bounded_queue(monkeypatch):
    running, most, gate = 0, 0, threading.Event()
    lock = threading.Lock()

    def slow(self, password, salt):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(60)
        with lock:
            running -= 1
        return "argon2$hash"

    monkeypatch.setattr(passwords, "QUEUE_LENGTH", 3)
    monkeypatch.setattr(passwords.Argon2Hasher, "encode", slow)
    passwords._places.cache_clear()
    places = passwords._at_once() + 3
    try:
        with ThreadPoolExecutor(places + 5) as threads:
            calls = [threads.submit(passwords.hash_password, "x") for _ in range(places + 5)]
            finished = as_completed(calls, timeout=60)
            refused = [next(finished) for _ in range(5)]
            gate.set()
        for each in refused:
            error = each.exception()
            assert isinstance(error, ApiError)
            assert error.kind.status == 429
            assert error.headers["Retry-After"]
        assert [each.exception() for each in calls].count(None) == places
        assert most <= passwords._at_once()
    finally:
        gate.set()
        passwords._places.cache_clear()
