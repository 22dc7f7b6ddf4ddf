"""What a request says about its sender: headers, cookies and addresses, unverified."""

from collections.abc import Mapping
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

from gateway.parsing import header
from kernel.caller import Credentials

MAX_LOCALE_LENGTH = 8


def read_credentials(request: HttpRequest) -> Credentials:
    """Collect a request's credentials."""
    meta = request.META
    return Credentials(
        key=header(meta, "X-Appwrite-Key"),
        jwt=header(meta, "X-Appwrite-JWT"),
        session=header(meta, "X-Appwrite-Session"),
        cookies=request.COOKIES if "HTTP_COOKIE" in meta else {},
        fallback_cookies=header(meta, "X-Fallback-Cookies"),
        mode=header(meta, "X-Appwrite-Mode") or _query(request).get("mode", ""),
        dev_key=header(meta, "X-Appwrite-Dev-Key"),
        origin=header(meta, "Origin"),
        ip=client_ip(meta.get("REMOTE_ADDR", ""), header(meta, "X-Forwarded-For")),
        user_agent=header(meta, "User-Agent"),
        locale=read_locale(request),
    )


def read_locale(request: HttpRequest) -> str:
    """Return the language a request asks for; what can be none counts as not sent."""
    sent = header(request.META, "X-Appwrite-Locale")
    is_code = len(sent) <= MAX_LOCALE_LENGTH and sent.isascii() and sent.replace("-", "").isalpha()
    return sent.lower() if is_code else ""


def _query(request: HttpRequest) -> Mapping[str, str]:
    return request.GET if "mode" in request.META.get("QUERY_STRING", "") else {}


def client_ip(peer: str, forwarded: str) -> str:
    """Return the caller's address: the peer's, or behind N trusted proxies the N-th from the right.

    Without an explicit `TRUSTED_PROXIES` no forwarded header is believed, and never one that holds
    no address.
    """
    trusted = settings.TRUSTED_PROXIES
    hops = forwarded.split(",") if trusted and forwarded else ()
    if not hops:
        return peer
    try:
        return str(ip_address(hops[-min(trusted, len(hops))].strip()))
    except ValueError:
        return peer
