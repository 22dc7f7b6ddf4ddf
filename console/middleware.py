"""Django's own middleware, for every path but the API's, which needs none of it."""

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import clickjacking, csrf, security
from whitenoise import middleware as whitenoise

API_PREFIX = "/v1/"


class OutsideApi:
    """Passes API requests by; mixed in before one of Django's middleware classes."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)  # type: ignore[attr-defined, no-any-return]
        return super().__call__(request)  # type: ignore[misc, no-any-return]


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
