"""What a WSGI application answered: a whole body, or pieces still to be taken."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import IO, Any, TypeAlias

from appwrite_clone.bridge.asgi_types import Environ
from appwrite_clone.bridge.limits import FILE_PIECE_BYTES

logger = logging.getLogger(__name__)

#: Answers that have no body and therefore no length.
BODILESS = frozenset({204, 304})

WsgiApplication: TypeAlias = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType]


class Answer:
    """One answer, filled on a thread and sent by the event loop."""

    __slots__ = ("_source", "body", "headers", "pieces", "status")

    def __init__(self) -> None:
        self.status = 0
        #: Names in small letters.
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        #: Set when the body has to be taken piece by piece.
        self.pieces: Iterator[bytes] | None = None
        self._source: Iterable[bytes] = ()

    def fill(self, application: WsgiApplication, environ: Environ) -> None:
        """Run the application; a streamed body is left to be taken."""
        source = self._source = application(environ, self._start)
        if environ["REQUEST_METHOD"] == "HEAD":
            return
        if getattr(source, "streaming", None) is False:
            self.body = source.content  # type: ignore[attr-defined]  # Django's HttpResponse
        elif isinstance(source, list | tuple):
            self.body = b"".join(source)
        else:
            self.pieces = iter(source)
            if not self.status:  # a generator answers when it is first asked
                self.pieces = _put_back(next(self.pieces, b""), self.pieces)

    def complete(self, method: str) -> None:
        """Make a whole answer what HTTP wants: with a length, or without a body."""
        if self.status in BODILESS:
            self.body = b""
        elif method != "HEAD" and all(name != "content-length" for name, _ in self.headers):
            self.headers.append(("content-length", str(len(self.body))))

    def encoded_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]

    def next_piece(self) -> bytes:
        """The next piece that is not empty; empty at the end."""
        for piece in self.pieces or ():
            if piece:
                return piece
        return b""

    def close(self) -> None:
        close = getattr(self._source, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception:  # the answer is out; what is left is the log
            logger.exception("closing an answer failed")

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        if exc_info is not None and self.status:
            raise exc_info[1].with_traceback(exc_info[2])
        self.status = int(status[:3])
        self.headers = [(name.lower(), value) for name, value in headers]
        return _refuse_write


class FilePieces:
    """The file wrapper of PEP 3333: reads a file in pieces of one size."""

    def __init__(self, file: IO[bytes], _block_size: int = 0) -> None:
        self._file = file
        self.close = getattr(file, "close", lambda: None)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(FILE_PIECE_BYTES):
            yield piece


def _put_back(piece: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield piece
    yield from rest


def _refuse_write(_data: bytes) -> object:
    raise NotImplementedError("the write callable of WSGI is not offered")
