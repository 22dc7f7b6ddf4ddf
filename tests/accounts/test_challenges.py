"""Challenges: showing a second factor."""

import pytest
import time_machine

from accounts.models import Challenge, Mail, RecoveryCode, Session, TextMessage, User
from tests.accounts.apps import (
    CHALLENGES,
    CODES,
    answer,
    challenge,
    enrol,
    later,
    prove_contacts,
    standing_clock,
)
from tests.accounts.mailbox import newest_code, newest_text_code
from tests.conftest import PASSWORD, sign_up
from tests.reference import assert_model

NUMBER = "+4915112345678"
FACTORS = ["totp", "email", "phone", "recoverycode"]


@pytest.fixture(autouse=True)
def _standing_clock():
    with standing_clock():
        yield


@pytest.fixture
def app(own):
    """Alice's app, and every other factor she could show."""
    prove_contacts(phone=NUMBER)
    return enrol(own)


@pytest.fixture
def codes(own, app):
    made: list[str] = own.post(CODES).json["recoveryCodes"]
    return made


@pytest.fixture
def right(app, codes):
    """Return the right answer to the newest challenge of a kind."""

    def answer_for(factor):
        if factor == "totp":
            return app.code()
        if factor == "recoverycode":
            return codes.pop()
        return newest_code() if factor == "email" else newest_text_code()

    return answer_for


@pytest.mark.parametrize("factor", FACTORS)
def test_pending_session_is_let_in_by_a_second_factor(sign_in, right, factor, events):
    pending = sign_in()
    events.clear()
    asked = pending.post(CHALLENGES, {"factor": factor})
    assert asked.status == 201
    assert_model("MfaChallenge", asked.json)
    uid = asked.json["$id"]
    assert asked.json["userId"] == "alice"
    assert events.names() == [f"users.alice.challenges.{uid}.create"]
    assert pending.get("/account").error == "user_more_factors_required"
    passed = answer(pending, uid, right(factor))
    assert passed.status == 200
    assert_model("Session", passed.json)
    name = "recoveryCode" if factor == "recoverycode" else factor
    assert passed.json["factors"] == ["password", name]
    assert passed.json["mfaUpdatedAt"] != ""
    assert events.names()[-1] == f"users.alice.sessions.{passed.json['$id']}.create"
    assert pending.get("/account").status == 200


def test_older_path_and_spelling_work(sign_in, codes):
    pending = sign_in()
    asked = pending.post("/account/mfa/challenge", {"factor": "recoveryCode"})
    body = {"challengeId": asked.json["$id"], "otp": codes[0]}
    assert pending.put("/account/mfa/challenge", body).status == 200


@pytest.mark.parametrize("factor", FACTORS)
def test_class_10_challenge_is_passed_once(sign_in, right, factor):
    pending = sign_in()
    uid, otp = challenge(pending, factor), None
    otp = right(factor)
    assert answer(pending, uid, otp).status == 200
    again = answer(pending, uid, otp)
    assert (again.status, again.error) == (401, "user_invalid_token")


def test_class_10_code_of_an_app_counts_once_in_whatever_session(own, sign_in, app):
    first, second = sign_in(), sign_in()
    code = app.code()
    assert answer(first, challenge(first, "totp"), code).status == 200
    assert answer(second, challenge(second, "totp"), code).error == "user_invalid_token"
    older = app.code(steps=-1)
    assert answer(second, challenge(second, "totp"), older).error == "user_invalid_token"
    with time_machine.travel(later(30), tick=False):
        assert answer(second, challenge(second, "totp"), app.code()).status == 200


def test_code_that_confirmed_an_app_passes_no_challenge(own, sign_in):
    app = enrol(own)
    pending = sign_in()
    reply = answer(pending, challenge(pending, "totp"), app.code(steps=-1))
    assert reply.error == "user_invalid_token"


@pytest.mark.parametrize(("steps", "status"), [(-3, 401), (-2, 401), (0, 200), (1, 200), (2, 401)])
def test_clock_of_an_app_may_be_half_a_minute_off(own, sign_in, app, steps, status):
    pending = sign_in()
    assert answer(pending, challenge(pending, "totp"), app.code(steps=steps)).status == status


def test_class_10_recovery_code_counts_once(sign_in, codes):
    first, second = sign_in(), sign_in()
    assert answer(first, challenge(first, "recoverycode"), codes[0]).status == 200
    reply = answer(second, challenge(second, "recoverycode"), codes[0])
    assert reply.error == "user_invalid_token"
    assert answer(second, challenge(second, "recoverycode"), codes[1]).status == 200
    assert RecoveryCode.objects.count() == 4


@pytest.mark.parametrize("factor", FACTORS)
def test_class_11_challenge_bears_five_wrong_answers(sign_in, right, factor):
    pending = sign_in()
    uid = challenge(pending, factor)
    for _ in range(5):
        assert answer(pending, uid, "wrong!").error == "user_invalid_token"
    assert answer(pending, uid, right(factor)).error == "user_invalid_token"
    assert pending.get("/account").error == "user_more_factors_required"


@pytest.mark.parametrize("factor", FACTORS)
def test_challenge_is_over_after_a_quarter_of_an_hour(sign_in, right, factor):
    pending = sign_in()
    uid = challenge(pending, factor)
    otp = right(factor)
    with time_machine.travel(later(901), tick=False):
        assert answer(pending, uid, otp).error == "user_invalid_token"


