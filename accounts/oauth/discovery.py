"""What an OpenID Connect provider publishes of itself (OpenID Connect Discovery 1.0)."""

from datetime import datetime, timedelta
from typing import Any

import orjson

from accounts.oauth.calls import call
from accounts.oauth.errors import ProviderError
from kernel import clock

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_SECONDS = 600
MAX_KEPT = 1000
_NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")

_kept: dict[str, tuple[datetime, dict[str, Any]]] = {}


def configuration(address: str) -> dict[str, Any]:
    """Return the configuration that is published at an address, ten minutes old at most.

    Raises:
        ProviderError: There is none, or it is another issuer's.
    """
    url = address if "/.well-known/" in address else address.rstrip("/") + WELL_KNOWN
    kept = _kept.get(url)
    now = clock.now()
    if kept is not None and now - kept[0] < timedelta(seconds=KEPT_SECONDS):
        return kept[1]
    found = _fetched(url)
    if len(_kept) >= MAX_KEPT:
        _kept.clear()
    _kept[url] = (now, found)
    return found


def forget_configurations() -> None:
    """Drop this process's copies."""
    _kept.clear()


def _fetched(url: str) -> dict[str, Any]:
    try:
        reply = call("GET", url)
        found = orjson.loads(reply.body) if reply.is_success else None
    except (OSError, ValueError) as error:
        raise ProviderError("the provider's configuration cannot be read") from error
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in _NEEDED):
        raise ProviderError("the provider's configuration is not whole")
    # Section 4.3: else one issuer could speak for another.
    if found["issuer"].rstrip("/") != url.removesuffix(WELL_KNOWN):
        raise ProviderError("the provider's configuration is another issuer's")
    return found
