"""Which browser pages may call: the CORS headers of answers and of preflights."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from gateway.exceptions import JSON_CONTENT_TYPE
from gateway.parsing import header
from kernel.caller import ProjectContext

PREFLIGHT_SECONDS = 86_400
ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
EXPOSED_HEADERS = "X-Appwrite-Session, X-Fallback-Cookies"
ALLOWED_HEADERS = (
    "Accept, Authorization, Cache-Control, Content-Range, Content-Type, Cookie, Expires, "
    "Origin, Pragma, Range, Set-Cookie, X-Fallback-Cookies, X-Forwarded-User-Agent, "
    "X-Requested-With, X-Appwrite-Cache, X-Appwrite-Dev-Key, X-Appwrite-ID, "
    "X-Appwrite-Impersonate-User-Email, X-Appwrite-Impersonate-User-Id, "
    "X-Appwrite-Impersonate-User-Phone, X-Appwrite-JWT, X-Appwrite-Key, X-Appwrite-Locale, "
    "X-Appwrite-Mode, X-Appwrite-Organization, X-Appwrite-Project, "
    "X-Appwrite-Response-Format, X-Appwrite-Session, X-Appwrite-Timestamp, X-Appwrite-User, "
    "X-SDK-GraphQL, X-SDK-Language, X-SDK-Name, X-SDK-Platform, X-SDK-Version"
)
_SESSION_COOKIE = "a_session_"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def sender(request: HttpRequest) -> str:
    """Return the origin of the page that sent a request, empty when no page did.

    A write that carries cookies is judged by its Referer when it has no Origin.
    """
    origin = header(request.META, "Origin")
    if origin or request.method in _SAFE_METHODS or "HTTP_COOKIE" not in request.META:
        return origin
    referer = header(request.META, "Referer")
    if not referer:
        return ""
    try:
        parts = urlsplit(referer)
    except ValueError:
        return "null"
    return f"{parts.scheme}://{parts.netloc}"


def is_unexplained(request: HttpRequest) -> bool:
    """Tell whether a write carries a session cookie and nothing else that a page could not forge.

    Browsers ask before a page of another site may send our own headers; SDKs always send one.
    """
    return (
        request.method not in _SAFE_METHODS
        and any(name.startswith(_SESSION_COOKIE) for name in request.COOKIES)
        and not header(request.META, "X-Appwrite-Project")
    )


def is_accepted(project: ProjectContext, origin: str) -> bool:
    """Tell whether pages of `origin` may call in this project.

    The server's own host is the configured one: a Host header could be anybody's.
    """
    return project.accepts_origin(origin, urlsplit(settings.PUBLIC_URL).hostname or "")


def preflight(request: HttpRequest) -> HttpResponse:
    """Answer a browser's question; the project is unknown yet, so the call itself is judged."""
    response = HttpResponse(status=204, content_type=JSON_CONTENT_TYPE)
    response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
    response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    allow(response, header(request.META, "Origin"))
    return response


def allow(response: HttpResponseBase, origin: str) -> None:
    """Let pages of `origin`, and of no other, read an answer."""
    if "Vary" in response.headers:
        patch_vary_headers(response, ("Origin",))
    else:
        response.headers["Vary"] = "Origin"
    for name, value in readable_by(origin):
        response.headers[name] = value


def readable_by(origin: str) -> Sequence[tuple[str, str]]:
    """Return the headers that let pages of `origin` read an answer; none for no origin."""
    if not origin or origin == "null":
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
    )
