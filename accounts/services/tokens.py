"""Single-use tokens: given out, taken back once, and turned into sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.events import publish_token
from accounts.models import Identity, Token, User
from accounts.outputs import TokenOutput, token_output
from accounts.services import contacts
from accounts.services.identities import get_identity_row
from accounts.services.rows import get_user_row
from accounts.services.sessions import (
    OAUTH2,
    OpenedSession,
    come_by,
    new_session,
    open_session,
)
from accounts.tokens import SAFE_SECRET_LENGTH, Purpose, new_token_secret, token_digest
from kernel import clock, sql
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.ids import unique_id
from kernel.limits import DEFAULT_TOKEN_LENGTH, DEFAULT_TOKEN_SECONDS, MAX_TOKEN_TRIES

#: Per purpose that lets somebody in: the provider and the factor of the session it opens.
_LOGINS = {
    Purpose.GENERIC: ("token", "token"),
    Purpose.MAGIC_URL: ("magic-url", "email"),
    Purpose.EMAIL: ("email", "email"),
    Purpose.PHONE: ("phone", "phone"),
    Purpose.OAUTH2: (OAUTH2, OAUTH2),
    Purpose.PASSKEY: ("passkey", "passkey"),
}
#: What signing in by them proves.
_PROVED = {
    Purpose.MAGIC_URL: contacts.EMAIL,
    Purpose.EMAIL: contacts.EMAIL,
    Purpose.PHONE: contacts.PHONE,
}

# Sent by mail or to a phone, a token is good for the address it went to; one that changes a
# password, until the password is changed.
_LIVE = """
    FROM account_token t JOIN account u ON u.id = t.user_id
    WHERE u.project_id = %(project)s AND u.uid = %(user)s AND u.deleted_at IS NULL
    AND t.purpose = ANY(%(purposes)s) AND t.used_at IS NULL AND t.expires_at > %(now)s
    AND (t.email = '' OR t.email = u.email) AND (t.phone = '' OR t.phone = u.phone)
    AND (t.purpose NOT IN ('recovery', 'recovery-otp') OR u.password_updated_at IS NULL
        OR t.created_at > u.password_updated_at)
"""
_FIND = f"SELECT 1 {_LIVE} AND t.digest = ANY(%(digests)s)"

# One statement: of many who use a token at the same moment one gets it, and of many who guess a
# short one each costs a try. Rows are locked in order, so that two guesses never wait in a circle.
_REDEEM = f"""
    UPDATE account_token SET
        tries_left = tries_left - 1,
        used_at = CASE WHEN digest = ANY(%(digests)s) THEN %(now)s::timestamptz END
    WHERE id IN (
        SELECT t.id {_LIVE}
        AND (t.tries_left > 0 OR (t.tries_left IS NULL AND t.digest = ANY(%(digests)s)))
        ORDER BY t.id FOR UPDATE OF t
    )
    RETURNING uid, purpose, created_at, expires_at, used_at, email, phone, identity_id
"""  # noqa: S608  # constants


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A token that has just been used, and can never be again.

    `email` or `phone` is where it went: that alone is proved by it.
    """

    uid: str
    purpose: Purpose
    created_at: datetime
    expires_at: datetime
    email: str
    phone: str
    identity_id: int | None

    def output(self, user_uid: str) -> TokenOutput:
        return token_output(
            self.uid, user_uid=user_uid, created_at=self.created_at, expires_at=self.expires_at
        )


