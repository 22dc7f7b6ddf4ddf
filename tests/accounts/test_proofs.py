"""Verifying an address, and replacing a forgotten password."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Mail, Session, Token, User
from kernel import clock
from kernel.models import Job
from tests.accounts.mailbox import newest_link, newest_text
from tests.conftest import PASSWORD
from tests.reference import assert_model

APP = "http://localhost:3000/proof"
NEW_PASSWORD = "an entirely new password"
VERIFICATIONS = ["/account/verifications/email", "/account/verification"]


def proof_of(link):
    return {"userId": link[1]["userId"], "secret": link[1]["secret"]}


def login(client, password, email="alice@example.com"):
    return client.post("/account/sessions/email", {"email": email, "password": password})


# Verification


@pytest.mark.parametrize("path", VERIFICATIONS)
def test_address_is_verified_by_the_link_that_went_to_it(own, guest, events, path):
    asked = own.post(path, {"url": APP})
    assert asked.status == 201
    assert_model("Token", asked.json)
    assert (asked.json["userId"], asked.json["secret"]) == ("alice", "")
    token = asked.json["$id"]
    place, query = newest_link("alice@example.com")
    assert (place, query["userId"], query["expire"]) == (APP, "alice", asked.json["expire"])
    assert len(query["secret"]) == 256
    proved = guest.put(path, proof_of((place, query)))
    assert proved.status == 200
    assert_model("Token", proved.json)
    assert (proved.json["$id"], proved.json["secret"]) == (token, "")
    assert own.get("/account").json["emailVerification"] is True
    assert events.names()[-2:] == [
        f"users.alice.verification.{token}.create",
        f"users.alice.verification.{token}.update",
    ]
    assert {payload["secret"] for payload in events.payloads()[-2:]} == {""}


def test_verified_address_needs_no_second_proof(own):
    User.objects.update(is_email_verified=True)
    reply = own.post(VERIFICATIONS[0], {"url": APP})
    assert (reply.status, reply.error) == (409, "user_email_already_verified")


def test_user_without_an_address_has_none_to_verify(project, guest, client_for):
    opened = guest.post("/account/sessions/anonymous")
    nameless = client_for(project, session=opened.cookies["a_session_blog"].value)
    reply = nameless.post(VERIFICATIONS[0], {"url": APP})
    assert (reply.status, reply.error) == (400, "user_email_not_found")


def test_verification_is_for_the_signed_in(guest):
    assert guest.post(VERIFICATIONS[0], {"url": APP}).error == "general_unauthorized_scope"


def test_verification_dies_with_the_address_it_went_to(own, guest):
    own.post(VERIFICATIONS[0], {"url": APP})
    own.patch("/account/email", {"email": "moved@example.com", "password": PASSWORD})
    reply = guest.put(VERIFICATIONS[0], proof_of(newest_link()))
    assert (reply.status, reply.error) == (401, "user_invalid_token")
    assert own.get("/account").json["emailVerification"] is False


# Recovery


def recover(guest, jobs, email="alice@example.com"):
    asked = guest.post("/account/recovery", {"email": email, "url": APP})
    jobs()
    return asked


def test_forgotten_password_is_replaced_and_all_sessions_end(own, guest, jobs, events):
    asked = recover(guest, jobs)
    assert asked.status == 201
    assert_model("Token", asked.json)
    link = newest_link("alice@example.com")
    assert (link[0], link[1]["userId"]) == (APP, "alice")
    changed = guest.put("/account/recovery", proof_of(link) | {"password": NEW_PASSWORD})
    assert changed.status == 200
    assert_model("Token", changed.json)
    assert (changed.json["$id"], changed.json["userId"]) == (asked.json["$id"], "alice")
    assert own.get("/account").error == "general_unauthorized_scope"
    assert login(guest, PASSWORD).error == "user_invalid_credentials"
    assert login(guest, NEW_PASSWORD).status == 201
    token = asked.json["$id"]
    assert events.names()[-3:-1] == [
        f"users.alice.recovery.{token}.create",
        f"users.alice.recovery.{token}.update",
    ]
    assert User.objects.get().is_email_verified


def test_class_14_recovery_answers_the_same_for_known_and_unknown_addresses(
    guest, alice, jobs, statements
):
    replies, written = [], []
    for email in ("alice@example.com", "nobody@example.com"):
        with statements() as seen:
            replies.append(
                [guest.post("/account/recovery", {"email": email, "url": APP}) for _ in range(2)]
            )
        written.append([each for each in seen if "SAVEPOINT" not in each])
    known, unknown = replies
    for reply in (*known, *unknown):
        assert reply.status == 201
        assert (reply.json["secret"], reply.json["phrase"]) == ("", "")
        assert len(reply.content) == len(known[0].content)
        assert reply.json["userId"] != "alice"
    for first, second in replies:
        assert first.json["userId"] == second.json["userId"]
        assert first.json["$id"] != second.json["$id"]
    assert written[0] == written[1]
    jobs()
    assert {mail.recipient for mail in Mail.objects.all()} == {"alice@example.com"}
    assert set(Job.objects.values_list("status", flat=True)) == {"done"}


def test_server_is_told_of_unknown_addresses_and_reads_the_secret(
    project, client_for, make_key, alice
):
    server = client_for(project, key=make_key(project, ["sessions.write"]))
    unknown = server.post("/account/recovery", {"email": "nobody@example.com", "url": APP})
    assert (unknown.status, unknown.error) == (404, "user_not_found")
    asked = server.post("/account/recovery", {"email": alice.email, "url": APP})
    assert asked.json["userId"] == "alice"
    assert asked.json["secret"] == newest_link()[1]["secret"]


def test_blocked_user_gets_no_recovery(guest, alice, jobs):
    User.objects.update(is_active=False)
    assert recover(guest, jobs).status == 201
    assert not Mail.objects.exists()


def test_recovery_job_done_twice_mails_once(guest, alice, jobs):
    recover(guest, jobs)
    Job.objects.update(status="waiting")
    jobs()
    assert (Mail.objects.count(), Token.objects.count()) == (1, 1)


def test_recovery_dies_when_the_password_changes(own, guest, jobs):
    recover(guest, jobs)
    first = newest_link()
    own.patch("/account/password", {"password": NEW_PASSWORD, "oldPassword": PASSWORD})
    reply = guest.put("/account/recovery", proof_of(first) | {"password": "some other password"})
    assert (reply.status, reply.error) == (401, "user_invalid_token")


def test_one_recovery_ends_the_others(guest, alice, jobs):
    links = []
    for _ in range(2):
        recover(guest, jobs)
        links.append(newest_link())
    for link, status in zip(links, (200, 401), strict=True):
        body = proof_of(link) | {"password": NEW_PASSWORD}
        assert guest.put("/account/recovery", body).status == status


@pytest.mark.parametrize("password", ["short", "x" * 257, {}, None])
def test_recovery_checks_the_new_password(guest, alice, jobs, password):
    recover(guest, jobs)
    body = proof_of(newest_link()) | {"password": password}
    assert guest.put("/account/recovery", body).error == "general_argument_invalid"
    assert guest.put("/account/recovery", body | {"password": NEW_PASSWORD}).status == 200


def test_wrong_secret_costs_no_hash(guest, alice, monkeypatch):
    monkeypatch.setattr("accounts.passwords.hash_password", lambda _: pytest.fail("hashed"))
    body = {"userId": "alice", "secret": "wrong", "password": NEW_PASSWORD}
    assert guest.put("/account/recovery", body).error == "user_invalid_token"


# Both


@pytest.mark.parametrize(
    ("path", "sent"),
    [(VERIFICATIONS[0], {}), ("/account/recovery", {"email": "alice@example.com"})],
)
@pytest.mark.parametrize(
    "url", ["https://evil.example/", "https://localhost@evil.example/", "", {}]
)
def test_class_07_proof_links_lead_to_places_of_the_project_alone(own, jobs, path, sent, url):
    reply = own.post(path, {"url": url, **sent})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    jobs()
    assert not Mail.objects.exists()


@pytest.mark.parametrize(
    "header", ["Host", "Origin", "Referer", "X_Forwarded_Host", "X_Original_Host", "Forwarded"]
)
def test_class_07_no_header_leads_a_recovery_elsewhere(guest, alice, jobs, settings, header):
    settings.TRUSTED_PROXIES = 1
    host = {"Forwarded": "host=evil.example", "Origin": "https://evil.example"}
    body = {"email": alice.email, "url": APP}
    reply = guest.post("/account/recovery", body, **{header: host.get(header, "evil.example")})
    jobs()
    if reply.status == 201:
        assert newest_link()[0] == APP
        assert "evil.example" not in newest_text()
    else:
        assert header in ("Host", "Origin", "Referer")
        assert not Mail.objects.exists()


def test_class_10_proof_works_once_and_for_its_own_purpose_alone(own, guest, jobs):
    own.post(VERIFICATIONS[0], {"url": APP})
    verification = proof_of(newest_link())
    recover(guest, jobs)
    recovery = proof_of(newest_link())
    new = {"password": NEW_PASSWORD}
    assert guest.put("/account/recovery", verification | new).error == "user_invalid_token"
    assert guest.put(VERIFICATIONS[0], recovery).error == "user_invalid_token"
    for proof in (verification, recovery):
        login_reply = guest.post("/account/sessions/token", proof)
        assert login_reply.error == "user_invalid_token"
    assert guest.put(VERIFICATIONS[0], verification).status == 200
    assert guest.put(VERIFICATIONS[0], verification).error == "user_invalid_token"
    assert guest.put("/account/recovery", recovery | new).status == 200
    assert guest.put("/account/recovery", recovery | new).error == "user_invalid_token"
    assert Session.objects.count() == 0


def test_proofs_expire_within_an_hour(own, guest, jobs):
    own.post(VERIFICATIONS[0], {"url": APP})
    verification = proof_of(newest_link())
    recover(guest, jobs)
    recovery = proof_of(newest_link()) | {"password": NEW_PASSWORD}
    with time_machine.travel(clock.now() + timedelta(seconds=3601), tick=False):
        assert guest.put(VERIFICATIONS[0], verification).error == "user_invalid_token"
        assert guest.put("/account/recovery", recovery).error == "user_invalid_token"


def test_proof_of_another_project_is_worth_nothing(own, guest, other_project, client_for):
    own.post(VERIFICATIONS[0], {"url": APP})
    proof = proof_of(newest_link())
    assert client_for(other_project).put(VERIFICATIONS[0], proof).error == "user_invalid_token"
    assert guest.put(VERIFICATIONS[0], proof).status == 200


def test_class_12_older_path_opens_no_second_budget(own, guest, limits):
    asked = [own.post(path, {"url": APP}).status for _ in range(6) for path in VERIFICATIONS]
    assert asked == [201] * 10 + [429] * 2
    wrong = {"userId": "alice", "secret": "wrong"}
    tried = [guest.put(path, wrong).status for _ in range(6) for path in VERIFICATIONS]
    assert tried == [401] * 10 + [429] * 2


def test_class_12_address_gets_ten_recoveries_an_hour(guest, alice, jobs, limits):
    statuses = [recover(guest, jobs).status for _ in range(12)]
    assert statuses == [201] * 10 + [429] * 2
    assert Mail.objects.count() == 10
