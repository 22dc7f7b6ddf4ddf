"""Second factors of users: authenticator apps, recovery codes, and whether they are asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from accounts import mfa
from accounts.events import announce_identity, publish_user
from accounts.mfa import Factor, allows
from accounts.models import Authenticator, Passkey, RecoveryCode, Session, User
from accounts.outputs import (
    AccountOutput,
    MfaFactorsOutput,
    MfaRecoveryCodesOutput,
    MfaTypeOutput,
    UserOutput,
    account_output,
    mfa_factors_output,
    user_output,
)
from accounts.services.rows import change_user, get_own_user, get_user_row
from accounts.tokens import Purpose, new_token_secret, token_digest
from kernel import clock, sql
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.limits import RECENT_CHALLENGE_SECONDS, RECOVERY_CODE_LENGTH, RECOVERY_CODES
from projects.encryption import decrypt, encrypt

ENCRYPTED_FOR = "authenticator"
UPDATE, DELETE = "update.mfa", "delete.mfa"
#: What counts as shown where a second factor is wanted from now on.
_COUNTED = (Factor.TOTP, Factor.EMAIL, Factor.PHONE)
#: What stands for a recovery code that is not shown again.
HIDDEN_CODE = "*" * RECOVERY_CODE_LENGTH

# A secret that was confirmed is never replaced; one that was not is of no use yet.
_OFFER = """
    INSERT INTO authenticator AS a (user_id, type, secret, is_verified, last_step, created_at)
    VALUES (%s, %s, %s, false, 0, %s)
    ON CONFLICT (user_id, type) DO UPDATE SET secret = excluded.secret, last_step = 0,
        created_at = excluded.created_at
    WHERE NOT a.is_verified RETURNING id
"""
_CONFIRM = (
    "UPDATE authenticator SET is_verified = true, last_step = %s"
    " WHERE id = %s AND NOT is_verified AND secret = %s"
)
# One statement: of many who use a code at the same moment one gets in.
_USE_STEP = "UPDATE authenticator SET last_step = %s WHERE id = %s AND last_step < %s"
_USE_CODE = "DELETE FROM recovery_code WHERE user_id = %s AND digest = %s"
_ADD_FACTORS = """
    UPDATE session SET updated_at = %(now)s,
        mfa_updated_at = COALESCE(%(challenged_at)s::timestamptz, mfa_updated_at),
        factors = factors || ARRAY(
            SELECT f FROM unnest(%(factors)s::varchar[]) AS f WHERE f <> ALL (factors)
        )
    WHERE id = %(session)s AND user_id = %(user)s RETURNING *
