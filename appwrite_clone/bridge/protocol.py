"""Uvicorn's HTTP protocol with what it leaves out: bounds of a request's head, and a soft end."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
# A connection without a request may have one on its way: closing at once would lose it.
LEAVE_SECONDS = 1.0


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections whose request line and headers are endless, too slow, or never come.

    When the server ends, each connection ends with its next answer, which says so. Only one that
    stays silent is closed.
    """

    _head_bytes = 0
    _is_leaving = False
    _is_in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP's
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_in_head or self.transport.is_closing():
            return
        # Counted after parsing: what follows a head in the same read may be a large body.
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("Request header is too large.")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()
        if self._is_leaving and not self._is_idle():
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        self._is_leaving = True
        if self._is_idle():
            self.loop.call_later(LEAVE_SECONDS, self._leave)
        else:
            self.cycle.keep_alive = False

    def _end_head(self) -> None:
        self._is_in_head = False
        self._stop_timer()

    def _leave(self) -> None:
        if self._is_idle() and not (self._is_in_head and self._head_bytes):
            self.transport.close()

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # which uvicorn declares to be there
        return cycle is None or cycle.response_complete

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
