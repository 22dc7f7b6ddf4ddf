"""Ways to sign in besides e-mail and password, with the newest official Python SDK."""

import hashlib
import time

import bcrypt
import pyotp
import pytest
from appwrite.client import Client
from appwrite.enums.authentication_factor import AuthenticationFactor
from appwrite.enums.authenticator_type import AuthenticatorType
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.services.account import Account
from appwrite.services.project import Project
from appwrite.services.users import Users

from tests.compat import sdk
from tests.compat.live import PROJECT
from tests.compat.sdk import PASSWORD, Person

URL = "http://localhost/in"


def test_guest_signs_in_anonymously(guest: Client):
    session = Account(guest).create_anonymous_session()

    assert (session.provider, session.secret, session.current) == ("anonymous", "", True)


def test_anonymous_user_becomes_a_lasting_one(key: Client):
    session = Account(key).create_anonymous_session()
    email = sdk.new_email()

    changed = Account(sdk.acting_as(key, session.secret)).update_email(email, PASSWORD)

    assert (changed.id, changed.email) == (session.userid, email)
    again = Account(key).create_email_password_session(email, PASSWORD)
    assert again.userid == session.userid


def test_token_of_a_server_signs_its_user_in_once(key: Client, guest: Client, alice: Person):
    token = Users(key).create_token(alice.id, length=32, expire=60)

    session = Account(guest).create_session(alice.id, token.secret)

    assert (len(token.secret), session.userid, session.provider) == (32, alice.id, "token")
    with pytest.raises(AppwriteException) as refused:
        Account(key).create_session(alice.id, token.secret)
    assert (refused.value.code, refused.value.type) == (401, "user_invalid_token")


def test_magic_link_signs_an_unknown_address_in(key: Client):
    account, email = Account(key), sdk.new_email()

    token = account.create_magic_url_token(ID.unique(), email, url=URL, phrase=True)
    session = account.update_magic_url_session(token.userid, token.secret)

    assert (session.provider, len(token.phrase.split())) == ("magic-url", 2)
    user = Users(key).get(token.userid)
    assert (user.email, user.emailverification) == (email, True)


def test_code_by_mail_signs_a_known_address_in(key: Client, alice: Person):
    account = Account(key)

    token = account.create_email_token(ID.unique(), alice.email)
    session = account.create_session(alice.id, token.secret)

    assert token.userid == alice.id
    assert len(token.secret) == 6
    assert session.userid == alice.id


def test_code_to_a_phone_signs_an_unknown_number_in(key: Client):
    account, number = Account(key), sdk.new_phone()

    token = account.create_phone_token(ID.unique(), number)
    session = account.update_phone_session(token.userid, token.secret)

    assert (session.provider, len(token.secret)) == ("phone", 6)
    user = Users(key).get(token.userid)
    assert (user.phone, user.phoneverification) == (number, True)


def test_user_changes_the_number_and_verifies_it(key: Client, alice: Person):
    account, number = Account(alice.client), sdk.new_phone()

    changed = account.update_phone(number, PASSWORD)
    token = account.create_phone_verification()

    assert (changed.phone, changed.phoneverification) == (number, False)
    assert (token.userid, token.secret) == (alice.id, "")
    with pytest.raises(AppwriteException) as refused:
        account.update_phone_verification(alice.id, "wrong!")
    assert (refused.value.code, refused.value.type) == (401, "user_invalid_token")


def test_forgotten_password_is_replaced(key: Client, alice: Person):
    account = Account(key)

    token = account.create_recovery(alice.email, URL)
    proof = account.update_recovery(alice.id, token.secret, "another long password")

    assert proof.id == token.id
    assert account.create_email_password_session(alice.email, "another long password").secret
    with pytest.raises(AppwriteException):
        Account(alice.client).get()


def test_forgotten_password_is_replaced_by_a_code(key: Client, alice: Person):
    account = Account(key)

    token = account.create_recovery_otp(alice.email, phrase=True)
    proof = account.update_recovery_otp(token.userid, token.secret, "another long password")

    assert (proof.id, len(token.phrase.split())) == (token.id, 2)
    assert account.create_email_password_session(alice.email, "another long password").secret


