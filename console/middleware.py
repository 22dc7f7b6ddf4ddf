"""Django's own middleware, for every path but the API's, which needs none of it."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import clickjacking, csrf, security
from whitenoise import middleware as whitenoise

from projects.middleware import API_PREFIX, HSTS_SECONDS

SCRIPT_FOLDERS = ("/static/", "/console/jsi18n/")
CONTENT_POLICY = (
    "default-src 'none'; script-src {scripts} 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


class OutsideApi:
    """Passes API requests by; mixed in before one of Django's middleware classes."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)  # type: ignore[attr-defined, no-any-return]
        return super().__call__(request)  # type: ignore[misc, no-any-return]


class PageHeaders:
    """Headers that Django's own middleware does not know: content policy, HSTS, isolation."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        policy = content_policy(request.get_host())
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = policy
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if settings.PUBLIC_URL.startswith("https://"):
            response.headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
        return response


def content_policy(host: str) -> str:
    """Return what a console page seen under `host` may load: scripts from our own folders only.

    No nonces: every script is a file, and its tag comes from templates that write none. What
    the theme needs on top is `eval` (Alpine reads its attributes that way) and inline styles.
    """
    hosts = dict.fromkeys((host, urlsplit(settings.PUBLIC_URL).netloc))  # a proxy may rename us
    scripts = " ".join(f"{each}{folder}" for each in hosts for folder in SCRIPT_FOLDERS)
    return CONTENT_POLICY.format(scripts=scripts)


class HeadersMiddleware(OutsideApi, PageHeaders):
    """Headers of pages and static files; a request by a strange name ends here."""


class WhiteNoiseMiddleware(OutsideApi, whitenoise.WhiteNoiseMiddleware):  # type: ignore[misc]
    """Static files."""


class SecurityMiddleware(OutsideApi, security.SecurityMiddleware):
    """Security headers."""


class SessionMiddleware(OutsideApi, sessions.SessionMiddleware):
    """The console's own cookie sessions."""


class CsrfViewMiddleware(OutsideApi, csrf.CsrfViewMiddleware):
    """CSRF tokens of the console's forms."""


class AuthenticationMiddleware(OutsideApi, auth.AuthenticationMiddleware):
    """`request.user` in the console."""


class MessageMiddleware(OutsideApi, messages.MessageMiddleware):
    """One-time messages in the console."""


class XFrameOptionsMiddleware(OutsideApi, clickjacking.XFrameOptionsMiddleware):
    """No framing of the console."""
