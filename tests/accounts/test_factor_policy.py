"""Second factors by a project's policy: which ones count, and a demand on every user."""

import pytest
import time_machine

from accounts.models import Authenticator, Challenge, Session, User
from gateway.operations import all_operations
from kernel.limits import MAX_TOKEN_TRIES
from tests.accounts.apps import (
    APP,
    CHALLENGES,
    CODES,
    App,
    answer,
    challenge,
    enrol,
    later,
    prove_contacts,
    standing_clock,
)
from tests.accounts.mailbox import newest_code, newest_text_code
from tests.accounts.policies import set_policy
from tests.conftest import PASSWORD, sign_up
from tests.reference import assert_model
from tests.test_contracts import served

NUMBER = "+4915112345678"
FACTORS = "/account/mfa/factors"
KEPT_OUT = "user_more_factors_required"

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _standing_clock():
    with standing_clock():
        yield


@pytest.fixture
def server(project, client_for, make_key):
    scopes = ["users.read", "users.write", "policies.write"]
    return client_for(project, key=make_key(project, scopes))


@pytest.fixture
def rule(project):
    """Change the policy of factors."""

    def change(**fields):
        set_policy(project, "mfa-factors", **fields)

    return change


def is_kept_out(client):
    return client.get("/account").error == KEPT_OUT


# Which factors count


def test_refused_factor_is_neither_listed_nor_asked_for_nor_set_up(own, server, sign_in, rule):
    enrol(own)
    prove_contacts()
    pending = sign_in()
    asked = challenge(pending, "email")
    server.patch("/project/policies/mfa-factors", {"totp": False, "email": False})
    for reply in (pending.get(FACTORS), server.get("/users/alice/mfa/factors")):
        assert_model("MfaFactors", reply.json)
        assert not any(reply.json.values())
    assert answer(pending, asked, newest_code()).error == "user_invalid_token"
    for reply in (
        pending.post(CHALLENGES, {"factor": "email"}),
        own.post(APP),
        own.put(APP, {"otp": "123456"}),
    ):
        assert reply.error == "user_auth_method_unsupported"
    # As in a project whose user has no factor at all.
    assert not is_kept_out(pending)
    rule(email=True)
    assert is_kept_out(pending)


def test_refused_factor_is_not_counted_when_two_are_wanted(own, rule):
    prove_contacts(phone=NUMBER)
    rule(email=False)
    own.patch("/account/mfa", {"mfa": True})
    assert own.get("/account/sessions/current").json["factors"] == ["password", "phone"]


def test_recovery_code_counts_whatever_the_policy_says(own, sign_in, rule):
    enrol(own)
    code = own.post(CODES).json["recoveryCodes"][0]
    pending = sign_in()
    rule(email=False, phone=False)
    asked = challenge(pending, "recoverycode")
    rule(totp=False, custom=True)
    assert answer(pending, asked, code).status == 200
    assert not is_kept_out(pending)


# Codes that the project's own server delivers


def test_server_delivers_a_code_of_its_own_way(own, server, sign_in, rule, events):
    assert own.post(CHALLENGES, {"factor": "custom"}).error == "user_auth_method_unsupported"
    rule(custom=True)
    own.patch("/account/mfa", {"mfa": True})
    pending = sign_in()
    assert is_kept_out(pending)
    assert pending.get(FACTORS).json["custom"] is True
    events.clear()
    uid = challenge(pending, "custom")
    told = server.get(f"/users/alice/mfa/challenges/{uid}")
    assert told.status == 200
    assert_model("MfaChallengeSecret", told.json)
    code = told.json["code"]
    assert {"$id": uid, "userId": "alice"}.items() <= told.json.items()
    assert events.names() == [f"users.alice.challenges.{uid}.create"]
    assert "code" not in events.payloads()[0]
    assert code not in Challenge.objects.get(uid=uid).code
    passed = answer(pending, uid, code)
    assert passed.json["factors"] == ["password", "custom"]
    assert not is_kept_out(pending)
    # Used up: neither told nor taken again.
    assert answer(sign_in(), uid, code).error == "user_invalid_token"
    assert server.get(f"/users/alice/mfa/challenges/{uid}").error == "user_invalid_token"


