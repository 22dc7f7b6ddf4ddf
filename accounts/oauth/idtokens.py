"""ID tokens of OpenID Connect: believed only when signed by the issuer a project configured.

Nothing in a token chooses how it is checked: issuer, keys and audience are known beforehand, and
the algorithm has to be one of the signature algorithms that fit the key (RFC 8725).
"""

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
import orjson

from accounts.oauth.calls import call
from accounts.oauth.errors import ProviderError
from kernel import clock

ALGORITHMS = frozenset(
    "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split()  # noqa: SIM905  # words
)
MAX_TOKEN_LENGTH = 16_384
LEEWAY_SECONDS = 60
KEYS_SECONDS = 3600
#: Unknown key ids are invented as easily as they are announced: how often they are looked up.
RELOAD_SECONDS = 60
MAX_KEY_SETS = 1000
_REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs, and for whom: any one of the names, and of the audiences, will do."""

    names: tuple[str, ...]
    keys_url: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _KeySet:
    """The public keys of an issuer by their ids."""

    keys: dict[str, Any]
    loaded_at: datetime

    def is_younger_than(self, seconds: int) -> bool:
        return clock.now() - self.loaded_at < timedelta(seconds=seconds)


_key_sets: dict[str, _KeySet] = {}


def verify(token: str, issuer: Issuer, *, nonces: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the claims of an ID token that was made for us, now.

    Of `nonces` the token has to hold one; without any, none is asked for.

    Raises:
        ProviderError: It was not.
    """
    key_id, algorithm = _headers(token)
    key = _key(issuer.keys_url, key_id, algorithm)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=issuer.audiences,
            issuer=issuer.names,
            leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED_CLAIMS},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise ProviderError(f"the ID token is not valid: {type(error).__name__}") from None
    _check_party(claims, issuer)
    if nonces is not None:
        _check_nonce(claims, nonces)
    return claims


def forget_keys() -> None:
    """Drop this process's copies of public keys."""
    _key_sets.clear()


def nonces_of(nonce: str) -> tuple[str, str]:
    """Return the forms in which apps hand a nonce to their provider: itself, or its SHA-256."""
    return nonce, sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()


def _headers(token: str) -> tuple[str, str]:
    if len(token) > MAX_TOKEN_LENGTH:
        raise ProviderError("the ID token is too long")
    try:
        headers = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise ProviderError("the ID token cannot be read") from None
    algorithm, key_id = headers.get("alg"), headers.get("kid", "")
    if algorithm not in ALGORITHMS or "crit" in headers or not isinstance(key_id, str):
        raise ProviderError("the ID token is signed in a way that is not accepted")
    return key_id, algorithm


def _key(url: str, key_id: str, algorithm: str) -> Any:
    known = _key_sets.get(url)
    if known is None or not known.is_younger_than(KEYS_SECONDS):
        known = _load(url)
    key = _find(known, key_id)
    if key is None and not known.is_younger_than(RELOAD_SECONDS):
        # Marked first: of many who ask at the same moment one goes.
        _key_sets[url] = replace(known, loaded_at=clock.now())
        key = _find(_load(url), key_id)
    if key is None:
        raise ProviderError("the ID token is signed with an unknown key")
    try:
        return jwt.PyJWK(key, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise ProviderError("the ID token's key is of another kind") from None


def _find(key_set: _KeySet, key_id: str) -> Any:
    if not key_id and len(key_set.keys) == 1:  # an issuer with one key need not name it
        return next(iter(key_set.keys.values()))
    return key_set.keys.get(key_id)


def _load(url: str) -> _KeySet:
    loaded = _KeySet(_fetched(url), clock.now())
    if len(_key_sets) >= MAX_KEY_SETS:
        _key_sets.clear()
    _key_sets[url] = loaded
    return loaded


def _fetched(url: str) -> dict[str, Any]:
    try:
        reply = call("GET", url)
        keys = orjson.loads(reply.body)["keys"] if reply.is_success else None
        return {
            str(key.get("kid", "")): key
            for key in keys or ()
            if key.get("use", "sig") == "sig" and key.get("kty") != "oct"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _logger.warning("no keys at %s: %s", url, type(error).__name__)
        raise ProviderError("the provider's keys cannot be read") from error


def _check_party(claims: dict[str, Any], issuer: Issuer) -> None:
    """Check whom a token for several was issued to (OpenID Connect Core, 3.1.3.7)."""
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party not in issuer.audiences:
        raise ProviderError("the ID token was issued to somebody else")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise ProviderError("the ID token names nobody")


def _check_nonce(claims: dict[str, Any], nonces: Sequence[str]) -> None:
    held = str(claims.get("nonce", "")).encode("utf-8", "surrogatepass")
    wanted = [each.encode("utf-8", "surrogatepass") for each in nonces]
    if not any(hmac.compare_digest(held, each) for each in wanted):
        raise ProviderError("the ID token was made for another sign-in")
