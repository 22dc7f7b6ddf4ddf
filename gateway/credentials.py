"""What a request says about its sender: headers, cookies and addresses, unverified."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from gateway.parsing import header
from kernel.caller import Credentials, ImpersonationTarget

MAX_LOCALE_LENGTH = 8
#: How a request names whom its sender wants to act as: the column, the header, and the parameter
#: of addresses that no header can be sent with, of images and sockets. The first one counts.
IMPERSONATION = (
    ("uid", "x-appwrite-impersonate-user-id", "impersonateuserid"),
    ("email", "x-appwrite-impersonate-user-email", "impersonateemail"),
    ("phone", "x-appwrite-impersonate-user-phone", "impersonatephone"),
)
_SAFE_METHODS = frozenset({"GET", "HEAD"})


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
        target=_target(request) if _may_name_target(meta) else None,
    )


def read_target(headers: Mapping[str, str], query: Mapping[str, str]) -> ImpersonationTarget | None:
    """Return whom a sender wants to act as, from headers in small letters and parameters."""
    for column, header_name, parameter in IMPERSONATION:
        if value := headers.get(header_name, "") or query.get(parameter, ""):
            return ImpersonationTarget(column, value)
    return None


def read_locale(request: HttpRequest) -> str:
    """Return the language a request asks for; what can be none counts as not sent."""
    sent = header(request.META, "X-Appwrite-Locale")
    if not sent:
        return ""
    is_code = len(sent) <= MAX_LOCALE_LENGTH and sent.isascii() and sent.replace("-", "").isalpha()
    return sent.lower() if is_code else ""


def _may_name_target(meta: Mapping[str, Any]) -> bool:
    """Spare almost all requests the reading of what they do not send."""
    return (
        "HTTP_X_APPWRITE_IMPERSONATE_USER_ID" in meta
        or "HTTP_X_APPWRITE_IMPERSONATE_USER_EMAIL" in meta
        or "HTTP_X_APPWRITE_IMPERSONATE_USER_PHONE" in meta
        or "impersonate" in meta.get("QUERY_STRING", "")
    )


def _target(request: HttpRequest) -> ImpersonationTarget | None:
    query = request.GET if request.method in _SAFE_METHODS else {}
    return read_target(request.headers, query)


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
