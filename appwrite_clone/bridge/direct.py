"""A short way from uvicorn's HTTP protocol to the bridge, for ordinary requests.

Such a one came whole and is small, and no other is under way on its connection. It goes to a thread
without a task of its own and messages to and fro. All others go the way of ASGI, and so do answers
that are more than a head and a body.
"""

from __future__ import annotations

import asyncio
import io
import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from appwrite_clone.bridge.answers import Answer, FilePieces
from appwrite_clone.bridge.application import Bridge
from appwrite_clone.bridge.asgi_types import Scope
from appwrite_clone.bridge.bodies import declared_length
from appwrite_clone.bridge.environ import build_environ
from appwrite_clone.bridge.protocol import BoundedHttpProtocol
from kernel.errors import ApiError, ErrorKind

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

#: What a connection is told, and not a client: left to uvicorn.
_OF_CONNECTIONS = frozenset({"connection", "transfer-encoding", "upgrade"})
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class _Silence:
    """In place of the event that wakes a task: there is none."""

    def set(self) -> None:
        pass


class Exchange:
    """An ordinary request until it is answered, as much of it as uvicorn asks for."""

    __slots__ = ("disconnected", "keep_alive", "response_complete", "scope")

    message_event = _Silence()

    def __init__(self, scope: Scope, *, keep_alive: bool) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False


class DirectHttpProtocol(BoundedHttpProtocol):
    """Serves ordinary requests on the threads of a bridge by itself."""

    def __init__(self, bridge: Bridge, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bridge = bridge
        #: The body so far of a request that may be ordinary.
        self._pieces: list[bytes] | None = None
        self._is_between = True
        self._refused_at = -math.inf

    def data_received(self, data: bytes) -> None:
        if self._bridge.is_full and self._is_at_rest():
            refusal = self._bridge.quick_refusal(data)
            if refusal is not None:
                self._turn_away(refusal)
                return
        super().data_received(data)
        if self._pieces is not None and not self.transport.is_closing():
            self._go_usual_way()  # which bounds how long the rest may take

    def on_message_begin(self) -> None:
        self._is_between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._may_be_ordinary():
            self._end_head()
            self._pieces = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._pieces is None:
            super().on_body(body)
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._is_between = True
        if self._pieces is not None:
            self._fill_scope()
            self._serve(io.BytesIO(b"".join(self._pieces)))
        else:
            super().on_message_complete()

    def _is_at_rest(self) -> bool:
        """Tell whether all that came was answered, and all that was answered sent."""
        return (
            self._is_between
            and self._is_idle()
            and not self._is_leaving
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _turn_away(self, refusal: bytes) -> None:
        self._end_head()
        self.transport.write(self._start_of(503) + refusal)
        self.server_state.total_requests += 1
        self._refused_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._expect_next(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that is silent; refusals leave its timer as it is, which costs less."""
        rest = self._refused_at + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self._expect_next(rest)
        else:
            super().timeout_keep_alive_handler()

    def _expect_next(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)

    def _serve(self, body: io.BytesIO) -> None:
        self._pieces = None
        exchange, threads = self._begin(), self._bridge.threads_for(self._scope())
        if threads.is_full():
            busy = ApiError(ErrorKind.SERVICE_UNAVAILABLE)
            self._answer(exchange, self._bridge.refusal(exchange.scope, busy), None)
        else:
            environ = build_environ(exchange.scope, body, FilePieces)
            threads.submit(environ, partial(self._answer, exchange))

    def _may_be_ordinary(self) -> bool:
        if (
            not self._is_idle()
            or self.expect_100_continue
            or self.flow.write_paused
            or self.transport.is_closing()
            or self.parser.should_upgrade()
            or self.parser.get_http_version() != "1.1"
        ):
            return False
        limits = self._bridge.limits
        length = declared_length(self._scope())
        is_small = length is not None and length <= limits.memory_body_bytes
        return is_small and len(self.headers) <= limits.max_headers

    def _go_usual_way(self) -> None:
        pieces, self._pieces = self._pieces or [], None
        super().on_headers_complete()
        for piece in pieces:
            super().on_body(piece)

    def _fill_scope(self) -> None:
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        self.scope["raw_path"] = self.root_path.encode("ascii") + url.path
        self.scope["query_string"] = url.query or b""

    def _begin(self) -> Exchange:
        keep_alive = self.parser.should_keep_alive() and not self._is_leaving
        exchange = Exchange(self._scope(), keep_alive=keep_alive)
        self.cycle = cast("RequestResponseCycle", exchange)  # it has what uvicorn asks for
        return exchange

    def _scope(self) -> Scope:
        return cast("Scope", self.scope)

    def _answer(self, exchange: Exchange, answer: Answer, error: BaseException | None) -> None:
        if error is not None or answer.pieces is not None or exchange.disconnected:
            self._conclude(exchange, answer, error)
            return
        answer.complete(exchange.scope["method"])
        if any(name in _OF_CONNECTIONS for name, _ in answer.headers):
            self._conclude(exchange, answer, None)
            return
        try:
            message = self._message(exchange, answer)
        except ValueError as unfit:
            self._conclude(exchange, answer, unfit)
            return
        if not self.transport.is_closing():
            self.transport.write(message)
        exchange.response_complete = True
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _message(self, exchange: Exchange, answer: Answer) -> bytes:
        """Return an answer as it is sent.

        Raises:
            ValueError: A header would end its line.
        """
        lines = [f"{name}: {value}" for name, value in answer.headers]
        if _FORBIDDEN.search("\t".join(lines)):
            raise ValueError("a header of the answer holds a control character")
        if not exchange.keep_alive:
            lines.append("connection: close")
        lines += ("", "")
        start = self._start_of(answer.status)
        return b"".join((start, "\r\n".join(lines).encode("latin-1"), answer.body))

    def _start_of(self, status: int) -> bytes:
        head = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            head += (name, b": ", value, b"\r\n")
        return b"".join(head)

    def _conclude(self, exchange: Exchange, answer: Answer, error: BaseException | None) -> None:
        """Go on as ASGI does: with an answer in pieces, with a failure, or with nobody there."""
        cycle = RequestResponseCycle(
            scope=cast("HTTPScope", exchange.scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        if exchange.disconnected:
            cycle.disconnected = True
            cycle.message_event.set()
        if cast("Exchange", self.cycle) is exchange:
            self.cycle = cycle
        self._start_asgi_task(cycle, partial(self._bridge.conclude, answer, error))
