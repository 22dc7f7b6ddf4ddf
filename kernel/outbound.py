"""Calls to servers of others: one guarded client, so that no address opens a door inside.

The host is looked up once, each of its addresses has to be public, and the connection goes to an
address that was checked. Redirects are not followed, and no proxy of the environment is asked.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext

import httpx
from django.conf import settings

TIMEOUT_SECONDS = 5.0
MAX_SECONDS = 15.0
MAX_ANSWER_BYTES = 1024 * 1024

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")


class ForbiddenTargetError(ValueError):
    """A place that this server does not call."""


class OutboundError(OSError):
    """A server that cannot be reached, or answers too slowly or too much."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def send(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
) -> Reply:
    """Make a request to a public server, or to one of `settings.OUTBOUND_HOSTS`.

    Raises:
        ForbiddenTargetError: The URL leads to no public server.
        OutboundError: There is no answer of at most 1 MiB within 15 seconds.
    """
    parsed = _parsed(url)
    sent = {
        "Host": parsed.netloc.decode("ascii"),
        "Accept-Encoding": "identity",
        **(headers or {}),
    }
    request = httpx.Request(
        method,
        parsed.copy_with(host=str(public_address(parsed.raw_host.decode("ascii"), _port(parsed)))),
        headers=sent,
        content=content,
        extensions={
            "sni_hostname": parsed.host,
            "timeout": httpx.Timeout(TIMEOUT_SECONDS).as_dict(),
        },
    )
    try:
        # A client of its own: a kept connection would be known by its address, and not its name.
        with httpx.Client(verify=_tls(), trust_env=False) as client:
            return _read(client.send(request, stream=True))
    except httpx.HTTPError as error:
        raise OutboundError(f"{parsed.host}: {type(error).__name__}") from error


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ForbiddenTargetError("this is no URL") from error
    schemes = ("https", "http") if parsed.host in settings.OUTBOUND_HOSTS else ("https",)
    if parsed.scheme not in schemes or not parsed.host or parsed.userinfo:
        raise ForbiddenTargetError("only https URLs without a password are called")
    return parsed


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def public_address(host: str, port: int) -> IPv4Address | IPv6Address:
    """Return the address to connect to, of a public server or one of `settings.OUTBOUND_HOSTS`.

    Raises:
        ForbiddenTargetError: One of the host's addresses is no public one.
        OutboundError: It has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundError(f"{host} has no address") from error
    addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    if host not in settings.OUTBOUND_HOSTS and not all(map(is_public, addresses)):
        raise ForbiddenTargetError(f"{host} is not a public server")
    return addresses[0]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the internet's, whatever form it is written in."""
    if isinstance(address, IPv6Address):
        if address in _NAT64_LOCAL:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo:
            inner = address.teredo[1]
        if address in _NAT64:
            inner = IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _read(response: httpx.Response) -> Reply:
    body, end = bytearray(), time.monotonic() + MAX_SECONDS
    for piece in response.iter_raw():
        body += piece
        if len(body) > MAX_ANSWER_BYTES or time.monotonic() > end:
            raise OutboundError(
                f"{response.request.headers['Host']} answers too much or too slowly"
            )
    return Reply(response.status_code, bytes(body))


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context(trust_env=False)