def test_class_10_code_is_told_for_its_own_user_project_and_time_alone(
    own, server, client_for, project, other_project, make_key, rule
):
    rule(custom=True)
    prove_contacts()
    uid, mailed = challenge(own, "custom"), challenge(own, "email")
    sign_up(project, "bob")
    sign_up(other_project, "alice")
    stranger = client_for(other_project, key=make_key(other_project, ["users.read"]))
    for reply in (
        server.get(f"/users/bob/mfa/challenges/{uid}"),
        server.get(f"/users/alice/mfa/challenges/{mailed}"),
        server.get("/users/alice/mfa/challenges/unknown"),
        stranger.get(f"/users/alice/mfa/challenges/{uid}"),
    ):
        assert (reply.status, reply.error) == (401, "user_invalid_token")
    assert server.get(f"/users/nobody/mfa/challenges/{uid}").error == "user_not_found"
    for client in (own, client_for(project)):
        reply = client.get(f"/users/alice/mfa/challenges/{uid}")
        assert (reply.status, reply.error) == (401, "general_unauthorized_scope")
    code = server.get(f"/users/alice/mfa/challenges/{uid}").json["code"]
    # Good for the session that asked, alone.
    bob = client_for(project, session=sign_up(project, "carl").session)
    assert answer(bob, uid, code).error == "user_invalid_token"
    with time_machine.travel(later(3600), tick=False):
        assert server.get(f"/users/alice/mfa/challenges/{uid}").error == "user_invalid_token"


def test_class_11_wrong_codes_use_a_delivered_challenge_up(own, server, rule):
    rule(custom=True)
    uid = challenge(own, "custom")
    code = server.get(f"/users/alice/mfa/challenges/{uid}").json["code"]
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(MAX_TOKEN_TRIES):
        assert answer(own, uid, wrong).error == "user_invalid_token"
    assert answer(own, uid, code).error == "user_invalid_token"
    assert server.get(f"/users/alice/mfa/challenges/{uid}").error == "user_invalid_token"


# A factor demanded of everybody

#: What is open, besides what every session reaches that lacks a factor, to set one up.
ENROLLING = {
    "account.createMFAAuthenticator",
    "account.updateMFAAuthenticator",
    "account.updateEmail",
    "account.updatePhone",
    "account.createEmailVerification",
    "account.createVerification",
    "account.updateEmailVerification",
    "account.updateVerification",
    "account.createEmailVerificationOtp",
    "account.updateEmailVerificationOtp",
    "account.createPhoneVerification",
    "account.updatePhoneVerification",
}
PENDING = {
    "account.listMFAFactors",
    "account.createMFAChallenge",
    "account.updateMFAChallenge",
    "account.deleteSession",
}


def test_user_sets_a_factor_up_and_is_in(own, sign_in, rule):
    rule(required=True)
    assert is_kept_out(own)  # at once, signed in before
    pending = sign_in()
    assert not any(pending.get(FACTORS).json.values())
    app = App(pending.post(APP).json["secret"])
    assert is_kept_out(pending)
    assert pending.put(APP, {"otp": app.code(steps=-1)}).status == 200
    assert not is_kept_out(pending)
    # Every other session is asked for the new one, and can set up no other.
    for other in (own, sign_in()):
        assert is_kept_out(other)
        assert other.post(APP).error == other.post(CODES).error == KEPT_OUT
    assert answer(own, challenge(own, "totp"), app.code()).status == 200
    assert not is_kept_out(own)


@pytest.mark.parametrize("kind", ["email", "phone"])
def test_user_proves_a_contact_and_shows_it(own, rule, kind):
    rule(required=True, **{name: name == kind for name in ("totp", "email", "phone")})
    assert own.post(APP).error == "user_auth_method_unsupported"
    if kind == "phone":
        own.patch("/account/phone", {"phone": NUMBER, "password": PASSWORD})
        own.post("/account/verifications/phone")
        proof = {"userId": "alice", "secret": newest_text_code()}
        assert own.put("/account/verifications/phone", proof).status == 200
    else:
        own.post("/account/verifications/email/otp")
        proof = {"userId": "alice", "secret": newest_code()}
        assert own.put("/account/verifications/email/otp", proof).status == 200
    assert is_kept_out(own)
    asked = challenge(own, kind)
    code = newest_text_code() if kind == "phone" else newest_code()
    assert answer(own, asked, code).status == 200
    assert not is_kept_out(own)


