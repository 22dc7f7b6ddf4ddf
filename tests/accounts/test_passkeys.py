"""Passkeys: a device makes one, and signs its user in with it."""

from datetime import timedelta

import pytest
import time_machine
from fido2.utils import websafe_encode

from accounts.models import Passkey, PasskeyChallenge, Session, Token
from accounts.services.retention import sweep_expired
from kernel import clock
from kernel.limits import (
    MAX_CREDENTIAL_BYTES,
    MAX_PASSKEYS,
    PASSKEY_CHALLENGE_SECONDS,
    PASSKEY_TOKEN_SECONDS,
    RECENT_SIGN_IN_SECONDS,
)
from tests.accounts.authenticators import (
    DOMAIN,
    PAGE,
    Authenticator,
    add_platform,
    answer,
    ask,
    register,
    sign_in,
    verify,
)
from tests.accounts.policies import set_policy, switch_method
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def her(project, alice, client_for):
    add_platform(project)
    set_policy(project, "passkey", rpId=DOMAIN)
    return client_for(project, session=alice.session)


def redeem(client, token):
    body = {"userId": token["userId"], "secret": token["secret"]}
    return client.post("/account/sessions/token", body)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_user_adds_a_passkey_and_signs_in_with_it(her, guest, client_for, events, algorithm):
    device = Authenticator(algorithm)
    asked = her.post("/account/passkeys", {"passkeyId": "phone", "name": "Phone"}, origin=PAGE)
    assert asked.status == 201
    assert_model("PasskeyChallenge", asked.json)
    wanted = asked.json["publicKey"]
    assert (wanted["rp"], wanted["attestation"]) == ({"id": DOMAIN, "name": "Blog"}, "none")
    assert wanted["user"]["name"] == "alice@example.com"
    assert wanted["authenticatorSelection"]["userVerification"] == "required"
    assert her.get("/account/passkeys").json == {"total": 0, "passkeys": []}
    made = verify(her, "phone", device.create(wanted))
    assert made.status == 200
    assert_model("Passkey", made.json)
    assert (made.json["$id"], made.json["name"], made.json["accessedAt"]) == ("phone", "Phone", "")
    assert events.names() == []

    challenge = ask(guest)
    assert_model("PasskeyChallenge", challenge)
    assert (challenge["passkeyId"], challenge["publicKey"]["rpId"]) == ("", DOMAIN)
    proved = answer(guest, challenge, device.get(challenge["publicKey"]))
    assert proved.status == 201
    token = proved.json
    assert_model("TokenSecret", token)
    assert events.names() == [f"users.alice.tokens.{token['$id']}.create"]
    assert events.payloads()[0]["secret"] == ""
    opened = redeem(guest, token)
    assert (opened.status, opened.json["factors"]) == (201, ["passkey"])
    assert (opened.json["provider"], opened.json["secret"]) == ("passkey", "")
    assert opened.cookies["a_session_blog"].value
    assert her.get("/account/passkeys/phone").json["accessedAt"]


def test_what_is_kept_tells_no_secret(her, guest):
    device = Authenticator()
    asked = her.post("/account/passkeys", {}, origin=PAGE).json
    content = asked["publicKey"]["challenge"]
    kept = PasskeyChallenge.objects.values().get()
    assert content not in str(kept)
    assert content.encode() not in bytes(kept["digest"])
    verify(her, asked["passkeyId"], device.create(asked["publicKey"]))
    assert not PasskeyChallenge.objects.exists()
    secret = sign_in(guest, device).json["secret"]
    assert secret.encode() not in bytes(Token.objects.get().digest)


def test_passkey_is_two_factors(her, guest, server, client_for, project):
    device = Authenticator()
    register(her, device)
    server.patch("/users/alice/verification", {"emailVerification": True})
    assert her.patch("/account/mfa", {"mfa": True}).status == 200
    opened = redeem(guest, sign_in(guest, device).json)
    session = client_for(
        project, cookies={"a_session_blog": opened.cookies["a_session_blog"].value}
    )
    assert session.get("/account").status == 200