"""


# One's own


def update_mfa(*, caller: Caller, mfa: bool) -> AccountOutput:
    """Ask for a second factor from now on, or stop; this session counts as having shown them all.

    Raises: USER_UNAUTHORIZED
    """
    user = get_own_user(caller)
    with transaction.atomic():
        changed = change_user(caller.project.id, user.uid, has_mfa=mfa)
        if mfa:
            held = verified_factors(caller.project, user)
            add_factors(caller, [name for name in _COUNTED if held[name]])
        _tell(caller, changed, UPDATE)
    return account_output(changed)


def list_mfa_factors(*, caller: Caller) -> MfaFactorsOutput:
    """Return which second factors the caller can show.

    Raises: USER_UNAUTHORIZED
    """
    return mfa_factors_output(verified_factors(caller.project, get_own_user(caller)))


def create_mfa_authenticator(*, caller: Caller, type: str) -> MfaTypeOutput:
    """Return the secret of a new authenticator app, which counts once a code of it came back.

    Raises: USER_UNAUTHORIZED, USER_AUTH_METHOD_UNSUPPORTED, USER_AUTHENTICATOR_ALREADY_VERIFIED
    """
    check_allowed(caller.project, Factor.TOTP)
    user, secret = get_own_user(caller), mfa.new_totp_secret()
    sealed = encrypt(
        secret, project_id=user.project_id, purpose=ENCRYPTED_FOR, bound_to=str(user.id)
    )
    with transaction.atomic():
        if sql.fetch_one(_OFFER, (user.id, type, sealed, clock.now())) is None:
            raise ApiError(ErrorKind.USER_AUTHENTICATOR_ALREADY_VERIFIED)
        publish_user(caller, user, UPDATE)
    account = user.email or user.phone or user.uid
    uri = mfa.totp_uri(secret, account=account, issuer=caller.project.name)
    return {"secret": secret, "uri": uri}


def update_mfa_authenticator(*, caller: Caller, type: str, otp: str) -> AccountOutput:
    """Confirm an authenticator app by a code that it shows.

    Raises: USER_UNAUTHORIZED, USER_AUTH_METHOD_UNSUPPORTED, USER_AUTHENTICATOR_NOT_FOUND,
        USER_AUTHENTICATOR_ALREADY_VERIFIED, USER_INVALID_TOKEN
    """
    check_allowed(caller.project, Factor.TOTP)
    user = get_own_user(caller)
    row = Authenticator.objects.filter(user_id=user.id, type=type).first()
    if row is None:
        raise ApiError(ErrorKind.USER_AUTHENTICATOR_NOT_FOUND)
    if row.is_verified:
        raise ApiError(ErrorKind.USER_AUTHENTICATOR_ALREADY_VERIFIED)
    step = _step_of(user, row, otp)
    with transaction.atomic():
        if step is None or not sql.execute(_CONFIRM, (step, row.id, row.secret)):
            raise ApiError(ErrorKind.USER_INVALID_TOKEN)
        add_factors(caller, [Factor.TOTP])
        _tell(caller, user, UPDATE)
    return account_output(user)


def delete_mfa_authenticator(*, caller: Caller, type: str) -> None:
    """Remove an authenticator app, a challenge having been passed lately.

    Raises: USER_UNAUTHORIZED, USER_CHALLENGE_REQUIRED, USER_AUTHENTICATOR_NOT_FOUND
    """
    check_challenged(caller)
    _remove_authenticator(caller, get_own_user(caller), type)


def get_mfa_recovery_codes(*, caller: Caller) -> MfaRecoveryCodesOutput:
    """Return as many hidden texts as recovery codes are left: only digests are kept.

    Raises: USER_UNAUTHORIZED, USER_CHALLENGE_REQUIRED, USER_RECOVERY_CODES_NOT_FOUND
    """
    check_challenged(caller)
    return _left_codes(get_own_user(caller))


def create_mfa_recovery_codes(*, caller: Caller) -> MfaRecoveryCodesOutput:
    """Return recovery codes, this once.

    Raises: USER_UNAUTHORIZED, USER_RECOVERY_CODES_ALREADY_EXISTS
    """
    return _add_codes(caller, get_own_user(caller), UPDATE)


def update_mfa_recovery_codes(*, caller: Caller) -> MfaRecoveryCodesOutput:
    """Replace recovery codes, a challenge having been passed lately.

    Raises: USER_UNAUTHORIZED, USER_CHALLENGE_REQUIRED, USER_RECOVERY_CODES_NOT_FOUND
    """
    check_challenged(caller)
    return _replace_codes(caller, get_own_user(caller), UPDATE)


# Of a project's users


def update_user_mfa(*, caller: Caller, user_id: str, mfa: bool) -> UserOutput:
    """Ask a user for a second factor from now on, or stop.

    Raises: USER_NOT_FOUND
    """
    with transaction.atomic():
        user = change_user(caller.project.id, user_id, has_mfa=mfa)
        _tell(caller, user, UPDATE)
    return user_output(user)


def list_user_mfa_factors(*, caller: Caller, user_id: str) -> MfaFactorsOutput:
    """Return which second factors a user can show.

    Raises: USER_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    return mfa_factors_output(verified_factors(caller.project, user))


def delete_user_mfa_authenticator(*, caller: Caller, user_id: str, type: str) -> None:
    """Remove a user's authenticator app.

    Raises: USER_NOT_FOUND, USER_AUTHENTICATOR_NOT_FOUND
    """
    _remove_authenticator(caller, get_user_row(caller.project.id, user_id), type)


def get_user_mfa_recovery_codes(*, caller: Caller, user_id: str) -> MfaRecoveryCodesOutput:
    """Return as many hidden texts as a user has recovery codes left.

    Raises: USER_NOT_FOUND, USER_RECOVERY_CODES_NOT_FOUND
    """
    return _left_codes(get_user_row(caller.project.id, user_id))


def create_user_mfa_recovery_codes(*, caller: Caller, user_id: str) -> MfaRecoveryCodesOutput:
    """Return recovery codes for a user, this once.

    Raises: USER_NOT_FOUND, USER_RECOVERY_CODES_ALREADY_EXISTS
    """
    user = get_user_row(caller.project.id, user_id)
    return _add_codes(caller, user, "create.mfa.recovery-codes")


def update_user_mfa_recovery_codes(*, caller: Caller, user_id: str) -> MfaRecoveryCodesOutput:
    """Replace a user's recovery codes.

    Raises: USER_NOT_FOUND, USER_RECOVERY_CODES_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    return _replace_codes(caller, user, "update.mfa.recovery-codes")


# What other services need


def verified_factors(project: ProjectContext, user: User) -> dict[Factor, bool]:
    """Return per factor whether a user can show it, and the project takes it."""
    apps = Authenticator.objects.filter(user_id=user.id, type=Factor.TOTP, is_verified=True)
    held = {
        Factor.TOTP: apps.exists(),
        Factor.EMAIL: bool(user.email) and user.is_email_verified,
        Factor.PHONE: bool(user.phone) and user.is_phone_verified,
        Factor.RECOVERY_CODE: RecoveryCode.objects.filter(user_id=user.id).exists(),
        Factor.CUSTOM: True,  # what reaches the user is known to the project's server alone
    }
    return {name: is_held and allows(project.policies, name) for name, is_held in held.items()}


def check_allowed(project: ProjectContext, factor: Factor) -> None:
    """Check that a project takes a factor.

    Raises: USER_AUTH_METHOD_UNSUPPORTED
    """
    if not allows(project.policies, factor):
        raise ApiError(ErrorKind.USER_AUTH_METHOD_UNSUPPORTED)


def use_totp(user: User, otp: str) -> bool:
    """Use up a code of a user's authenticator app: neither it nor an older one counts again."""
    row = Authenticator.objects.filter(user_id=user.id, type=Factor.TOTP, is_verified=True).first()
    step = _step_of(user, row, otp) if row else None
    if row is None or step is None:
        return False
    return bool(sql.execute(_USE_STEP, (step, row.id, step)))


