"""How allauth's provider classes reach a provider: `requests`, by way of the guarded client."""

from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter

from accounts.oauth.calls import call


class GuardedAdapter(BaseAdapter):
    """Sends what `requests` made ready; neither redirects nor proxies are followed."""

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **_options: Any
    ) -> requests.Response:
        body: Any = request.body or b""
        reply = call(
            request.method or "",
            request.url or "",
            headers={name: str(value) for name, value in request.headers.items()},
            content=body.encode() if isinstance(body, str) else body,
        )
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        response.status_code, response.encoding = reply.status, "utf-8"
        response.headers["content-type"] = _content_type(reply.body)
        response.raw = BytesIO(reply.body)
        return response

    def close(self) -> None:
        """Keep nothing open."""


def guarded_session() -> requests.Session:
    """Return a session of `requests` with one way out."""
    session = requests.Session()
    session.trust_env = False
    for prefix in list(session.adapters):
        session.mount(prefix, GuardedAdapter())
    return session


def _content_type(body: bytes) -> str:
    """Tell JSON from a form by its look: some providers call both plain text."""
    is_json = body.lstrip().startswith(b"{")
    return "application/json" if is_json else "application/x-www-form-urlencoded"
