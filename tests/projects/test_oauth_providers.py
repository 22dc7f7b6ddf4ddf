"""OAuth2 providers of a project: what is stored, what is shown, and to whom."""

from typing import Any

import orjson
import pytest

from projects.models import OAuthProvider
from projects.oauth import KNOWN_IDS, PROVIDERS, callback_url
from projects.services import find_oauth_client
from tests.projects.conftest import admin_mode
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

MODELS = {
    "apple": "OAuth2Apple",
    "discord": "OAuth2Discord",
    "github": "OAuth2Github",
    "gitlab": "OAuth2Gitlab",
    "google": "OAuth2Google",
    "microsoft": "OAuth2Microsoft",
    "oidc": "OAuth2Oidc",
}
COMPLETE: dict[str, dict[str, Any]] = {
    "apple": {"serviceId": "s", "keyId": "k", "teamId": "t", "p8File": "hidden-word"},
    "discord": {"clientId": "c", "clientSecret": "hidden-word"},
    "github": {"clientId": "c", "clientSecret": "hidden-word"},
    "gitlab": {"applicationId": "c", "secret": "hidden-word"},
    "google": {"clientId": "c", "clientSecret": "hidden-word", "nativeClientIds": ["app"]},
    "microsoft": {"applicationId": "c", "applicationSecret": "hidden-word", "tenant": "common"},
    "oidc": {
        "clientId": "c",
        "clientSecret": "hidden-word",
        "wellKnownURL": "https://id.example.com/.well-known/openid-configuration",
        "maxAge": 60,
    },
}
PATH = "/project/oauth2"


@pytest.fixture
def manager(site, client_for, make_key):
    return client_for(site, key=make_key(site, ["project.oauth2.read", "project.oauth2.write"]))


@pytest.mark.parametrize("provider", sorted(MODELS))
def test_a_provider_is_set_up_and_its_secrets_stay_hidden(site, manager, provider):
    assert_model(MODELS[provider], manager.get(f"{PATH}/{provider}").json)
    given = COMPLETE[provider] | {"enabled": True}
    reply = manager.patch(f"{PATH}/{provider}", given)
    assert reply.status == 200
    assert_model(MODELS[provider], reply.json)
    assert b"hidden-word" not in reply.content
    shown = {name: value for name, value in given.items() if value != "hidden-word"}
    assert shown.items() <= reply.json.items()
    assert manager.get(f"{PATH}/{provider}").json == reply.json
    row = OAuthProvider.objects.get()
    assert "hidden-word" not in f"{row.settings} {row.secrets}"
    client = find_oauth_client(site, provider)
    assert client is not None
    assert "hidden-word" in client.settings.values()


def test_providers_of_two_words_are_set_up_by_what_they_call_them(site, manager):
    for name in sorted(set(PROVIDERS) - set(MODELS)):
        path, model = f"{PATH}/{name}", f"OAuth2{PROVIDERS[name].operation}"
        assert_model(model, manager.get(path).json)
        needed = [each.name for each in PROVIDERS[name].settings if each.is_needed]
        given = dict.fromkeys(needed, "id.example.com") | {needed[1]: "hidden-word"}
        refused = manager.patch(path, {needed[1]: "hidden-word", "enabled": True})
        assert refused.status == 400, name
        reply = manager.patch(path, {**given, "enabled": True})
        assert reply.status == 200, reply.json
        assert_model(model, reply.json)
        assert b"hidden-word" not in reply.content
        client = find_oauth_client(site, name)
        assert client is not None
        assert client.provider.client(client.settings) == ("id.example.com", "hidden-word")
    for address in ("javascript:alert(1)", "id example com", "x" * 257):
        refused = manager.patch(f"{PATH}/auth0", {"endpoint": address})
        assert (refused.status, refused.error) == (400, "general_argument_invalid")


def page_of(limit, offset):
    wanted = {"limit": limit, "offset": offset}
    return {
        "queries": [
            orjson.dumps({"method": name, "values": [value]}).decode()
            for name, value in wanted.items()
        ]
    }


def test_all_providers_are_listed_by_page(manager):
    manager.patch(f"{PATH}/github", {"clientId": "mine"})
    reply = manager.get(PATH, page_of(100, 0))
    assert_model("OAuth2ProviderList", reply.json)
    assert [each["$id"] for each in reply.json["providers"]] == sorted(PROVIDERS)
    page = manager.get(PATH, page_of(1, sorted(PROVIDERS).index("github")))
    assert [each["clientId"] for each in page.json["providers"]] == ["mine"]
    assert page.json["total"] == len(PROVIDERS)
    assert manager.get(PATH, {"total": False}).json["total"] == 0