def test_user_asks_for_a_code_that_verifies(alice: Person):
    account = Account(alice.client)

    token = account.create_email_verification_otp()

    assert (token.userid, token.secret) == (alice.id, "")
    with pytest.raises(AppwriteException) as refused:
        account.update_email_verification_otp(alice.id, "wrong!")
    assert (refused.value.code, refused.value.type) == (401, "user_invalid_token")


def test_guest_learns_nothing_from_a_recovery(guest: Client, alice: Person):
    for email in (alice.email, sdk.new_email()):
        token = Account(guest).create_recovery(email, URL)

        assert token.secret == ""
        assert token.userid != alice.id


def test_user_asks_for_a_verification(alice: Person):
    token = Account(alice.client).create_email_verification(URL)

    assert (token.userid, token.secret) == (alice.id, "")


def test_user_sets_an_app_up_and_signs_in_with_it(key: Client, alice: Person):
    account = Account(alice.client)

    offered = account.create_mfa_authenticator(AuthenticatorType.TOTP)
    app = pyotp.TOTP(offered.secret)
    account.update_mfa_authenticator(AuthenticatorType.TOTP, app.at(time.time(), counter_offset=-1))
    user = account.update_mfa(True)
    codes = account.create_mfa_recovery_codes().recoverycodes
    session = Account(key).create_email_password_session(alice.email, PASSWORD)
    pending = Account(sdk.acting_as(key, session.secret))

    assert (user.mfa, len(codes), session.factors) == (True, 6, ["password"])
    with pytest.raises(AppwriteException) as refused:
        pending.get()
    assert (refused.value.code, refused.value.type) == (401, "user_more_factors_required")
    assert pending.list_mfa_factors().totp is True
    challenge = pending.create_mfa_challenge(AuthenticationFactor.TOTP)
    passed = pending.update_mfa_challenge(challenge.id, app.now())
    assert passed.factors == ["password", "totp"]
    assert pending.get().id == alice.id
    pending.delete_mfa_authenticator(AuthenticatorType.TOTP)
    assert pending.list_mfa_factors().totp is False


def test_server_delivers_the_code_of_a_second_factor(key: Client, alice: Person):
    project, account, users = Project(key), Account(alice.client), Users(key)

    changed = project.update_mfa_factors_policy(custom=True)
    try:
        policy = project.get_policy("mfa-factors")
        asked = account.create_mfa_challenge(AuthenticationFactor.CUSTOM)
        told = users.get_mfa_challenge(alice.id, asked.id)
        passed = account.update_mfa_challenge(asked.id, told.code)
    finally:
        project.update_mfa_factors_policy(custom=False)

    assert changed.id == PROJECT
    assert (policy.totp, policy.email, policy.phone, policy.custom) == (True, True, True, True)
    assert (told.id, told.userid, told.expire) == (asked.id, alice.id, asked.expire)
    assert passed.factors == ["password", "custom"]
    assert account.list_mfa_factors().custom is False
    with pytest.raises(AppwriteException) as used:
        users.get_mfa_challenge(alice.id, asked.id)
    assert used.value.type == "user_invalid_token"


def test_server_manages_the_factors_of_a_user(key: Client, alice: Person):
    users = Users(key)

    codes = users.create_mfa_recovery_codes(alice.id).recoverycodes
    new = users.update_mfa_recovery_codes(alice.id).recoverycodes

    assert set(codes).isdisjoint(new)
    assert len(users.get_mfa_recovery_codes(alice.id).recoverycodes) == 6
    assert users.list_mfa_factors(alice.id).recoverycode is True
    assert users.update_mfa(alice.id, True).mfa is True


def test_imported_users_log_in(key: Client):
    users, password = Users(key), "the old password"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    md5 = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    scrypt = hashlib.scrypt(password.encode(), salt=b"salt", n=16, r=8, p=1, dklen=32).hex()
    emails = [sdk.new_email() for _ in range(3)]

    imported = [
        users.create_bcrypt_user(ID.unique(), emails[0], hashed),
        users.create_md5_user(ID.unique(), emails[1], md5),
        users.create_scrypt_user(ID.unique(), emails[2], scrypt, "salt", 16, 8, 1, 32),
    ]

    assert [user.hash for user in imported] == ["bcrypt", "md5", "scrypt"]
    for email in emails:
        session = Account(key).create_email_password_session(email, password)
        assert Users(key).get(session.userid).hash == "argon2"
