"""An identity provider that the project `blog` has, and a browser in that project."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.oauth import discovery, idtokens
from kernel.caller import ProjectContext
from tests.accounts.identity_provider import IdentityProvider, identity_provider
from tests.accounts.oauth import Browser, configure_oidc, register_app


@pytest.fixture
def idp(project: ProjectContext, settings: Any) -> Iterator[IdentityProvider]:
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    discovery.forget_configurations()
    idtokens.forget_keys()
    with identity_provider() as provider:
        configure_oidc(project, provider)
        register_app(project)
        yield provider


@pytest.fixture
def browser(project: ProjectContext, idp: IdentityProvider) -> Browser:
    return Browser(project)
