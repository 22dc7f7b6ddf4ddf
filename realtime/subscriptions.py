"""Subscriptions of one connection: channel names, queries on payloads, the form in the URL."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from kernel.query import (
    COMPARISONS,
    LOGICAL,
    NULL_TESTS,
    Condition,
    Filter,
    Group,
    QueryError,
    parse_condition,
)
from realtime.limits import MAX_CHANNEL_LENGTH, MAX_QUERIES, MAX_URL_PARAMETERS

SELECT_ALL = '{"method":"select","values":["*"]}'

_ALLOWED = COMPARISONS | NULL_TESTS | LOGICAL
_ACCOUNT_ACTIONS = frozenset({"create", "update", "upsert", "delete"})
_FORBIDDEN_PREFIX = "console.tail."
_CACHED_QUERIES = 256
_URL_NAME = re.compile(r"([^\[]*)((?:\[[^\]]*\])*)")


class ForbiddenChannelError(ValueError):
    """A channel that this connection may not listen to."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Channels as the client named them, and queries that all have to match.

    `since` is the cursor of a change feed to go on from, or empty.
    """

    id: str
    channels: tuple[str, ...]
    queries: tuple[str, ...] = (SELECT_ALL,)
    since: str = ""

    def matches(self, payload: Mapping[str, Any]) -> bool:
        return all(_holds(each, payload) for each in conditions_of(self.queries))


@dataclass(frozen=True, slots=True)
class UrlForm:
    """What the query string of a connection says; `slots` maps numbers to channels and queries."""

    project: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[int, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)


def rewrite(channels: Iterable[str], user_uid: str) -> tuple[str, ...]:
    """Return the channels a connection really listens to (reference: realtime.md section 4)."""
    names: dict[str, None] = {}
    for channel in channels:
        if channel == "account":
            names[channel] = None
            if user_uid:
                names[f"account.{user_uid}"] = None
        elif channel.startswith("account."):
            action = channel.removeprefix("account.")
            if action in _ACCOUNT_ACTIONS:
                names[f"account.{user_uid}.{action}" if user_uid else channel] = None
        else:
            names[channel] = None
    return tuple(names)


def check_channels(channels: Sequence[str]) -> tuple[str, ...]:
    """Return the channels without repetitions.

    Raises:
        ValueError: One is no name.
        ForbiddenChannelError: One may not be listened to.
    """
    for channel in channels:
        if not channel or len(channel) > MAX_CHANNEL_LENGTH:
            raise ValueError(f"Channel names have 1 to {MAX_CHANNEL_LENGTH} characters.")
        if channel.startswith(_FORBIDDEN_PREFIX):
            raise ForbiddenChannelError(f"Channel {channel} is not open to this connection.")
    return tuple(dict.fromkeys(channels))


def check_queries(queries: Sequence[str]) -> tuple[str, ...]:
    """Return the queries, select-all where there are none.

    Raises:
        QueryError: One is no query, or its method is not offered on sockets.
    """
    if len(queries) > MAX_QUERIES:
        raise QueryError(f"No more than {MAX_QUERIES} queries are allowed.")
    if not queries:
        return (SELECT_ALL,)
    checked = tuple(queries)
    conditions_of(checked)
    return checked


@lru_cache(maxsize=_CACHED_QUERIES)
def conditions_of(queries: tuple[str, ...]) -> tuple[Condition, ...]:
    """Parse queries once for all subscriptions that use the same ones.

    Raises:
        QueryError: One is no query, or its method is not offered on sockets.
    """
    return tuple(condition for text in queries if (condition := _condition(text)) is not None)


def _condition(text: str) -> Condition | None:
    if _is_select_all(text):
        return None
    condition = parse_condition(text)
    _check_methods(condition)
    return condition


def _is_select_all(text: str) -> bool:
    try:
        query = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise QueryError("Invalid query: Syntax error") from None
    if not isinstance(query, dict) or query.get("method") != "select":
        return False
    if query.get("values") != ["*"]:
        raise QueryError('Invalid query: select takes only ["*"] on a socket')
    return True


def _check_methods(condition: Condition) -> None:
    if condition.method not in _ALLOWED:
        raise QueryError(f"Invalid query: {condition.method} is not offered on sockets")
    if isinstance(condition, Group):
        for each in condition.conditions:
            _check_methods(each)


def _holds(condition: Condition, payload: Mapping[str, Any]) -> bool:
    if isinstance(condition, Group):
        results = (_holds(each, payload) for each in condition.conditions)
        return all(results) if condition.method == "and" else any(results)
    if condition.attribute not in payload:
        return False
    return _compare(condition, payload[condition.attribute])


def _compare(condition: Filter, value: object) -> bool:
    match condition.method:
        case "isNull":
            return value is None
        case "isNotNull":
            return value is not None
        case "equal":
            return any(_is_same(value, wanted) for wanted in condition.values)
        case "notEqual":
            return not any(_is_same(value, wanted) for wanted in condition.values)
        case method:
            return any(_is_ordered(method, value, wanted) for wanted in condition.values)


def _is_same(value: object, wanted: object) -> bool:
    """Compare without Python's equality of truth values and numbers."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _is_ordered(method: str, value: object, wanted: object) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        order = (value > wanted) - (value < wanted)
    elif _is_number(value) and _is_number(wanted):
        order = (value > wanted) - (value < wanted)  # type: ignore[operator]  # both are numbers
    else:
        return False
    return {
        "lessThan": order < 0,
        "lessThanEqual": order <= 0,
        "greaterThan": order > 0,
        "greaterThanEqual": order >= 0,
    }[method]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_url(query_string: str) -> UrlForm:
    """Read the query string of a connection (reference: realtime.md section 1).

    Raises:
        ValueError: Too many parameters, a channel that may not be listened to, or a query that
            is not offered on sockets.
    """
    pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=MAX_URL_PARAMETERS)
    plain: dict[str, str] = {}
    channels: list[str] = []
    queries: dict[str, dict[int, list[str]]] = {}
    for name, value in pairs:
        base, keys = _split_name(name)
        if base == "channels":
            channels.append(value)
        elif keys:
            queries.setdefault(base, {}).setdefault(_slot(keys[0]), []).append(value)
        else:
            plain[base] = value
    slots = _slots(check_channels(channels), queries)
    return UrlForm(project=plain.get("project", ""), parameters=plain, slots=slots)


def _split_name(name: str) -> tuple[str, list[str]]:
    match = _URL_NAME.match(name)
    base, brackets = match.groups() if match else (name, "")
    return base.replace(".", "_"), re.findall(r"\[([^\]]*)\]", brackets)


def _slot(key: str) -> int:
    return int(key) if key.isascii() and key.isdigit() and len(key) < 6 else 0


def _slots(
    channels: Sequence[str], queries: Mapping[str, Mapping[int, list[str]]]
) -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Group channels by slot; one without queries joins slot 0 with an implicit select-all."""
    named: dict[int, list[str]] = {}
    wanted: dict[int, dict[str, None]] = {}
    for channel in channels:
        own = queries.get(channel.replace(".", "_"), {0: []})
        for slot, texts in own.items():
            named.setdefault(slot, []).append(channel)
            wanted.setdefault(slot, {}).update(dict.fromkeys(texts))
    return {
        slot: (tuple(named[slot]), check_queries(tuple(wanted[slot]))) for slot in sorted(named)
    }