def create_token(
    *,
    caller: Caller,
    user_id: str,
    length: int = DEFAULT_TOKEN_LENGTH,
    expire: int = DEFAULT_TOKEN_SECONDS,
) -> TokenOutput:
    """Return a secret of `length` characters that signs a user in once, within `expire` seconds.

    Raises: USER_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    secret = new_token_secret(length)
    with transaction.atomic():
        token = issue(user, Purpose.GENERIC, secret, seconds=expire)
        output = shown(caller, user, token, secret)
        publish_token(caller, user.uid, "tokens", "create", output)
    return output


def create_session(*, caller: Caller, user_id: str, secret: str) -> OpenedSession:
    """Sign in with a single-use token; an unknown user and a wrong secret look the same.

    Raises: USER_SESSION_ALREADY_EXISTS, USER_INVALID_TOKEN, USER_BLOCKED,
        USER_EMAIL_NOT_VERIFIED, USER_PHONE_NOT_VERIFIED
    """
    if caller.is_user:
        raise ApiError(ErrorKind.USER_SESSION_ALREADY_EXISTS)
    redeemed = redeem(caller, user_id, tuple(_LOGINS), secret)
    user = get_user_row(caller.project.id, user_id)
    if not user.is_active:
        raise ApiError(ErrorKind.USER_BLOCKED)
    provider, factor = _LOGINS[redeemed.purpose]
    with transaction.atomic():
        if redeemed.purpose in _PROVED:
            address = redeemed.email or redeemed.phone
            user = contacts.prove(caller, user, _PROVED[redeemed.purpose], address)
        session = new_session(caller, user, provider, factor=factor)
        if redeemed.identity_id:
            come_by(session, get_identity_row(redeemed.identity_id))
        opened = open_session(caller, user, session)
        # Whoever proved an address of the user meanwhile has ended what was given out before.
        if not Token.objects.filter(uid=redeemed.uid).exists():
            raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    return opened


def issue(
    user: User,
    purpose: Purpose,
    secret: str,
    *,
    seconds: int,
    email: str = "",
    phone: str = "",
    uid: str = "",
    identity: Identity | None = None,
) -> Token:
    """Store a token, good for `seconds`, and drop the user's tokens that are over."""
    now = clock.now()
    Token.objects.filter(user_id=user.id, expires_at__lte=now).delete()
    return Token.objects.create(
        user=user,
        uid=uid or unique_id(),
        purpose=purpose,
        digest=token_digest(secret, project_id=user.project_id, user_uid=user.uid, purpose=purpose),
        email=email,
        phone=phone,
        identity=identity,
        tries_left=None if len(secret) >= SAFE_SECRET_LENGTH else MAX_TOKEN_TRIES,
        expires_at=now + timedelta(seconds=seconds),
        created_at=now,
    )


def redeem(caller: Caller, user_uid: str, purposes: tuple[Purpose, ...], secret: str) -> Redeemed:
    """Use up the token of a user that has this secret and one of these purposes.

    To be called outside a transaction where short secrets count: a refusal must cost its try.

    Raises: USER_INVALID_TOKEN
    """
    parameters = _parameters(caller, user_uid, purposes, secret)
    for uid, purpose, created_at, expires_at, used_at, *rest in sql.fetch_all(_REDEEM, parameters):
        if used_at is not None:
            return Redeemed(uid, Purpose(purpose), created_at, expires_at, *rest)
    raise ApiError(ErrorKind.USER_INVALID_TOKEN)


def check_redeemable(
    caller: Caller, user_uid: str, purposes: tuple[Purpose, ...], secret: str
) -> None:
    """Check that `redeem` would find a token now, before work is done for its sake.

    Raises: USER_INVALID_TOKEN
    """
    if sql.fetch_one(_FIND, _parameters(caller, user_uid, purposes, secret)) is None:
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)


def _parameters(
    caller: Caller, user_uid: str, purposes: tuple[Purpose, ...], secret: str
) -> dict[str, Any]:
    project_id = caller.project.id
    return {
        "project": project_id,
        "user": user_uid,
        "purposes": [str(purpose) for purpose in purposes],
        "digests": [
            token_digest(secret, project_id=project_id, user_uid=user_uid, purpose=purpose)
            for purpose in purposes
        ],
        "now": clock.now(),
    }


def shown(caller: Caller, user: User, token: Token, secret: str, phrase: str = "") -> TokenOutput:
    """Return a new token as its caller may see it."""
    return token_output(
        token.uid,
        user_uid=user.uid,
        created_at=token.created_at,
        expires_at=token.expires_at,
        secret=secret if caller.is_privileged else "",
        phrase=phrase,
    )
