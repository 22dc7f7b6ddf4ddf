"""The cookies that keep browsers signed in, and the header that stands in for blocked ones."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.http import HttpRequest

from accounts.authentication import session_cookie_names
from gateway.parsing import header
from gateway.views import Call
from kernel.limits import OAUTH_FLOW_SECONDS

FALLBACK_HEADER = "X-Fallback-Cookies"
LONG_AGO = 0
FLOW_COOKIE = "a_oauth2_"
FLOW_PATH = "/v1/account/sessions/oauth2"


def sign_in(call: Call, packed_secret: str, lifetime: timedelta) -> None:
    """Have the answer keep its receiver signed in."""
    max_age = int(lifetime.total_seconds())
    call.cookies.extend(_cookies(call, packed_secret, max_age))
    if _is_cross_site(call.request):
        name, _ = session_cookie_names(call.caller.project.uid)
        call.headers[FALLBACK_HEADER] = orjson.dumps({name: packed_secret}).decode()


def sign_out(call: Call) -> None:
    """Have the answer take its receiver's cookies away."""
    call.cookies.extend(_cookies(call, "", LONG_AGO))
    if _is_cross_site(call.request):
        call.headers[FALLBACK_HEADER] = "[]"


def remember_flow(call: Call, flow_uid: str, secret: str) -> None:
    """Have a browser that sets out to a provider bring this back; other sites cannot send it."""
    call.cookies.append(_flow_cookie(call, flow_uid, secret, OAUTH_FLOW_SECONDS))


def forget_flow(call: Call, flow_uid: str) -> None:
    """Take the cookie of a way to a provider away."""
    call.cookies.append(_flow_cookie(call, flow_uid, "", LONG_AGO))


def flow_cookies(request: HttpRequest) -> dict[str, str]:
    """Return the cookies of ways to providers, by the ids of those."""
    return {
        name.removeprefix(FLOW_COOKIE): value
        for name, value in request.COOKIES.items()
        if name.startswith(FLOW_COOKIE)
    }


def _flow_cookie(call: Call, flow_uid: str, value: str, max_age: int) -> dict[str, Any]:
    return {
        "key": f"{FLOW_COOKIE}{flow_uid}",
        "value": value,
        "max_age": max_age,
        "path": FLOW_PATH,
        "secure": _is_secure(call.request),
        "httponly": True,
        "samesite": "Lax",
    }


def _cookies(call: Call, value: str, max_age: int) -> Iterator[dict[str, Any]]:
    """Yield the cookie for cross-site use and its twin for browsers that refuse such over HTTP."""
    name, legacy_name = session_cookie_names(call.caller.project.uid)
    common = {
        "value": value,
        "max_age": max_age,
        "path": "/",
        "domain": _cookie_domain(call.request),
        "secure": _is_secure(call.request),
        "httponly": True,
    }
    yield {"key": name, "samesite": "None", **common}
    yield {"key": legacy_name, **common}


def _is_secure(request: HttpRequest) -> bool:
    return request.is_secure() or settings.PUBLIC_URL.startswith("https://")


def _cookie_domain(request: HttpRequest) -> str | None:
    host = _host(f"//{request.get_host()}")
    return None if host == "localhost" or "." not in host or _is_address(host) else f".{host}"


def _is_cross_site(request: HttpRequest) -> bool:
    """Tell whether a page of another site calls; without an Origin no browser does."""
    origin = header(request.META, "Origin")
    if not origin:
        return False
    own, page = _host(f"//{request.get_host()}"), _host(origin)
    return own != page and (_is_address(own) or _is_address(page) or _site(own) != _site(page))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _site(host: str) -> str:
    """Return the part of a host name somebody can register.

    Without the public suffix list: two labels, or three below a country's short second level such
    as `co.uk`.
    """
    labels = host.split(".")
    is_below_country = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if is_below_country else labels[-2:])
