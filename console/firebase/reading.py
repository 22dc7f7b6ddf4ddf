"""JSON files of any size, read value by value, each with the line it begins in."""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

PIECE_BYTES = 256 * 1024
#: The longest single value; a document of Firestore has 1 MiB at most.
MAX_VALUE_CHARS = 16 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]+")


class FileFaultError(Exception):
    """A file that cannot be read any further; the text says where and why."""


class JsonReader:
    """Walks a JSON text: the caller asks for the keys of an object, the items of a list, a value.

    `line` is that of what comes next, `place` how many characters came before it. Several values
    may follow one another, as in JSON lines.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.line = 1
        self.bytes_read = 0
        self._path = path
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._dropped = 0
        self._decoder = json.JSONDecoder(parse_constant=_refuse_constant)

    @property
    def place(self) -> int:
        return self._dropped + self._at

    def peek(self) -> str:
        """Return the first character of what comes next; at the end there is none."""
        while True:
            space = _SPACE.match(self._text, self._at)
            if space is not None:
                self._advance(space.end())
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def members(self) -> Iterator[str]:
        """Return the keys of an object; before the next one its value has to be read."""
        self._take("{")
        if self.peek() != "}":
            while True:
                if self.peek() != '"':
                    self.fail("a key is missing")
                key = str(self.value())
                self._take(":")
                yield key
                if self.peek() != ",":
                    break
                self._take(",")
        self._take("}")

    def elements(self) -> Iterator[None]:
        """Stop before each item of a list, which has to be read."""
        self._take("[")
        if self.peek() != "]":
            while True:
                yield
                if self.peek() != ",":
                    break
                self._take(",")
        self._take("]")

    def value(self) -> Any:
        """Read the next value as a whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._fill():
                    continue
                self.fail(error.msg.lower(), within=error.pos)
            except (ValueError, RecursionError) as error:
                self.fail(str(error))
            # A number at the end of what was read may go on behind it.
            if end < len(self._text) or not self._fill():
                self._advance(end)
                return value

    def fail(self, reason: str, *, within: int | None = None) -> NoReturn:
        """Tell that the file cannot be read any further; `within` is where in the text at hand."""
        line = self.line
        if within is not None:
            line += self._text.count("\n", self._at, within)
        if within is not None and within >= len(self._text):
            reason = "the file ends in the middle of a value"
        raise FileFaultError(f"{self._path}, line {line}: this is not valid JSON: {reason}")

    def _take(self, wanted: str) -> None:
        found = self.peek()
        if found != wanted:
            told = f"found {found!r}" if found else "the file ends"
            self.fail(f"{wanted!r} is missing, {told}")
        self._at += 1

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _fill(self) -> bool:
        """Read on, as much again as is at hand; tell whether there was more."""
        kept = len(self._text) - self._at
        if kept > MAX_VALUE_CHARS:
            self.fail(f"a value is longer than {MAX_VALUE_CHARS:,} characters")
        piece = self._file.read(max(PIECE_BYTES, kept))
        self.bytes_read += len(piece)
        try:
            text = self._decode(piece, final=not piece)
        except UnicodeDecodeError:
            raise FileFaultError(
                f"{self._path}, at line {self.line} or behind it: the file is not UTF-8"
            ) from None
        self._dropped += self._at
        self._text = self._text[self._at :] + text
        self._at = 0
        return bool(piece)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
