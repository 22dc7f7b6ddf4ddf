"""Password hashes: argon2id, at most as many at once as there are cores, the queue bounded."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.contrib.auth import hashers

from kernel.errors import ApiError, ErrorKind
from kernel.once import once

QUEUE_LENGTH = 64
RETRY_AFTER_SECONDS = 1
#: The niceness of threads that hash.
GIVING_WAY = 5

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Argon2Hasher(hashers.Argon2PasswordHasher):
    """argon2id with 46 MiB and one pass: 42 ms where Django's default takes 198 ms of CPU."""

    memory_cost = 46 * 1024
    time_cost = 1
    parallelism = 1


def hash_password(password: str) -> str:
    """Return the hash to store; an empty password gives an empty hash, which nothing matches.

    Raises: RATE_LIMIT_EXCEEDED
    """
    return _in_pool(hashers.make_password, password) if password else ""


def matches(password: str, encoded: str) -> bool:
    """Tell whether a password fits a stored hash; without one the work is done all the same.

    Raises: RATE_LIMIT_EXCEEDED
    """
    return _in_pool(_verify, password, encoded or _dummy_hash()) and bool(encoded)


def needs_rehash(encoded: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    hasher = hashers.get_hasher()
    return not encoded.startswith(f"{hasher.algorithm}$") or hasher.must_update(encoded)


def _verify(password: str, encoded: str) -> bool:
    is_match, is_old = hashers.verify_password(password, encoded)
    if is_old and not is_match:
        # A cheap hash from elsewhere must not tell its user from an unknown one by the time.
        hashers.make_password(password)
    return is_match


@cache
def _dummy_hash() -> str:
    """What the passwords of unknown users are compared with, so that they take as long."""
    return hashers.make_password("no user has this password")


@once
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        max_workers=_at_once(), thread_name_prefix="passwords", initializer=_give_way
    )


def _give_way() -> None:
    """Let requests that are soon done have the core first; only Linux can tell threads apart."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), GIVING_WAY)


@once
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(_at_once() + QUEUE_LENGTH)


def _at_once() -> int:
    """Return this process's share of the cores."""
    return max(1, (os.cpu_count() or 1) // settings.WEB_PROCESSES)


def _in_pool(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    places = _places()
    if not places.acquire(blocking=False):
        raise ApiError(
            ErrorKind.RATE_LIMIT_EXCEEDED, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )
    try:
        return _pool().submit(function, *args, **kwargs).result()
    finally:
        places.release()
