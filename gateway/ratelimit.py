"""Rate limits of labelled operations: which counters a call uses, and the headers it answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from gateway.operations import Operation, RateLimit
from kernel import addresses, ratelimit
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.ratelimit import RateState

MAX_KEY_VALUE_LENGTH = 256


def count(
    operation: Operation, *, caller: Caller, url: str, method: str, params: Mapping[str, Any]
) -> dict[str, str]:
    """Count a call against its limit; return the headers of its answer.

    Privileged callers are not limited, but told the limit.

    Raises: RATE_LIMIT_EXCEEDED
    """
    limit = limit_of(operation, caller)
    if limit is None:
        return {}
    if caller.is_privileged or not settings.ABUSE_LIMITS:
        return _headers(RateState(limit.limit, limit.limit, 0, is_exceeded=False))
    states = [
        ratelimit.hit(key, limit=limit.limit, window_seconds=limit.window_seconds)
        for key in keys(limit, caller=caller, url=url, method=method, params=params)
    ]
    tightest = min(states, key=lambda state: (not state.is_exceeded, state.remaining))
    headers = _headers(tightest)
    if tightest.is_exceeded:
        raise ApiError(ErrorKind.RATE_LIMIT_EXCEEDED, headers=headers)
    return headers


def limit_of(operation: Operation, caller: Caller) -> RateLimit | None:
    """Return the limit of an operation, which the project may have set for itself."""
    own = caller.project.rate_limits.get(operation.id) if caller.project.rate_limits else None
    if own is None:
        return operation.rate_limit
    allowed, window_seconds = own
    label = operation.rate_limit or RateLimit(allowed)
    return replace(label, limit=allowed, window_seconds=window_seconds)


def reset(
    limit: RateLimit, *, caller: Caller, url: str, method: str, params: Mapping[str, Any]
) -> None:
    """Clear the counters of a call whose success proves it was no attack."""
    if settings.ABUSE_LIMITS and not caller.is_privileged:
        for key in keys(limit, caller=caller, url=url, method=method, params=params):
            ratelimit.reset(key)


def keys(
    limit: RateLimit, *, caller: Caller, url: str, method: str, params: Mapping[str, Any]
) -> list[str]:
    """Return the counter keys of a call, each tied to its project and limit."""
    known = {
        "{url}": url,
        "{ip}": addresses.subscriber(caller.ip),
        "{method}": method,
        "{userId}": caller.user_uid,
    }
    return [
        f"{caller.project.id}:{limit.limit}/{limit.window_seconds}:{_filled(key, known, params)}"
        for key in limit.keys
    ]


def _filled(pattern: str, known: Mapping[str, str], params: Mapping[str, Any]) -> str:
    parts = []
    for part in pattern.split(","):
        label, _, slot = part.partition(":")
        if slot.startswith("{param-"):
            value = str(params.get(slot[7:-1], ""))[:MAX_KEY_VALUE_LENGTH].strip().lower()
        else:
            value = known[slot]
        parts.append(f"{label}={value!r}")
    return ",".join(parts)


def _headers(state: RateState) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(state.limit),
        "X-RateLimit-Remaining": str(state.remaining),
        "X-RateLimit-Reset": str(state.resets_at),
    }
