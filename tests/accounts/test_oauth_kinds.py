"""The other providers, each in its own words, against a local server that plays all of them."""

from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from accounts.models import Identity
from accounts.oauth import providers
from tests.accounts.identity_provider import CLIENT_ID, CLIENT_SECRET, Person, query_of
from tests.accounts.oauth import SUCCESS, Browser, configure, error_of

pytestmark = [pytest.mark.db, pytest.mark.django_db]

APPLE_KEY = ec.generate_private_key(ec.SECP256R1())
P8 = APPLE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SETTINGS: dict[str, dict[str, Any]] = {
    "apple": {"serviceId": CLIENT_ID, "keyId": "key-1", "teamId": "team-1", "p8File": P8},
    "discord": {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "prompt": ["none"]},
    "github": {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET},
    "gitlab": {"applicationId": CLIENT_ID, "secret": CLIENT_SECRET},
    "google": {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET},
    "microsoft": {
        "applicationId": CLIENT_ID,
        "applicationSecret": CLIENT_SECRET,
        "tenant": "acme",
    },
}
#: What each one's own profile says of Ada beyond the common claims.
TOLD: dict[str, dict[str, Any]] = {
    "apple": {},
    "discord": {"id": "77", "username": "ada", "verified": True},
    "github": {"id": 77, "login": "ada"},
    "gitlab": {"id": 77, "username": "ada", "confirmed_at": "2020-01-01T00:00:00Z"},
    "google": {},
    "microsoft": {
        "id": "77",
        "mail": "ada@example.com",
        "givenName": "Ada",
        "surname": "Lovelace",
    },
}
UIDS = {name: "1001" if name in ("apple", "google") else "77" for name in TOLD}
NAMES = dict.fromkeys(TOLD, "Ada Lovelace") | {"apple": "", "discord": "ada"}
VERIFIED = {name: name != "microsoft" for name in TOLD}
SCOPES = {
    "apple": {"name", "email"},
    "discord": {"email", "identify"},
    "github": {"user:email"},
    "gitlab": {"read_user"},
    "google": {"openid", "email", "profile"},
    "microsoft": {"User.Read", "offline_access"},
}


@pytest.fixture
def played(idp, monkeypatch):
    """Lead every provider's addresses to the local one."""
    idp.clients |= {f"{CLIENT_ID}": "*"}
    addresses = {
        "authorize_url": f"{idp.base}/authorize",
        "access_token_url": f"{idp.base}/token",
        "keys_url": f"{idp.base}/keys",
        "profile_url": f"{idp.base}/userinfo",
        "emails_url": f"{idp.base}/user/emails",
    }
    for adapter in (
        providers.AppleAdapter,
        providers.DiscordAdapter,
        providers.GitHubAdapter,
        providers.GitLabAdapter,
        providers.GoogleAdapter,
        providers.MicrosoftAdapter,
    ):
        for name, url in addresses.items():
            if hasattr(adapter, name):
                monkeypatch.setattr(adapter, name, url)
    return idp


def person(provider: str, **changes: Any) -> Person:
    return Person(told={**TOLD[provider], **changes})


@pytest.fixture(params=sorted(SETTINGS))
def provider(request, project, played):
    name: str = request.param
    played.issuer = {"apple": providers.APPLE_NAMES, "google": providers.GOOGLE_NAMES}.get(
        name, ("",)
    )[0]
    configure(project, name, **SETTINGS[name])
    return name


def test_a_user_signs_in(provider, played, browser, client_for):
    departure = browser.depart(provider, scopes=["more"])
    asked = query_of(departure.headers["Location"])
    assert set(asked["scope"].split()) == {*SCOPES[provider], "more"}
    assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT_ID, "S256")
    sent = played.approve(departure.headers["Location"], person(provider))
    back = browser.come_back(provider, sent)
    assert back.headers["Location"] == SUCCESS
    identity = Identity.objects.get()
    assert (identity.provider, identity.provider_uid) == (provider, UIDS[provider])
    account = browser.account().json
    assert (account["email"], account["name"]) == ("ada@example.com", NAMES[provider])
    assert account["emailVerification"] is VERIFIED[provider]
    mine = client_for(browser.project, cookies=browser.cookies)
    session = mine.get("/account/sessions/current").json
    assert session["provider"] == provider
    assert session["providerAccessToken"] in played.people
    renewed = mine.patch("/account/sessions/current").json
    assert renewed["providerAccessToken"] != session["providerAccessToken"]


def test_somebody_elses_code_is_refused(provider, played, browser, project):
    departure = Browser(project).depart(provider)
    stolen = played.approve(departure.headers["Location"], person(provider))["code"]
    state = query_of(browser.depart(provider).headers["Location"])["state"]
    back = browser.come_back(provider, {"code": stolen, "state": state})
    assert error_of(back) == "user_oauth2_provider_error"
    assert not Identity.objects.exists()


@pytest.mark.parametrize("told", [{"id": None, "sub": None}, {"id": "", "sub": ""}])
def test_a_profile_of_nobody_is_refused(provider, played, browser, told):
    nobody = Person(told={**TOLD[provider], **told}, claims={"sub": told["sub"]})
    assert error_of(browser.sign_in(played, nobody, provider=provider)) == (
        "user_oauth2_provider_error"
    )
    assert not Identity.objects.exists()


