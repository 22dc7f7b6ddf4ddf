"""Paths of services that run in other processes: checked here, answered there."""

import logging
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern

from gateway import bodies
from gateway.exceptions import RETRY_AFTER_SECONDS
from gateway.identity import IDENTITY_HEADER, PROJECT_HEADER, RENEWED_HEADER, issue
from gateway.logs import request_id
from gateway.operations import Operation
from gateway.parsing import read_params
from gateway.views import Call, Endpoint
from kernel.errors import ApiError, ErrorKind
from kernel.recent import renew

CONNECT_SECONDS = 2.0
WAIT_SECONDS = 20.0  # longer than a service lets a request wait, and a statement run
POOL_SECONDS = 1.0
MAX_CONNECTIONS = 64  # to one service, from one process
IDLE_SECONDS = 30.0  # shorter than a server keeps a connection, or it might close on a request
WHOLE_ANSWER_BYTES = 256 * 1024

_PIECE_BYTES = 64 * 1024
_TIMEOUT = httpx.Timeout(WAIT_SECONDS, connect=CONNECT_SECONDS, pool=POOL_SECONDS)
_LIMITS = httpx.Limits(
    max_connections=MAX_CONNECTIONS,
    max_keepalive_connections=MAX_CONNECTIONS,
    keepalive_expiry=IDLE_SECONDS,
)
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",  # its bytes are counted anew
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# What the identity stands for: a service must not even see it.
_CREDENTIALS = frozenset(
    {
        "authorization",
        "cookie",
        "forwarded",
        "x-appwrite-dev-key",
        "x-appwrite-impersonate-user-email",
        "x-appwrite-impersonate-user-id",
        "x-appwrite-impersonate-user-phone",
        "x-appwrite-jwt",
        "x-appwrite-key",
        "x-appwrite-mode",
        "x-appwrite-project",
        "x-appwrite-session",
        "x-fallback-cookies",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-request-id",
    }
)
_OF_ANSWERS = frozenset({"date", "server", "set-cookie", RENEWED_HEADER.lower()})

_logger = logging.getLogger(__name__)


class ForwardedEndpoint(Endpoint):
    """A path of another process's service: its label is enforced here, its handler runs there."""

    target: ClassVar[type[Endpoint]] = Endpoint
    service: ClassVar[str] = ""
    url: ClassVar[str] = ""

    def _handler(self, verb: str) -> tuple[Any, Operation]:
        _, operation = self.target(dialect=self.dialect)._handler(verb)
        return partial(forward, service=self.service, url=self.url), operation

    def _params(self, request: HttpRequest, operation: Operation) -> dict[str, Any]:
        """Read parameters only where the rate limit counts by one: the body may be long."""
        limit = operation.rate_limit
        is_counted = limit is not None and any("{param-" in key for key in limit.keys)
        return read_params(request) if is_counted else {}


def elsewhere(patterns: Iterable[URLPattern], *, service: str, url: str) -> list[URLPattern]:
    """Return the paths of a service such that its process at `url` answers them."""
    return [
        URLPattern(
            each.pattern,
            ForwardedEndpoint.as_view(
                target=each.callback.view_class,  # type: ignore[attr-defined]  # set by `as_view`
                service=service,
                url=url,
                **each.callback.view_initkwargs,  # type: ignore[attr-defined]  # likewise
            ),
        )
        for each in patterns
    ]


def forward(call: Call, *, service: str, url: str) -> HttpResponseBase:
    """Have another process answer a call, on the word of a signed identity.

    Raises: SERVICE_UNAVAILABLE, BAD_REQUEST, PAYLOAD_TOO_LARGE
    """
    request = call.request
    if IDENTITY_HEADER in request.headers:  # else two gateways could call one another forever
        raise ApiError(ErrorKind.BAD_REQUEST, "This is a gateway: it takes no identity.")
    identity = issue(call.caller, service=service, request=request)
    outgoing = httpx.Request(
        request.method or "",
        url,
        headers=[
            (name.encode(), value.encode("latin-1"))
            for name, value in (*_request_headers(call), (IDENTITY_HEADER, identity))
        ],
        content=bodies.pieces(request) if bodies.has_body(request) else None,
        extensions={"target": _target(request), "timeout": _TIMEOUT.as_dict()},
    )
    try:
        return _response(_transport(url).handle_request(outgoing), request)
    except httpx.TransportError as error:
        _logger.warning("%s at %s does not answer: %r", service, url, error)
        raise ApiError(
            ErrorKind.SERVICE_UNAVAILABLE, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        ) from None


@cache
def _transport(_url: str) -> httpx.HTTPTransport:
    """Return the connections to one service, so that no other waits for its."""
    return httpx.HTTPTransport(limits=_LIMITS, retries=1)  # retried is only the connecting


def _request_headers(call: Call) -> Iterator[tuple[str, str]]:
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    dropped = _HOP_BY_HOP | _CREDENTIALS | _named(headers.get("connection", ""))
    yield from ((name, value) for name, value in headers.items() if name not in dropped)
    yield PROJECT_HEADER, call.caller.project.uid
    yield "X-Request-Id", request_id.get()
    if bodies.has_body(call.request):
        yield "Content-Length", str(bodies.size(call.request))


def _named(connection: str) -> set[str]:
    return {name.strip().lower() for name in connection.split(",")}


def _target(request: HttpRequest) -> bytes:
    """Return path and query such that the service reads the very same ones."""
    path = quote(request.META["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~")
    query = request.META.get("QUERY_STRING", "")
    return f"{path}?{query}".encode("latin-1") if query else path.encode()


def _response(answer: httpx.Response, request: HttpRequest) -> HttpResponseBase:
    for group in orjson.loads(answer.headers.get(RENEWED_HEADER, "[]")):
        renew(group)
    length = answer.headers.get("content-length", "")
    is_short = length.isdigit() and int(length) <= WHOLE_ANSWER_BYTES
    response: HttpResponseBase
    if is_short or request.method == "HEAD":
        response = HttpResponse(b"".join(_Pieces(answer)), status=answer.status_code)
    else:
        response = StreamingHttpResponse(_Pieces(answer), status=answer.status_code)
    del response.headers["Content-Type"]  # the service says what it is
    dropped = _HOP_BY_HOP | _OF_ANSWERS | _named(answer.headers.get("connection", ""))
    for name, value in answer.headers.items():
        if name not in dropped:
            response.headers[name] = value
    for cookie in answer.headers.get_list("set-cookie"):
        response.cookies.load(cookie)
    return response


class _Pieces:
    """The bytes of an answer as they come; its connection is free again after the last."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer.iter_raw(_PIECE_BYTES)
        finally:
            self.close()

    def close(self) -> None:
        self._answer.close()
