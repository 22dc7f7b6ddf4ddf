"""Providers that lie, answer nonsense, or lead where nothing is to be called."""

import base64
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import jwt
import orjson
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec

from accounts.models import Identity, OAuthFlow, Session, User
from accounts.oauth import calls, discovery, engine, idtokens
from accounts.oauth.errors import ProviderError
from kernel import clock
from projects.services import find_oauth_client
from tests.accounts.identity_provider import CLIENT_SECRET, Person, identity_provider, query_of
from tests.accounts.oauth import (
    SUCCESS,
    Browser,
    configure_oidc,
    error_of,
    register_app,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

VERIFIER = "v" * 43
VICTIM = Person(sub="2002", email="victim@example.com", name="Victim")


def nothing_came_of_it(project):
    rows = (Identity.objects, Session.objects, User.objects.filter(project_id=project.id))
    return not any(each.exists() for each in rows)


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example.com"},
    "another client": {"aud": "client-of-shop"},
    "several clients": {"aud": ["client-of-blog", "client-of-shop"], "azp": "client-of-shop"},
    "no audience": {"aud": None},
    "another sign-in": {"nonce": "of another"},
    "no nonce": {"nonce": None},
    "over": {"exp": 1},
    "endless": {"exp": None},
    "of tomorrow": {"nbf": 99999999999},
    "nobody": {"sub": ""},
    "no text": {"sub": 1001},
    "odd time": {"exp": "tomorrow"},
}


@pytest.mark.parametrize("lie", LIES)
def test_classes_03_and_04_an_id_token_for_another_is_refused(browser, idp, project, lie):
    asked = len(idp.requests)
    person = Person(claims=LIES[lie])
    assert error_of(browser.sign_in(idp, person)) == "user_oauth2_provider_error"
    assert nothing_came_of_it(project)
    assert set(idp.requests[asked:]) <= {"/.well-known/openid-configuration", "/token", "/keys"}


def test_class_03_a_forged_issuer_is_not_asked_for_its_keys(browser, idp, project):
    with identity_provider() as evil:
        forged = evil.id_token(Person(), "client-of-blog", kid=idp.signing_key)
        idp.answers["/token"] = (200, orjson.dumps({"access_token": "a", "id_token": forged}))
        assert error_of(browser.sign_in(idp)) == "user_oauth2_provider_error"
        assert evil.requests == []
    assert nothing_came_of_it(project)


def forged(idp, algorithm, **headers):
    """Return an ID token that is right but for its signature."""
    claims = jwt.decode(
        idp.id_token(Person(), "client-of-blog", "n"), options={"verify_signature": False}
    )
    kid = idp.signing_key
    if algorithm in ("ES256", "ES384"):
        curve = ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1()
        key = ec.generate_private_key(curve)
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid, **headers})
    parts = ({"alg": algorithm, "kid": kid}, claims)
    texts = [base64.urlsafe_b64encode(orjson.dumps(each)).rstrip(b"=").decode() for each in parts]
    signed = ".".join(texts)
    public = json.dumps(idp.key_set()["keys"][0]).encode()
    signature = hmac.digest(public, signed.encode(), "sha256") if algorithm == "HS256" else b""
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("algorithm", "headers"),
    [
        ("none", {}),
        ("nOnE", {}),
        ("", {}),
        ("HS256", {}),
        ("ES384", {}),
        ("ES256", {}),
        ("ES256", {"jku": "http://127.0.0.1:1/keys"}),
        ("ES256", {"x5u": "http://127.0.0.1:1/keys"}),
        ("ES256", {"crit": ["exp"], "exp": 1}),
    ],
)
def test_class_05_no_header_of_an_id_token_chooses_how_it_is_checked(
    browser, idp, project, algorithm, headers
):
    answer = {"access_token": "a", "id_token": forged(idp, algorithm, **headers)}
    idp.answers["/token"] = (200, orjson.dumps(answer))
    assert error_of(browser.sign_in(idp)) == "user_oauth2_provider_error"
    assert nothing_came_of_it(project)


def test_class_06_unknown_keys_are_looked_up_once_a_minute(idp):
    issuer = idtokens.Issuer((idp.issuer,), f"{idp.base}/keys", ("c",))
    good = idp.id_token(Person(), "c")
    with time_machine.travel(clock.now(), tick=False) as traveller:
        assert idtokens.verify(good, issuer)["sub"] == "1001"
        for number in range(1000):
            token = idp.id_token(Person(), "c", kid=f"unknown-{number}")
            with pytest.raises(ProviderError):
                idtokens.verify(token, issuer)
        assert idp.count("/keys") == 1
        traveller.shift(61)
        for number in range(100):
            token = idp.id_token(Person(), "c", kid=f"unknown-{number}")
            with pytest.raises(ProviderError):
                idtokens.verify(token, issuer)
        assert idp.count("/keys") == 2