def test_nothing_else_is_open_to_who_has_to_set_a_factor_up(own, client_for, project, rule):
    token = own.post("/account/jwts").json["jwt"]
    rule(required=True)
    labels = all_operations().values()
    assert {each.id for each in labels if each.is_for_enrolling} == ENROLLING
    assert {each.id for each in labels if each.is_for_pending} == PENDING
    session = own.headers["X-Appwrite-Session"]
    cookie = client_for(project, cookies={"a_session_blog": session})
    stored = client_for(
        project, headers={"X-Fallback-Cookies": f'{{"a_session_blog": "{session}"}}'}
    )
    closed = [each for each in served() if each[2].id not in ENROLLING | PENDING]
    for number, (path, verb, label) in enumerate(closed):
        client = (own, cookie, stored, client_for(project, jwt=token))[number % 4]
        reply = client.call(verb, path.removeprefix("/v1").replace("{", "").replace("}", ""))
        refusals = (KEPT_OUT, "general_unauthorized_scope", "general_access_forbidden")
        assert reply.error in refusals, (label.id, reply.json)
        if label.service in ("account", "databases", "teams", "tablesdb"):
            is_open = "account" in label.scope or "public" in label.scope
            assert reply.error == KEPT_OUT or not is_open, (label.id, reply.json)


def test_wanting_two_factors_oneself_lets_nobody_in(own, sign_in, server, rule):
    """A proved address that does not count is none that was shown."""
    prove_contacts()
    rule(required=True, email=False)
    assert server.patch("/users/alice/mfa", {"mfa": True}).status == 200
    assert own.patch("/account/mfa", {"mfa": True}).error == KEPT_OUT
    assert is_kept_out(own)
    assert own.get("/account/mfa/recovery-codes").error == KEPT_OUT
    assert is_kept_out(sign_in())


def test_user_without_any_factor_left_sets_one_up_again(own, sign_in, rule):
    rule(required=True)
    app = enrol_required(own)
    answer(own, challenge(own, "totp"), app.code())
    assert own.patch("/account/mfa", {"mfa": False}).status == 200  # the project asks all the same
    assert own.delete(APP).status == 204
    late = sign_in()
    assert is_kept_out(late)
    assert late.post("/account/jwts").error == KEPT_OUT
    assert late.post(APP).status == 200
    # A code of the former app is none of the new one, and no challenge by it can be had.
    assert late.put(APP, {"otp": app.code(steps=1)}).error == "user_invalid_token"
    assert late.post(CHALLENGES, {"factor": "totp"}).error == "user_authenticator_not_found"


def enrol_required(client):
    app = App(client.post(APP).json["secret"])
    assert client.put(APP, {"otp": app.code(steps=-1)}).status == 200
    return app


def test_servers_passkeys_and_their_jwts_stay_as_they_are(own, server, client_for, project, rule):
    sign_up(project, "bob")
    Session.objects.filter(user__uid="bob").delete()
    made = server.post("/users/bob/jwts", {}).json["jwt"]
    rule(required=True)
    assert server.get("/users/alice").status == 200
    assert client_for(project, jwt=made).get("/account").status == 200
    assert client_for(project).get("/locale").error != KEPT_OUT
    Session.objects.update(factors=["passkey"])
    assert server.put("/users/alice/labels", {"labels": ["a"]}).status == 200
    assert not is_kept_out(own)


def test_servers_sign_users_in_by_one_factor_alone(own, server, client_for, project, rule):
    rule(required=True)
    token = server.post("/users/alice/tokens", {}).json
    by_token = client_for(project).post(
        "/account/sessions/token", {"userId": "alice", "secret": token["secret"]}
    )
    made = server.post("/users/alice/sessions", {})
    assert made.json["factors"] == ["server"]
    tied = server.post("/users/alice/jwts", {"sessionId": made.json["$id"]}).json["jwt"]
    session = client_for(project, session=made.json["secret"])
    for client in (
        session,
        client_for(project, session=by_token.cookies["a_session_blog"].value),
        client_for(project, jwt=tied),
    ):
        assert is_kept_out(client)
    enrol_required(session)
    assert session.get("/account").status == 200
    assert client_for(project, jwt=tied).get("/account").status == 200


def test_users_of_another_project_are_asked_for_nothing(own, client_for, other_project, rule):
    rule(required=True)
    person = sign_up(other_project, "alice")
    assert client_for(other_project, session=person.session).get("/account").status == 200
    rule(required=False)
    assert not is_kept_out(own)


def test_demand_costs_no_statement(own, rule, statements):
    rule(required=True)
    own.get("/ping")
    with statements() as seen:
        assert is_kept_out(own)
    assert len(seen) == 1
    assert not Authenticator.objects.exists()
    assert not User.objects.get(uid="alice").has_mfa
