"""Password hashes, and how many are made at once."""

import mmap
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import argon2
import pytest

from accounts import large_pages, passwords
from kernel.errors import ApiError


def test_hash_is_argon2id_and_matches_its_password_alone():
    encoded = passwords.hash_password("correct horse")
    assert encoded.startswith("argon2$argon2id$")
    assert passwords.matches("correct horse", encoded)
    assert not passwords.matches("wrong horse", encoded)


@pytest.fixture(
    params=["large pages", "usual pages", "a system that runs no code made at run time"]
)
def memory(request, monkeypatch):
    def refuse(*_args, **_options):
        raise MemoryError

    if request.param == "usual pages":
        monkeypatch.setattr(large_pages, "_ADVICE", None)
    elif request.param != "large pages":
        monkeypatch.setattr(large_pages, "ffi", _Without(argon2.low_level.ffi, callback=refuse))
    large_pages._memory.cache_clear()
    yield
    large_pages._memory.cache_clear()


class _Without:
    def __init__(self, whole, **others):
        self.__dict__.update(others)
        self._whole = whole

    def __getattr__(self, name):
        return getattr(self._whole, name)


@pytest.mark.usefixtures("memory")
def test_hashes_are_those_of_the_library_whatever_memory_they_are_made_in():
    hasher = passwords.Argon2Hasher()
    encoded = hasher.encode("pässwort", hasher.salt())
    assert argon2.PasswordHasher().verify(encoded.removeprefix("argon2"), "pässwort")
    assert hasher.verify("pässwort", encoded)
    for kind in argon2.low_level.Type:
        for version, lanes in ((16, 1), (19, 3)):
            theirs = argon2.low_level.hash_secret(
                b"imported", b"salt of theirs", 2, 64, lanes, 24, kind, version
            ).decode()
            assert hasher.verify("imported", f"argon2{theirs}")
            assert not hasher.verify("another", f"argon2{theirs}")
    assert not large_pages._regions


def test_want_of_memory_is_no_wrong_password(monkeypatch):
    def refuse(*_args, **_options):
        raise OSError

    encoded = passwords.hash_password("correct horse")
    monkeypatch.setattr(mmap, "mmap", refuse)
    with pytest.raises(MemoryError):
        passwords.matches("correct horse", encoded)
    with pytest.raises(MemoryError):
        passwords.hash_password("correct horse")
    assert not large_pages._regions


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