@pytest.mark.parametrize("name", ["apple", "google"])
def test_class_04_an_id_token_for_another_client_is_refused(project, played, browser, name):
    configure(project, name, **SETTINGS[name])
    names = {"apple": providers.APPLE_NAMES, "google": providers.GOOGLE_NAMES}
    played.issuer = names[name][0]
    for claims in ({"aud": "client-of-shop"}, {"nonce": "other"}, {"iss": "https://evil.example"}):
        back = browser.sign_in(played, Person(claims=claims), provider=name)
        assert error_of(back) == "user_oauth2_provider_error"
    played.has_id_token = False
    assert error_of(browser.sign_in(played, provider=name)) == "user_oauth2_provider_error"
    assert not Identity.objects.exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("discord", {"verified": False}),
        ("gitlab", {"confirmed_at": None}),
        ("microsoft", {}),
        ("github", {"emails": [{"email": "ada@example.com", "primary": True, "verified": False}]}),
        ("github", {"emails": []}),
    ],
)
def test_class_01_an_unverified_address_never_links(
    project, played, browser, client_for, alice, name, told
):
    configure(project, name, **SETTINGS[name])
    claimed = person(name, **{"email": alice.email, "mail": alice.email, **told})
    claimed.email = alice.email
    if "emails" in told and told["emails"] and told["emails"][0]["email"] == "ada@example.com":
        told["emails"][0]["email"] = alice.email
    assert error_of(browser.sign_in(played, claimed, provider=name)) == "user_email_already_exists"
    assert not Identity.objects.exists()


def test_class_02_the_verified_address_counts_and_not_the_one_shown(
    project, played, browser, alice
):
    """GitHub shows any address on a profile; the verified ones are listed elsewhere."""
    configure(project, "github", **SETTINGS["github"])
    verified = {"email": "mallory@example.com", "primary": True, "verified": True}
    shown = person("github", email=alice.email, emails=[verified])
    browser.sign_in(played, shown, provider="github")
    account = browser.account().json
    assert (account["email"], account["emailVerification"]) == ("mallory@example.com", True)
    assert account["$id"] != "alice"


def test_apple_is_told_who_asks_by_a_signed_token(project, played, browser):
    configure(project, "apple", **SETTINGS["apple"])
    played.issuer = providers.APPLE_NAMES[0]
    browser.sign_in(played, provider="apple")
    form = next(form for path, form in played.seen if path == "/token")
    claims = jwt.decode(
        form["client_secret"],
        APPLE_KEY.public_key(),
        algorithms=["ES256"],
        audience="https://appleid.apple.com",
    )
    assert (claims["iss"], claims["sub"]) == ("team-1", CLIENT_ID)
    assert jwt.get_unverified_header(form["client_secret"])["kid"] == "key-1"


def test_apple_posts_the_answer_and_a_name_the_first_time(project, played, browser, client_for):
    configure(project, "apple", **SETTINGS["apple"])
    played.issuer = providers.APPLE_NAMES[0]
    sent = played.approve(browser.depart("apple").headers["Location"])
    name = '{"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "x@example.com"}'
    guest = client_for(project, headers={"Origin": "https://appleid.apple.com"})
    path = "/account/sessions/oauth2/callback/apple/blog"
    forwarded = guest.post(path, {**sent, "user": name})
    parts = urlsplit(forwarded.headers["Location"])
    back = browser.get(parts.path.removeprefix("/v1"), query_of(parts.geturl()))
    assert back.headers["Location"] == SUCCESS
    account = browser.account().json
    assert (account["name"], account["email"]) == ("Ada Lovelace", "ada@example.com")


@pytest.mark.parametrize("user", ["{", "[]", '{"name": 5}', '{"name": {"firstName": {}}}', "null"])
def test_apples_name_may_be_anything(project, played, browser, user):
    configure(project, "apple", **SETTINGS["apple"])
    played.issuer = providers.APPLE_NAMES[0]
    sent = played.approve(browser.depart("apple").headers["Location"])
    assert browser.come_back("apple", {**sent, "user": user}).headers["Location"] == SUCCESS


def test_a_key_that_is_none_is_an_error_of_the_provider(project, played, browser):
    configure(project, "apple", **{**SETTINGS["apple"], "p8File": "no key"})
    played.issuer = providers.APPLE_NAMES[0]
    assert error_of(browser.sign_in(played, provider="apple")) == "user_oauth2_provider_error"


def test_settings_of_a_provider_reach_it(project, browser, idp):
    configure(project, "google", **{**SETTINGS["google"], "prompt": ["consent", "select_account"]})
    asked = query_of(browser.depart("google").headers["Location"])
    assert (asked["prompt"], asked["access_type"]) == ("consent select_account", "offline")
    configure(project, "microsoft", **SETTINGS["microsoft"])
    url = browser.depart("microsoft").headers["Location"]
    assert url.startswith("https://login.microsoftonline.com/acme/oauth2/v2.0/authorize?")
    configure(project, "gitlab", **SETTINGS["gitlab"], endpoint="https://git.example.com/")
    url = browser.depart("gitlab").headers["Location"]
    assert url.startswith("https://git.example.com/oauth/authorize?")
    configure(project, "oidc", maxAge=60, prompt=["login"])
    asked = query_of(browser.depart("oidc").headers["Location"])
    assert (asked["max_age"], asked["prompt"]) == ("60", "login")


def test_openid_connect_by_addresses_alone(project, browser, idp):
    """Without published keys nobody is believed but the user info, asked directly."""
    addresses = {
        "wellKnownURL": "",
        "authorizationURL": f"{idp.base}/authorize",
        "tokenURL": f"{idp.base}/token",
        "userInfoURL": f"{idp.base}/userinfo",
    }
    configure(project, "oidc", **addresses)
    assert browser.sign_in(idp).headers["Location"] == SUCCESS
    assert idp.count("/.well-known/openid-configuration") == idp.count("/keys") == 0
    assert idp.count("/userinfo") == 1