def use_recovery_code(user: User, otp: str) -> bool:
    """Use up a recovery code of a user."""
    return bool(sql.execute(_USE_CODE, (user.id, _digest(user, otp))))


def add_factors(
    caller: Caller, factors: Sequence[str], *, challenged_at: datetime | None = None
) -> Session | None:
    """Note what the caller's session has shown; a JWT of a server has no session."""
    parameters = {
        "now": clock.now(),
        "challenged_at": challenged_at,
        "factors": [str(factor) for factor in factors],
        "session": caller.session_id,
        "user": caller.user_id,
    }
    return next(iter(Session.objects.raw(_ADD_FACTORS, parameters)), None)


def check_challenged(caller: Caller) -> None:
    """Check that the caller's session passed a challenge within the last half hour.

    Raises: USER_CHALLENGE_REQUIRED
    """
    oldest = clock.now() - timedelta(seconds=RECENT_CHALLENGE_SECONDS)
    recent = Session.objects.filter(id=caller.session_id, mfa_updated_at__gt=oldest)
    if not recent.exists():
        raise ApiError(ErrorKind.USER_CHALLENGE_REQUIRED)


def forget_factors(user: User) -> None:
    """Remove what somebody else may have set up in a user's name."""
    Authenticator.objects.filter(user_id=user.id).delete()
    RecoveryCode.objects.filter(user_id=user.id).delete()
    Passkey.objects.filter(user_id=user.id).delete()


def _step_of(user: User, row: Authenticator, otp: str) -> int | None:
    secret = decrypt(
        row.secret, project_id=user.project_id, purpose=ENCRYPTED_FOR, bound_to=str(user.id)
    )
    return mfa.totp_step(secret, otp, now=clock.now(), after=row.last_step)


def _remove_authenticator(caller: Caller, user: User, type_: str) -> None:
    with transaction.atomic():
        gone, _ = Authenticator.objects.filter(user_id=user.id, type=type_).delete()
        if not gone:
            raise ApiError(ErrorKind.USER_AUTHENTICATOR_NOT_FOUND)
        _tell(caller, user, DELETE)


def _left_codes(user: User) -> MfaRecoveryCodesOutput:
    count = RecoveryCode.objects.filter(user_id=user.id).count()
    if not count:
        raise ApiError(ErrorKind.USER_RECOVERY_CODES_NOT_FOUND)
    return {"recoveryCodes": [HIDDEN_CODE] * count}


def _add_codes(caller: Caller, user: User, action: str) -> MfaRecoveryCodesOutput:
    with transaction.atomic():
        if _held_codes(user):
            raise ApiError(ErrorKind.USER_RECOVERY_CODES_ALREADY_EXISTS)
        return _make_codes(caller, user, action)


def _replace_codes(caller: Caller, user: User, action: str) -> MfaRecoveryCodesOutput:
    with transaction.atomic():
        if not _held_codes(user):
            raise ApiError(ErrorKind.USER_RECOVERY_CODES_NOT_FOUND)
        RecoveryCode.objects.filter(user_id=user.id).delete()
        return _make_codes(caller, user, action)


def _held_codes(user: User) -> bool:
    # Of many who make codes at the same moment each sees those of the one before.
    User.objects.select_for_update(no_key=True).get(id=user.id)
    return RecoveryCode.objects.filter(user_id=user.id).exists()


def _make_codes(caller: Caller, user: User, action: str) -> MfaRecoveryCodesOutput:
    codes = [new_token_secret(RECOVERY_CODE_LENGTH) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user_id=user.id, digest=_digest(user, code)) for code in codes
    )
    publish_user(caller, user, action)
    return {"recoveryCodes": codes}


def _digest(user: User, code: str) -> bytes:
    return token_digest(
        code, project_id=user.project_id, user_uid=str(user.id), purpose=Purpose.RECOVERY_CODE
    )


def _tell(caller: Caller, user: User, action: str) -> None:
    publish_user(caller, user, action)
    announce_identity(caller.project.id, user_uid=user.uid, reason="factors")