def test_keys_may_be_rotated(browser, idp, project):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        browser.sign_in(idp)
        idp.rotate()
        traveller.shift(61)
        assert Browser(project).sign_in(idp).headers["Location"] == SUCCESS
    old = idp.keys
    idp.rotate()
    idp.keys |= old  # both are published while the new one comes in
    assert idp.count("/keys") == 2


def test_a_key_that_was_withdrawn_signs_nobody_in(browser, idp, project):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        browser.sign_in(idp)
        stolen, kid = idp.keys, idp.signing_key
        idp.rotate()
        traveller.shift(idtokens.KEYS_SECONDS + 1)
        published = idp.key_set()
        idp.keys, idp.signing_key = stolen, kid
        idp.answers["/keys"] = (200, orjson.dumps(published))
        assert error_of(Browser(project).sign_in(idp)) == "user_oauth2_provider_error"


@pytest.mark.parametrize("path", ["/token", "/userinfo", "/keys"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"{"),
        (200, b"[]"),
        (200, b"null"),
        (200, b'"text"'),
        (200, b'{"access_token": 5, "keys": 5, "sub": []}'),
        (200, b'{"access_token": {}, "keys": [5, null, {}], "email": {}}'),
        (200, b'{"access_token": "a", "expires_in": "soon", "keys": {}}'),
        (200, b"\xff\xfe\x00"),
        (200, b"{" * 100_000),
        (204, b""),
        (301, b"http://127.0.0.1:1/"),
        (307, b"http://169.254.169.254/"),
        (404, b"<html>"),
        (500, b'{"error": "server_error"}'),
    ],
)
def test_a_provider_that_answers_nonsense_lets_nobody_in(browser, idp, project, path, status, body):
    idp.answers[path] = (status, body)
    back = browser.sign_in(idp)
    assert error_of(back) == "user_oauth2_provider_error"
    assert CLIENT_SECRET not in back.headers["Location"]
    assert nothing_came_of_it(project)


@pytest.mark.parametrize(
    "claims",
    [
        {"email": 5},
        {"email": ["victim@example.com"]},
        {"email": "no address"},
        {"email": "victim@example.com\x00"},
        {"email": "v\u0131ctim@example.com"},
        {"name": {"first": "x"}},
        {"name": "x" * 5000},
        {"name": "a\x00b"},
        {"given_name": 5, "family_name": []},
        {"sub": "x" * 192},
        {"sub": "a\x00b"},
    ],
)
def test_odd_profiles_break_nothing(browser, idp, project, claims):
    back = browser.sign_in(idp, Person(email="", claims=claims, told=claims))
    if back.headers["Location"] == SUCCESS:
        account = browser.account().json
        assert (account["email"], len(account["name"]) <= 128) == ("", True)
    else:
        assert error_of(back) == "user_oauth2_provider_error"
        assert nothing_came_of_it(project)


@pytest.mark.slow
def test_a_slow_provider_costs_a_bounded_time(browser, idp, project, monkeypatch):
    monkeypatch.setattr("kernel.outbound.TIMEOUT_SECONDS", 0.3)
    departure = browser.depart()
    sent = idp.approve(departure.headers["Location"])
    idp.slow_seconds = 1.0
    assert error_of(browser.come_back("oidc", sent)) == "user_oauth2_provider_error"
    assert nothing_came_of_it(project)


def test_slow_providers_hold_a_few_threads_alone(browser, idp, project):
    departure = browser.depart()
    sent = idp.approve(departure.headers["Location"])
    discovery.forget_configurations()
    with ExitStack() as held:
        for _ in range(calls.MAX_AT_ONCE):
            held.enter_context(calls._places)
        refused = browser.depart()
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert refused.json["type"] == "general_service_unavailable"
        assert error_of(browser.come_back("oidc", sent)) == "general_service_unavailable"
    assert nothing_came_of_it(project)
    assert browser.sign_in(idp).headers["Location"] == SUCCESS


def test_call_that_fails_leaves_its_place(idp):
    for _ in range(calls.MAX_AT_ONCE + 1):
        with pytest.raises(OSError, match="no address"):
            calls.call("GET", "https://nowhere.invalid/")


@pytest.mark.parametrize(
    "configuration",
    [
        b"",
        b"[]",
        b"{}",
        b'{"issuer": 5}',
        orjson.dumps(
            {
                "issuer": "https://evil.example.com",
                "authorization_endpoint": "http://127.0.0.1/authorize",
                "token_endpoint": "http://127.0.0.1/token",
                "jwks_uri": "http://127.0.0.1/keys",
            }
        ),
    ],
)
def test_a_configuration_of_another_issuer_is_refused(browser, idp, configuration):
    idp.answers["/.well-known/openid-configuration"] = (200, configuration)
    reply = browser.depart()
    assert (reply.status, reply.error) == (500, "user_oauth2_provider_error")
    assert not OAuthFlow.objects.exists()


