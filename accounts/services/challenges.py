"""Challenges: a session whose user has to show a second factor is asked for one, and shows it."""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from accounts.events import announce_identity, publish_challenge, session_event
from accounts.mfa import Factor, allows
from accounts.models import Challenge, User
from accounts.outputs import (
    MfaChallengeOutput,
    MfaChallengeSecretOutput,
    SessionOutput,
    mfa_challenge_output,
    mfa_challenge_secret_output,
    session_output,
)
from accounts.services.factors import (
    add_factors,
    check_allowed,
    use_recovery_code,
    use_totp,
    verified_factors,
)
from accounts.services.outbox import post_mail
from accounts.services.rows import get_own_user, get_user_row
from accounts.services.texts import post_code
from accounts.tokens import Purpose, new_code, token_digest
from kernel import clock, sql
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.events import publish
from kernel.ids import unique_id
from kernel.limits import CODE_SECONDS, MAX_TOKEN_TRIES
from projects.encryption import decrypt, encrypt

ENCRYPTED_FOR = "challenge"

# Whatever comes of it, a try is spent before it is looked at.
_TRY = """
    UPDATE mfa_challenge SET tries_left = tries_left - 1
    WHERE uid = %s AND user_id = %s AND session_id = %s AND used_at IS NULL AND expires_at > %s
    AND tries_left > 0 RETURNING id, factor, digest
"""
# One statement: of many who answer a challenge at the same moment one passes it.
_CLOSE = "UPDATE mfa_challenge SET used_at = %s WHERE id = %s AND used_at IS NULL"
#: What is wrong with a factor that a user cannot show: it is not set, or not proved.
_UNREADY = {
    Factor.EMAIL: (ErrorKind.USER_EMAIL_NOT_FOUND, ErrorKind.USER_EMAIL_NOT_VERIFIED),
    Factor.PHONE: (ErrorKind.USER_PHONE_NOT_FOUND, ErrorKind.USER_PHONE_NOT_VERIFIED),
    Factor.TOTP: (ErrorKind.USER_AUTHENTICATOR_NOT_FOUND,) * 2,
    Factor.RECOVERY_CODE: (ErrorKind.USER_RECOVERY_CODES_NOT_FOUND,) * 2,
}


@dataclass(frozen=True, slots=True)
class _Tried:
    """A challenge that has just been answered, rightly or not."""

    id: int
    uid: str
    factor: Factor
    digest: bytes


def create_mfa_challenge(*, caller: Caller, factor: str) -> MfaChallengeOutput:
    """Ask for a second factor; by mail and by phone a code goes out.

    That of the factor `custom` is for `get_mfa_challenge`, which the project's server calls.

    Raises: USER_UNAUTHORIZED, USER_AUTH_METHOD_UNSUPPORTED, USER_EMAIL_NOT_FOUND,
        USER_EMAIL_NOT_VERIFIED, USER_PHONE_NOT_FOUND, USER_PHONE_NOT_VERIFIED,
        USER_AUTHENTICATOR_NOT_FOUND, USER_RECOVERY_CODES_NOT_FOUND
    """
    user, wanted = get_own_user(caller), Factor(factor)
    _check_ready(caller, user, wanted)
    now, uid = clock.now(), unique_id()
    with transaction.atomic():
        code = _send_code(caller, user, wanted)
        challenge = Challenge.objects.create(
            user=user,
            session_id=caller.session_id,
            uid=uid,
            factor=wanted,
            digest=_digest(user, wanted, uid, code),
            code=_sealed(user, uid, code) if wanted is Factor.CUSTOM else "",
            tries_left=MAX_TOKEN_TRIES,
            created_at=now,
            expires_at=now + timedelta(seconds=CODE_SECONDS),
        )
        output = mfa_challenge_output(challenge, user_uid=user.uid)
        publish_challenge(caller, user.uid, output)
    return output


