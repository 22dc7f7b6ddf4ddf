"""Phone numbers: changing one's own, verifying it, and signing in by it."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Session, TextMessage, Token, User
from kernel import clock
from tests.accounts.mailbox import newest_code, newest_link, newest_text_code
from tests.conftest import PASSWORD
from tests.reference import assert_model

NUMBER = "+4915112345678"
OTHER_NUMBER = "+4915187654321"
VERIFICATIONS = ["/account/verifications/phone", "/account/verification/phone"]


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["sessions.write", "users.write"]))


def ask(client, path="/account/tokens/phone", **sent):
    return client.post(path, {"userId": "new", "phone": NUMBER} | sent)


def redeem(client, secret, user="new"):
    return client.post("/account/sessions/token", {"userId": user, "secret": secret})


# Signing in


def test_unknown_number_becomes_a_user_who_signs_in_by_a_code(guest, events):
    asked = ask(guest)
    assert asked.status == 201
    assert_model("Token", asked.json)
    assert (asked.json["userId"], asked.json["secret"], asked.json["phrase"]) == ("new", "", "")
    assert events.names() == ["users.new.create"]
    user = User.objects.get(uid="new")
    assert (user.phone, user.email, user.is_phone_verified) == (NUMBER, None, False)
    token = Token.objects.get()
    assert (token.tries_left, token.expires_at - token.created_at) == (5, timedelta(minutes=15))
    events.clear()
    opened = redeem(guest, newest_text_code(NUMBER))
    assert opened.status == 201
    assert_model("Session", opened.json)
    assert (opened.json["provider"], opened.json["factors"]) == ("phone", ["phone"])
    assert events.names() == [
        "users.new.update.verification",
        f"users.new.sessions.{opened.json['$id']}.create",
    ]
    user.refresh_from_db()
    assert user.is_phone_verified


def test_known_number_signs_in_its_own_user(guest, alice):
    User.objects.update(phone=NUMBER, is_phone_verified=True)
    assert ask(guest).json["userId"] == "alice"
    assert redeem(guest, newest_text_code(), user="alice").json["userId"] == "alice"
    assert User.objects.count() == 1


def test_older_paths_of_both_steps_work(guest):
    asked = ask(guest, "/account/sessions/phone")
    assert asked.status == 201
    proof = {"userId": "new", "secret": newest_text_code()}
    opened = guest.put("/account/sessions/phone", proof)
    assert (opened.status, opened.json["provider"]) == (201, "phone")
    assert guest.put("/account/sessions/phone", proof).error == "user_invalid_token"


def test_server_reads_the_code_and_sends_it_itself(server):
    code = ask(server).json["secret"]
    assert code == newest_text_code()
    assert redeem(server, code).json["secret"] != ""


@pytest.mark.parametrize(
    "phone",
    ["", "4915112345678", "+0915112345678", "+123456", "+" + "1" * 16, "+49 151", {}, None, 1,
     "+\u0664\u0669\u0661\u0665\u0661\u0661\u0662\u0663", "+4915112345678\n"],
)  # fmt: skip
def test_number_is_one_of_e_164(guest, own, server, phone):
    assert ask(guest, phone=phone).error == "general_argument_invalid"
    body = {"phone": phone, "password": PASSWORD}
    assert own.patch("/account/phone", body).error == "general_argument_invalid"
    if phone:
        reply = server.patch("/users/alice/phone", {"number": phone})
        assert reply.error == "general_argument_invalid"
    assert not TextMessage.objects.exists()


def test_taken_id_is_refused_for_another_number(guest, alice):
    assert ask(guest, userId="alice").error == "user_already_exists"
    assert not TextMessage.objects.exists()


def test_class_10_code_works_once_and_not_for_long(guest):
    ask(guest)
    code = newest_text_code()
    with time_machine.travel(clock.now() + timedelta(seconds=901), tick=False):
        assert redeem(guest, code).error == "user_invalid_token"
    assert redeem(guest, code).status == 201
    assert redeem(guest, code).error == "user_invalid_token"


def test_code_bears_five_wrong_guesses(guest):
    ask(guest)
    for _ in range(5):
        assert redeem(guest, "wrong!").error == "user_invalid_token"
    assert redeem(guest, newest_text_code()).error == "user_invalid_token"


def test_code_dies_with_the_number_it_went_to(guest, own):
    User.objects.update(phone=NUMBER, is_phone_verified=True)
    ask(guest)
    assert own.patch("/account/phone", {"phone": OTHER_NUMBER, "password": PASSWORD}).status == 200
    assert redeem(guest, newest_text_code(), user="alice").error == "user_invalid_token"


def test_console_is_not_entered_by_phone(console_project, client_for):
    reply = ask(client_for(console_project))
    assert (reply.status, reply.error) == (501, "user_auth_method_unsupported")


def test_class_12_number_gets_ten_codes_an_hour_by_whatever_path(guest, limits):
    paths = ["/account/tokens/phone", "/account/sessions/phone"] * 6
    assert [ask(guest, path).status for path in paths] == [201] * 10 + [429] * 2
    assert TextMessage.objects.count() == 10


def test_class_12_address_gets_ten_codes_an_hour_for_whatever_numbers(guest, limits):
    numbers = [f"+49151123456{place}" for place in range(10, 22)]
    asked = [ask(guest, userId="unique()", phone=number).status for number in numbers]
    assert asked == [201] * 10 + [429] * 2


# Whose a number or an address is (class 1)


def test_class_01_password_set_before_the_number_was_proved_opens_nothing(guest, own, alice):
    User.objects.update(phone=NUMBER)
    ask(guest)
    assert redeem(guest, newest_text_code(), user="alice").status == 201
    assert own.get("/account").error == "general_unauthorized_scope"
    body = {"email": alice.email, "password": PASSWORD}
    assert guest.post("/account/sessions/email", body).error == "user_invalid_credentials"
    assert Session.objects.count() == 1


def test_class_01_unproved_number_does_not_open_an_account_proved_otherwise(guest, alice):
    """Whoever writes another's number down must not share the account with them."""
    User.objects.update(phone=NUMBER, is_email_verified=True)
    ask(guest)
    reply = redeem(guest, newest_text_code(), user="alice")
    assert (reply.status, reply.error) == (400, "user_phone_not_verified")
    assert Session.objects.count() == 1
    assert User.objects.get().password


