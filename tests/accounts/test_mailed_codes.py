"""Codes in mails: verifying an address by one, and replacing a forgotten password."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Mail, Session, Token, User
from kernel import clock
from kernel.models import Job
from tests.accounts.mailbox import newest_code, newest_text
from tests.conftest import PASSWORD
from tests.reference import assert_model

VERIFICATION, RECOVERY = "/account/verifications/email/otp", "/account/recovery/otp"
NEW_PASSWORD = "an entirely new password"


def recover(guest, jobs, email="alice@example.com"):
    asked = guest.post(RECOVERY, {"email": email})
    jobs()
    return asked


def replace(client, user, code, password=NEW_PASSWORD):
    return client.put(RECOVERY, {"userId": user, "secret": code, "password": password})


def login(client, password):
    body = {"email": "alice@example.com", "password": password}
    return client.post("/account/sessions/email", body)


def test_address_is_verified_by_the_code_that_went_to_it(own, guest, events):
    asked = own.post(VERIFICATION, {"phrase": True})
    assert asked.status == 201
    assert_model("Token", asked.json)
    assert (asked.json["userId"], asked.json["secret"]) == ("alice", "")
    assert asked.json["phrase"] in newest_text("alice@example.com")
    proved = guest.put(VERIFICATION, {"userId": "alice", "secret": newest_code()})
    assert proved.status == 200
    assert_model("Token", proved.json)
    assert own.get("/account").json["emailVerification"] is True
    token = asked.json["$id"]
    assert events.names() == [
        f"users.alice.verification.{token}.create",
        f"users.alice.verification.{token}.update",
    ]
    assert own.post(VERIFICATION).error == "user_email_already_verified"


def test_user_without_an_address_has_none_to_verify(project, guest, client_for):
    opened = guest.post("/account/sessions/anonymous")
    nameless = client_for(project, session=opened.cookies["a_session_blog"].value)
    assert nameless.post(VERIFICATION).error == "user_email_not_found"
    assert guest.post(VERIFICATION).error == "general_unauthorized_scope"


def test_forgotten_password_is_replaced_and_all_sessions_end(own, guest, jobs, events):
    asked = recover(guest, jobs)
    assert asked.status == 201
    assert_model("Token", asked.json)
    changed = replace(guest, asked.json["userId"], newest_code("alice@example.com"))
    assert changed.status == 200
    assert_model("Token", changed.json)
    assert (changed.json["$id"], changed.json["userId"]) == (asked.json["$id"], "alice")
    assert own.get("/account").error == "general_unauthorized_scope"
    assert login(guest, PASSWORD).error == "user_invalid_credentials"
    assert login(guest, NEW_PASSWORD).status == 201
    token = asked.json["$id"]
    assert events.names()[:2] == [
        f"users.alice.recovery.{token}.create",
        f"users.alice.recovery.{token}.update",
    ]


def test_server_reads_the_code_and_is_told_of_unknown_addresses(
    project, client_for, make_key, alice
):
    server = client_for(project, key=make_key(project, ["sessions.write"]))
    assert server.post(RECOVERY, {"email": "nobody@example.com"}).error == "user_not_found"
    asked = server.post(RECOVERY, {"email": alice.email}).json
    assert (asked["userId"], asked["secret"]) == ("alice", newest_code())
    assert replace(server, "alice", asked["secret"]).status == 200


def test_class_14_known_and_unknown_addresses_answer_and_cost_the_same(
    guest, alice, jobs, statements
):
    replies, written = [], []
    for email in ("alice@example.com", "nobody@example.com"):
        with statements() as seen:
            replies.append(guest.post(RECOVERY, {"email": email}))
        written.append([each for each in seen if "SAVEPOINT" not in each])
    known, unknown = replies
    assert known.status == unknown.status == 201
    assert len(known.content) == len(unknown.content)
    assert known.json["userId"] != "alice"
    assert written[0] == written[1]
    jobs()
    assert [mail.recipient for mail in Mail.objects.all()] == ["alice@example.com"]
    for user in (known.json["userId"], unknown.json["userId"], "alice", "nobody"):
        reply = replace(guest, user, "wrong!")
        assert (reply.status, reply.error) == (401, "user_invalid_token")


def test_class_10_codes_work_once_and_for_their_own_purpose_and_project_alone(
    own, guest, jobs, other_project, client_for
):
    own.post(VERIFICATION)
    proof = {"userId": "alice", "secret": newest_code()}
    assert replace(guest, "alice", proof["secret"]).error == "user_invalid_token"
    assert client_for(other_project).put(VERIFICATION, proof).error == "user_invalid_token"
    assert guest.post("/account/sessions/token", proof).error == "user_invalid_token"
    assert guest.put(VERIFICATION, proof).status == 200
    assert guest.put(VERIFICATION, proof).error == "user_invalid_token"
    alias = recover(guest, jobs).json["userId"]
    code = newest_code()
    assert guest.put(VERIFICATION, {"userId": "alice", "secret": code}).status == 401
    assert replace(client_for(other_project), alias, code).error == "user_invalid_token"
    assert replace(guest, alias, code).status == 200
    assert replace(guest, alias, code).error == "user_invalid_token"


@pytest.mark.parametrize("name", ["alias", "alice"])
def test_class_11_recovery_code_bears_five_wrong_guesses(guest, alice, jobs, name):
    alias = recover(guest, jobs).json["userId"]
    for _ in range(5):
        assert replace(guest, alias if name == "alias" else "alice", "wrong!").status == 401
    assert replace(guest, alias, newest_code()).error == "user_invalid_token"


def test_verification_code_bears_five_wrong_guesses(own, guest):
    own.post(VERIFICATION)
    for _ in range(5):
        assert guest.put(VERIFICATION, {"userId": "alice", "secret": "wrong!"}).status == 401
    right = {"userId": "alice", "secret": newest_code()}
    assert guest.put(VERIFICATION, right).error == "user_invalid_token"


def test_codes_are_over_after_a_quarter_of_an_hour(own, guest, jobs):
    own.post(VERIFICATION)
    proof = {"userId": "alice", "secret": newest_code()}
    alias = recover(guest, jobs).json["userId"]
    code = newest_code()
    with time_machine.travel(clock.now() + timedelta(seconds=901), tick=False):
        assert guest.put(VERIFICATION, proof).error == "user_invalid_token"
        assert replace(guest, alias, code).error == "user_invalid_token"


def test_recovery_code_dies_when_the_password_or_the_address_changes(own, guest, jobs):
    alias = recover(guest, jobs).json["userId"]
    own.patch("/account/password", {"password": NEW_PASSWORD, "oldPassword": PASSWORD})
    assert replace(guest, alias, newest_code()).error == "user_invalid_token"
    alias = recover(guest, jobs).json["userId"]
    own.patch("/account/email", {"email": "moved@example.com", "password": NEW_PASSWORD})
    assert replace(guest, alias, newest_code("alice@example.com")).error == "user_invalid_token"


def test_blocked_user_gets_no_recovery(guest, alice, jobs):
    User.objects.update(is_active=False)
    assert recover(guest, jobs).status == 201
    assert not Mail.objects.exists()


def test_class_01_unproved_address_gets_no_code_for_an_account_proved_otherwise(guest, alice, jobs):
    User.objects.update(phone="+4915112345678", is_phone_verified=True)
    assert recover(guest, jobs).status == 201
    assert not Mail.objects.exists()


def test_recovery_job_done_twice_mails_once(guest, alice, jobs):
    recover(guest, jobs)
    Job.objects.update(status="waiting")
    jobs()
    assert (Mail.objects.count(), Token.objects.count()) == (1, 1)


def test_class_12_address_gets_ten_codes_an_hour(guest, alice, jobs, limits):
    assert [recover(guest, jobs).status for _ in range(12)] == [201] * 10 + [429] * 2
    assert Session.objects.count() == 1
