"""Refusals for next to nothing: there are most of them when there is no time for any.

A request is looked at by a parser that tells nothing of headers. Where it came whole, and nothing
in it bears on how it is refused, it is told what others were told before, with an id of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httptools

from appwrite_clone.bridge.answers import Answer
from appwrite_clone.bridge.asgi_types import Scope
from appwrite_clone.bridge.limits import KIB
from gateway.routes import API_PREFIX
from kernel.errors import ApiError, ErrorKind
from kernel.ids import unique_id

#: Headers on which a refusal depends, or which are answered otherwise.
TELLING_HEADERS = re.compile(rb"\n(?:origin|referer|expect|x-request-id):", re.IGNORECASE)
ID_HEADER = "x-request-id"
#: What is larger takes its time to look at.
PLAIN_BYTES = 16 * KIB

_API = API_PREFIX.encode()


class Glance:
    """A look at bytes: are they one request, and which."""

    _begun = _ended = 0
    _is_plain = False
    _url = b""

    def __init__(self) -> None:
        self._renew()

    def at(self, data: bytes) -> tuple[str, str] | None:
        """Return method and path of data that is one plain request to the API, from end to end."""
        if len(data) > PLAIN_BYTES:
            return None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._renew()
            return None
        if self._begun != 1 or self._ended != 1 or not self._is_plain:
            self._renew()
            return None
        self._begun = self._ended = 0
        path = self._url.partition(b"?")[0]
        if b"%" in path or not path.startswith(_API) or TELLING_HEADERS.search(data):
            return None
        return self._parser.get_method().decode("ascii"), path.decode("latin-1")

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_message_complete(self) -> None:
        parser = self._parser
        self._ended += 1
        self._is_plain = parser.should_keep_alive() and parser.get_http_version() == "1.1"

    def _renew(self) -> None:
        """Forget what came: the next bytes are those of another connection."""
        self._parser = httptools.HttpRequestParser(self)
        self._begun = self._ended = 0


class QuickRefusals:
    """Answers requests for which there is no room, where that takes no more than a glance."""

    def __init__(
        self, refusal: Callable[[Scope, ApiError], Answer], is_full: Callable[[Scope], bool]
    ) -> None:
        self._refusal = refusal
        self._is_full = is_full
        self._glance = Glance()
        self._template: tuple[bytes, bytes] | None = None

    def to(self, data: bytes) -> bytes | None:
        """Return head, without status line and date, and body of the refusal of a request.

        None where the data is something else, or asks for a closer look, or there is room for it.
        """
        seen = self._glance.at(data)
        if seen is None or seen[0] == "HEAD":
            return None
        if not self._is_full({"method": seen[0], "path": seen[1]}):
            return None
        before, after = self._template or self._make()
        return b"".join((before, unique_id().encode("ascii"), after))

    def _make(self) -> tuple[bytes, bytes]:
        scope: Scope = {
            "method": "GET",
            "path": API_PREFIX,
            "query_string": b"",
            "http_version": "1.1",
            "headers": (),
        }
        answer = self._refusal(scope, ApiError(ErrorKind.SERVICE_UNAVAILABLE))
        lines = [f"{name}: {value}\r\n" for name, value in answer.headers if name != ID_HEADER]
        before = "".join((*lines, f"{ID_HEADER}: ")).encode("latin-1")
        self._template = before, b"\r\n\r\n" + answer.body
        return self._template
