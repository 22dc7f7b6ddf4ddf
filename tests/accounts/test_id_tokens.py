"""Signing in with an ID token that an app got on the device."""

import pytest

from accounts.models import Identity, Session
from accounts.oauth import providers
from accounts.oauth.idtokens import nonces_of
from projects.services import operator, update_oauth2_provider
from tests.accounts.identity_provider import Person
from tests.accounts.oauth import configure
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PATH = "/account/sessions/id-token"
APP = "com.example.app"
NATIVE = {"nativeEnabled": True, "nativeClientIds": [APP]}
SETTINGS = {
    "apple": {"serviceId": "s", "keyId": "k", "teamId": "t", "p8File": "p", **NATIVE},
    "google": {"clientId": "web", "clientSecret": "s", **NATIVE},
}
NAMES = {"apple": providers.APPLE_NAMES, "google": providers.GOOGLE_NAMES}


@pytest.fixture(params=["apple", "google"])
def provider(request, project, idp, monkeypatch):
    name: str = request.param
    idp.issuer = NAMES[name][0]
    for adapter in (providers.AppleAdapter, providers.GoogleAdapter):
        monkeypatch.setattr(adapter, "keys_url", f"{idp.base}/keys")
    configure(project, name, **SETTINGS[name])
    return name


def test_an_app_signs_its_user_in(provider, idp, project, client_for, events):
    events.clear()
    body = {
        "provider": provider,
        "idToken": idp.id_token(Person(), APP, "once"),
        "nonce": "once",
        "accessToken": "given",
        "accessTokenExpiry": 3600,
        "name": "Ada",
    }
    reply = client_for(project).post(PATH, body)
    assert reply.status == 201, reply.json
    assert_model("Session", reply.json)
    assert (reply.json["provider"], reply.json["providerUid"]) == (provider, "1001")
    assert reply.json["providerAccessToken"] == "given"
    assert reply.json["factors"] == ["oauth2"]
    cookie = reply.cookies["a_session_blog"].value
    account = client_for(project, cookies={"a_session_blog": cookie}).get("/account").json
    assert (account["email"], account["emailVerification"]) == ("ada@example.com", True)
    assert account["name"] in ("Ada", "Ada Lovelace")
    names = [name.rpartition(".")[2] for name in events.names()]
    assert names == ["create", "create"]
    again = client_for(project).post(PATH, body)
    assert again.json["userId"] == reply.json["userId"]


def test_a_server_is_given_the_secret(provider, idp, project, client_for, make_key):
    server = client_for(project, key=make_key(project, ["sessions.write"]))
    token = idp.id_token(Person(), APP)
    reply = server.post(PATH, {"provider": provider, "idToken": token})
    assert client_for(project, session=reply.json["secret"]).get("/account").status == 200


@pytest.mark.parametrize("held", ["once", nonces_of("once")[1]])
def test_a_nonce_is_held_as_it_is_or_hashed(provider, idp, project, client_for, held):
    body = {"provider": provider, "idToken": idp.id_token(Person(), APP, held), "nonce": "once"}
    assert client_for(project).post(PATH, body).status == 201


@pytest.mark.parametrize(
    ("audience", "nonce", "claims"),
    [
        ("com.example.other", "once", {}),
        (APP, "another", {}),
        (APP, None, {}),
        (APP, "once", {"iss": "https://evil.example.com"}),
        (APP, "once", {"exp": 1}),
        (APP, "once", {"sub": None}),
        ([APP, "com.example.other"], "once", {"azp": "com.example.other"}),
    ],
)
def test_classes_03_and_04_tokens_for_others_are_refused(
    provider, idp, project, client_for, audience, nonce, claims
):
    person = Person(claims={**claims, "nonce": nonce})
    body = {"provider": provider, "idToken": idp.id_token(person, audience), "nonce": "once"}
    reply = client_for(project).post(PATH, body)
    assert (reply.status, reply.error) == (401, "user_oauth2_unauthorized")
    assert not Identity.objects.exists()
    assert not Session.objects.exists()


def test_a_nonce_in_the_token_has_to_be_known(provider, idp, project, client_for):
    body = {"provider": provider, "idToken": idp.id_token(Person(), APP, "of another")}
    assert client_for(project).post(PATH, body).error == "user_oauth2_unauthorized"


def test_class_01_an_unverified_address_never_links(provider, idp, project, client_for, alice):
    person = Person(email=alice.email, is_verified=False)
    body = {"provider": provider, "idToken": idp.id_token(person, APP)}
    reply = client_for(project).post(PATH, body)
    assert (reply.status, reply.error) == (409, "user_email_already_exists")


def test_apps_have_to_be_let_in(provider, idp, project, client_for):
    update_oauth2_provider(
        caller=operator(),
        project_id=project.uid,
        provider_id=provider,
        settings={"nativeEnabled": False},
    )
    body = {"provider": provider, "idToken": idp.id_token(Person(), APP)}
    reply = client_for(project).post(PATH, body)
    assert (reply.status, reply.error) == (412, "project_provider_disabled")


@pytest.mark.parametrize("token", ["x", "a.b.c", "." * 100, "e30.e30.e30", "x" * 16_385])
def test_what_is_no_token_is_refused(provider, idp, project, client_for, token):
    reply = client_for(project).post(PATH, {"provider": provider, "idToken": token})
    assert reply.error in ("user_oauth2_unauthorized", "general_argument_invalid")
    assert idp.count("/keys") == 0


def test_other_providers_have_none(idp, project, client_for):
    reply = client_for(project).post(PATH, {"provider": "github", "idToken": "x"})
    assert reply.error == "general_argument_invalid"


def test_who_is_signed_in_cannot_do_so_again(provider, idp, project, client_for, alice):
    mine = client_for(project, session=alice.session)
    body = {"provider": provider, "idToken": idp.id_token(Person(), APP)}
    assert mine.post(PATH, body).error == "user_session_already_exists"