def test_class_01_unproved_address_does_not_open_an_account_proved_otherwise(guest, alice):
    User.objects.update(phone=NUMBER, is_phone_verified=True)
    guest.post("/account/tokens/email", {"userId": "new", "email": alice.email})
    reply = redeem(guest, newest_code(), user="alice")
    assert (reply.status, reply.error) == (400, "user_email_not_verified")


def test_class_01_unproved_address_gets_no_recovery_of_an_account_proved_otherwise(
    guest, server, alice, jobs
):
    link = "http://localhost/in"
    asked = {"email": alice.email, "url": link}
    guest.post("/account/recovery", asked)
    jobs()
    secret = newest_link()[1]["secret"]
    User.objects.update(phone=NUMBER, is_phone_verified=True)
    body = {"userId": "alice", "secret": secret, "password": "an entirely new password"}
    assert guest.put("/account/recovery", body).error == "user_email_not_verified"
    before = Token.objects.count()
    assert guest.post("/account/recovery", asked).status == 201
    jobs()
    assert Token.objects.count() == before


# One's own number


def test_own_number_is_changed_with_the_password(own, events):
    reply = own.patch("/account/phone", {"phone": NUMBER, "password": PASSWORD})
    assert reply.status == 200
    assert_model("User", reply.json)
    assert (reply.json["phone"], reply.json["phoneVerification"]) == (NUMBER, False)
    assert events.names()[-1] == "users.alice.update.phone"


def test_changed_number_has_to_be_verified_anew(own):
    User.objects.update(phone=NUMBER, is_phone_verified=True)
    reply = own.patch("/account/phone", {"phone": OTHER_NUMBER, "password": PASSWORD})
    assert reply.json["phoneVerification"] is False


