"""Where a network address is, by a local database in MaxMind's format, where one is configured."""

import logging
import re
import struct
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb
from babel import Locale, UnknownLocaleError
from django.conf import settings

#: How often it is looked whether there is another file.
LOOK_SECONDS = 10.0
CACHED_NAMES = 2048
UNKNOWN_COUNTRY_CODE = "--"
UNKNOWN_COUNTRY = "Unknown"

#: What comes of reading a damaged file: not all that is wrong is found by the reader itself.
_DAMAGE = (
    maxminddb.InvalidDatabaseError,
    LookupError,
    RecursionError,
    TypeError,
    UnicodeDecodeError,
    struct.error,
)

#: Which file it is: its name, and when it was written, how long and which one it is.
_Stamp = tuple[str, int, int, int]

_COUNTRY_CODE = re.compile(r"[A-Z0-9]{2}")

_logger = logging.getLogger(__name__)


class NoDatabaseError(Exception):
    """The file that is configured cannot be read as a database."""


@dataclass(frozen=True, slots=True)
class Place:
    """A country and its continent; empty where they are not known."""

    country_code: str = ""
    continent_code: str = ""
    is_in_european_union: bool = False


NOWHERE = Place()


class _Database:
    """The file as this process last read it.

    It is held in memory: of a mapped file that somebody cuts short the process would die.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._look_at = 0.0
        self._stamp: _Stamp | None = None
        self._reader: maxminddb.Reader | None = None
        self._lamented: _Stamp | None = None

    def reader(self) -> maxminddb.Reader | None:
        """Return a reader of the newest file that could be read, nothing where there is none."""
        name = settings.GEOIP_DATABASE
        is_same = self._stamp is None or self._stamp[0] == name
        if (is_same and time.monotonic() < self._look_at) or not self._lock.acquire(blocking=False):
            return self._reader if name else None
        try:
            self._look(name)
        finally:
            self._lock.release()
        return self._reader

    def forget(self) -> None:
        self._look_at, self._stamp, self._reader, self._lamented = 0.0, None, None, None

    def lament(self, error: Exception) -> None:
        """Log that the file is damaged, once for each file."""
        if self._lamented != self._stamp:
            self._lamented = self._stamp
            _logger.warning("GEOIP_DATABASE: %s is damaged: %s", settings.GEOIP_DATABASE, error)

    def _look(self, name: str) -> None:
        self._look_at = time.monotonic() + LOOK_SECONDS
        stamp = _stamp(name)
        if stamp == self._stamp:
            return
        if not (name and self._stamp and self._stamp[0] == name):
            self._reader = None
        self._stamp = stamp
        if not name:
            return
        try:
            self._reader = _read(name)
        except NoDatabaseError as error:
            # What is being written right now is whole at the next look.
            _logger.warning("GEOIP_DATABASE: %s", error)


_database = _Database()


def find(address: str) -> Place:
    """Return where an address is, as far as it is known: no sign-in fails for want of a place."""
    reader = _database.reader()
    if reader is None:
        return NOWHERE
    try:
        return _place(reader.get(address))
    except _DAMAGE as error:
        _database.lament(error)
    except ValueError:  # no address, or none of this database
        pass
    return NOWHERE


def probe() -> None:
    """Read the configured file anew, as whoever asks for its state wants it.

    Raises:
        NoDatabaseError: It cannot be read.
    """
    _read(settings.GEOIP_DATABASE)


def forget() -> None:
    """Have this process read the file anew."""
    _database.forget()


@lru_cache(maxsize=CACHED_NAMES)
def country_name(code: str, locale: str = "") -> str:
    """Return what a country is called in a language, in English where that is not known."""
    try:
        language = Locale.parse(locale or "en", sep="-")
    except (UnknownLocaleError, ValueError):
        language = Locale("en")
    return str(language.territories.get(code, UNKNOWN_COUNTRY))


def _stamp(name: str) -> _Stamp:
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return name, 0, 0, 0
    return name, found.st_mtime_ns, found.st_size, found.st_ino


def _read(name: str) -> maxminddb.Reader:
    try:
        reader = maxminddb.open_database(name, maxminddb.MODE_MEMORY)
        reader.get("192.0.2.1")
    except OSError as error:
        raise NoDatabaseError(f"cannot read {name}: {error.strerror}") from None
    except (ValueError, *_DAMAGE) as error:
        raise NoDatabaseError(f"{name} is no database of addresses: {error}") from None
    return reader


def _place(record: Any) -> Place:
    country, continent = _part(record, "country"), _part(record, "continent")
    code, continent_code = country.get("iso_code"), continent.get("code")
    return Place(
        country_code=code if isinstance(code, str) and _COUNTRY_CODE.fullmatch(code) else "",
        continent_code=continent_code if isinstance(continent_code, str) else "",
        is_in_european_union=country.get("is_in_european_union") is True,
    )


def _part(record: Any, name: str) -> dict[str, Any]:
    part = record.get(name) if isinstance(record, dict) else None
    return part if isinstance(part, dict) else {}
