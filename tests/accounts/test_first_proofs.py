"""Who proves an address first has the account alone: nothing of who signed up with it stays."""

import pytest

from accounts.models import Authenticator as App
from accounts.models import Identity, Passkey, RecoveryCode, Session, User
from tests.accounts.apps import CODES, enrol
from tests.accounts.authenticators import (
    DOMAIN,
    PAGE,
    Authenticator,
    add_platform,
    register,
    sign_in,
    verify,
)
from tests.accounts.identity_provider import Person
from tests.accounts.mailbox import newest_code, newest_link, newest_text_code
from tests.accounts.policies import set_policy
from tests.accounts.test_proof_races import while_held
from tests.client import ApiClient

pytestmark = [pytest.mark.db, pytest.mark.django_db]

URL = "http://localhost/in"
ADDRESS, NUMBER = "alice@example.com", "+4915112345678"
NEW_PASSWORD = "an entirely new password"


@pytest.fixture
def early(project, alice, client_for):
    """Whoever signed up with alice's address, before she came."""
    add_platform(project)
    set_policy(project, "passkey", rpId=DOMAIN)
    return client_for(project, session=alice.session)


@pytest.fixture
def device(early):
    made = Authenticator()
    register(early, made)
    return made


@pytest.fixture
def identity(project, early):
    user = User.objects.get(uid="alice")
    return Identity.objects.create(
        project_id=project.id, user=user, uid="theirs", provider="oidc", provider_uid="666"
    )


def by_link(guest, jobs):
    guest.post("/account/recovery", {"email": ADDRESS, "url": URL})
    jobs()
    proof = {"userId": "alice", "secret": newest_link()[1]["secret"], "password": NEW_PASSWORD}
    return guest.put("/account/recovery", proof)


def by_code(guest, jobs):
    alias = guest.post("/account/recovery/otp", {"email": ADDRESS}).json["userId"]
    jobs()
    proof = {"userId": alias, "secret": newest_code(), "password": NEW_PASSWORD}
    return guest.put("/account/recovery/otp", proof)


RECOVERIES = [by_link, by_code]


@pytest.mark.parametrize("recover", RECOVERIES)
def test_class_01_recovery_leaves_nothing_of_who_signed_up_before(
    early, device, identity, guest, jobs, recover
):
    enrol(early)
    early.post(CODES)
    assert recover(guest, jobs).status == 200
    for model in (App, RecoveryCode, Identity, Passkey, Session):
        assert not model.objects.exists(), model
    assert sign_in(guest, device).error == "user_passkey_invalid"
    login = {"email": ADDRESS, "password": NEW_PASSWORD}
    assert guest.post("/account/sessions/email", login).status == 201


@pytest.mark.parametrize("recover", RECOVERIES)
def test_who_proved_their_address_keeps_passkeys_and_identities_when_they_recover(
    device, identity, guest, jobs, recover
):
    User.objects.update(is_email_verified=True)
    assert recover(guest, jobs).status == 200
    assert (Passkey.objects.count(), Identity.objects.count()) == (1, 1)
    assert sign_in(guest, device).status == 201


# What was begun before


def redeem(guest, token):
    body = {"userId": token["userId"], "secret": token["secret"]}
    return guest.post("/account/sessions/token", body)


def enter_by_mail(guest):
    """Sign in by a code that went to alice's address, the first proof of it."""
    guest.post("/account/tokens/email", {"userId": "new", "email": ADDRESS})
    opened = redeem(guest, {"userId": "alice", "secret": newest_code(ADDRESS)})
    assert opened.status == 201


def enter_by_phone(guest):
    guest.post("/account/tokens/phone", {"userId": "new", "phone": NUMBER})
    opened = redeem(guest, {"userId": "alice", "secret": newest_text_code()})
    assert opened.status == 201


def test_class_01_token_fetched_by_a_passkey_before_the_first_proof_is_over(device, guest):
    token = sign_in(guest, device).json
    enter_by_mail(guest)
    assert redeem(guest, token).error == "user_invalid_token"
    assert Session.objects.count() == 1


@pytest.mark.parametrize("recover", RECOVERIES)
def test_class_01_token_fetched_by_a_passkey_before_a_recovery_is_over(
    device, guest, jobs, recover
):
    token = sign_in(guest, device).json
    assert recover(guest, jobs).status == 200
    assert redeem(guest, token).error == "user_invalid_token"


def test_class_01_token_of_a_server_from_before_the_first_proof_is_over(
    alice, guest, project, client_for, make_key
):
    server = client_for(project, key=make_key(project, ["users.write"]))
    token = server.post("/users/alice/tokens").json
    enter_by_mail(guest)
    assert redeem(guest, token).error == "user_invalid_token"


def test_class_01_number_of_who_signed_up_before_is_proved_no_more(early, guest):
    User.objects.update(phone=NUMBER)
    early.post("/account/verifications/phone")
    proof = {"userId": "alice", "secret": newest_text_code()}
    enter_by_mail(guest)
    late = guest.put("/account/verifications/phone", proof)
    assert late.error == "user_invalid_token"
    assert not User.objects.get().is_phone_verified


def test_class_01_address_of_who_wrote_a_number_down_is_proved_no_more(early, guest):
    User.objects.update(phone=NUMBER)
    early.post("/account/verifications/email", {"url": URL})
    proof = {"userId": "alice", "secret": newest_link()[1]["secret"]}
    enter_by_phone(guest)
    late = guest.put("/account/verifications/email", proof)
    assert late.error == "user_invalid_token"
    assert not User.objects.get().is_email_verified


def test_what_was_mailed_to_an_address_outlives_the_first_proof_of_it(alice, guest, jobs):
    guest.post("/account/recovery", {"email": ADDRESS, "url": URL})
    jobs()
    secret = newest_link()[1]["secret"]
    enter_by_mail(guest)
    User.objects.update(password_updated_at=None)  # else it is over as the password is
    proof = {"userId": "alice", "secret": secret, "password": NEW_PASSWORD}
    assert guest.put("/account/recovery", proof).status == 200


def test_class_01_session_by_an_identity_unlinked_since_ends_with_the_first_proof(
    idp, browser, guest
):
    browser.sign_in(idp, Person(sub="666", email=ADDRESS, is_verified=False))
    linked = Identity.objects.get()
    mine = ApiClient({"X-Appwrite-Project": "blog"}, browser.cookies)
    assert mine.delete(f"/account/identities/{linked.uid}").status == 204
    assert browser.account().status == 200
    User.objects.update(uid="alice")
    enter_by_mail(guest)
    assert browser.account().status == 401
    assert Session.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_class_01_passkey_of_a_session_that_ends_at_the_same_moment_is_not_kept(early):
    asked = early.post("/account/passkeys", {"passkeyId": "key"}, origin=PAGE).json
    made = Authenticator().create(asked["publicKey"])
    end = "WITH held AS (UPDATE account SET is_email_verified = true) DELETE FROM session"
    late = while_held(end, lambda: verify(early, "key", made))
    assert (late.status, late.error) == (401, "user_unauthorized")
    assert not Passkey.objects.exists()
