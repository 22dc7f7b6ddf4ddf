"""Shapes of requests about providers of OAuth."""

from dataclasses import dataclass, make_dataclass
from typing import Any

from kernel.fields import ABSENT, boolean, one_of, optional, required
from projects.oauth import KNOWN_IDS, PROVIDERS, Provider


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthProviderPathInput:
    provider_id: str = required(one_of(KNOWN_IDS))


def _provider_input(provider: Provider) -> type:
    """Return the shape of a change of one provider's settings, under their public names."""
    settings = [
        (
            each.name,
            Any,
            optional(each.check, default=ABSENT, name=each.name, nullable=each.is_nullable),
        )
        for each in provider.settings
    ]
    enabled = ("enabled", Any, optional(boolean, default=ABSENT, name="enabled"))
    return make_dataclass(
        f"{provider.operation}Input", [*settings, enabled], frozen=True, kw_only=True
    )


OAUTH_PROVIDER_INPUTS = {name: _provider_input(each) for name, each in PROVIDERS.items()}
