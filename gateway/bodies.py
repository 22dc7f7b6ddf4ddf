"""A request's body as its bytes came, read as often as needed and never all at once."""

from collections.abc import Iterator
from typing import IO

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.http.request import RawPostDataException

from kernel.errors import ApiError, ErrorKind

PIECE_BYTES = 64 * 1024
_BODYLESS = frozenset({"GET", "HEAD", "OPTIONS"})


def has_body(request: HttpRequest) -> bool:
    """Tell whether a request's body means anything."""
    return request.method not in _BODYLESS


def pieces(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body from its beginning, whoever has read it before.

    Raises: BAD_REQUEST, PAYLOAD_TOO_LARGE
    """
    if not has_body(request):
        return
    source = _file(request)
    if source is None:
        yield _whole(request)
        return
    source.seek(0)
    while piece := source.read(PIECE_BYTES):
        yield piece
    source.seek(0)


def size(request: HttpRequest) -> int:
    """Return the body's length in bytes."""
    if not has_body(request):
        return 0
    if _file(request) is None:
        return len(_whole(request))
    return int(request.META.get("CONTENT_LENGTH") or 0)


def _file(request: HttpRequest) -> IO[bytes] | None:
    """Return the body as a file that holds nothing else, where the server made one (the bridge)."""
    source: IO[bytes] = request.META["wsgi.input"]
    is_file = hasattr(source, "seekable") and source.seekable()
    return source if is_file else None


def _whole(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        raise ApiError(ErrorKind.PAYLOAD_TOO_LARGE) from None
    except (RawPostDataException, UnreadablePostError):
        raise ApiError(ErrorKind.BAD_REQUEST, "The request body could not be read.") from None
