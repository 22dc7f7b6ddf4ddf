"""Requests as data: sent by the load generator, by a client, or into the application itself."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import quote

JSON_TYPE = "application/json"
# Stands for nine digits that differ each time: an update that changes nothing writes nothing.
FRESH = b"#########"
HOST = "localhost"  # of requests that stay in this process


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `path` follows the endpoint's own."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_value(self, value: str) -> Self:
        """Return the request with a value, as `fresh_value` makes it, in place of `FRESH`."""
        return replace(self, body=self.body.replace(FRESH, value.encode()))

    def raw(self, host: str, prefix: str) -> bytes:
        """Return the request as it goes over the wire of a kept connection."""
        lines = [f"{self.method} {prefix}{self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines += [f"Content-Type: {JSON_TYPE}", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of request, in variants that are sent in random order.

    `sql_id` is the SQL that stands for the document's id when only the statements run; it may use
    `:n`, a number below the number of variants. Of several `documents` in one request the ids are
    made up by the server, so that its statements cannot run alone.
    """

    name: str
    variants: Sequence[Request]
    sql_id: str = ""
    documents: int = 1


def fresh_value() -> str:
    return str(10**8 + secrets.randbelow(9 * 10**8))


def json_body(value: Any) -> bytes:
    return json.dumps(value).encode()


def queries(*found: Mapping[str, Any]) -> str:
    """Return queries as they are written after the `?` of a path."""
    return "&".join("queries[]=" + quote(json.dumps(query)) for query in found)
