"""Calls to providers: requests wait for their answers, so that only a few are made at once."""

from collections.abc import Mapping
from threading import BoundedSemaphore

from kernel import outbound
from kernel.errors import ApiError, ErrorKind

#: In one process: a provider that takes its time holds no more of the threads of all projects.
MAX_AT_ONCE = 2
#: A little patience: whoever comes back from a provider has a way that is good but once.
MAX_WAIT_SECONDS = 1.0
RETRY_AFTER_SECONDS = 1

_places = BoundedSemaphore(MAX_AT_ONCE)


def call(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
) -> outbound.Reply:
    """Make a request as `outbound.send` does, if a place for it gets free soon.

    Raises: SERVICE_UNAVAILABLE, and what `outbound.send` raises
    """
    if not _places.acquire(timeout=MAX_WAIT_SECONDS):
        raise ApiError(
            ErrorKind.SERVICE_UNAVAILABLE, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )
    try:
        return outbound.send(method, url, headers=headers, content=content)
    finally:
        _places.release()
