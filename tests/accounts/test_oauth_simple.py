"""The providers that are a row of a table, each tried once against a server that plays it."""

from typing import Any

import pytest
from allauth.socialaccount.providers.facebook import flows

from accounts.models import Identity, User
from accounts.oauth import engine, simple_providers
from projects.oauth import KNOWN_IDS, PROVIDERS
from tests.accounts.identity_provider import CLIENT_ID, CLIENT_SECRET, Person, query_of
from tests.accounts.oauth import SUCCESS, Browser, configure, error_of

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ADDRESS = "ada@example.com"
ADDRESSES = {
    "authorize_url": "authorize",
    "access_token_url": "token",
    "profile_url": "userinfo",
    "userinfo_url": "userinfo",
    "identity_url": "userinfo",
    "emails_url": "emails",
}
NAMED = {"email": ADDRESS, "name": "Ada"}
#: What each one's own profile says of Ada, whose number is 77.
TOLD: dict[str, dict[str, Any]] = {
    "amazon": {"user_id": "77"},
    "bitbucket": {"account_id": "77", "display_name": "Ada"},
    "box": {"id": "77", "display_name": "Ada"},
    "disqus": {"response": {"id": "77", **NAMED}},
    "dropbox": {"account_id": "77", "name": {"display_name": "Ada"}},
    "facebook": {"id": "77"},
    "figma": {"id": "77", "handle": "Ada"},
    "kakao": {
        "id": 77,
        "kakao_account": {"email": ADDRESS, "is_email_valid": True, "is_email_verified": True},
    },
    "slack": {"ok": True, "https://slack.com/team_id": "T", "https://slack.com/user_id": "77"},
    "spotify": {"id": "77", "display_name": "Ada"},
    "twitch": {"data": [{"id": "77", "email": ADDRESS, "display_name": "Ada"}]},
    "x": {"data": {"id": "77", "name": "Ada", "username": "ada"}},
    "yahoo": {"sub": "77", "given_name": "Ada", "family_name": "Lovelace"},
    "yandex": {"id": "77", "default_email": ADDRESS, "first_name": "Ada"},
    "zoho": {
        "ZUID": 77, "Email": ADDRESS, "Display_Name": "ada",
        "First_Name": "Ada", "Last_Name": "Lovelace",
    },
    "zoom": {"id": "77", "first_name": "Ada", "last_name": "Lovelace", "verified": 1},
}  # fmt: skip
UIDS = dict.fromkeys(TOLD, "77") | {"slack": "T_77"}
SAYS_VERIFIED = {"dropbox", "kakao", "slack", "yahoo"}
WITHOUT_ADDRESS = {"x"}
#: Where each server's issuer is, below the address a project gives.
ISSUERS = {
    "auth0": "",
    "authentik": "",
    "fusionauth": "",
    "keycloak": "/realms/blog",
    "okta": "/oauth2/default",
}
SERVERS = {
    "auth0": ("endpoint", {}),
    "authentik": ("endpoint", {}),
    "fusionauth": ("endpoint", {}),
    "keycloak": ("endpoint", {"realmName": "blog"}),
    "okta": ("domain", {}),
}


@pytest.fixture
def played(idp, monkeypatch):
    """Lead every provider's addresses to the local one."""
    for made in simple_providers.SIMPLE_CLASSES.values():
        adapter = made.oauth2_adapter_class
        for name, path in ADDRESSES.items():
            if hasattr(adapter, name):
                monkeypatch.setattr(adapter, name, f"{idp.base}/{path}")
    monkeypatch.setattr(flows, "GRAPH_API_URL", idp.base)
    idp.answers["/emails"] = (
        200,
        b'{"values": [{"email": "ada@example.com", "is_primary": true}]}',
    )
    return idp


def set_up(project, name, **more):
    """Configure a client by the words its provider calls it."""
    words = [each.name for each in PROVIDERS[name].settings if each.is_needed][:2]
    configure(project, name, **dict(zip(words, (CLIENT_ID, CLIENT_SECRET), strict=True)), **more)


def test_every_provider_is_tried_here_or_in_its_own_words():
    own = {"apple", "discord", "github", "gitlab", "google", "microsoft", "oidc"}
    assert set(PROVIDERS) == set(engine._CLASSES) == own | set(TOLD) | set(SERVERS)
    assert set(PROVIDERS) <= set(KNOWN_IDS)


@pytest.mark.parametrize("name", sorted(TOLD))
def test_a_user_signs_in_by_a_provider_of_the_table(project, played, browser, alice, name):
    set_up(project, name)
    departure = browser.depart(name)
    asked = query_of(departure.headers["Location"])
    assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT_ID, "S256")
    scopes = set(asked.get("scope", "").replace(",", " ").split())
    assert scopes == set(simple_providers.ROWS[name].scopes)
    person = Person(told=TOLD[name])
    back = browser.come_back(name, played.approve(departure.headers["Location"], person))
    assert back.headers["Location"] == SUCCESS
    identity = Identity.objects.get()
    assert (identity.provider, identity.provider_uid) == (name, UIDS[name])
    account = browser.account().json
    assert account["email"] == ("" if name in WITHOUT_ADDRESS else ADDRESS)
    assert account["emailVerification"] is (name in SAYS_VERIFIED)

    Identity.objects.all().delete()
    User.objects.filter(uid="alice").update(email=f"other-{ADDRESS}")
    other = Browser(project)
    other.sign_in(played, person, provider=name)
    is_linked = Identity.objects.filter(user__uid=account["$id"]).exists()
    assert is_linked is (name in SAYS_VERIFIED)

    nobody = Person(sub="", told={"id": None, "data": None, "response": None})
    assert error_of(Browser(project).sign_in(played, nobody, provider=name)) == (
        "user_oauth2_provider_error"
    )


@pytest.mark.parametrize("lost", ["is_email_valid", "is_email_verified"])
def test_an_address_that_went_to_another_account_is_not_verified(project, played, browser, lost):
    """Kakao goes on telling it of the account that proved it first, as no longer valid."""
    set_up(project, "kakao")
    told = TOLD["kakao"] | {"kakao_account": TOLD["kakao"]["kakao_account"] | {lost: False}}
    assert browser.sign_in(played, Person(told=told), provider="kakao").headers["Location"] == (
        SUCCESS
    )
    assert browser.account().json["emailVerification"] is False


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_a_user_signs_in_by_a_server_of_their_own(project, idp, browser, name):
    address, more = SERVERS[name]
    idp.issuer = idp.base + ISSUERS[name]
    set_up(project, name, **{address: f"{idp.base}/"}, **more)
    assert browser.sign_in(idp, provider=name).headers["Location"] == SUCCESS
    identity = Identity.objects.get()
    assert (identity.provider, identity.provider_uid) == (name, "1001")
    assert browser.account().json["emailVerification"] is True
    if name != "authentik":  # which is asked for the profile alone
        evil = Person(sub="2", claims={"iss": "https://evil.example"})
        assert error_of(Browser(project).sign_in(idp, evil, provider=name)) == (
            "user_oauth2_provider_error"
        )
