"""Codes in mails, to be typed: to verify an address, and to get a new password."""

from datetime import timedelta

from django.db import transaction

from accounts.events import announce_identity, publish_token
from accounts.models import Token, User
from accounts.outputs import TokenOutput, token_output
from accounts.services import contacts
from accounts.services.new_passwords import password_columns
from accounts.services.outbox import post_mail
from accounts.services.recovery import find_recipient, replace_password
from accounts.services.rows import change_user, find_by_email, get_own_user, get_user_row
from accounts.services.tokens import issue, redeem, shown
from accounts.tokens import Purpose, new_code, new_phrase, pseudonym
from kernel import clock, jobs
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.ids import unique_id
from kernel.limits import CODE_SECONDS

RECOVERY_JOB = "accounts.send_recovery_otp"
#: The kinds of tokens as events name them.
_VERIFICATION, _RECOVERY = "verification", "recovery"
_VERIFYING = (Purpose.VERIFICATION_CODE,)
_RECOVERING = (Purpose.RECOVERY_OTP,)


def create_email_verification_otp(*, caller: Caller, phrase: bool = False) -> TokenOutput:
    """Mail a code that proves the caller's address.

    Raises: USER_UNAUTHORIZED, USER_EMAIL_NOT_FOUND, USER_EMAIL_ALREADY_VERIFIED
    """
    user, words = get_own_user(caller), new_phrase() if phrase else ""
    if not user.email:
        raise ApiError(ErrorKind.USER_EMAIL_NOT_FOUND)
    if user.is_email_verified:
        raise ApiError(ErrorKind.USER_EMAIL_ALREADY_VERIFIED)
    with transaction.atomic():
        output = _mail_code(caller, user, Purpose.VERIFICATION_CODE, words)
        publish_token(caller, user.uid, _VERIFICATION, "create", output)
    return output


def update_email_verification_otp(*, caller: Caller, user_id: str, secret: str) -> TokenOutput:
    """Verify an address by the code that was mailed to it.

    Raises: USER_INVALID_TOKEN
    """
    redeemed = redeem(caller, user_id, _VERIFYING, secret)
    proof, address = redeemed.output(user_id), redeemed.email
    with transaction.atomic():
        change_user(caller.project.id, user_id, checked_email=address, is_email_verified=True)
        publish_token(caller, user_id, _VERIFICATION, "update", proof)
        announce_identity(caller.project.id, user_uid=user_id, reason="verification")
    return proof


def create_recovery_otp(*, caller: Caller, email: str, phrase: bool = False) -> TokenOutput:
    """Mail a code by which a forgotten password is replaced.

    Clients get the same answer whether or not the address is a user's, after the same work: a job
    looks it up. The id in their answer is an alias that is good for the second step alone.

    Raises: USER_NOT_FOUND
    """
    words = new_phrase() if phrase else ""
    if caller.is_privileged:
        user = find_by_email(caller.project.id, email)
        if user is None:
            raise ApiError(ErrorKind.USER_NOT_FOUND)
        return _mail_recovery(caller, user, words)
    now, uid, project = clock.now(), unique_id(), caller.project
    with transaction.atomic():
        jobs.enqueue(
            RECOVERY_JOB,
            project_uid=project.uid,
            email=email,
            phrase=words,
            token_uid=uid,
            locale=caller.locale,
        )
    return token_output(
        uid,
        user_uid=pseudonym(project.id, email),
        created_at=now,
        expires_at=now + timedelta(seconds=CODE_SECONDS),
        phrase=words,
    )


def send_recovery_otp(
    *, project_uid: str, email: str, phrase: str, token_uid: str, locale: str = ""
) -> None:
    """Mail a recovery code to a user of this address, if there is one."""
    if found := find_recipient(project_uid, email, token_uid=token_uid, locale=locale):
        _mail_recovery(*found, phrase, token_uid)


def update_recovery_otp(*, caller: Caller, user_id: str, secret: str, password: str) -> TokenOutput:
    """Replace a password by the code that was mailed, and end all sessions of its user.

    The code is used up even where the password is refused.

    Raises: USER_INVALID_TOKEN, USER_EMAIL_NOT_VERIFIED, ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA,
        PASSWORD_RECENTLY_USED, RATE_LIMIT_EXCEEDED
    """
    project = caller.project
    uid = _user_behind(project.id, user_id)
    redeemed = redeem(caller, uid, _RECOVERING, secret)
    proof = redeemed.output(uid)
    user = get_user_row(project.id, uid)
    contacts.check_own(user, contacts.EMAIL)
    columns = {
        "checked_hash": user.password,
        **password_columns(project, user, password),
    }
    replace_password(caller, proof, address=redeemed.email, columns=columns)
    return proof


def _user_behind(project_id: int, user_id: str) -> str:
    """Return the id that an alias stands for; any other id stands for itself."""
    named = Token.objects.filter(
        alias=user_id, user__project_id=project_id, purpose=Purpose.RECOVERY_OTP
    )
    return named.values_list("user__uid", flat=True).first() or user_id


def _mail_recovery(caller: Caller, user: User, phrase: str, token_uid: str = "") -> TokenOutput:
    with transaction.atomic():
        output = _mail_code(caller, user, Purpose.RECOVERY_OTP, phrase, token_uid)
        publish_token(caller, user.uid, _RECOVERY, "create", output)
    return output


def _mail_code(
    caller: Caller, user: User, purpose: Purpose, phrase: str, token_uid: str = ""
) -> TokenOutput:
    code, address = new_code(), user.email or ""
    token = issue(user, purpose, code, seconds=CODE_SECONDS, email=address, uid=token_uid)
    if purpose is Purpose.RECOVERY_OTP:
        token.alias = pseudonym(user.project_id, address)
        token.save(update_fields=["alias"])
    post_mail(
        caller.project,
        locale=caller.locale,
        recipient=address,
        template="code",
        subject=f"Your code for {caller.project.name}",
        code=code,
        phrase=phrase,
    )
    return shown(caller, user, token, code, phrase)
