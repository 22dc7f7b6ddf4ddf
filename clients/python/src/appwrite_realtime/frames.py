"""The JSON frames of the protocol, as text and as values."""

import json
from dataclasses import dataclass, field
from typing import Any, TypedDict

from .errors import RealtimeError


class Event(TypedDict):
    """What a callback receives.

    `event` is the first and most concrete of `events`, which also holds every form of it with `*`
    for ids. `payload` is the JSON of the row the event is about.
    """

    event: str
    events: list[str]
    payload: dict[str, Any]
    channels: list[str]
    timestamp: str
    subscriptions: list[str]


@dataclass(frozen=True)
class Frame:
    type: str
    data: dict[str, Any] = field(default_factory=dict)


def encode_frame(kind: str, data: object = None) -> str:
    return json.dumps({"type": kind} if data is None else {"type": kind, "data": data})


def parse_frame(text: str | bytes) -> Frame:
    """Return the frame in `text`.

    Raises: ValueError when it is not JSON, or not a frame.
    """
    value = json.loads(text)
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise ValueError("a frame is an object with a type")
    data = value.get("data")
    return Frame(value["type"], data if isinstance(data, dict) else {})


def parse_event(data: dict[str, Any]) -> Event | None:
    """Return the event, or `None` for one that lacks a part every event has."""
    lists = [data.get(part) for part in ("events", "channels", "subscriptions")]
    if not all(isinstance(it, list) and it for it in lists) or "payload" not in data:
        return None
    return Event(
        event=data["events"][0],
        events=data["events"],
        payload=data["payload"],
        channels=data["channels"],
        timestamp=data.get("timestamp", ""),
        subscriptions=data["subscriptions"],
    )


def parse_error(data: dict[str, Any]) -> RealtimeError:
    code = data.get("code")
    message = str(data.get("message") or "the server reported an error")
    return RealtimeError(message, code=code if isinstance(code, int) else None)
