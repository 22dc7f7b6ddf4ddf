"""A thin client of the public API for tests: JSON in, status and JSON out, no cookie jar."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.cookies import SimpleCookie
from typing import Any

import orjson
from django.conf import settings
from django.test import Client
from django.test.client import ClientHandler

from gateway.wsgi import ApiHandler


@dataclass(frozen=True)
class Reply:
    """An answer: its status, JSON body (None where empty or no JSON), headers and cookies."""

    status: int
    json: Any
    headers: Mapping[str, str]
    cookies: SimpleCookie
    content: bytes

    @property
    def error(self) -> str:
        """The error type, or an empty text."""
        return self.json.get("type", "") if self.status >= 400 else ""


@dataclass(frozen=True)
class ApiClient:
    """Calls paths under `/v1` with fixed headers and cookies."""

    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, query: Mapping[str, Any] | None = None, **headers: str) -> Reply:
        return self.call("GET", path, query=query, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("POST", path, body, headers=headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("PUT", path, body, headers=headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("PATCH", path, body, headers=headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.call("DELETE", path, body, headers=headers)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request. Lists in `query` are flattened as the SDKs do: `queries[0]=..`."""
        client = browser()
        for name, value in self.cookies.items():
            client.cookies[name] = value
        sent = {**self.headers, **{k.replace("_", "-"): v for k, v in (headers or {}).items()}}
        content = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        response = client.generic(
            method,
            f"/v1{path}",
            content,
            "application/json",
            headers=sent,
            query_params=_flattened(query or {}),
        )
        return Reply(
            status=response.status_code,
            json=_json(response),
            headers=response.headers,
            cookies=response.cookies,
            content=b"" if response.streaming else response.content,
        )


def browser() -> Client:
    """Return Django's test client, for requests as the application gets them."""
    client = Client(raise_request_exception=False)
    client.handler = _handler(settings.API_MIDDLEWARE, settings.PUBLIC_URL)
    return client


class _Handler(ApiHandler, ClientHandler):
    """The application as Django's test client wants it."""


@cache
def _handler(_middleware: str, _public_url: str) -> ClientHandler:
    """Return one handler for all requests: each makes its middleware anew, which takes long.

    The middleware reads the settings when it is made.
    """
    return _Handler(enforce_csrf_checks=False)


def _flattened(query: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in query.items():
        if isinstance(value, list):
            flat |= {f"{name}[{place}]": str(item) for place, item in enumerate(value)}
        else:
            flat[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat


def _json(response: Any) -> Any:
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    return orjson.loads(response.content) if is_json and response.content else None
