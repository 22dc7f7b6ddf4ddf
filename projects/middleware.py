"""The first step of an API request: its id, its project, and whether its origin may call."""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase, ResponseHeaders

from gateway.exceptions import error_response, to_api_error
from gateway.logs import request_id
from gateway.parsing import header, read_params
from gateway.routes import API_PREFIX
from kernel.caller import CONSOLE_PROJECT, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.ids import unique_id
from projects import origins
from projects.oauth import CALLBACK_PATH
from projects.services import find_project, known_project

HSTS_SECONDS = 2 * 365 * 24 * 3600
CACHED_WARNINGS = 64
CACHED_HOSTS = 64

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})\Z")
_BODYLESS = frozenset({"GET", "HEAD"})

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ProjectMiddleware:
    """Puts the project on requests of the API, and constant headers on their answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.headers = _security_headers()
        self.hosts: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        current = _request_id(request)
        token = request_id.set(current)
        try:
            response = self._answer(request) if self._is_ours(request) else _strange_host()
        finally:
            request_id.reset(token)
        # Django checks a header's text whenever it is set; these were checked at the start.
        store = response.headers._store
        store["x-request-id"] = ("X-Request-Id", current)
        for key, header_pair in self.headers:
            store.setdefault(key, header_pair)
        return response

    def _is_ours(self, request: HttpRequest) -> bool:
        """Tell whether a request names this server: a page could lead any name of its own here."""
        host = request.META.get("HTTP_HOST", "")
        if host in self.hosts:
            return True
        try:
            request.get_host()
        except DisallowedHost:
            return False
        if len(self.hosts) < CACHED_HOSTS:
            self.hosts.add(host)
        return True

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return origins.preflight(request)
        origin = origins.sender(request)
        is_accepted = False
        try:
            project = resolve_project(request)
            is_accepted = _check_origin(request, project, origin)
        except Exception as error:  # noqa: BLE001  # leaves by the same door as an endpoint's
            response: HttpResponseBase = error_response(to_api_error(error, request))
        else:
            request.project = project  # type: ignore[attr-defined]  # an attribute of our own
            response = self.get_response(request)
        origins.allow(response, origin if is_accepted else "")
        warning = _format_warning(header(request.META, "X-Appwrite-Response-Format"))
        if warning:
            response.headers["X-Appwrite-Warning"] = warning
        return response


def headers_unread(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers of an answer to an API request that is refused before it is read.

    Asks no database, so that it may run on an event loop: a project that this process has not
    seen has no pages but the server's own.
    """
    if not environ["PATH_INFO"].startswith(API_PREFIX):
        return []
    request = HttpRequest()
    request.META, request.method = dict(environ), environ["REQUEST_METHOD"]
    origin = origins.sender(request)
    is_accepted = bool(origin) and origins.is_accepted(_known_project(environ), origin)
    return [
        ("Vary", "Origin"),
        *origins.readable_by(origin if is_accepted else ""),
        ("X-Request-Id", _request_id(request)),
        *(pair for _, pair in _security_headers()),
    ]


def _known_project(environ: Mapping[str, Any]) -> ProjectContext:
    uid = header(environ, "X-Appwrite-Project")
    if not uid:
        named = parse_qs(environ["QUERY_STRING"]).get("project")
        uid = named[-1] if named else CONSOLE_PROJECT
    return known_project(uid) or ProjectContext(id=0, uid=uid, name="")


def _strange_host() -> HttpResponseBase:
    return error_response(ApiError(ErrorKind.BAD_REQUEST, "This server has another name."))


def resolve_project(request: HttpRequest) -> ProjectContext:
    """Return the project a request names: in the header, the query or the body, else the console.

    Raises: PROJECT_NOT_FOUND, BAD_REQUEST, PAYLOAD_TOO_LARGE
    """
    uid = header(request.META, "X-Appwrite-Project") or request.GET.get("project", "")
    if not uid and request.method not in _BODYLESS:
        named = read_params(request).get("project")
        uid = named if isinstance(named, str) else ""
    project = find_project(uid or CONSOLE_PROJECT)
    if project is None:
        raise ApiError(ErrorKind.PROJECT_NOT_FOUND)
    return project


def _check_origin(request: HttpRequest, project: ProjectContext, origin: str) -> bool:
    """Tell whether the answer may be read by the page at `origin`.

    Raises: UNKNOWN_ORIGIN
    """
    if not origin:
        if origins.is_unexplained(request):
            raise ApiError(ErrorKind.UNKNOWN_ORIGIN)
        return False
    if origins.is_accepted(project, origin):
        return True
    is_from_provider = request.path_info.startswith(CALLBACK_PATH)
    if not is_from_provider and not header(request.META, "X-Appwrite-Key"):
        raise ApiError(ErrorKind.UNKNOWN_ORIGIN)
    # A key excuses the origin, but then it alone may speak: cookies of a browser that was lured
    # here must not. A provider's page, which posts an answer, needs none either.
    request.COOKIES = {}
    return False


def _request_id(request: HttpRequest) -> str:
    if settings.TRUSTED_PROXIES:
        given = header(request.META, "X-Request-Id")
        if _REQUEST_ID.match(given):
            return given
    return unique_id()


def _security_headers() -> list[tuple[str, tuple[str, str]]]:
    return _headers_of(is_secure=settings.PUBLIC_URL.startswith("https://"))


@cache
def _headers_of(*, is_secure: bool) -> list[tuple[str, tuple[str, str]]]:
    """Return the headers of every answer as Django stores them: by their name in small letters."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",  # CORS requests are not concerned
    }
    if is_secure:
        headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
    return list(ResponseHeaders(headers)._store.items())


@lru_cache(maxsize=CACHED_WARNINGS)
def _format_warning(wanted: str) -> str:
    """Return what to tell a client that expects answers of a newer version than ours."""
    if _version(wanted) <= _version(settings.APPWRITE_VERSION):
        return ""
    return (
        f"This client expects answers of version {wanted}, but the server speaks"
        f" {settings.APPWRITE_VERSION}. Use a client made for that version."
    )


def _version(text: str) -> tuple[int, ...]:
    match = _VERSION.match(text)
    return tuple(int(part) for part in match.groups()) if match else ()
