"""What clients send, read and checked (reference: realtime.md section 2). Knows no sockets."""

from dataclasses import dataclass
from typing import Any

import orjson

from kernel.errors import ApiError, ErrorKind
from kernel.ids import UNIQUE_ID, is_valid_id, resolve_id
from kernel.query import QueryError
from realtime.limits import MAX_SECRET_LENGTH, MAX_SUBSCRIPTIONS
from realtime.subscriptions import (
    ForbiddenChannelError,
    Subscription,
    check_channels,
    check_queries,
)


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """One frame: its type, and data of any shape."""

    type: str
    data: Any


def malformed(reason: str) -> ApiError:
    return ApiError(ErrorKind.REALTIME_MESSAGE_INVALID, reason)


def read_message(text: str) -> ClientMessage:
    """Read a frame.

    Raises:
        REALTIME_MESSAGE_INVALID: It is no JSON object with a type.
    """
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise malformed("Message format is not valid.") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise malformed("Message format is not valid.")
    return ClientMessage(message["type"], message.get("data"))


def read_session(data: object) -> str:
    """Read the secret of an `authentication` frame."""
    secret = data.get("session") if isinstance(data, dict) else None
    if not isinstance(secret, str) or not 0 < len(secret) <= MAX_SECRET_LENGTH:
        raise malformed("Payload is not valid.")
    return secret


def read_subscriptions(data: object) -> list[Subscription]:
    """Read a `subscribe` frame; missing ids are made up."""
    return [
        Subscription(_subscription_id(each), _channels(each), _queries(each), _since(each))
        for each in _objects(data)
    ]


def read_unsubscriptions(data: object) -> list[str]:
    """Read the subscription ids of an `unsubscribe` frame."""
    return _texts([each.get("subscriptionId") for each in _objects(data)])


def _objects(data: object) -> list[dict[str, Any]]:
    if not isinstance(data, list) or not data or len(data) > MAX_SUBSCRIPTIONS:
        raise malformed("Payload is not valid.")
    if not all(isinstance(each, dict) for each in data):
        raise malformed("Payload is not valid.")
    return data


def _subscription_id(entry: dict[str, Any]) -> str:
    wanted = entry.get("subscriptionId")
    if wanted is None or wanted == "":
        wanted = UNIQUE_ID
    if not isinstance(wanted, str) or not (wanted == UNIQUE_ID or is_valid_id(wanted)):
        raise malformed("subscriptionId is not a valid ID.")
    return resolve_id(wanted)


def _channels(entry: dict[str, Any]) -> tuple[str, ...]:
    channels = _texts(entry.get("channels"))
    if not channels:
        raise malformed("channels must be a list of channel names.")
    try:
        return check_channels(channels)
    except ForbiddenChannelError as error:
        raise ApiError(ErrorKind.REALTIME_POLICY_VIOLATION, str(error)) from error
    except ValueError as error:
        raise malformed(str(error)) from error


def _queries(entry: dict[str, Any]) -> tuple[str, ...]:
    try:
        return check_queries(_texts(entry.get("queries") or []))
    except QueryError as error:
        raise malformed(str(error)) from error


def _since(entry: dict[str, Any]) -> str:
    since = entry.get("since") or ""
    if not isinstance(since, str):
        raise malformed("since is not a cursor.")
    return since


def _texts(values: object) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise malformed("Payload is not valid.")
    return values
