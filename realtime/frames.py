"""The frames of the protocol, as texts (reference: realtime.md section 2)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from kernel.errors import ApiError, ErrorKind

PONG = '{"type":"pong"}'


def frame(type_: str, data: Mapping[str, Any]) -> str:
    return orjson.dumps({"type": type_, "data": data}).decode()


def response(to: str, data: Mapping[str, Any]) -> str:
    return frame("response", {"to": to, "success": True, **data})


def error(failure: ApiError) -> str:
    is_ours = failure.kind.status in range(500, 600)
    message = ErrorKind.SERVER_ERROR.message if is_ours else failure.message
    return frame("error", {"code": failure.kind.status, "message": message})


class EventFrames:
    """One event as frames: encoded once, and once more per different list of subscriptions."""

    def __init__(
        self,
        *,
        events: Iterable[str],
        channels: Sequence[str],
        timestamp: str,
        payload: Mapping[str, Any],
    ) -> None:
        data = {
            "events": tuple(events),
            "channels": tuple(channels),
            "timestamp": timestamp,
            "payload": payload,
        }
        self._head = '{"type":"event","data":' + orjson.dumps(data).decode()[:-1]
        self._ready: dict[tuple[str, ...], str] = {}

    @property
    def size_bytes(self) -> int:
        return len(self._head)

    def naming(self, subscription_ids: tuple[str, ...]) -> str:
        """Return the frame for a connection on which these subscriptions matched."""
        text = self._ready.get(subscription_ids)
        if text is None:
            ids = orjson.dumps(subscription_ids).decode()
            text = self._ready[subscription_ids] = f'{self._head},"subscriptions":{ids}}}}}'
        return text

    def marked(self, subscription_id: str, mark: str) -> str:
        """Return the frame for one subscription that can go on from a cursor."""
        return f'{self._head},"subscriptions":["{subscription_id}"],"change":"{mark}"}}}}'
