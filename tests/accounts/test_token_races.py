"""Single-use secrets that many use at the same moment, on committed transactions."""

from functools import partial

import pytest
from django.db import IntegrityError

from accounts.models import Challenge, Mail, RecoveryCode, Session, Token, User
from accounts.services.proofs import send_recovery
from kernel import jobs
from tests.accounts.apps import CODES, answer, challenge, enrol, standing_clock
from tests.accounts.mailbox import newest_code, newest_link, newest_text_code
from tests.accounts.test_races import at_once
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def secret(project, client_for, make_key, alice):
    """Make tokens of a length for alice; returns the secret."""
    server = client_for(project, key=make_key(project, ["users.write"]))

    def make(length):
        return server.post("/users/alice/tokens", {"length": length}).json["secret"]

    return make


@pytest.mark.parametrize("length", [6, 64])
def test_class_09_one_of_fifty_uses_of_a_token_wins(project, client_for, secret, length):
    guest = client_for(project)
    body = {"userId": "alice", "secret": secret(length)}
    before = Session.objects.count()
    replies = at_once([lambda: guest.post("/account/sessions/token", body)] * 50)
    assert sorted(reply.status for reply in replies) == [201] + [401] * 49
    assert Session.objects.count() == before + 1


def test_class_11_parallel_guesses_never_get_more_tries_than_a_token_bears(
    project, client_for, secret
):
    guest = client_for(project)
    right = secret(6)
    guesses = [f"wrong{number}" for number in range(40)]
    replies = at_once(
        [
            partial(guest.post, "/account/sessions/token", {"userId": "alice", "secret": guess})
            for guess in guesses
        ]
    )
    assert {reply.status for reply in replies} == {401}
    assert Token.objects.get().tries_left == 0
    late = guest.post("/account/sessions/token", {"userId": "alice", "secret": right})
    assert (late.status, late.error) == (401, "user_invalid_token")


def test_guesses_at_several_tokens_of_a_user_wait_in_no_circle(project, client_for, secret):
    guest = client_for(project)
    secrets = [secret(6) for _ in range(5)]
    replies = at_once(
        [
            partial(guest.post, "/account/sessions/token", {"userId": "alice", "secret": each})
            for each in [*secrets, "wrong"] * 5
        ]
    )
    assert {reply.status for reply in replies} <= {201, 401}
    assert [reply.status for reply in replies].count(201) == Token.objects.exclude(
        used_at=None
    ).count()


URL = "http://localhost/in"


def test_class_09_one_of_fifty_uses_of_a_magic_link_wins(project, client_for):
    guest = client_for(project)
    guest.post("/account/tokens/magic-url", {"userId": "a", "email": "a@example.com", "url": URL})
    body = {"userId": "a", "secret": newest_link()[1]["secret"]}
    calls = [
        lambda: guest.post("/account/sessions/token", body),
        lambda: guest.put("/account/sessions/magic-url", body),
    ]
    replies = at_once(calls * 25)
    assert sorted(reply.status for reply in replies) == [201] + [401] * 49
    assert Session.objects.count() == 1


def test_class_09_one_of_fifty_uses_of_a_code_wins(project, client_for):
    guest = client_for(project)
    guest.post("/account/tokens/email", {"userId": "a", "email": "a@example.com"})
    body = {"userId": "a", "secret": newest_code()}
    replies = at_once([lambda: guest.post("/account/sessions/token", body)] * 50)
    assert sorted(reply.status for reply in replies) == [201] + [401] * 49


def test_class_09_one_of_fifty_uses_of_a_code_to_a_phone_wins(project, client_for):
    guest = client_for(project)
    guest.post("/account/tokens/phone", {"userId": "a", "phone": "+4915112345678"})
    body = {"userId": "a", "secret": newest_text_code()}
    calls = [
        lambda: guest.post("/account/sessions/token", body),
        lambda: guest.put("/account/sessions/phone", body),
    ]
    replies = at_once(calls * 25)
    assert sorted(reply.status for reply in replies) == [201] + [401] * 49


