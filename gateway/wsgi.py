"""Django's synchronous core, with requests that no header can break."""

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """A request in UTF-8, whatever its headers call it.

    Django takes the charset of the Content-Type for its own, and fails while it makes the request
    when that names a codec for anything but text ("zlib").
    """

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        try:
            parsed = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (ValueError, LookupError):
            parsed = "", {}
        self.content_type, self.content_params = parsed


class Handler(WSGIHandler):
    """The WSGI application."""

    request_class = Utf8Request


def get_application() -> Handler:
    """Set Django up and return its WSGI application."""
    django.setup(set_prefix=False)
    return Handler()