def test_passkeys_are_listed_renamed_and_deleted(
    her, guest, server, alice, bob, client_for, project
):
    devices = [Authenticator() for _ in range(3)]
    for number, device in enumerate(devices):
        assert register(her, device, passkeyId=f"k{number}", name=f"Key {number}").status == 200
    his = client_for(project, session=bob.session)
    register(his, Authenticator(), passkeyId="k0")
    for client, base in ((her, "/account"), (server, "/users/alice")):
        found = client.get(f"{base}/passkeys", {"queries": ['{"method":"limit","values":[2]}']})
        assert_model("PasskeyList", found.json)
        assert (found.json["total"], [each["$id"] for each in found.json["passkeys"]]) == (
            3,
            ["k0", "k1"],
        )
        named = '{"method":"equal","attribute":"name","values":["Key 2"]}'
        found = client.get(f"{base}/passkeys", {"queries": [named], "total": False})
        assert (found.json["total"], found.json["passkeys"][0]["$id"]) == (0, "k2")
        renamed = client.patch(f"{base}/passkeys/k1", {"name": f"By {base}"})
        assert (renamed.status, renamed.json["name"]) == (200, f"By {base}")
        assert client.get(f"{base}/passkeys/k1").json == renamed.json
        for reply in (
            client.get(f"{base}/passkeys/other"),
            client.patch(f"{base}/passkeys/other", {"name": "x"}),
            client.delete(f"{base}/passkeys/other"),
        ):
            assert (reply.status, reply.error) == (404, "user_passkey_not_found")
        assert client.patch(f"{base}/passkeys/k1", {"name": "x" * 129}).status == 400
    assert her.delete("/account/passkeys/k0").status == 204
    assert server.delete("/users/alice/passkeys/k1").status == 204
    for device in devices[:2]:
        assert sign_in(guest, device).error == "user_passkey_invalid"
    assert sign_in(guest, devices[2]).status == 201
    assert his.get("/account/passkeys").json["total"] == 1
    assert server.get("/users/nobody/passkeys").error == "user_not_found"


def test_guests_have_no_passkeys_and_users_none_of_others(guest, her):
    for reply in (
        guest.get("/account/passkeys"),
        guest.post("/account/passkeys", {}),
        her.get("/users/alice/passkeys"),
        her.delete("/users/alice/passkeys/x"),
    ):
        assert (reply.status, reply.error) == (401, "general_unauthorized_scope")


def test_registration_takes_a_recent_sign_in(her, server):
    device = Authenticator()
    assert register(her, device, passkeyId="first").status == 200
    later = clock.now() + timedelta(seconds=RECENT_SIGN_IN_SECONDS + 1)
    with time_machine.travel(later, tick=False):
        for reply in (
            her.post("/account/passkeys", {}, origin=PAGE),
            her.delete("/account/passkeys/first"),
        ):
            assert (reply.status, reply.error) == (401, "user_reauthentication_required")
        Session.objects.update(mfa_updated_at=clock.now())
        assert her.delete("/account/passkeys/first").status == 204
    jwt = server.post("/users/alice/jwts", {"sessionId": "none"}).json["jwt"]
    by_jwt = type(her)({"X-Appwrite-Project": "blog", "X-Appwrite-JWT": jwt})
    refused = by_jwt.post("/account/passkeys", {}, origin=PAGE)
    assert refused.error == "user_reauthentication_required"


def test_ids_and_devices_are_taken_once(her):
    device = Authenticator()
    register(her, device, passkeyId="key")
    taken = her.post("/account/passkeys", {"passkeyId": "key"}, origin=PAGE)
    assert (taken.status, taken.error) == (409, "user_passkey_already_exists")
    asked = her.post("/account/passkeys", {"passkeyId": "again"}, origin=PAGE).json
    known = [websafe_encode(key.id) for key in device.keys]
    assert [each["id"] for each in asked["publicKey"]["excludeCredentials"]] == known
    credential = device.create(asked["publicKey"])
    stored = Passkey.objects.get()
    Passkey.objects.update(credential_id=device.keys[-1].id)
    same = verify(her, "again", credential)
    assert (same.status, same.error) == (409, "user_passkey_already_exists")
    assert Passkey.objects.get().id == stored.id


