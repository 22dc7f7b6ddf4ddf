"""One HTTP scope of ASGI to one WSGI environment, built once per request."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import IO
from urllib.parse import unquote_to_bytes

from appwrite_clone.bridge.asgi_types import Environ, Scope

_WITHOUT_PREFIX = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_CONSTANT: Environ = {
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}


def build_environ(scope: Scope, body: IO[bytes], file_wrapper: type) -> Environ:
    root = scope.get("root_path", "")
    environ: Environ = {
        **_CONSTANT,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root.encode().decode("latin-1") if root else "",
        "PATH_INFO": _path_info(scope, root),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.file_wrapper": file_wrapper,
    }
    server = scope.get("server") or ("localhost", None)
    environ["SERVER_NAME"] = server[0]
    environ["SERVER_PORT"] = str(server[1] or 80)
    client = scope.get("client")
    environ["REMOTE_ADDR"] = client[0] if client else ""
    _add_headers(environ, scope["headers"])
    return environ


def _path_info(scope: Scope, root: str) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    if root:
        raw = raw.removeprefix(root.encode())
    return raw.decode("latin-1")


def _add_headers(environ: Environ, headers: list[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        key = _environ_key(name)
        if not key:
            continue
        text = value.decode("latin-1")
        if key in environ:
            separator = "; " if key == "HTTP_COOKIE" else ","
            text = f"{environ[key]}{separator}{text}"
        environ[key] = text


@lru_cache(maxsize=512)
def _environ_key(name: bytes) -> str:
    """The name in the environment; none for names that would pass for another header's."""
    if b"_" in name:
        return ""
    plain = name.lower()
    if plain in _WITHOUT_PREFIX:
        return _WITHOUT_PREFIX[plain]
    return "HTTP_" + plain.decode("latin-1").upper().replace("-", "_")