@pytest.mark.parametrize("factor", FACTORS)
def test_challenge_is_for_its_own_session_alone(sign_in, right, factor):
    asking, other = sign_in(), sign_in()
    uid = challenge(asking, factor)
    otp = right(factor)
    assert answer(other, uid, otp).error == "user_invalid_token"
    assert answer(asking, uid, otp).status == 200
    assert other.get("/account").error == "user_more_factors_required"


def test_answer_is_for_its_own_challenge_alone(sign_in, app):
    pending = sign_in()
    first = challenge(pending, "email")
    code = newest_code()
    second = challenge(pending, "email")
    third = challenge(pending, "phone")
    for uid in (second, third, challenge(pending, "totp")):
        assert answer(pending, uid, code).error == "user_invalid_token"
    assert answer(pending, first, code).status == 200


def test_codes_of_challenges_sign_nobody_in(project, client_for, sign_in, app):
    pending = sign_in()
    challenge(pending, "email")
    guest = client_for(project)
    for secret in (newest_code(), app.code()):
        body = {"userId": "alice", "secret": secret}
        assert guest.post("/account/sessions/token", body).error == "user_invalid_token"
    guest.post("/account/tokens/email", {"userId": "x", "email": "alice@example.com"})
    login_code = newest_code()
    reply = answer(pending, challenge(pending, "phone"), login_code)
    assert reply.error == "user_invalid_token"


def test_challenge_of_another_project_is_worth_nothing(sign_in, app, other_project, client_for):
    pending = sign_in()
    uid = challenge(pending, "totp")
    twin = sign_up(other_project, "alice")
    there = client_for(other_project, session=twin.session)
    assert answer(there, uid, app.code()).error == "user_invalid_token"
    enrol(there)
    Session.objects.filter(user__project_id=other_project.id).update(factors=["password"])
    foreign = challenge(there, "totp")
    assert answer(there, foreign, app.code()).error == "user_invalid_token"
    assert answer(pending, uid, app.code()).status == 200


def test_code_dies_with_the_contact_it_went_to(own, app):
    uid = challenge(own, "email")
    own.patch("/account/email", {"email": "moved@example.com", "password": PASSWORD})
    assert answer(own, uid, newest_code("alice@example.com")).error == "user_invalid_token"


@pytest.mark.parametrize(
    ("factor", "columns", "error"),
    [
        ("email", {}, "user_email_not_verified"),
        ("phone", {}, "user_phone_not_found"),
        ("phone", {"phone": NUMBER}, "user_phone_not_verified"),
        ("totp", {}, "user_authenticator_not_found"),
        ("recoverycode", {}, "user_recovery_codes_not_found"),
        ("custom", {}, "user_auth_method_unsupported"),
        ("password", {}, "general_argument_invalid"),
        ({}, {}, "general_argument_invalid"),
    ],
)
def test_challenge_needs_a_factor_that_can_be_shown(own, factor, columns, error):
    User.objects.update(**columns)
    assert own.post(CHALLENGES, {"factor": factor}).error == error
    assert not Challenge.objects.exists()


def test_user_without_an_address_gets_no_code_by_mail(project, client_for):
    opened = client_for(project).post("/account/sessions/anonymous")
    nameless = client_for(project, session=opened.cookies["a_session_blog"].value)
    assert nameless.post(CHALLENGES, {"factor": "email"}).error == "user_email_not_found"


def test_codes_go_to_the_stored_contacts_alone(own, app):
    Mail.objects.all().delete()
    challenge(own, "email")
    challenge(own, "phone")
    challenge(own, "totp")
    assert [mail.recipient for mail in Mail.objects.all()] == ["alice@example.com"]
    assert [text.recipient for text in TextMessage.objects.all()] == [NUMBER]
    row = Challenge.objects.get(factor="email")
    assert newest_code().encode() not in bytes(row.digest)


def test_unknown_challenge_and_wrong_code_look_the_same(own, app):
    unknown = answer(own, "none", "123456")
    wrong = answer(own, challenge(own, "email"), "123456")
    assert (unknown.status, unknown.json["message"]) == (wrong.status, wrong.json["message"])


def test_class_12_challenges_have_one_budget_by_whatever_path(own, app, limits):
    paths = [CHALLENGES, "/account/mfa/challenge"] * 6
    asked = [own.post(path, {"factor": "totp"}).status for path in paths]
    assert asked == [201] * 10 + [429] * 2
    uid = Challenge.objects.order_by("-id")[0].uid
    body = {"challengeId": uid, "otp": "wrong!"}
    assert [own.put(path, body).status for path in paths] == [401] * 10 + [429] * 2


def test_server_jwt_without_a_session_passes_no_challenge(project, client_for, make_key, alice):
    server = client_for(project, key=make_key(project, ["users.write"]))
    prove_contacts()
    Session.objects.all().delete()
    by_server = client_for(project, jwt=server.post("/users/alice/jwts").json["jwt"])
    uid = challenge(by_server, "email")
    reply = answer(by_server, uid, newest_code())
    assert (reply.status, reply.error) == (404, "user_session_not_found")
    assert Challenge.objects.get().used_at is None