def test_class_09_one_of_fifty_recoveries_with_a_secret_wins(project, client_for, alice):
    guest = client_for(project)
    guest.post("/account/recovery", {"email": alice.email, "url": URL})
    jobs.run_waiting()
    secret = newest_link()[1]["secret"]
    changes = [f"{PASSWORD} {number}" for number in range(50)]
    replies = at_once(
        [
            partial(
                guest.put,
                "/account/recovery",
                {"userId": "alice", "secret": secret, "password": password},
            )
            for password in changes
        ]
    )
    assert sorted(reply.status for reply in replies) == [200] + [401] * 49
    (winner,) = (
        password for password, reply in zip(changes, replies, strict=True) if reply.status == 200
    )
    body = {"email": alice.email, "password": winner}
    assert guest.post("/account/sessions/email", body).status == 201


def test_class_09_one_of_fifty_verifications_wins(project, client_for, alice):
    guest = client_for(project)
    own = client_for(project, session=alice.session)
    own.post("/account/verifications/email", {"url": URL})
    body = {"userId": "alice", "secret": newest_link()[1]["secret"]}
    replies = at_once([lambda: guest.put("/account/verifications/email", body)] * 50)
    assert sorted(reply.status for reply in replies) == [200] + [401] * 49


@pytest.mark.parametrize("factor", ["totp", "recoverycode"])
def test_class_09_one_of_fifty_challenges_with_a_code_is_passed(project, client_for, alice, factor):
    own = client_for(project, session=alice.session)
    with standing_clock():
        app, codes = enrol(own), own.post(CODES).json["recoveryCodes"]
        otp = app.code() if factor == "totp" else codes[0]
        uids = [challenge(own, factor) for _ in range(10)]
        replies = at_once([partial(answer, own, uid, otp) for uid in uids * 5])
    assert sorted(reply.status for reply in replies) == [200] + [401] * 49
    assert RecoveryCode.objects.count() == (6 if factor == "totp" else 5)


def test_class_11_parallel_answers_never_get_more_tries_than_a_challenge_bears(
    project, client_for, alice
):
    own = client_for(project, session=alice.session)
    own.post(CODES)
    uid = challenge(own, "recoverycode")
    at_once([partial(answer, own, uid, f"wrong{number}") for number in range(40)])
    assert Challenge.objects.get().tries_left == 0


def test_recovery_codes_asked_for_at_once_are_made_once(project, client_for, alice):
    own = client_for(project, session=alice.session)
    replies = at_once([lambda: own.post(CODES)] * 12)
    assert sorted(reply.status for reply in replies) == [201] + [409] * 11
    assert RecoveryCode.objects.count() == 6


@pytest.mark.parametrize("kind", ["magic-url", "email"])
def test_unknown_address_asked_for_at_once_becomes_one_user(project, client_for, kind):
    guest = client_for(project)
    body = {"userId": "unique()", "email": "a@example.com", "url": URL}
    replies = at_once([lambda: guest.post(f"/account/tokens/{kind}", body)] * 12)
    assert {reply.status for reply in replies} == {201}
    assert {reply.json["userId"] for reply in replies} == {User.objects.get().uid}


def test_recovery_job_run_by_two_workers_mails_once(project, alice):
    work = partial(
        send_recovery, project_uid=project.uid, email=alice.email, url=URL, token_uid="t"
    )
    at_once([_quietly(work)] * 4)
    assert (Mail.objects.count(), Token.objects.count()) == (1, 1)


def _quietly(work):
    """Let a worker fail on what another has done: its job is tried again, and finds nothing."""

    def do():
        try:
            work()
        except IntegrityError:
            work()

    return do


def test_class_09_one_of_fifty_uses_of_an_invitation_wins(project, client_for, alice):
    owner, guest = client_for(project, session=alice.session), client_for(project)
    owner.post("/teams", {"teamId": "band", "name": "Band"})
    body = {"email": "a@example.com", "roles": [], "url": URL}
    made = owner.post("/teams/band/memberships", body).json
    proof = {"userId": made["userId"], "secret": newest_link()[1]["secret"]}
    path = f"/teams/band/memberships/{made['$id']}/status"
    before = Session.objects.count()
    replies = at_once([lambda: guest.patch(path, proof)] * 50)
    assert [reply.status for reply in replies].count(200) == 1
    assert {reply.status for reply in replies} <= {200, 401, 409}
    assert Session.objects.count() == before + 1