@pytest.mark.parametrize(
    "place",
    [
        "javascript:alert(1)//",
        "ftp://example.com/",
        "/local",
        "https://id.example.com/\r\nSet-Cookie: a=b",
    ],
)
def test_a_provider_leads_browsers_to_the_web_alone(browser, idp, place):
    answer = {**idp.configuration(), "authorization_endpoint": place}
    idp.answers["/.well-known/openid-configuration"] = (200, orjson.dumps(answer))
    assert browser.depart().error == "user_oauth2_provider_error"


@pytest.mark.parametrize("name", ["wellKnownURL", "tokenURL", "userInfoURL", "jwks"])
@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:1", "https://127.0.0.1", "https://[::1]", "http://169.254.169.254"]
)
def test_class_38_no_address_of_a_provider_leads_inside(
    browser, idp, project, settings, name, place
):
    canary = idp.base.replace("127.0.0.1", "localhost")
    settings.OUTBOUND_HOSTS = frozenset({"localhost"} if name != "wellKnownURL" else ())
    idp.base = idp.issuer = canary
    if name == "jwks":
        answer = {**idp.configuration(), "jwks_uri": place}
        idp.answers["/.well-known/openid-configuration"] = (200, orjson.dumps(answer))
        configure_oidc(project, idp)
    else:
        configure_oidc(project, idp, **{name: f"{place}/x"})
    departure = browser.depart()
    if name == "wellKnownURL":
        assert departure.error == "user_oauth2_provider_error"
        assert idp.requests == []
        return
    back = browser.come_back("oidc", idp.approve(departure.headers["Location"]))
    assert error_of(back) == "user_oauth2_provider_error"
    assert nothing_came_of_it(project)


def test_class_20_each_sign_in_goes_by_its_own_projects_client(idp, project, other_project):
    """The providers of two projects, and sign-ins that take turns between them."""
    register_app(other_project)
    idp.clients["client-of-shop"] = "secret-of-shop"
    configure_oidc(other_project, idp, clientId="client-of-shop", clientSecret="secret-of-shop")
    clients = {"blog": "client-of-blog", "shop": "client-of-shop"}
    departures = []
    for number in range(20):
        place = (project, other_project)[number % 2]
        browser = Browser(place)
        departures.append((place, browser, browser.depart().headers["Location"]))
    for number, (place, browser, url) in enumerate(departures):
        assert query_of(url)["client_id"] == clients[place.uid]
        assert query_of(url)["redirect_uri"].endswith(f"/oidc/{place.uid}")
        sent = idp.approve(url, Person(sub=str(number), email=""))
        path = "/account/sessions/oauth2/oidc/redirect"
        assert browser.get(path, sent).headers["Location"] == SUCCESS
    asked = [form for path, form in idp.seen if path == "/token"]
    assert [form["client_id"] for form in asked] == [
        clients[place.uid] for place, _, _ in departures
    ]
    assert Identity.objects.filter(project_id=project.id).count() == 10


@pytest.mark.slow
def test_class_20_five_hundred_sign_ins_that_take_turns_share_nothing(idp, project, other_project):
    """Each asks for, and is let in by, its own project's client, whatever the others do."""
    idp.clients["client-of-shop"] = "secret-of-shop"
    configure_oidc(other_project, idp, clientId="client-of-shop", clientSecret="secret-of-shop")
    clients: dict[str, Any] = {
        place.uid: find_oauth_client(place, "oidc") for place in (project, other_project)
    }
    challenge = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()

    def sign_in(number):
        place = ("blog", "shop")[number % 2]
        asked = engine.SignIn(
            callback_url=f"https://{place}.example.com/{number}",
            state=str(number),
            verifier=VERIFIER,
            challenge=challenge,
            nonce=f"nonce {number}",
        )
        url = engine.authorize_url(clients[place], asked)
        sent = idp.approve(url, Person(sub=f"{place} {number}", email=""))
        profile, _ = engine.exchange(clients[place], asked, sent["code"])
        return query_of(url)["client_id"], sent["state"], profile.uid

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(sign_in, range(500)))
    assert done == [
        (f"client-of-{place}", str(number), f"{place} {number}")
        for number, place in enumerate(["blog", "shop"] * 250)
    ]
    used = sorted(form["client_id"] for path, form in idp.seen if path == "/token")
    assert used == ["client-of-blog"] * 250 + ["client-of-shop"] * 250
