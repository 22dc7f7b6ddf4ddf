"""The domain that a project's passkeys belong to, and the pages that may ask for them."""

import pytest

from tests.accounts.authenticators import DOMAIN, PAGE, Authenticator, add_platform, answer, ask
from tests.accounts.policies import set_policy
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

LOCAL = "http://localhost:3000"


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["policies.read", "policies.write"]))


@pytest.fixture
def her(project, alice, client_for):
    return client_for(project, session=alice.session)


@pytest.fixture
def _public_server(settings):
    settings.PUBLIC_URL, settings.IS_PUBLIC_URL_LOCAL = "https://api.example.org", False


def set_domain(server, rp_id):
    return server.patch("/project/policies/passkey", {"rpId": rp_id})


def policy(server):
    return server.get("/project/policies/passkey").json


@pytest.mark.usefixtures("_public_server")
def test_policy_names_the_domain_and_the_pages_on_it(server, project, events):
    assert policy(server) == {"$id": "passkey", "rpId": "", "origins": []}
    for host in ("app.example.com", "*.Beta.example.com", "example.com", "notexample.com"):
        add_platform(project, host)
    changed = set_domain(server, "Example.com")
    assert changed.status == 200
    assert_model("Project", changed.json)
    assert events.names()[-1] == "projects.blog.policies.passkey.update"
    shown = policy(server)
    assert_model("PolicyPasskey", shown)
    assert (shown["rpId"], shown["origins"]) == (
        DOMAIN,
        ["https://app.example.com", "https://*.beta.example.com", "https://example.com"],
    )
    listed = server.get("/project/policies").json["policies"]
    assert next(each for each in listed if each["$id"] == "passkey") == shown
    add_platform(project, "localhost")
    assert policy(server)["origins"][-2:] == ["http://localhost", "https://localhost"]
    assert set_domain(server, "").status == 200
    assert policy(server)["origins"] == ["http://localhost", "https://localhost"]


@pytest.mark.usefixtures("_public_server")
def test_apple_apps_ask_from_the_domain_itself(server, project, client_for):
    add_platform(project, "com.example.app", "apple")
    set_domain(server, DOMAIN)
    assert policy(server)["origins"] == ["https://example.com"]
    assert client_for(project).post("/account/tokens/passkey").status == 201


@pytest.mark.parametrize(
    "rp_id",
    ["com", "co.uk", "192.0.2.1", "[::1]", "https://example.com", "*.example.com", "host", 5, None],
)
def test_domain_is_one_of_ones_own(server, rp_id):
    refused = set_domain(server, rp_id)
    assert (refused.status, refused.error) == (400, "general_argument_invalid")
    assert policy(server)["rpId"] == ""


def test_users_do_not_set_it(her):
    assert set_domain(her, DOMAIN).error == "general_unauthorized_scope"


@pytest.mark.usefixtures("_public_server")
def test_without_a_domain_or_a_page_there_are_no_passkeys(server, her, project, client_for):
    guest = client_for(project)

    def refusals():
        return [
            (reply.status, reply.error)
            for reply in (
                her.post("/account/passkeys", {}),
                guest.post("/account/tokens/passkey"),
            )
        ]

    unsupported = [(501, "user_auth_method_unsupported")] * 2
    assert refusals() == unsupported
    set_domain(server, DOMAIN)
    assert refusals() == unsupported
    add_platform(project, "*.example.com")
    assert refusals() == [(201, "")] * 2


def test_on_ones_own_machine_passkeys_need_no_domain(server, her, project, client_for):
    device, guest = Authenticator(), client_for(project)
    asked = her.post("/account/passkeys", {}, origin=LOCAL).json
    made = device.create(asked["publicKey"], origin=LOCAL)
    path = f"/account/passkeys/{asked['passkeyId']}/verification"
    assert her.put(path, {"credential": made}, origin=LOCAL).status == 200
    challenge = ask(guest, LOCAL)
    assert challenge["publicKey"]["rpId"] == "localhost"
    assert answer(guest, challenge, device.get(challenge["publicKey"])).error
    challenge = ask(guest, LOCAL)
    body = {
        "challengeId": challenge["$id"],
        "credential": device.get(challenge["publicKey"], origin=LOCAL),
    }
    assert guest.put("/account/tokens/passkey", body, origin=LOCAL).status == 201
    # These are not the domain's, which may still be set.
    assert set_domain(server, DOMAIN).status == 200
    add_platform(project)
    assert ask(guest, LOCAL)["publicKey"]["rpId"] == "localhost"
    assert ask(guest, PAGE)["publicKey"]["rpId"] == DOMAIN


def test_domain_stays_while_users_have_passkeys_of_it(server, her, project):
    add_platform(project)
    set_policy(project, "passkey", rpId=DOMAIN)
    asked = her.post("/account/passkeys", {}, origin=PAGE).json
    path = f"/account/passkeys/{asked['passkeyId']}"
    made = Authenticator().create(asked["publicKey"])
    assert her.put(f"{path}/verification", {"credential": made}).status == 200
    for rp_id in ("", "app.example.com"):
        refused = set_domain(server, rp_id)
        assert (refused.status, refused.error) == (400, "general_argument_invalid")
    assert set_domain(server, DOMAIN).status == 200
    assert her.delete(path).status == 204
    assert set_domain(server, "").status == 200
