"""Django's synchronous core, with a short way for the API and requests that no header can break."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import django
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_header_parameters
from django.utils.module_loading import import_string

from gateway.exceptions import error_response, to_api_error
from gateway.routes import API_PREFIX, resolve
from kernel import sql

KNOWN_TYPES = 64

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class Utf8Request(WSGIRequest):
    """A request in UTF-8, whatever its headers call it.

    Django takes the charset of the Content-Type for its own, and fails while it makes the request
    when that names a codec for anything but text ("zlib").
    """

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        self.content_type, parameters = _content_type(meta.get("CONTENT_TYPE", ""))
        self.content_params = dict(parameters)


@lru_cache(maxsize=KNOWN_TYPES)
def _content_type(text: str) -> tuple[str, dict[str, str]]:
    try:
        return parse_header_parameters(text)
    except (ValueError, LookupError):
        return "", {}


class ApiHandler(BaseHandler):
    """Answers requests of the API behind one middleware of its own, all others as Django does."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        self._api = _enveloped(import_string(settings.API_MIDDLEWARE)(_enveloped(_view)))

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(API_PREFIX):
            return super().get_response(request)
        sql.drop_dead_connection()
        response = self._api(request)
        if response.streaming:
            response._resource_closers.append(request.close)  # type: ignore[attr-defined]  # Django's own list
        else:
            request.close()
        return response


def _enveloped(answer: GetResponse) -> GetResponse:
    """Have exceptions leave by the same door as an endpoint's."""

    def enveloped(request: HttpRequest) -> HttpResponseBase:
        try:
            return answer(request)
        except Exception as error:  # noqa: BLE001  # the one door
            return error_response(to_api_error(error, request))

    return enveloped


def _view(request: HttpRequest) -> HttpResponseBase:
    request.resolver_match = match = resolve(request.path_info)
    response: HttpResponseBase = match.func(request, **match.kwargs)
    return response


class Handler(ApiHandler, WSGIHandler):
    """The WSGI application. Requests of the API send no signals: nothing here asks for them."""

    request_class = Utf8Request

    def __call__(  # type: ignore[override]  # an iterable of bytes is all that WSGI asks for
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(API_PREFIX):
            return super().__call__(environ, start_response)
        response = self.get_response(self.request_class(environ))
        headers = [*response.headers._store.values()]
        headers += [("Set-Cookie", each.output(header="")) for each in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        # Closing a whole answer would do nothing but send a signal.
        return [response.content] if isinstance(response, HttpResponse) else response


def get_application() -> Handler:
    """Set Django up and return its WSGI application."""
    django.setup(set_prefix=False)
    return Handler()
