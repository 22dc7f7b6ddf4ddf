"""Checks of URLs and IP addresses, of the kind that inputs and attributes declare."""

import ipaddress
import re
from urllib.parse import urlsplit

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE | re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?",
    re.IGNORECASE | re.ASCII,
)
#: Schemes whose URLs name no host.
_WITHOUT_HOST = frozenset({"mailto", "news", "file", "urn", "tel"})
#: What one subscriber of IPv6 is given at least (RFC 6177): its addresses are one caller.
SUBSCRIBER_PREFIX_BITS = 64


def url(value: object) -> str:
    """A URL of any scheme, in ASCII as it goes over the wire (RFC 3986)."""
    if isinstance(value, str) and _PRINTABLE.fullmatch(value) and _SCHEME.match(value):
        try:
            if _names_a_place(value):
                return value
        except ValueError:  # a port or a bracket that is none
            pass
    raise ValueError("Value must be a valid URL")


def _names_a_place(value: str) -> bool:
    parts = urlsplit(value)
    _ = parts.port
    host = parts.hostname or ""
    if not host:
        return parts.scheme in _WITHOUT_HOST and bool(parts.path)
    if "[" in parts.netloc:
        ipaddress.IPv6Address(host)
        return True
    return _HOST.fullmatch(host) is not None


def ip(value: object) -> str:
    """An address of IPv4 or IPv6, without a zone."""
    try:
        if isinstance(value, str) and "%" not in value:
            ipaddress.ip_address(value)
            return value
    except ValueError:
        pass
    raise ValueError("Value must be a valid IP address")


def is_address(name: str) -> bool:
    """Tell whether the name of a host is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def subscriber(address: str) -> str:
    """Return what stands for a caller where calls are counted by address.

    An address of IPv4 (also one mapped into IPv6) is itself; one of IPv6 is its network of
    `SUBSCRIBER_PREFIX_BITS`, whose addresses a single caller can take at will.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), SUBSCRIBER_PREFIX_BITS), strict=False))
