"""Calls to servers of others: one guarded client, so that no address opens a door inside.

The host is looked up once, each of its addresses has to be public, and the connection goes to an
address that was checked. Redirects are not followed, and no proxy of the environment is asked.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext
from threading import Timer
from typing import Any

import httpx
from django.conf import settings

TIMEOUT_SECONDS = 5.0
#: Of a whole call: less than the time after which a request is answered in its thread's place.
MAX_SECONDS = 8.0
MAX_ANSWER_BYTES = 1024 * 1024

_CONNECTED = "connection.connect_tcp.complete"
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


class CutOff:
    """Ends a connection after a time, however slowly its other side goes on.

    It holds the connection by a descriptor of its own, which stays good when TLS takes it over.
    """

    def __init__(self, seconds: float) -> None:
        self.has_come = False
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True
        self._held: socket.socket | None = None

    def start(self, connected: socket.socket) -> None:
        """Let the time of a connection begin."""
        self._held = connected.dup()
        self._timer.start()

    def cancel(self) -> None:
        """Let go of the connection, if there was one."""
        if self._held is not None:
            self._timer.cancel()
            self._timer.join()
            self._held.close()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Start with the connection of an HTTP request: its `trace` extension."""
        if event == _CONNECTED:
            self.start(info["return_value"].get_extra_info("socket"))

    def _end(self) -> None:
        self.has_come = True
        if self._held is not None:
            with self._held, suppress(OSError):  # the other side may have ended it already
                self._held.shutdown(socket.SHUT_RDWR)


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    seconds: float = MAX_SECONDS,
) -> Reply:
    """Make a request to a public server, or to one of `settings.OUTBOUND_HOSTS`.

    Raises:
        ForbiddenTargetError: The URL leads to no public server.
        OutboundError: There is no answer of at most 1 MiB within `seconds` of the look-up.
    """
    parsed = _parsed(url)
    sent = {
        "Host": parsed.netloc.decode("ascii"),
        "Accept-Encoding": "identity",
        **(headers or {}),
    }
    address = public_address(parsed.raw_host.decode("ascii"), _port(parsed))
    cut_off = CutOff(seconds)
    request = httpx.Request(
        method,
        parsed.copy_with(host=str(address)),
        headers=sent,
        content=content,
        extensions={
            "sni_hostname": parsed.host,
            "timeout": httpx.Timeout(min(TIMEOUT_SECONDS, seconds)).as_dict(),
            "trace": cut_off.trace,
        },
    )
    try:
        # A client of its own: a kept connection would be known by its address, and not its name.
        with httpx.Client(verify=_tls(), trust_env=False) as client:
            return _read(client.send(request, stream=True), cut_off)
    except httpx.HTTPError as error:
        raise OutboundError(f"{parsed.host}: {type(error).__name__}") from error
    finally:
        cut_off.cancel()


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


def _read(response: httpx.Response, cut_off: CutOff) -> Reply:
    host, body = response.request.headers["Host"], bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise OutboundError(f"{host} answers too much")
    if cut_off.has_come:  # a body without a length looks whole wherever it ends
        raise OutboundError(f"{host} answers too slowly")
    return Reply(response.status_code, bytes(body))


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context(trust_env=False)
