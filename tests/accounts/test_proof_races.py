"""Contacts that change while they are proved, on committed transactions: neither is verified."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from accounts.models import Identity, Session, User
from accounts.services import contacts
from kernel import jobs
from kernel.caller import Caller
from kernel.errors import ApiError
from tests.accounts.identity_provider import Person
from tests.accounts.mailbox import newest_code, newest_link, newest_text_code
from tests.accounts.oauth import error_of
from tests.accounts.test_races import at_once
from tests.conftest import PASSWORD
from tests.database import own_connection

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
URL = "http://localhost/in"
NUMBER, MOVED_NUMBER = "+4915112345678", "+4915187654321"
ADDRESS, MOVED_ADDRESS = "alice@example.com", "victim@example.com"
NEW_PASSWORD = "an entirely new password"
_MOVE = (
    f"UPDATE account SET email = '{MOVED_ADDRESS}', phone = '{MOVED_NUMBER}' WHERE uid = 'alice'"
)
_IS_BLOCKING = (
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid)))"
)


@pytest.fixture
def own(project, client_for, alice):
    User.objects.update(phone=NUMBER)
    return client_for(project, session=alice.session)


def while_moving(call):
    """Make a call that reads alice's contacts before they change, and writes after it."""
    return while_held(_MOVE, call)


def while_held(statement, call, *, then=""):
    """Make a call that reads what is there before a statement, and waits for its end.

    What is to happen `then` happens once the call waits.
    """
    with own_connection() as moving, own_connection() as watch, ThreadPoolExecutor(1) as thread:
        moving.execute("BEGIN")
        moving.execute(statement)
        called = thread.submit(at_once, [call])
        late = time.monotonic() + 60
        while watch.execute(_IS_BLOCKING, [moving.info.backend_pid]).fetchone() == (False,):
            assert not called.done(), called.result()
            assert time.monotonic() < late
            time.sleep(0.02)
        if then:
            moving.execute(then)
        moving.execute("COMMIT")
        (reply,) = called.result(60)
        return reply


def assert_nothing_is_proved():
    user = User.objects.get(uid="alice")
    assert (user.email, user.phone) == (MOVED_ADDRESS, MOVED_NUMBER)
    assert (user.is_email_verified, user.is_phone_verified) == (False, False)


def _link(own, guest):
    own.post("/account/verifications/email", {"url": URL})
    proof = {"userId": "alice", "secret": newest_link()[1]["secret"]}
    return partial(guest.put, "/account/verifications/email", proof)


def _code(own, guest):
    own.post("/account/verifications/email/otp")
    proof = {"userId": "alice", "secret": newest_code()}
    return partial(guest.put, "/account/verifications/email/otp", proof)


def _phone(own, guest):
    own.post("/account/verifications/phone")
    proof = {"userId": "alice", "secret": newest_text_code()}
    return partial(guest.put, "/account/verifications/phone", proof)


def _recovery(own, guest):
    guest.post("/account/recovery", {"email": ADDRESS, "url": URL})
    jobs.run_waiting()
    proof = {"userId": "alice", "secret": newest_link()[1]["secret"], "password": NEW_PASSWORD}
    return partial(guest.put, "/account/recovery", proof)


def _recovery_code(own, guest):
    guest.post("/account/recovery/otp", {"email": ADDRESS})
    jobs.run_waiting()
    proof = {"userId": "alice", "secret": newest_code(), "password": NEW_PASSWORD}
    return partial(guest.put, "/account/recovery/otp", proof)


def _login(own, guest):
    guest.post("/account/tokens/email", {"userId": "alice", "email": ADDRESS})
    proof = {"userId": "alice", "secret": newest_code()}
    return partial(guest.post, "/account/sessions/token", proof)


def _phone_login(own, guest):
    guest.post("/account/tokens/phone", {"userId": "alice", "phone": NUMBER})
    proof = {"userId": "alice", "secret": newest_text_code()}
    return partial(guest.post, "/account/sessions/token", proof)


WAYS = [_link, _code, _phone, _recovery, _recovery_code, _login, _phone_login]


@pytest.mark.parametrize("way", WAYS)
def test_class_01_proof_of_a_contact_marks_no_other_one(own, guest, way):
    password = User.objects.get().password
    reply = while_moving(way(own, guest))
    assert (reply.status, reply.error) == (401, "user_invalid_token")
    assert_nothing_is_proved()
    assert User.objects.get().password == password
    assert Session.objects.count() == 1


def test_class_01_code_to_a_former_address_opens_nothing_once_another_is_proved(
    project, own, guest
):
    """The move is over, and proved, before the user is read whom the code lets in."""
    User.objects.update(email=MOVED_ADDRESS, is_email_verified=True)
    with pytest.raises(ApiError) as refusal:
        contacts.prove(Caller(project=project), User.objects.get(), contacts.EMAIL, ADDRESS)
    assert refusal.value.kind.type == "user_invalid_token"


def test_class_01_invitation_to_an_address_marks_no_other_one(project, client_for, own, guest, bob):
    owner = client_for(project, session=bob.session)
    owner.post("/teams", {"teamId": "band", "name": "Band"})
    body = {"userId": "alice", "roles": [], "url": URL}
    made = owner.post("/teams/band/memberships", body).json
    proof = {"userId": "alice", "secret": newest_link()[1]["secret"]}
    path = f"/teams/band/memberships/{made['$id']}/status"
    reply = while_moving(partial(guest.patch, path, proof))
    assert (reply.status, reply.error) == (401, "user_invalid_token")
    assert_nothing_is_proved()


def test_class_01_providers_word_for_an_address_marks_no_other_one(own, guest, idp, browser):
    sent = idp.approve(browser.depart().headers["Location"], Person(sub="1", email=ADDRESS))
    reply = while_moving(partial(browser.come_back, "oidc", sent))
    assert error_of(reply) == "user_invalid_token"
    assert_nothing_is_proved()
    assert not Identity.objects.exists()
    login = {"email": MOVED_ADDRESS, "password": PASSWORD}
    assert guest.post("/account/sessions/email", login).status == 201
