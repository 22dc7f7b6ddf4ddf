"""A small server that speaks the realtime protocol, and does what a test tells it to."""

import json
import ssl
from collections.abc import Callable
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.sync.server import ServerConnection, serve

from appwrite_realtime import Timing

# Short, yet an order of magnitude above the delays of a busy machine's loopback.
QUICK = Timing(
    connect_timeout_seconds=5.0,
    close_timeout_seconds=0.5,
    ping_interval_seconds=20.0,
    pong_timeout_seconds=1.0,
    pauses_seconds=((float("inf"), 0.02),),
)

ALICE = {"$id": "alice", "email": "alice@example.com"}


class RealtimeServer:
    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.handshakes: list[Request] = []
        self.frames: list[dict[str, Any]] = []
        self.user: dict[str, Any] | None = None  # whom the handshake identifies
        self.session = ""  # the secret an authentication frame may carry
        self.ignored: set[str] = set()  # kinds of frames left unanswered
        self.refusals: list[tuple[int, str]] = []  # of the next handshakes
        self.refused_channels: dict[str, tuple[int, str]] = {}
        self.replay: dict[str, Any] | None = None  # what answers say of what was missed
        self._lock = Lock()
        self._subscriptions: dict[ServerConnection, dict[str, list[str]]] = {}
        self._server = serve(self._serve, "127.0.0.1", port, ssl=tls, ping_interval=None)
        self.port = self._server.socket.getsockname()[1]
        self.endpoint = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/v1"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self.drop(1012)
        self._server.shutdown()
        self._thread.join()

    def drop(self, code: int = 1012, reason: str = "") -> None:
        """Close every connection, the listening socket stays."""
        for socket in self._sockets():
            socket.close(code, reason)

    def cut(self) -> None:
        """Lose every connection as a broken network does: without a close frame."""
        for socket in self._sockets():
            socket.close_socket()

    def send(self, kind: str, data: object) -> None:
        for socket in self._sockets():
            _send(socket, kind, data)

    def send_text(self, text: str | bytes) -> None:
        for socket in self._sockets():
            socket.send(text)

    def emit(self, channel: str, action: str = "create", **payload: Any) -> None:
        """Send an event to every subscription of the channel."""
        for socket in self._sockets():
            ids = [it for it, channels in self._known(socket).items() if channel in channels]
            if ids:
                _send(socket, "event", event_data(channel, action, payload, ids))

    def sent(self, kind: str) -> list[Any]:
        """Return the data of all frames of one kind that clients have sent."""
        return [frame.get("data") for frame in list(self.frames) if frame["type"] == kind]

    def kinds(self) -> list[str]:
        return [frame["type"] for frame in list(self.frames) if frame["type"] != "ping"]

    def query(self, number: int = -1) -> dict[str, list[str]]:
        """Return the query parameters of a handshake."""
        return parse_qs(urlsplit(self.handshakes[number].path).query)

    def subscription_count(self) -> int:
        return sum(len(self._known(socket)) for socket in self._sockets())

    def _sockets(self) -> list[ServerConnection]:
        with self._lock:
            return list(self._subscriptions)

    def _known(self, socket: ServerConnection) -> dict[str, list[str]]:
        with self._lock:
            return dict(self._subscriptions.get(socket, {}))

    def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.handshakes.append(socket.request)
        if self.refusals:
            code, message = self.refusals.pop(0)
            _send(socket, "error", {"code": code, "message": message})
            socket.close(code)
            return
        with self._lock:
            self._subscriptions[socket] = {}
        try:
            self._converse(socket)
        except ConnectionClosed:
            pass
        finally:
            with self._lock:
                del self._subscriptions[socket]

    def _converse(self, socket: ServerConnection) -> None:
        if "connect" not in self.ignored:
            _send(socket, "connected", {"channels": [], "subscriptions": [], "user": self.user})
        for text in socket:
            frame = json.loads(text)
            self.frames.append(frame)
            if frame["type"] not in self.ignored:
                getattr(self, f"_on_{frame['type']}")(socket, frame.get("data"))

    def _on_ping(self, socket: ServerConnection, data: None) -> None:
        _send(socket, "pong")

    def _on_authentication(self, socket: ServerConnection, data: dict[str, str]) -> None:
        if data["session"] != self.session:
            _send(socket, "error", {"code": 1003, "message": "Session is not valid."})
            return
        answer = {"to": "authentication", "success": True, "user": ALICE}
        _send(socket, "response", answer)

    def _on_subscribe(self, socket: ServerConnection, data: list[dict[str, Any]]) -> None:
        for channel in [channel for entry in data for channel in entry["channels"]]:
            if channel in self.refused_channels:
                code, message = self.refused_channels[channel]
                _send(socket, "error", {"code": code, "message": message})
                if code == 1008:
                    socket.close(code)
                return
        with self._lock:
            for entry in data:
                self._subscriptions[socket][entry["subscriptionId"]] = entry["channels"]
        listed = data
        if self.replay is not None:
            listed = [{**entry, "replay": self.replay} for entry in data]
        answer = {"to": "subscribe", "success": True, "subscriptions": listed}
        _send(socket, "response", answer)

    def _on_unsubscribe(self, socket: ServerConnection, data: list[dict[str, str]]) -> None:
        answers = []
        with self._lock:
            for entry in data:
                found = self._subscriptions[socket].pop(entry["subscriptionId"], None)
                answers.append({**entry, "removed": found is not None})
        answer = {"to": "unsubscribe", "success": True, "subscriptions": answers}
        _send(socket, "response", answer)


def event_data(
    channel: str, action: str, payload: dict[str, Any], subscriptions: list[str]
) -> dict[str, Any]:
    return {
        "events": [f"{channel}.x1.{action}", f"{channel}.*.{action}", f"{channel}.*"],
        "channels": [channel],
        "timestamp": "2026-01-02T03:04:05.678+00:00",
        "payload": payload,
        "subscriptions": subscriptions,
    }


def eventually(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until the condition holds."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "the condition never came to hold"
        sleep(0.005)


def _send(socket: ServerConnection, kind: str, data: object = None) -> None:
    socket.send(json.dumps({"type": kind} if data is None else {"type": kind, "data": data}))
