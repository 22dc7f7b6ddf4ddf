"""What the console's pages need beyond Django's own middleware."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from projects.middleware import HSTS_SECONDS

SCRIPT_FOLDERS = ("/static/", "/console/jsi18n/")
CONTENT_POLICY = (
    "default-src 'none'; script-src {scripts} 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


class HeadersMiddleware:
    """Headers that Django's own middleware does not know: content policy, HSTS, isolation.

    A request by a strange name ends here.
    """

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