def test_wrong_password_changes_no_number(own):
    reply = own.patch("/account/phone", {"phone": NUMBER, "password": "not the password"})
    assert (reply.status, reply.error) == (401, "user_invalid_credentials")
    assert User.objects.get().phone is None


def test_taken_number_is_refused(own, bob):
    User.objects.filter(uid="bob").update(phone=NUMBER)
    reply = own.patch("/account/phone", {"phone": NUMBER, "password": PASSWORD})
    assert (reply.status, reply.error) == (409, "user_phone_already_exists")


def test_anonymous_user_becomes_a_lasting_one_by_a_number(project, guest, client_for):
    opened = guest.post("/account/sessions/anonymous")
    nameless = client_for(project, session=opened.cookies["a_session_blog"].value)
    reply = nameless.patch("/account/phone", {"phone": NUMBER, "password": PASSWORD})
    assert (reply.status, reply.json["phone"]) == (200, NUMBER)
    assert User.objects.get().password


# Verification


@pytest.mark.parametrize("path", VERIFICATIONS)
def test_number_is_verified_by_the_code_that_went_to_it(own, guest, events, path):
    User.objects.update(phone=NUMBER)
    asked = own.post(path)
    assert asked.status == 201
    assert_model("Token", asked.json)
    assert (asked.json["userId"], asked.json["secret"]) == ("alice", "")
    token = asked.json["$id"]
    proved = guest.put(path, {"userId": "alice", "secret": newest_text_code(NUMBER)})
    assert proved.status == 200
    assert_model("Token", proved.json)
    assert own.get("/account").json["phoneVerification"] is True
    assert events.names()[-2:] == [
        f"users.alice.verification.{token}.create",
        f"users.alice.verification.{token}.update",
    ]
    assert {payload["secret"] for payload in events.payloads()[-2:]} == {""}


def test_verification_needs_a_number_that_is_not_verified(own):
    reply = own.post(VERIFICATIONS[0])
    assert (reply.status, reply.error) == (400, "user_phone_not_found")
    User.objects.update(phone=NUMBER, is_phone_verified=True)
    reply = own.post(VERIFICATIONS[0])
    assert (reply.status, reply.error) == (409, "user_phone_already_verified")


def test_verification_is_for_the_signed_in(guest):
    assert guest.post(VERIFICATIONS[0]).error == "general_unauthorized_scope"


def test_codes_are_for_their_own_purpose_and_project_alone(
    own, guest, other_project, client_for, project
):
    User.objects.update(phone=NUMBER)
    own.post(VERIFICATIONS[0])
    proof = {"userId": "alice", "secret": newest_text_code()}
    assert redeem(guest, proof["secret"], user="alice").error == "user_invalid_token"
    assert client_for(other_project).put(VERIFICATIONS[0], proof).error == "user_invalid_token"
    assert guest.put("/account/verifications/email", proof).error == "user_invalid_token"
    assert guest.put(VERIFICATIONS[0], proof).status == 200
    assert guest.put(VERIFICATIONS[0], proof).error == "user_invalid_token"
    ask(guest)
    login = {"userId": "alice", "secret": newest_text_code()}
    assert guest.put(VERIFICATIONS[0], login).error == "user_invalid_token"


def test_verification_bears_five_wrong_guesses(own, guest):
    User.objects.update(phone=NUMBER)
    own.post(VERIFICATIONS[0])
    for _ in range(5):
        wrong = guest.put(VERIFICATIONS[0], {"userId": "alice", "secret": "wrong!"})
        assert wrong.error == "user_invalid_token"
    proof = {"userId": "alice", "secret": newest_text_code()}
    assert guest.put(VERIFICATIONS[0], proof).error == "user_invalid_token"


def test_class_12_verification_by_phone_has_one_budget(own, guest, limits):
    User.objects.update(phone=NUMBER)
    assert [own.post(path).status for path in VERIFICATIONS * 6] == [201] * 10 + [429] * 2
    wrong = {"userId": "alice", "secret": "wrong!"}
    assert [guest.put(path, wrong).status for path in VERIFICATIONS * 6] == [401] * 10 + [429] * 2
