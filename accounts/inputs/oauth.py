"""Shapes of requests about sign-in by OAuth2 providers."""

import re
from dataclasses import dataclass

from kernel import addresses
from kernel.fields import boolean, integer, list_of, one_of, optional, queries, required, text, uid
from kernel.limits import (
    MAX_CLIENT_STATE_LENGTH,
    MAX_ID_TOKEN_LENGTH,
    MAX_NAME_LENGTH,
    MAX_OAUTH_PARAMETER_LENGTH,
    MAX_OAUTH_SCOPE_LENGTH,
    MAX_OAUTH_SCOPES,
    MAX_URL_LENGTH,
)
from projects.oauth import KNOWN_IDS

ID_TOKEN_PROVIDERS = ("apple", "google")
MAX_SECONDS = 253_402_300_799  # the last of the year 9999

#: An app's own scheme need not name a host.
_APP_URL = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://[\x21-\x7e]*\Z", re.IGNORECASE | re.ASCII)
_parameter = text(MAX_OAUTH_PARAMETER_LENGTH)
_scopes = list_of(text(MAX_OAUTH_SCOPE_LENGTH), maximum=MAX_OAUTH_SCOPES)


def return_url(value: object) -> str:
    """A URL to come back to; whether it is one of the project's is known to the services."""
    if value == "":
        return ""
    if isinstance(value, str) and len(value) <= MAX_URL_LENGTH:
        return value if _APP_URL.match(value) else addresses.url(value)
    raise ValueError("Value must be a valid URL")


@dataclass(frozen=True, kw_only=True)
class OAuth2SessionInput:
    provider: str = required(one_of(KNOWN_IDS))
    success: str = optional(return_url, default="")
    failure: str = optional(return_url, default="")
    scopes: list[str] = optional(_scopes, default=[])


@dataclass(frozen=True, kw_only=True)
class OAuth2TokenInput(OAuth2SessionInput):
    state: str = optional(text(MAX_CLIENT_STATE_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class OAuth2CallbackInput:
    """What a provider sends along; `user` is a name that Apple gives to the browser alone."""

    provider: str = required(one_of(KNOWN_IDS))
    code: str = optional(_parameter, default="")
    state: str = optional(_parameter, default="")
    error: str = optional(_parameter, default="")
    error_description: str = optional(_parameter, default="", name="error_description")
    user: str = optional(_parameter, default="")


@dataclass(frozen=True, kw_only=True)
class OAuth2ForwardInput(OAuth2CallbackInput):
    project_id: str = required(uid)


@dataclass(frozen=True, kw_only=True)
class IdTokenSessionInput:
    provider: str = required(one_of(ID_TOKEN_PROVIDERS))
    id_token: str = required(text(MAX_ID_TOKEN_LENGTH, minimum=1))
    nonce: str = optional(_parameter, default="")
    access_token: str = optional(text(MAX_ID_TOKEN_LENGTH), default="")
    access_token_expiry: int | None = optional(integer(0, MAX_SECONDS))
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class OwnIdentitiesInput:
    queries: list[str] = optional(queries, default=[])
    total: bool = optional(boolean, default=True)


@dataclass(frozen=True, kw_only=True)
class IdentityInput:
    identity_id: str = required(uid)
