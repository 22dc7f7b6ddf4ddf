"""Typed readers of the environment; a missing or malformed value stops the start with one line."""

import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE_WORDS = frozenset({"1", "true", "yes", "on", "enabled"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", "disabled"})


class BadSetting(SystemExit):  # it is an exit with a message, shown as one line
    """A setting that stops the start; its text names the variable and what is expected."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


def text(name: str, default: str | None = None) -> str:
    """Return the value of `name`, or the content of the file named by `NAME_FILE`."""
    file_name = os.environ.get(f"{name}_FILE")
    value = _file_text(name, file_name) if file_name else os.environ.get(name)
    if value is None or value == "":
        if default is None:
            raise BadSetting(name, f"is not set; set it, or point {name}_FILE at a file holding it")
        return default
    return value


def flag(name: str, *, default: bool) -> bool:
    value = text(name, "").lower()
    if not value:
        return default
    if value in TRUE_WORDS | FALSE_WORDS:
        return value in TRUE_WORDS
    raise BadSetting(name, f"{value!r} is neither true nor false")


def integer(name: str, default: int, *, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise BadSetting(name, f"{value!r} is not a whole number") from None
    if not minimum <= number <= maximum:
        raise BadSetting(name, f"{number} is not between {minimum} and {maximum}")
    return number


def choice(name: str, choices: tuple[str, ...], default: str) -> str:
    value = text(name, default).lower()
    if value not in choices:
        raise BadSetting(name, f"{value!r} is not one of {', '.join(choices)}")
    return value


def mailbox(name: str, default: str) -> str:
    """Return a bare e-mail address."""
    value = text(name, default)
    if not re.fullmatch(r"[^\s@<>,;:\"]+@[^\s@<>,;\"]+", value):
        raise BadSetting(name, f"{value!r} does not look like no-reply@example.com")
    return value


def names(name: str, default: str = "") -> list[str]:
    """Return a comma separated list without its blanks."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def url(name: str, default: str) -> str:
    """Return the address of a web server: scheme, host and maybe a port, as an Origin has them."""
    value = text(name, default).rstrip("/").lower()
    try:
        parts = urlsplit(value)
        is_plain = parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        is_plain = False
    if not is_plain or value not in (f"http://{parts.netloc}", f"https://{parts.netloc}"):
        raise BadSetting(name, f"{value!r} does not look like https://api.example.com")
    return value


def endpoint(name: str, default: str | None = None) -> str:
    """Return the address of a service to call, maybe with a path; an empty default names none."""
    value = text(name, default).rstrip("/")
    if not value:
        return value
    try:
        parts = urlsplit(value)
        is_plain = parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        is_plain = False
    if not is_plain or parts.scheme not in ("http", "https") or parts.fragment:
        raise BadSetting(name, f"{value!r} does not look like https://sms.example.com/send")
    return value


def host_of(address: str) -> str:
    """Return the host of an address as it stands in a Host header."""
    host = urlsplit(address).hostname or ""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address leads to this machine alone."""
    plain = host.strip("[]")
    if plain == "localhost" or plain.endswith(".localhost"):
        return True
    try:
        return ip_address(plain).is_loopback
    except ValueError:
        return False


def database(name: str) -> dict[str, Any]:
    """Return Django's connection settings for a `postgresql://` URL."""
    url = urlsplit(text(name))
    if url.scheme not in ("postgresql", "postgres"):
        raise BadSetting(name, "must look like postgresql://user:password@host:5432/name")
    try:
        port = url.port
    except ValueError:
        raise BadSetting(name, "the port is not a number") from None
    query = dict(parse_qsl(url.query))
    return {
        "NAME": unquote(url.path.lstrip("/")) or "appwrite",
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.pop("host", "") or unquote(url.hostname or ""),
        "PORT": str(port or query.pop("port", "")),
        "OPTIONS": query,
    }


def _file_text(name: str, file_name: str) -> str:
    try:
        return Path(file_name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting(f"{name}_FILE", f"cannot read {file_name}: {error.strerror}") from None
