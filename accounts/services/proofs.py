"""Proving that one reads the mail of an address: to verify it, and to get a new password."""

import secrets
from datetime import timedelta

from django.db import transaction

from accounts.events import announce_identity, publish_token
from accounts.links import check_link, link_to
from accounts.models import User
from accounts.outputs import TokenOutput, token_output
from accounts.services import contacts
from accounts.services.new_passwords import password_columns
from accounts.services.outbox import post_mail
from accounts.services.recovery import find_recipient, replace_password
from accounts.services.rows import (
    change_user,
    find_by_email,
    get_own_user,
    get_user_row,
    lock_user,
)
from accounts.services.tokens import check_redeemable, issue, redeem, shown
from accounts.tokens import PROOF_SECRET_BYTES, Purpose, pseudonym
from kernel import clock, jobs
from kernel.caller import Caller
from kernel.clock import api_time
from kernel.errors import ApiError, ErrorKind
from kernel.ids import unique_id
from kernel.limits import LINK_SECONDS

RECOVERY_JOB = "accounts.send_recovery"
_VERIFYING = (Purpose.VERIFICATION,)
_RECOVERING = (Purpose.RECOVERY,)


def create_email_verification(*, caller: Caller, url: str) -> TokenOutput:
    """Mail a link to `url` that proves the caller's address.

    Raises: USER_UNAUTHORIZED, ARGUMENT_INVALID, USER_EMAIL_NOT_FOUND, USER_EMAIL_ALREADY_VERIFIED
    """
    user = get_own_user(caller)
    check_link(caller.project, url)
    if not user.email:
        raise ApiError(ErrorKind.USER_EMAIL_NOT_FOUND)
    if user.is_email_verified:
        raise ApiError(ErrorKind.USER_EMAIL_ALREADY_VERIFIED)
    return _mail_proof(caller, user, Purpose.VERIFICATION, url, "Confirm your address")


def update_own_email_verification(*, caller: Caller, user_id: str, secret: str) -> TokenOutput:
    """Verify an address by the secret that was mailed to it.

    Raises: USER_INVALID_TOKEN
    """
    with transaction.atomic():
        # Before the token: a first proof at the same moment takes both in this order.
        lock_user(caller.project.id, user_id)
        redeemed = redeem(caller, user_id, _VERIFYING, secret)
        proof, address = redeemed.output(user_id), redeemed.email
        change_user(caller.project.id, user_id, checked_email=address, is_email_verified=True)
        publish_token(caller, user_id, Purpose.VERIFICATION, "update", proof)
        announce_identity(caller.project.id, user_uid=user_id, reason="verification")
    return proof


def create_recovery(*, caller: Caller, email: str, url: str) -> TokenOutput:
    """Mail a link to `url` by which a forgotten password is replaced.

    Clients get the same answer whether or not the address is a user's, after the same work: a job
    looks it up, and their answer names nobody.

    Raises: ARGUMENT_INVALID, USER_NOT_FOUND
    """
    check_link(caller.project, url)
    if caller.is_privileged:
        user = find_by_email(caller.project.id, email)
        if user is None:
            raise ApiError(ErrorKind.USER_NOT_FOUND)
        return _mail_recovery(caller, user, url)
    now, uid = clock.now(), unique_id()
    project = caller.project
    with transaction.atomic():
        jobs.enqueue(
            RECOVERY_JOB,
            project_uid=project.uid,
            email=email,
            url=url,
            token_uid=uid,
            locale=caller.locale,
        )
    return token_output(
        uid,
        user_uid=pseudonym(project.id, email),
        created_at=now,
        expires_at=now + timedelta(seconds=LINK_SECONDS),
    )


def send_recovery(
    *, project_uid: str, email: str, url: str, token_uid: str, locale: str = ""
) -> None:
    """Mail a recovery link to a user of this address, if there is one."""
    if found := find_recipient(project_uid, email, token_uid=token_uid, locale=locale):
        _mail_recovery(*found, url, token_uid)


def update_recovery(*, caller: Caller, user_id: str, secret: str, password: str) -> TokenOutput:
    """Replace a password by the secret that was mailed, and end all sessions of its user.

    Raises: USER_INVALID_TOKEN, USER_EMAIL_NOT_VERIFIED, ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA,
        PASSWORD_RECENTLY_USED, RATE_LIMIT_EXCEEDED
    """
    check_redeemable(caller, user_id, _RECOVERING, secret)
    columns = password_columns(caller.project, get_user_row(caller.project.id, user_id), password)
    with transaction.atomic():
        lock_user(caller.project.id, user_id)  # before the token, as for a verification
        redeemed = redeem(caller, user_id, _RECOVERING, secret)
        proof, address = redeemed.output(user_id), redeemed.email
        contacts.check_own(get_user_row(caller.project.id, user_id), contacts.EMAIL)
        replace_password(caller, proof, address=address, columns=columns)
    return proof


def _mail_recovery(caller: Caller, user: User, url: str, token_uid: str = "") -> TokenOutput:
    subject = f"A new password for {caller.project.name}"
    return _mail_proof(caller, user, Purpose.RECOVERY, url, subject, token_uid)


def _mail_proof(
    caller: Caller, user: User, purpose: Purpose, url: str, subject: str, token_uid: str = ""
) -> TokenOutput:
    secret, address = secrets.token_hex(PROOF_SECRET_BYTES), user.email or ""
    with transaction.atomic():
        token = issue(user, purpose, secret, seconds=LINK_SECONDS, email=address, uid=token_uid)
        output = shown(caller, user, token, secret)
        expire = api_time(token.expires_at)
        post_mail(
            caller.project,
            locale=caller.locale,
            recipient=address,
            template=str(purpose),
            subject=subject,
            link=link_to(url, userId=user.uid, secret=secret, expire=expire),
        )
        publish_token(caller, user.uid, purpose, "create", output)
    return output
