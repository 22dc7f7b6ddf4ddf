"""Sending users to a provider, and asking it who came back.

allauth's classes are handed a request made for them, which holds all that is one project's own:
two sign-ins at the same time share nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from allauth.core.context import request_context
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.apple.client import AppleOAuth2Client
from allauth.socialaccount.providers.base.provider import ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest

from accounts.oauth.errors import ProviderError
from accounts.oauth.providers import CLASSES, app_values
from accounts.oauth.sessions import guarded_session
from accounts.oauth.simple_providers import SIMPLE_CLASSES
from kernel import addresses, fields
from kernel.limits import MAX_NAME_LENGTH
from projects.oauth import Client

_CLASSES = CLASSES | SIMPLE_CLASSES
MAX_UID_LENGTH = 191
MAX_TOKEN_LENGTH = 16_384
#: Whatever a provider may make allauth's classes raise by what it answers.
_FAILURES = (
    OAuth2Error,
    ProviderException,
    ImproperlyConfigured,
    PermissionDenied,
    requests.RequestException,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
)
_ERROR_CODE = re.compile(r'"error" ?: ?"([a-z_]{1,40})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One way to a provider and back; `name` is what the user's browser brings of their name."""

    callback_url: str
    state: str = ""
    verifier: str = ""
    challenge: str = ""
    nonce: str = ""
    name: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a provider says came back. The id never changes, all else may."""

    uid: str
    email: str
    is_email_verified: bool
    name: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What lets us ask the provider in its user's name."""

    access: str = ""
    refresh: str = ""
    id_token: str = ""
    expires_at: datetime | None = None


class Adapter(DefaultSocialAccountAdapter):
    """What allauth asks of the site around it (`settings.SOCIALACCOUNT_ADAPTER`)."""

    def get_app(self, request: Any, *_args: Any, **_options: Any) -> SocialApp:
        return request.provider.app

    def get_provider(self, request: Any, *_args: Any, **_options: Any) -> Any:
        return request.provider

    def get_requests_session(self) -> requests.Session:
        return guarded_session()

    def populate_user(self, _request: Any, sociallogin: Any, data: Mapping[str, Any]) -> Any:
        sociallogin.state["name"] = _name(data)
        return sociallogin.user


class _Request(HttpRequest):
    """What allauth's classes take for the request."""

    def __init__(self, client: Client, sign_in: SignIn, code: str = "") -> None:
        super().__init__()
        provider_id = client.provider.id
        values = app_values(client.provider, client.settings)
        app = SocialApp(provider=provider_id, name=provider_id, **values)
        self.provider = _CLASSES[provider_id](self, app=app)
        self.callback_url = sign_in.callback_url
        self.nonce = sign_in.nonce
        self.told_name = sign_in.name or {}
        self.GET = {"code": code}  # type: ignore[assignment]  # read with `get` alone


def authorize_url(client: Client, sign_in: SignIn, scopes: Sequence[str] = ()) -> str:
    """Return where to send a user's browser.

    Raises: ProviderError
    """
    request = _Request(client, sign_in)
    provider = request.provider
    with _asking(request):
        adapter = provider.get_oauth2_adapter(request)
        way = adapter.get_client(request, provider.app)
        way.state = sign_in.state
        wanted = dict.fromkeys([*provider.get_default_scope(), *scopes])
        parameters = _parameters(client, request, sign_in)
        # Where the provider says it is: to be believed no more than its other answers.
        url = addresses.url(way.get_redirect_url(adapter.authorize_url, wanted, parameters))
    if not url.startswith(("https://", "http://")):
        raise ProviderError("the provider is at no address of the web")
    return url


def exchange(client: Client, sign_in: SignIn, code: str) -> tuple[Profile, Tokens]:
    """Return who came back with a code, which works once.

    Raises: ProviderError
    """
    request = _Request(client, sign_in, code)
    app = request.provider.app
    with _asking(request):
        adapter = request.provider.get_oauth2_adapter(request)
        way = adapter.get_client(request, app)
        answer = adapter.get_access_token_data(
            request, app, way, pkce_code_verifier=sign_in.verifier
        )
        token = adapter.parse_token(answer)
        login = adapter.complete_login(request, app, token, response=answer)
        return _profile(login), _tokens(token, answer)


def refresh(client: Client, refresh_token: str) -> Tokens:
    """Return new tokens for an old refresh token.

    Raises: ProviderError
    """
    request = _Request(client, SignIn(callback_url=""))
    with _asking(request):
        adapter = request.provider.get_oauth2_adapter(request)
        way = adapter.get_client(request, request.provider.app)
        if isinstance(way, AppleOAuth2Client):
            way.consumer_secret = way.generate_client_secret()
        wanted = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = OAuth2Client.get_access_token(way, "", extra_data=wanted)
        renewed = {"refresh_token": refresh_token, **answer}
        return _tokens(adapter.parse_token(renewed), renewed)


def profile_of_claims(client: Client, claims: Mapping[str, Any], *, name: str = "") -> Profile:
    """Return who a verified ID token is about.

    Raises: ProviderError
    """
    request = _Request(client, SignIn(callback_url=""))
    with _asking(request):
        login = request.provider.sociallogin_from_response(request, dict(claims))
        profile = _profile(login)
    return Profile(profile.uid, profile.email, profile.is_email_verified, profile.name or name)


@contextmanager
def _asking(request: _Request) -> Iterator[None]:
    """Tell of whatever goes wrong with a provider in one way, and of no content it sent."""
    try:
        with request_context(request):
            yield
    except ProviderError:
        raise
    except _FAILURES as error:
        code = _ERROR_CODE.search(str(error))
        raise ProviderError(code.group(1) if code else type(error).__name__) from error


def _parameters(client: Client, request: _Request, sign_in: SignIn) -> dict[str, Any]:
    settings = client.settings
    parameters = {
        **request.provider.get_auth_params(),
        "code_challenge": sign_in.challenge,
        "code_challenge_method": "S256",
        "nonce": sign_in.nonce,
    }
    if settings.get("prompt"):
        parameters["prompt"] = " ".join(settings["prompt"])
    if settings.get("maxAge") is not None:
        parameters["max_age"] = settings["maxAge"]
    return parameters


def _profile(login: Any) -> Profile:
    uid = str(login.account.uid)
    if not uid or uid == str(None) or len(uid) > MAX_UID_LENGTH or "\x00" in uid:
        raise ProviderError("the provider names nobody")
    address, is_verified = _email(login.email_addresses)
    return Profile(uid, address, is_verified, login.state["name"])


def _email(addresses: Sequence[Any]) -> tuple[str, bool]:
    """Return the address to know a user by: a verified one before all others."""
    for is_verified in (True, False):
        for each in addresses:
            if (each.verified is True) == is_verified:
                try:
                    return fields.email(each.email), is_verified
                except ValueError:
                    continue
    return "", False


def _tokens(token: Any, answer: Mapping[str, Any]) -> Tokens:
    texts = token.token, token.token_secret, answer.get("id_token", "")
    if not all(isinstance(each, str) and len(each) <= MAX_TOKEN_LENGTH for each in texts):
        raise ProviderError("the provider's tokens are no texts of a usual length")
    return Tokens(*texts, expires_at=token.expires_at)


def _name(data: Mapping[str, Any]) -> str:
    """Return a user's name from what allauth's classes call its parts."""
    parts = data.get("first_name"), data.get("last_name")
    whole = " ".join(str(part) for part in parts if part)
    name = str(data.get("name") or whole or data.get("username") or "")
    return " ".join(name.replace("\x00", "").split())[:MAX_NAME_LENGTH]
