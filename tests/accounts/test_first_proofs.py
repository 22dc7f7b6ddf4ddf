"""Who proves an address first has the account alone: nothing of who signed up with it stays."""

import pytest

from accounts.models import Authenticator as App
from accounts.models import Identity, Passkey, RecoveryCode, Session, User
from tests.accounts.apps import CODES, enrol
from tests.accounts.authenticators import (
    DOMAIN,
    Authenticator,
    add_platform,
    register,
    sign_in,
)
from tests.accounts.mailbox import newest_code, newest_link
from tests.accounts.policies import set_policy

pytestmark = [pytest.mark.db, pytest.mark.django_db]

URL = "http://localhost/in"
ADDRESS, NUMBER = "alice@example.com", "+4915112345678"
NEW_PASSWORD = "an entirely new password"


@pytest.fixture
def guest(project, client_for):
    return client_for(project)


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
