"""One socket kept open: connect, listen, ping, and come back after a loss."""

import logging
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread
from time import monotonic

from appwrite.client import Client
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from .address import handshake_headers, socket_url, tls_context, user_agent
from .errors import POLICY_VIOLATION, RealtimeError
from .frames import Frame, encode_frame, parse_error, parse_frame
from .timing import Timing

MAX_FRAME_BYTES = 64 * 1024 * 1024  # a bound against a broken peer, above any row's size

logger = logging.getLogger("appwrite_realtime")


class Connection:
    """A daemon thread that reports frames, losses and its own end to three callables.

    They run on that thread. After `on_end` nothing is reported any more.
    """

    def __init__(
        self,
        client: Client,
        timing: Timing,
        *,
        on_frame: Callable[[Frame], None],
        on_loss: Callable[[], None],
        on_end: Callable[[RealtimeError], None],
    ) -> None:
        self.last_failure: Exception | None = None
        self._client = client
        self._timing = timing
        self._on_frame = on_frame
        self._on_loss = on_loss
        self._on_end = on_end
        self._attempt = 0
        self._refusal: RealtimeError | None = None
        self._socket: ClientConnection | None = None
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="appwrite-realtime-socket", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the socket and wait a moment for the thread to end."""
        self._stopping.set()
        socket = self._socket
        if socket is not None:
            socket.close()
        self._thread.join(self._timing.close_timeout_seconds)

    def send(self, kind: str, data: object = None) -> None:
        """Send a frame if the socket is open; a loss is noticed by the listening thread."""
        socket = self._socket
        if socket is None:
            return
        try:
            socket.send(encode_frame(kind, data))
        except (ConnectionClosed, OSError):
            logger.debug("a %s frame was not sent: the socket is closing", kind)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._visit()
                self._pause()
        except RealtimeError as error:
            self._on_end(error)
        except Exception as error:
            logger.exception("the realtime connection ended unexpectedly")
            self._on_end(RealtimeError(f"the connection ended unexpectedly: {error!r}"))

    def _visit(self) -> None:
        """Live through one socket, from the handshake to its loss."""
        self._refusal = None
        try:
            with self._open() as socket:
                self._socket = socket
                self._listen(socket)
        except ConnectionClosed as closed:
            self._judge(closed)
        except (OSError, WebSocketException) as error:
            self.last_failure = error
        finally:
            self._socket = None
            self._on_loss()

    def _open(self) -> ClientConnection:
        return connect(
            socket_url(self._client),
            additional_headers=handshake_headers(self._client),
            user_agent_header=user_agent(self._client),
            ssl=tls_context(self._client),
            open_timeout=self._timing.connect_timeout_seconds,
            close_timeout=self._timing.close_timeout_seconds,
            ping_interval=None,  # the protocol has pings of its own
            max_size=MAX_FRAME_BYTES,
        )

    def _listen(self, socket: ClientConnection) -> None:
        """Read frames and ping. A server that leaves a ping, or the arrival, unanswered is dead."""
        ping_at = monotonic() + self._timing.ping_interval_seconds
        dead_at = monotonic() + self._timing.connect_timeout_seconds
        while not self._stopping.is_set():
            now = monotonic()
            if now >= dead_at:
                raise TimeoutError("the server does not answer")
            if now >= ping_at:
                self.send("ping")
                ping_at = now + self._timing.ping_interval_seconds
                dead_at = min(dead_at, now + self._timing.pong_timeout_seconds)
            try:
                text = socket.recv(timeout=min(ping_at, dead_at) - now)
            except TimeoutError:
                continue
            dead_at = float("inf")
            self._receive(text)

    def _receive(self, text: str | bytes) -> None:
        try:
            frame = parse_frame(text)
        except ValueError:
            logger.warning("an unreadable frame of %d characters was ignored", len(text))
            return
        if frame.type == "connected":
            self._attempt = 0
            self.last_failure = None
        elif frame.type == "error":
            self._refusal = parse_error(frame.data)
        self._on_frame(frame)

    def _pause(self) -> None:
        if self._stopping.is_set():
            return
        seconds = self._timing.pause_seconds(self._attempt)
        self._attempt += 1
        logger.warning("realtime: %s; reconnecting in %.1f s", self.last_failure, seconds)
        self._stopping.wait(seconds)

    def _judge(self, closed: ConnectionClosed) -> None:
        """Note why the socket was lost.

        Raises: RealtimeError when the server wants no further attempt (realtime_policy_violation).
        """
        self.last_failure = self._refusal or closed
        if closed.rcvd is None or closed.rcvd.code != POLICY_VIOLATION:
            return
        if self._refusal is not None and self._refusal.code == POLICY_VIOLATION:
            raise self._refusal from closed
        reason = closed.rcvd.reason or "the server refused the connection"
        raise RealtimeError(reason, code=POLICY_VIOLATION) from closed
