"""Secrets open their own door once, and no other one: each kind is tried at every door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Session, Token, User
from accounts.services.tokens import issue
from accounts.tokens import Purpose, token_digest
from tests.conftest import PASSWORD

SECRET = "a secret of forty characters and no more"
#: Where secrets are shown, and the kinds that open each.
DOORS = {
    ("POST", "/account/sessions/token"): {
        Purpose.GENERIC,
        Purpose.MAGIC_URL,
        Purpose.EMAIL,
        Purpose.OAUTH2,
        Purpose.PHONE,
        Purpose.PASSKEY,
    },
    ("PUT", "/account/verifications/email"): {Purpose.VERIFICATION},
    ("PUT", "/account/verifications/email/otp"): {Purpose.VERIFICATION_CODE},
    ("PUT", "/account/verifications/phone"): {Purpose.PHONE_VERIFICATION},
    ("PUT", "/account/recovery"): {Purpose.RECOVERY},
    ("PUT", "/account/recovery/otp"): {Purpose.RECOVERY_OTP},
}
#: Kinds that open nothing without what they came by.
NEED_MORE = {Purpose.OAUTH2, Purpose.PASSKEY}
PHONE = "+4915112345678"

key = st.tuples(
    st.integers(1, 2**40),
    st.text("abc.-_019", min_size=1, max_size=36),
    st.sampled_from(Purpose),
    st.text(min_size=1, max_size=40),
)


def show(client, door):
    body = {"userId": "alice", "secret": SECRET, "password": f"{PASSWORD} anew"}
    if not door[1].startswith("/account/recovery"):
        del body["password"]
    return client.call(*door, body)


@pytest.mark.parametrize("purpose", Purpose)
def test_class_10_secret_opens_its_own_door_once_and_no_other(
    project, other_project, client_for, alice, purpose
):
    User.objects.filter(uid="alice").update(phone=PHONE)
    is_by_phone = purpose in {Purpose.PHONE, Purpose.PHONE_VERIFICATION}
    sent_to = {"phone": PHONE} if is_by_phone else {"email": alice.email}
    issue(User.objects.get(uid="alice"), purpose, SECRET, seconds=60, **sent_to)
    guest, stranger = client_for(project), client_for(other_project)
    for door, kinds in DOORS.items():
        assert show(stranger, door).status == 401
        if purpose not in kinds:
            assert show(guest, door).status == 401
    assert Token.objects.get().used_at is None
    assert Session.objects.count() == 1
    own = [door for door, kinds in DOORS.items() if purpose in kinds - NEED_MORE]
    assert [show(guest, door).status for door in own * 2] in ([], [200, 401], [201, 401])


@given(key, key)
def test_digest_stands_for_one_project_user_purpose_and_secret(one, other):
    assert (digest(*one) == digest(*other)) == (one == other)


def digest(project_id, user_uid, purpose, secret):
    return token_digest(secret, project_id=project_id, user_uid=user_uid, purpose=purpose)
