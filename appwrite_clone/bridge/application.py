"""The bridge as an ASGI application for HTTP scopes."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable, Iterable

import orjson

from appwrite_clone.bridge.answers import Answer, FilePieces, WsgiApplication
from appwrite_clone.bridge.asgi_types import Environ, Receive, Scope, Send
from appwrite_clone.bridge.bodies import (
    BodyTooLargeError,
    ClientGoneError,
    SpoolError,
    declared_length,
    linger,
    read_body,
)
from appwrite_clone.bridge.environ import build_environ
from appwrite_clone.bridge.limits import Limits
from appwrite_clone.bridge.refusals import QuickRefusals
from appwrite_clone.bridge.threads import RequestThreads, StreamLanes, WaitedTooLongError
from kernel.errors import ApiError, ErrorKind

logger = logging.getLogger(__name__)

Headers = Iterable[tuple[str, str]]


class _BusyError(Exception):
    """As many requests wait as may; this one has been read, so its connection can go on.

    Were it closed, all that are refused would connect anew, which costs more than a refusal.
    """


class Bridge:
    """Runs each HTTP request of ASGI in a WSGI application, on a bounded pool of threads.

    Those that `is_slow` tells have threads of their own. Threads start with the first request, so
    servers without lifespan events work too.
    """

    def __init__(
        self,
        application: WsgiApplication,
        *,
        version: str = "",
        limits: Limits | None = None,
        on_thread_exit: Callable[[], None] = lambda: None,
        refusal_headers: Callable[[Environ], Headers] = lambda _environ: (),
        is_slow: Callable[[Scope], bool] = lambda _scope: False,
    ) -> None:
        self._version = version
        self._refusal_headers = refusal_headers
        self._limits = limits or Limits()
        self._is_slow = is_slow
        bounds = self._limits
        self._threads = RequestThreads(
            application,
            bounds,
            on_thread_exit,
            name="request",
            count=bounds.threads,
            queue_seconds=bounds.max_queue_seconds,
        )
        self._slow_threads = RequestThreads(
            application,
            bounds,
            on_thread_exit,
            name="slow-request",
            count=bounds.slow_threads,
            queue_seconds=bounds.slow_queue_seconds,
        )
        self._lanes = StreamLanes(self._limits, on_thread_exit)
        self._quick = QuickRefusals(self.refusal, lambda scope: self.threads_for(scope).is_full())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._run(scope, receive)
        except ClientGoneError:
            return
        except _BusyError:
            busy = ApiError(ErrorKind.SERVICE_UNAVAILABLE)
            await self._refuse(busy, scope, receive, send, is_read=True)
            return
        except Exception as error:  # noqa: BLE001  # every failure is answered in the envelope
            await self._refuse(_as_api_error(error), scope, receive, send)
            return
        await self._send(answer, scope, receive, send)

    @property
    def limits(self) -> Limits:
        return self._limits

    def threads_for(self, scope: Scope) -> RequestThreads:
        """Return the threads that a request is for."""
        return self._slow_threads if self._is_slow(scope) else self._threads

    def refusal(self, scope: Scope, error: ApiError) -> Answer:
        """Return the answer to a request that is not run."""
        answer, body = Answer(), orjson.dumps(error.body(self._version))
        answer.status = error.kind.status
        answer.body = b"" if scope["method"] == "HEAD" else body
        answer.headers = [
            ("content-type", "application/json; charset=UTF-8"),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
        ]
        if error.kind is ErrorKind.SERVICE_UNAVAILABLE:
            answer.headers.append(("retry-after", str(self._limits.retry_after_seconds)))
        environ = build_environ(scope, io.BytesIO(), FilePieces)
        answer.headers += [(name.lower(), text) for name, text in self._refusal_headers(environ)]
        return answer

    @property
    def is_full(self) -> bool:
        """Whether ordinary requests are refused, of which some were before this was asked."""
        return self._threads.is_pressed and self._threads.is_full()

    def quick_refusal(self, data: bytes) -> bytes | None:
        """Return the end of the answer to a plain request that came while there is no room."""
        return self._quick.to(data)

    async def conclude(
        self,
        answer: Answer,
        error: BaseException | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a request that was read whole, and run by `threads_for` it."""
        if error is None:
            await self._send(answer, scope, receive, send)
        else:
            await self._refuse(_as_api_error(error), scope, receive, send, is_read=True)

    def stop(self) -> None:
        """Finish what runs and end the threads."""
        self._threads.stop()
        self._slow_threads.stop()
        self._lanes.stop()

    async def _run(self, scope: Scope, receive: Receive) -> Answer:
        if len(scope["headers"]) > self._limits.max_headers:
            raise ApiError(ErrorKind.BAD_REQUEST, "Too many request headers.")
        threads = self.threads_for(scope)
        length = declared_length(scope)
        if threads.is_full() and (length is None or length > self._limits.memory_body_bytes):
            raise ApiError(ErrorKind.SERVICE_UNAVAILABLE)
        if length == 0:
            if threads.is_full():
                raise _BusyError
            return await threads.run(build_environ(scope, io.BytesIO(), FilePieces))
        body, size = await read_body(receive, length, self._limits)
        if threads.is_full():
            body.close()
            raise _BusyError
        environ = build_environ(scope, body, FilePieces)
        environ["CONTENT_LENGTH"] = str(size)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return await threads.run(environ)

    async def _send(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        if answer.pieces is None:
            await _send_whole(answer, scope["method"], send)
        else:
            await self._stream(answer, receive, send)

    async def _stream(self, answer: Answer, receive: Receive, send: Send) -> None:
        """Send piece by piece: the next one is produced once the server took the last one."""
        loop = asyncio.get_running_loop()
        lane = self._lanes.pick()
        gone = asyncio.ensure_future(_until_disconnect(receive))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": answer.encoded_headers(),
                }
            )
            while not gone.done():
                piece = await loop.run_in_executor(lane, answer.next_piece)
                await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})
                if not piece:
                    return
        finally:
            gone.cancel()
            loop.run_in_executor(lane, answer.close)

    async def _refuse(
        self,
        error: ApiError,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        is_read: bool = False,
    ) -> None:
        answer = self.refusal(scope, error)
        has_body = not is_read and declared_length(scope) != 0
        if has_body:
            answer.headers.append(("connection", "close"))
        headers, body = answer.encoded_headers(), answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if has_body:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await linger(receive, self._limits)
            body = b""
        await send({"type": "http.response.body", "body": body})


def _as_api_error(error: BaseException) -> ApiError:
    match error:
        case ApiError():
            return error
        case BodyTooLargeError():
            return ApiError(ErrorKind.PAYLOAD_TOO_LARGE)
        case WaitedTooLongError() | SpoolError():
            return ApiError(ErrorKind.SERVICE_UNAVAILABLE)
        case _:
            logger.error("the application raised", exc_info=error)
            return ApiError(ErrorKind.SERVER_ERROR)


async def _send_whole(answer: Answer, method: str, send: Send) -> None:
    answer.complete(method)
    headers = answer.encoded_headers()
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