def update_mfa_challenge(*, caller: Caller, challenge_id: str, otp: str) -> SessionOutput:
    """Pass a challenge, and with it what the caller's session was kept from.

    Raises: USER_UNAUTHORIZED, USER_INVALID_TOKEN, USER_SESSION_NOT_FOUND
    """
    user = get_own_user(caller)
    tried = _try(caller, user, challenge_id)
    with transaction.atomic():
        _pass(user, tried, otp)
        session = add_factors(caller, [tried.factor], challenged_at=clock.now())
        if session is None:
            raise ApiError(ErrorKind.USER_SESSION_NOT_FOUND)
        output = session_output(session, user_uid=user.uid, is_current=True, locale=caller.locale)
        names = {"user_uid": user.uid, "session_uid": session.uid}
        publish(session_event(caller, **names, action="create", payload=output))
        announce_identity(caller.project.id, **names, reason="factors")
    return output


def pass_challenge(*, caller: Caller, challenge_id: str, otp: str) -> None:
    """Pass a challenge of a console user, whose pages have sessions of their own.

    Raises: USER_UNAUTHORIZED, USER_INVALID_TOKEN
    """
    user = get_own_user(caller)
    tried = _try(caller, user, challenge_id)
    with transaction.atomic():
        _pass(user, tried, otp)


def get_mfa_challenge(
    *, caller: Caller, user_id: str, challenge_id: str
) -> MfaChallengeSecretOutput:
    """Return a challenge by the factor `custom` with its code, for a server to deliver.

    Raises: USER_NOT_FOUND, USER_INVALID_TOKEN
    """
    user = get_user_row(caller.project.id, user_id)
    challenge = Challenge.objects.filter(
        user_id=user.id,
        uid=challenge_id,
        factor=Factor.CUSTOM,
        used_at=None,
        expires_at__gt=clock.now(),
        tries_left__gt=0,
    ).first()
    if challenge is None:
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    code = decrypt(
        challenge.code, project_id=user.project_id, purpose=ENCRYPTED_FOR, bound_to=challenge.uid
    )
    return mfa_challenge_secret_output(challenge, user_uid=user.uid, code=code)


def _check_ready(caller: Caller, user: User, factor: Factor) -> None:
    check_allowed(caller.project, factor)
    if verified_factors(caller.project, user)[factor]:
        return
    unset, unproved = _UNREADY[factor]
    has_contact = getattr(user, factor, None)
    raise ApiError(unproved if has_contact else unset)


def _send_code(caller: Caller, user: User, factor: Factor) -> str:
    """Return the right answer by mail and by phone, once it is on its way."""
    if factor is Factor.PHONE:
        return post_code(caller.project, user.phone or "")
    code = new_code()
    if factor is Factor.EMAIL:
        post_mail(
            caller.project,
            locale=caller.locale,
            recipient=user.email or "",
            template="mfa_challenge",
            subject=f"Your code for {caller.project.name}",
            code=code,
        )
    return code


def _sealed(user: User, uid: str, code: str) -> str:
    return encrypt(code, project_id=user.project_id, purpose=ENCRYPTED_FOR, bound_to=uid)


def _try(caller: Caller, user: User, uid: str) -> _Tried:
    row = sql.fetch_one(_TRY, (uid, user.id, caller.session_id, clock.now()))
    # The project may have ceased to take the factor since it asked.
    if row is None or not allows(caller.project.policies, Factor(row[1])):
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    return _Tried(row[0], uid, Factor(row[1]), bytes(row[2]))


def _pass(user: User, tried: _Tried, otp: str) -> None:
    is_first = sql.execute(_CLOSE, (clock.now(), tried.id))
    if not is_first or not _is_right(user, tried, otp):
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)


def _is_right(user: User, tried: _Tried, otp: str) -> bool:
    if tried.factor is Factor.TOTP:
        return use_totp(user, otp)
    if tried.factor is Factor.RECOVERY_CODE:
        return use_recovery_code(user, otp)
    return hmac.compare_digest(_digest(user, tried.factor, tried.uid, otp), tried.digest)


def _digest(user: User, factor: Factor, uid: str, code: str) -> bytes:
    """Return what stands for a code: good for one challenge, and the contact it went to."""
    contact = getattr(user, factor, None) or ""
    content = f"{uid}\x00{contact}\x00{code}"
    return token_digest(
        content, project_id=user.project_id, user_uid=user.uid, purpose=Purpose.CHALLENGE
    )
