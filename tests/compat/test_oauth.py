"""Sign-in with an OpenID Connect provider, with the newest official SDKs."""

from collections.abc import Callable, Iterator

import pytest
import requests
from appwrite.client import Client
from appwrite.enums.o_auth_provider import OAuthProvider
from appwrite.query import Query
from appwrite.services.account import Account
from appwrite.services.project import Project
from appwrite.services.users import Users

from tests.accounts.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    Person,
    identity_provider,
    query_of,
)
from tests.compat import sdk
from tests.compat.browser import App
from tests.compat.live import REQUEST_SECONDS

URL = "http://localhost/in"


@pytest.fixture
def idp(key: Client) -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        provider.person = Person(sub=sdk.new_email(), email=sdk.new_email())
        Project(key).update_o_auth2_oidc(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            well_known_url=provider.base,
            enabled=True,
        )
        yield provider


def test_provider_is_set_up_and_listed(key: Client, idp: IdentityProvider):
    shown = Project(key).get_o_auth2_provider("oidc")
    assert (shown.enabled, shown.clientid, shown.clientsecret) == (True, CLIENT_ID, "")
    listed = Project(key).list_o_auth2_providers([Query.limit(100)])
    assert listed.total == len(listed.providers) > 5


def test_server_signs_its_visitor_in(key: Client, idp: IdentityProvider):
    url = Account(key).create_o_auth2_token(OAuthProvider.OIDC, URL, URL, state="mine")
    visitor = requests.Session()
    home = visitor.get(str(url), timeout=REQUEST_SECONDS, allow_redirects=False)
    while not home.headers["Location"].startswith(URL):
        place = home.headers["Location"]
        home = visitor.get(place, timeout=REQUEST_SECONDS, allow_redirects=False)
    told = query_of(home.headers["Location"])
    assert told["state"] == "mine"

    session = Account(key).create_session(told["userId"], told["secret"])

    assert (session.provider, session.provideruid) == ("oidc", idp.person.sub)
    assert session.provideraccesstoken in idp.people
    mine = Account(sdk.acting_as(key, session.secret))
    assert mine.get().email == idp.person.email
    identity = mine.list_identities().identities[0]
    assert identity.provideremail == idp.person.email
    assert mine.update_session("current").provideraccesstoken in idp.people
    assert Users(key).list_identities(search=idp.person.sub).total == 1
    Users(key).delete_identity(identity.id)
    assert mine.list_identities().total == 0


def test_page_signs_its_user_in(open_app: Callable[..., App], idp: IdentityProvider):
    app = open_app(page="127.0.0.1", api="127.0.0.1")
    app.sign_in_with("oidc")
    assert app.call("me")["email"] == idp.person.email
