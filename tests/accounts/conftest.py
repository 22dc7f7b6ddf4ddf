"""Callers of the project `blog`, an identity provider that it has, and a browser in it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from accounts.oauth import discovery, idtokens
from kernel.caller import ProjectContext
from tests.accounts.identity_provider import IdentityProvider, identity_provider
from tests.accounts.oauth import Browser, configure_oidc, register_app
from tests.client import ApiClient
from tests.conftest import PASSWORD, ClientFor, Person

MakeKey = Callable[[ProjectContext, Sequence[str]], str]


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


@pytest.fixture
def guest(project: ProjectContext, client_for: ClientFor) -> ApiClient:
    return client_for(project)


@pytest.fixture
def own(project: ProjectContext, client_for: ClientFor, alice: Person) -> ApiClient:
    """Return alice's client."""
    return client_for(project, session=alice.session)


@pytest.fixture
def server(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    """Return a client with a key that may do everything with users."""
    return client_for(project, key=make_key(project, ["users.read", "users.write"]))


@pytest.fixture
def sign_in(
    project: ProjectContext, client_for: ClientFor, alice: Person
) -> Callable[[], ApiClient]:
    """Sign alice in by her password; returns a client of the new session."""

    def enter() -> ApiClient:
        body = {"email": alice.email, "password": PASSWORD}
        reply = client_for(project).post("/account/sessions/email", body)
        assert reply.status == 201, reply.json
        return client_for(project, session=reply.cookies["a_session_blog"].value)

    return enter
