"""Second factors: authenticator apps, recovery codes, and what a session without one may do."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import time_machine

from accounts.models import Authenticator, RecoveryCode, Session, User
from gateway.identity import _PLAIN_FIELDS
from gateway.operations import all_operations
from kernel import clock
from projects.services import drop_project, operator, update_team
from tests.accounts.apps import (
    APP,
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
from tests.conftest import sign_up
from tests.reference import assert_model

NUMBER = "+4915112345678"


@pytest.fixture(autouse=True)
def _standing_clock():
    with standing_clock():
        yield


def is_kept_out(client):
    return client.get("/account").error == "user_more_factors_required"


# Authenticator apps


def test_app_is_set_up_by_a_secret_and_confirmed_by_a_code(own, events):
    asked = own.post(APP)
    assert asked.status == 200
    assert_model("MfaType", asked.json)
    uri = urlsplit(asked.json["uri"])
    query = {name: values[0] for name, values in parse_qs(uri.query).items()}
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/Blog:alice@example.com"
    assert query == {"secret": asked.json["secret"], "issuer": "Blog"}
    assert own.get("/account/mfa/factors").json["totp"] is False
    proved = own.put(APP, {"otp": App(asked.json["secret"]).code()})
    assert proved.status == 200
    assert_model("User", proved.json)
    factors = own.get("/account/mfa/factors")
    assert_model("MfaFactors", factors.json)
    assert factors.json == {
        "totp": True,
        "email": False,
        "phone": False,
        "recoveryCode": False,
        "custom": False,
    }
    assert own.get("/account/sessions/current").json["factors"] == ["password", "totp"]
    assert events.names() == ["users.alice.update.mfa"] * 2


def test_secret_of_an_app_is_stored_encrypted_and_told_once(own, events):
    secret = own.post(APP).json["secret"]
    row = Authenticator.objects.get()
    assert secret not in row.secret
    assert not [payload for payload in events.payloads() if secret in str(payload)]
    assert own.post(APP).json["secret"] != secret


def test_unconfirmed_app_is_replaced_and_a_confirmed_one_is_not(own):
    first = App(own.post(APP).json["secret"])
    second = App(own.post(APP).json["secret"])
    assert own.put(APP, {"otp": first.code()}).error == "user_invalid_token"
    assert own.put(APP, {"otp": second.code()}).status == 200
    for reply in (own.post(APP), own.put(APP, {"otp": second.code(steps=1)})):
        assert (reply.status, reply.error) == (409, "user_authenticator_already_verified")


def test_code_for_no_app_is_refused(own):
    reply = own.put(APP, {"otp": "123456"})
    assert (reply.status, reply.error) == (404, "user_authenticator_not_found")


@pytest.mark.parametrize("otp", ["", "12345", "000000x", "\u0661" * 6, "-1", "9" * 256])
def test_odd_codes_are_wrong_codes(own, otp):
    own.post(APP)
    assert own.put(APP, {"otp": otp}).error == "user_invalid_token"


def test_unknown_type_of_authenticator_is_refused(own):
    assert own.post("/account/mfa/authenticators/sms").error == "general_argument_invalid"


# Whether a second factor is asked for


def test_second_factor_is_asked_for_only_where_there_is_one(own, sign_in, events):
    changed = own.patch("/account/mfa", {"mfa": True})
    assert (changed.status, changed.json["mfa"]) == (200, True)
    assert events.names() == ["users.alice.update.mfa"]
    assert not is_kept_out(sign_in())
    enrol(own)
    assert is_kept_out(sign_in())
    assert not is_kept_out(own)
    assert own.patch("/account/mfa", {"mfa": False}).status == 200
    assert not is_kept_out(sign_in())


@pytest.mark.parametrize("columns", [{}, {"phone": NUMBER}])
def test_proved_contact_is_a_second_factor(own, sign_in, columns):
    prove_contacts(**columns)
    own.patch("/account/mfa", {"mfa": True})
    assert is_kept_out(sign_in())
    shown = ["password", "email", *columns]
    assert own.get("/account/sessions/current").json["factors"] == shown


def test_factor_that_signed_in_is_not_asked_for_again(own, project, server, client_for):
    """A user whose address is all they have would be locked out for ever."""
    prove_contacts()
    own.patch("/account/mfa", {"mfa": True})
    key = client_for(project, key=server.headers["X-Appwrite-Key"])
    token = key.post("/users/alice/tokens").json["secret"]
    by_token = _redeemed(project, client_for, token)
    assert is_kept_out(by_token)
    Session.objects.filter(provider="token").update(factors=["email"])
    assert not is_kept_out(by_token)
    User.objects.update(phone=NUMBER, is_phone_verified=True)
    assert is_kept_out(by_token)


def _redeemed(project, client_for, secret):
    body = {"userId": "alice", "secret": secret}
    reply = client_for(project).post("/account/sessions/token", body)
    return client_for(project, session=reply.cookies["a_session_blog"].value)


#: What the reference leaves open to sessions that lack a factor.
OPEN = {
    "account.listMFAFactors",
    "account.createMFAChallenge",
    "account.updateMFAChallenge",
    "account.deleteSession",
}


def test_pending_session_reaches_what_the_reference_says_and_nothing_else():
    assert {each.id for each in all_operations().values() if each.is_for_pending} == OPEN


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/account"),
        ("PATCH", "/account/mfa"),
        ("POST", APP),
        ("PUT", APP),
        ("DELETE", APP),
        ("POST", CODES),
        ("GET", CODES),
        ("POST", "/account/jwts"),
        ("GET", "/account/sessions"),
        ("POST", "/account/sessions/anonymous"),
        ("GET", "/databases/default/collections/c/documents"),
        ("GET", "/teams"),
        ("GET", "/ping"),
    ],
)
def test_pending_session_is_refused_before_anything_else(own, sign_in, method, path):
    enrol(own)
    reply = sign_in().call(method, path, {} if method != "GET" else None)
    assert (reply.status, reply.error) == (401, "user_more_factors_required")


def test_pending_session_can_be_ended(own, sign_in):
    enrol(own)
    pending = sign_in()
    assert pending.delete("/account/sessions/current").status == 204
    assert pending.get("/account").error == "general_unauthorized_scope"


def test_jwt_of_a_session_that_lacks_a_factor_is_kept_out(project, own, server, client_for):
    jwt = client_for(project, jwt=own.post("/account/jwts").json["jwt"])
    assert jwt.get("/account").status == 200
    enrol(own)
    assert jwt.get("/account").status == 200
    Session.objects.update(factors=["password"])
    assert is_kept_out(jwt)
    made = server.post("/users/alice/jwts").json["jwt"]
    assert is_kept_out(client_for(project, jwt=made))
    Session.objects.all().delete()
    by_server = server.post("/users/alice/jwts").json["jwt"]
    assert client_for(project, jwt=by_server).get("/account").status == 200


def test_console_user_who_lacks_a_factor_manages_nothing(project, console_project, client_for):
    ada = sign_up(console_project, "ada")
    own = client_for(console_project, session=ada.session)
    own.post("/teams", {"teamId": "crew", "name": "Crew"})
    update_team(caller=operator(), project_id=project.uid, team_id="crew")
    drop_project()
    headers = {"X-Appwrite-Mode": "admin"}
    admin = client_for(project, cookies={"a_session_console": ada.session}, headers=headers)
    assert admin.get("/users").status == 200
    enrol(own)
    Session.objects.update(factors=["password"])
    assert admin.get("/users").error == "user_more_factors_required"


def test_lack_of_a_factor_goes_along_with_an_identity():
    assert "needs_factor" in _PLAIN_FIELDS


def test_lack_of_a_factor_costs_no_statement(own, sign_in, statements):
    enrol(own)
    pending = sign_in()
    pending.get("/ping")
    with statements() as seen:
        assert is_kept_out(pending)
    assert len(seen) == 1


# Recovery codes


def test_recovery_codes_are_shown_once_and_kept_as_digests(own, events):
    made = own.post(CODES)
    assert made.status == 201
    assert_model("MfaRecoveryCodes", made.json)
    codes = made.json["recoveryCodes"]
    assert len(set(codes)) == 6
    assert {len(code) for code in codes} == {10}
    assert len({bytes(row.digest) for row in RecoveryCode.objects.all()}) == 6
    assert not [each for each in events.payloads() if any(code in str(each) for code in codes)]
    assert events.names() == ["users.alice.update.mfa"]
    again = own.post(CODES)
    assert (again.status, again.error) == (409, "user_recovery_codes_already_exists")


def test_class_30_codes_are_counted_and_replaced_after_a_challenge_alone(own):
    for call in (own.get, own.patch):
        assert call(CODES).error == "user_challenge_required"
    codes = own.post(CODES).json["recoveryCodes"]
    assert answer(own, challenge(own, "recoverycode"), codes[0]).status == 200
    assert own.get(CODES).json["recoveryCodes"] == ["*" * 10] * 5
    new = own.patch(CODES)
    assert new.status == 200
    assert set(new.json["recoveryCodes"]).isdisjoint(codes)
    assert len(new.json["recoveryCodes"]) == 6
    wrong = answer(own, challenge(own, "recoverycode"), codes[1])
    assert wrong.error == "user_invalid_token"
    with time_machine.travel(later(1801), tick=False):
        for reply in (own.get(CODES), own.patch(CODES), own.delete(APP)):
            assert (reply.status, reply.error) == (401, "user_challenge_required")


def test_user_without_recovery_codes_has_none_to_read(own):
    Session.objects.update(mfa_updated_at=clock.now())
    for call in (own.get, own.patch):
        reply = call(CODES)
        assert (reply.status, reply.error) == (404, "user_recovery_codes_not_found")


# Removal


def test_app_is_removed_after_a_challenge(own, sign_in, events):
    app = enrol(own)
    assert own.delete(APP).error == "user_challenge_required"
    assert answer(own, challenge(own, "totp"), app.code()).status == 200
    assert own.delete(APP).status == 204
    assert events.names()[-1] == "users.alice.delete.mfa"
    assert own.delete(APP).error == "user_authenticator_not_found"
    assert not is_kept_out(sign_in())


@pytest.mark.parametrize("signs_in_by", ["email", "phone"])
def test_class_01_factors_set_up_before_the_first_proof_are_gone(
    own, guest, project, client_for, signs_in_by
):
    own.post(CODES)
    enrol(own)
    User.objects.update(phone=NUMBER)
    contact = {"email": "alice@example.com"} if signs_in_by == "email" else {"phone": NUMBER}
    guest.post(f"/account/tokens/{signs_in_by}", {"userId": "x", **contact})
    code = newest_code() if signs_in_by == "email" else newest_text_code()
    owner = _redeemed(project, client_for, code)
    assert owner.get("/account").status == 200
    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()


# By a server


def test_server_turns_the_second_factor_on_and_off(own, server, sign_in, events):
    enrol(own)
    events.clear()
    changed = server.patch("/users/alice/mfa", {"mfa": False})
    assert_model("User", changed.json)
    assert (changed.status, changed.json["mfa"]) == (200, False)
    assert events.names() == ["users.alice.update.mfa"]
    assert not is_kept_out(sign_in())
    server.patch("/users/alice/mfa", {"mfa": True})
    assert is_kept_out(sign_in())


def test_server_lists_factors_and_removes_an_app(own, server, events):
    enrol(own)
    factors = server.get("/users/alice/mfa/factors")
    assert_model("MfaFactors", factors.json)
    assert factors.json["totp"] is True
    assert server.delete("/users/alice/mfa/authenticators/totp").status == 204
    assert events.names()[-1] == "users.alice.delete.mfa"
    gone = server.delete("/users/alice/mfa/authenticators/totp")
    assert (gone.status, gone.error) == (404, "user_authenticator_not_found")


def test_server_makes_counts_and_replaces_recovery_codes(own, server, events):
    path = "/users/alice/mfa/recovery-codes"
    assert server.get(path).error == "user_recovery_codes_not_found"
    assert server.put(path).error == "user_recovery_codes_not_found"
    made = server.patch(path)
    assert_model("MfaRecoveryCodes", made.json)
    assert made.status == 200
    assert server.patch(path).error == "user_recovery_codes_already_exists"
    assert server.get(path).json["recoveryCodes"] == ["*" * 10] * 6
    replaced = server.put(path)
    assert set(replaced.json["recoveryCodes"]).isdisjoint(made.json["recoveryCodes"])
    assert events.names() == [
        "users.alice.create.mfa.recovery-codes",
        "users.alice.update.mfa.recovery-codes",
    ]
    used = answer(own, challenge(own, "recoveryCode"), replaced.json["recoveryCodes"][0])
    assert used.status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "mfa"),
        ("GET", "mfa/factors"),
        ("DELETE", "mfa/authenticators/totp"),
        ("GET", "mfa/recovery-codes"),
        ("PATCH", "mfa/recovery-codes"),
        ("PUT", "mfa/recovery-codes"),
    ],
)
def test_factors_of_unknown_users_are_not_found(server, method, path):
    body = None if method == "GET" else {"mfa": True}
    assert server.call(method, f"/users/nobody/{path}", body).error == "user_not_found"
