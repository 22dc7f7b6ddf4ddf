"""What a run does, and where: never against an address that other people use."""

import ipaddress
import socket
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlsplit

SCHEMES = {"http": 80}
_HINT = "Name a server of this machine by --url http://127.0.0.1:<port>/v1."


class RefusedError(Exception):
    """Something the person at the terminal has to change, said in one line."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How hard to try. `url` is the API's endpoint, which ends in `/v1`."""

    url: str
    connections: int = 16
    seconds: int = 5
    documents: int = 100_000
    sockets: int = 1_000
    collections: int = 10_000
    only: frozenset[str] = frozenset()
    has_profile: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or SCHEMES[parts.scheme]

    @property
    def prefix(self) -> str:
        """The path every request starts with."""
        return urlsplit(self.url).path

    def for_seconds(self, seconds: int) -> Self:
        return replace(self, seconds=seconds)

    def wants(self, name: str) -> bool:
        return not self.only or name in self.only


def checked(plan: Plan) -> Plan:
    """Return the plan when it may be carried out.

    Raises: RefusedError for anything but plain HTTP to this machine's loopback.
    """
    if urlsplit(plan.url).scheme not in SCHEMES:
        raise RefusedError(f"{plan.url}: the benchmark speaks plain HTTP only. {_HINT}")
    if not is_loopback(plan.host):
        raise RefusedError(
            f"{plan.host} is not this machine: the benchmark loads loopback only. {_HINT}"
        )
    return plan


def is_loopback(host: str) -> bool:
    """Tell whether every address of a host is one of loopback."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)
