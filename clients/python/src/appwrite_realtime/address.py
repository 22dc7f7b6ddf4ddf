"""What a websocket needs to know of an official client: URL, headers, session, TLS.

Both ends of the supported range keep these in the same private attributes; public readers exist
only in the newer one. They are read at each connection, so a later `set_jwt` is not missed.
"""

import ssl
from urllib.parse import urlencode, urlsplit

from appwrite.client import Client

from .errors import RealtimeError

# The key never leaves with a socket: subscriptions belong to users and guests.
WITHHELD_HEADERS = frozenset({"content-type", "user-agent", "x-appwrite-key"})


def socket_url(client: Client) -> str:
    """Return the websocket URL of the client's project.

    Raises: RealtimeError when the client lacks a project or a usable endpoint.
    """
    endpoint = str(client._endpoint).rstrip("/")
    if not urlsplit(endpoint).hostname:
        raise RealtimeError(f"not an endpoint: {endpoint!r}")
    query = {"project": _project_id(client)}
    jwt = _headers(client).get("x-appwrite-jwt")
    if jwt:
        query["jwt"] = jwt
    return f"ws{endpoint.removeprefix('http')}/realtime?{urlencode(query)}"


def handshake_headers(client: Client) -> dict[str, str]:
    """Return the client's own headers, its credentials of a user included."""
    headers = _headers(client)
    return {name: value for name, value in headers.items() if name not in WITHHELD_HEADERS}


def user_agent(client: Client) -> str | None:
    return _headers(client).get("user-agent")


def session_secret(client: Client) -> str | None:
    return _headers(client).get("x-appwrite-session")


def tls_context(client: Client) -> ssl.SSLContext | None:
    """Return `None` where there is no TLS, and trust anything where the client does."""
    if not str(client._endpoint).startswith("https:"):
        return None
    context = ssl.create_default_context()
    if client._self_signed:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _headers(client: Client) -> dict[str, str]:
    return {name.lower(): value for name, value in client._global_headers.items() if value}


def _project_id(client: Client) -> str:
    project = getattr(client, "_config", {}).get("project")
    project = project or _headers(client).get("x-appwrite-project")
    if not project:
        raise RealtimeError("the client has no project: call its set_project() first")
    return str(project)
