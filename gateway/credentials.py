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
    sent = meta.get  # by the names of WSGI: this is done for every request
    return Credentials(
        key=sent("HTTP_X_APPWRITE_KEY", ""),
        jwt=sent("HTTP_X_APPWRITE_JWT", ""),
        session=sent("HTTP_X_APPWRITE_SESSION", ""),
        cookies=request.COOKIES if "HTTP_COOKIE" in meta else {},
        fallback_cookies=sent("HTTP_X_FALLBACK_COOKIES", ""),
        mode=sent("HTTP_X_APPWRITE_MODE", "") or _query(request).get("mode", ""),
        dev_key=sent("HTTP_X_APPWRITE_DEV_KEY", ""),
        origin=sent("HTTP_ORIGIN", ""),
        ip=client_ip(sent("REMOTE_ADDR", ""), sent("HTTP_X_FORWARDED_FOR", "")),
        user_agent=sent("HTTP_USER_AGENT", ""),
        locale=read_locale(request),
    )


def read_locale(request: HttpRequest) -> str:
    """Return the language a request asks for; what can be none counts as not sent."""
    sent = header(request.META, "X-Appwrite-Locale")
    if not sent:
        return ""
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