@pytest.mark.parametrize("query", ['{"method":"orderAsc","values":["$id"]}', "no query"])
def test_listing_knows_pages_only(manager, query):
    reply = manager.get(PATH, {"queries": [query]})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_what_is_left_out_stays(site, manager):
    manager.patch(f"{PATH}/google", COMPLETE["google"])
    reply = manager.patch(f"{PATH}/google", {"enabled": True, "clientId": "new", "prompt": []})
    assert (reply.json["clientId"], reply.json["prompt"]) == ("new", [])
    assert reply.json["nativeClientIds"] == ["app"]
    client = find_oauth_client(site, "google")
    assert client is not None
    assert client.settings["clientSecret"] == "hidden-word"


@pytest.mark.parametrize("provider", sorted(MODELS))
def test_a_provider_is_enabled_only_when_complete(site, manager, provider):
    reply = manager.patch(f"{PATH}/{provider}", {"enabled": True})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert not OAuthProvider.objects.filter(is_enabled=True).exists()
    manager.patch(f"{PATH}/{provider}", COMPLETE[provider])
    assert find_oauth_client(site, provider) is None


def test_openid_connect_needs_its_addresses(manager):
    spelt = {"clientId": "c", "clientSecret": "s", "enabled": True}
    assert manager.patch(f"{PATH}/oidc", spelt).status == 400
    addresses = dict.fromkeys(("authorizationURL", "tokenURL"), "https://id.example.com/")
    assert manager.patch(f"{PATH}/oidc", spelt | addresses).status == 400
    addresses["userInfoURL"] = "https://id.example.com/me"
    assert manager.patch(f"{PATH}/oidc", spelt | addresses).status == 200


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("google", {"clientId": "x" * 257}),
        ("google", {"clientSecret": ["x"]}),
        ("google", {"prompt": ["login"]}),
        ("google", {"enabled": "perhaps"}),
        ("gitlab", {"endpoint": "javascript:alert(1)"}),
        ("oidc", {"wellKnownURL": "file:///etc/passwd"}),
        ("oidc", {"tokenURL": "id.example.com"}),
        ("oidc", {"maxAge": -1}),
        ("apple", {"p8File": "x" * 4097}),
    ],
)
def test_a_wrong_setting_is_refused(manager, provider, body):
    reply = manager.patch(f"{PATH}/{provider}", body)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert not OAuthProvider.objects.exists()


def test_what_is_not_offered_says_so(manager):
    assert set(PROVIDERS) < set(KNOWN_IDS)
    reply = manager.get(f"{PATH}/paypal")
    assert (reply.status, reply.error) == (400, "project_provider_unsupported")
    assert manager.get(f"{PATH}/nobody").error == "general_argument_invalid"
    assert manager.patch(f"{PATH}/paypal", {}).error == "general_route_not_found"


def test_team_members_set_providers_up_and_viewers_only_look(dana, vera, eve, site):
    body = COMPLETE["github"]
    assert admin_mode(dana, "site").patch(f"{PATH}/github", body).status == 200
    assert admin_mode(vera, "site").get(f"{PATH}/github").status == 200
    assert admin_mode(vera, "site").patch(f"{PATH}/github", body).status == 401
    assert admin_mode(eve, "site").get(f"{PATH}/github").status == 401


def test_users_and_guests_see_no_provider(project, client_for, alice):
    for caller in (client_for(project), client_for(project, session=alice.session)):
        assert caller.get(PATH).error == "general_unauthorized_scope"
        assert caller.patch(f"{PATH}/github", {}).error == "general_unauthorized_scope"


def test_secrets_of_another_master_secret_disable_the_provider(site, manager):
    manager.patch(f"{PATH}/github", COMPLETE["github"] | {"enabled": True})
    OAuthProvider.objects.update(secrets="nobody:9:bm90aGluZw==")
    assert find_oauth_client(site, "github") is None
    assert manager.get(f"{PATH}/github").status == 200


def test_secrets_are_bound_to_project_and_provider(site, manager):
    manager.patch(f"{PATH}/github", COMPLETE["github"] | {"enabled": True})
    manager.patch(f"{PATH}/discord", COMPLETE["discord"] | {"enabled": True})
    stolen = OAuthProvider.objects.get(provider="github").secrets
    OAuthProvider.objects.filter(provider="discord").update(secrets=stolen)
    assert find_oauth_client(site, "discord") is None


def test_the_console_itself_has_no_provider(console_project):
    OAuthProvider.objects.create(
        project_id=console_project.id,
        provider="github",
        is_enabled=True,
        settings=orjson.loads(b'{"clientId":"c","clientSecret":"s"}'),
    )
    assert find_oauth_client(console_project, "github") is None


def test_the_address_to_come_back_to_is_the_configured_one(settings):
    settings.PUBLIC_URL = "https://api.example.com"
    wanted = "https://api.example.com/v1/account/sessions/oauth2/callback/oidc/site"
    assert callback_url("oidc", "site") == wanted
