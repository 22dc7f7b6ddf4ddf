"""The application in this process, asked without a server in between."""

from typing import Any

from django.test import RequestFactory

from bench.requests import HOST, JSON_TYPE, Request
from gateway.wsgi import Handler

_factory = RequestFactory(SERVER_NAME=HOST)


def environ(request: Request, prefix: str) -> dict[str, Any]:
    """Return a request as servers hand it on."""
    made: dict[str, Any] = _factory.generic(
        request.method,
        prefix + request.path,
        request.body,
        content_type=JSON_TYPE,
        headers=dict(request.headers),
    ).environ
    return made


def answer(handler: Handler, request: dict[str, Any]) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    begun: list[str] = []

    def start(status: str, _headers: list[tuple[str, str]]) -> None:
        begun.append(status)

    body = b"".join(handler(request, start))
    return int(begun[0][:3]), body