def test_a_user_has_so_many_passkeys(her):
    for _ in range(MAX_PASSKEYS - 1):
        register(her, Authenticator())
    asked = [her.post("/account/passkeys", {}, origin=PAGE).json for _ in range(2)]
    replies = [
        verify(her, each["passkeyId"], Authenticator().create(each["publicKey"])) for each in asked
    ]
    assert [reply.error for reply in replies] == ["", "user_passkey_limit_exceeded"]
    refused = her.post("/account/passkeys", {}, origin=PAGE)
    assert (refused.status, refused.error) == (400, "user_passkey_limit_exceeded")


def test_registration_that_is_begun_anew_takes_the_place_of_the_one_before(her):
    first, second = (
        her.post("/account/passkeys", {"passkeyId": "key"}, origin=PAGE).json for _ in range(2)
    )
    assert first["$id"] != second["$id"]
    assert PasskeyChallenge.objects.count() == 1
    device = Authenticator()
    assert verify(her, "key", device.create(second["publicKey"])).status == 200


def test_challenges_and_tokens_are_over_after_a_while(her, guest):
    device = Authenticator()
    register(her, device)
    asked = her.post("/account/passkeys", {}, origin=PAGE).json
    challenge = ask(guest)
    token = sign_in(guest, device).json
    with time_machine.travel(clock.now(), tick=False) as traveller:
        traveller.shift(timedelta(seconds=PASSKEY_TOKEN_SECONDS + 1))
        assert redeem(guest, token).error == "user_invalid_token"
        traveller.shift(timedelta(seconds=PASSKEY_CHALLENGE_SECONDS))
        for reply in (
            verify(her, asked["passkeyId"], device.create(asked["publicKey"])),
            answer(guest, challenge, device.get(challenge["publicKey"], key=0)),
        ):
            assert (reply.status, reply.error) == (401, "user_invalid_token")
    PasskeyChallenge.objects.update(expires_at=clock.now() - timedelta(days=1))
    assert sweep_expired() >= 2
    assert not PasskeyChallenge.objects.exists()


def test_blocked_and_deleted_users_stay_out(her, guest, server):
    device = Authenticator()
    register(her, device)
    server.patch("/users/alice/status", {"status": False})
    blocked = sign_in(guest, device)
    assert (blocked.status, blocked.error) == (403, "user_blocked")
    server.patch("/users/alice/status", {"status": True})
    token = sign_in(guest, device).json
    server.delete("/users/alice")
    assert not Passkey.objects.exists()
    assert redeem(guest, token).error == "user_invalid_token"
    assert sign_in(guest, device).error == "user_passkey_invalid"


def test_whoever_proves_an_address_first_loses_the_passkeys_of_who_signed_up_with_it(
    her, guest, project, client_for, make_key
):
    device = Authenticator()
    register(her, device)
    server = client_for(project, key=make_key(project, ["users.write", "sessions.write"]))
    mailed = server.post("/account/tokens/email", {"userId": "new", "email": "alice@example.com"})
    assert redeem(guest, mailed.json).status == 201
    assert not Passkey.objects.exists()
    assert sign_in(guest, device).error == "user_passkey_invalid"


def test_passkeys_can_be_switched_off(her, guest, project):
    device = Authenticator()
    register(her, device)
    challenge = ask(guest)
    switch_method(project, "passkey", enabled=False)
    for reply in (
        her.post("/account/passkeys", {}, origin=PAGE),
        guest.post("/account/tokens/passkey", origin=PAGE),
        answer(guest, challenge, device.get(challenge["publicKey"])),
    ):
        assert (reply.status, reply.error) == (501, "user_auth_method_unsupported")


def test_large_and_malformed_credentials_are_refused(her, guest):
    for credential in ("text", [1], None, 5, {"response": "x" * MAX_CREDENTIAL_BYTES}):
        asked = her.post("/account/passkeys", {"passkeyId": "key"}, origin=PAGE).json
        for reply in (
            verify(her, asked["passkeyId"], credential),
            answer(guest, ask(guest), credential),
        ):
            assert (reply.status, reply.error) == (400, "general_argument_invalid")
