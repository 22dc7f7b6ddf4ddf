"""Passkeys at work: a device makes one for its user, and signs them in with it (WebAuthn)."""

import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from accounts.events import publish_token
from accounts.models import Passkey, PasskeyChallenge, Session, User
from accounts.outputs import TokenOutput, token_output
from accounts.outputs.passkeys import (
    PasskeyChallengeOutput,
    PasskeyOutput,
    passkey_challenge_output,
    passkey_output,
)
from accounts.services.methods import PASSKEY, check_method
from accounts.services.passkeys import check_recent
from accounts.services.rows import get_own_user, lock_user
from accounts.services.tokens import issue
from accounts.tokens import Purpose, new_link_secret, token_digest
from accounts.webauthn import (
    CHALLENGE_BYTES,
    Assertion,
    InvalidCredentialError,
    NewCredential,
    Registration,
    RelyingParty,
    creation_options,
    request_options,
    user_handle,
)
from kernel import clock, sql
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.ids import resolve_id, unique_id
from kernel.limits import MAX_PASSKEYS, PASSKEY_CHALLENGE_SECONDS, PASSKEY_TOKEN_SECONDS
from projects.catalog import LOCALHOST
from projects.services import console_origins, passkey_origins

Result = TypeVar("Result")

UNCONFIGURED = (
    "Passkeys need the domain of the app: set it as `rpId` of the policy `passkey`, and add the"
    " app's web platform"
)
_CREDENTIAL, _UID = "passkey_credential", "passkey_uid"

# One statement, outside of any transaction: a challenge is gone whatever comes of its answer.
_TAKE_REGISTRATION = """
    DELETE FROM passkey_challenge WHERE user_id = %s AND session_id = %s AND passkey_uid = %s
    AND expires_at > %s RETURNING *
"""
_TAKE_SIGN_IN = """
    DELETE FROM passkey_challenge WHERE project_id = %s AND user_id IS NULL AND uid = %s
    AND expires_at > %s RETURNING *
"""
# A device that counts has to have counted on: two with one key are the device and its copy.
_USE = """
    UPDATE passkey SET sign_count = %(count)s, accessed_at = %(now)s
    WHERE id = %(id)s AND (sign_count < %(count)s OR (sign_count = 0 AND %(count)s = 0))
"""


def create_passkey(
    *, caller: Caller, passkey_id: str, name: str = "", origin: str = ""
) -> PasskeyChallengeOutput:
    """Ask the caller's device for a passkey, which counts once `update_passkey_verification` ran.

    Raises: USER_UNAUTHORIZED, USER_AUTH_METHOD_UNSUPPORTED, USER_REAUTHENTICATION_REQUIRED,
        USER_PASSKEY_ALREADY_EXISTS, USER_PASSKEY_LIMIT_EXCEEDED
    """
    get_own_user(caller)
    check_recent(caller)
    return offer_passkey(caller=caller, passkey_id=passkey_id, name=name, origin=origin)


def offer_passkey(
    *, caller: Caller, passkey_id: str, name: str = "", origin: str = ""
) -> PasskeyChallengeOutput:
    """Ask for a passkey of who signed in just now, as the console's pages know by themselves.

    Raises: USER_UNAUTHORIZED, USER_AUTH_METHOD_UNSUPPORTED, USER_PASSKEY_ALREADY_EXISTS,
        USER_PASSKEY_LIMIT_EXCEEDED
    """
    check_method(caller, PASSKEY)
    user = get_own_user(caller)
    party, uid = _party_at(caller.project, origin), resolve_id(passkey_id)
    held = list(Passkey.objects.filter(user_id=user.id).values_list("uid", "credential_id"))
    _check_room(uid, [taken for taken, _ in held])
    # One that is asked for anew takes the place of the one before.
    PasskeyChallenge.objects.filter(user_id=user.id, passkey_uid=uid).delete()
    challenge, content = _ask(
        caller, party, Purpose.PASSKEY_REGISTRATION, user=user, passkey_uid=uid, name=name
    )
    title = user.email or user.phone or user.name or user.uid
    options = creation_options(
        party,
        content,
        title=caller.project.name,
        handle=user_handle(caller.project.uid, user.uid),
        name=title,
        display_name=user.name or title,
        known=[bytes(credential) for _, credential in held],
        seconds=PASSKEY_CHALLENGE_SECONDS,
    )
    return passkey_challenge_output(challenge, options)


def update_passkey_verification(
    *, caller: Caller, passkey_id: str, credential: dict[str, Any]
) -> PasskeyOutput:
    """Keep the passkey that the caller's device has made; a failed try has to be begun anew.

    Raises: USER_UNAUTHORIZED, USER_INVALID_TOKEN, USER_PASSKEY_INVALID,
        USER_PASSKEY_ALREADY_EXISTS, USER_PASSKEY_LIMIT_EXCEEDED
    """
    user = get_own_user(caller)
    challenge = _taken(_TAKE_REGISTRATION, (user.id, caller.session_id, passkey_id))
    try:
        answer = Registration.read(credential)
        _check_answered(caller, challenge, answer.challenge, Purpose.PASSKEY_REGISTRATION)
        made = answer.verify(_party(caller.project, challenge.rp_id))
    except InvalidCredentialError as error:
        raise ApiError(ErrorKind.USER_PASSKEY_INVALID) from error
    return passkey_output(_kept(user, challenge, made))


def create_passkey_token(*, caller: Caller, origin: str = "") -> PasskeyChallengeOutput:
    """Ask a device for any passkey of the project's domain.

    Raises: USER_AUTH_METHOD_UNSUPPORTED
    """
    check_method(caller, PASSKEY)
    party = _party_at(caller.project, origin)
    challenge, content = _ask(caller, party, Purpose.PASSKEY_SIGN_IN)
    options = request_options(party, content, seconds=PASSKEY_CHALLENGE_SECONDS)
    return passkey_challenge_output(challenge, options)


def update_passkey_token(
    *, caller: Caller, challenge_id: str, credential: dict[str, Any]
) -> TokenOutput:
    """Return a secret that signs in, within a minute, the user whose passkey answered.

    Raises: USER_INVALID_TOKEN, USER_PASSKEY_INVALID, USER_BLOCKED, USER_AUTH_METHOD_UNSUPPORTED
    """
    return _answered(caller, challenge_id, credential, lambda user: _token(caller, user))


def passkey_user(*, caller: Caller, challenge_id: str, credential: dict[str, Any]) -> User:
    """Return the user whose passkey answered, for pages that keep sessions of their own.

    Raises: USER_INVALID_TOKEN, USER_PASSKEY_INVALID, USER_BLOCKED, USER_AUTH_METHOD_UNSUPPORTED
    """
    return _answered(caller, challenge_id, credential, lambda user: user)


def passkey_domain(*, caller: Caller, origin: str) -> str:
    """Return the domain whose passkeys a page may ask for, empty where there is none."""
    try:
        return _party_at(caller.project, origin).id
    except ApiError:
        return ""


def _answered(
    caller: Caller, challenge_id: str, credential: dict[str, Any], finish: Callable[[User], Result]
) -> Result:
    check_method(caller, PASSKEY)
    challenge = _taken(_TAKE_SIGN_IN, (caller.project.id, challenge_id))
    try:
        answer = Assertion.read(credential)
        _check_answered(caller, challenge, answer.challenge, Purpose.PASSKEY_SIGN_IN)
        # A passkey that is used stays until its token is there: who removes both finds both.
        with transaction.atomic():
            passkey = _proved(caller, challenge, answer)
            if passkey.user.is_active:
                return finish(passkey.user)
    except InvalidCredentialError as error:
        raise ApiError(ErrorKind.USER_PASSKEY_INVALID) from error
    # Only now: what is not proved must not tell whose it is.
    raise ApiError(ErrorKind.USER_BLOCKED)


def _party_at(project: ProjectContext, origin: str) -> RelyingParty:
    """Return for whom a page's devices are to sign: on one's own machine it needs no domain."""
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        host = None
    party = _party(project, LOCALHOST) if host == LOCALHOST else None
    if party is None or not party.origins:
        party = _party(project, project.policies.passkey_domain)
    if not party.origins:
        raise ApiError(ErrorKind.USER_AUTH_METHOD_UNSUPPORTED, UNCONFIGURED)
    return party


def _party(project: ProjectContext, domain: str) -> RelyingParty:
    """Return a domain with the origins it has now; one that is no longer the project's has none."""
    is_own = domain in (LOCALHOST, project.policies.passkey_domain) and domain
    if not is_own:
        return RelyingParty(domain, ())
    if project.is_console:
        return RelyingParty(domain, console_origins(domain))
    return RelyingParty(domain, passkey_origins(project.id, domain))


def _check_room(uid: str, taken: list[str]) -> None:
    if uid in taken:
        raise ApiError(ErrorKind.USER_PASSKEY_ALREADY_EXISTS)
    if len(taken) >= MAX_PASSKEYS:
        raise ApiError(ErrorKind.USER_PASSKEY_LIMIT_EXCEEDED)


def _ask(
    caller: Caller,
    party: RelyingParty,
    purpose: Purpose,
    *,
    user: User | None = None,
    passkey_uid: str = "",
    name: str = "",
) -> tuple[PasskeyChallenge, bytes]:
    content, now = secrets.token_bytes(CHALLENGE_BYTES), clock.now()
    challenge = PasskeyChallenge(
        project_id=caller.project.id,
        user=user,
        session_id=caller.session_id if user else 0,
        uid=unique_id(),
        digest=_digest(caller, content, purpose),
        rp_id=party.id,
        passkey_uid=passkey_uid,
        name=name,
        created_at=now,
        expires_at=now + timedelta(seconds=PASSKEY_CHALLENGE_SECONDS),
    )
    try:
        with transaction.atomic():
            challenge.save(force_insert=True)
    except IntegrityError as error:  # of two who ask for it at the same moment one does
        raise ApiError(ErrorKind.USER_PASSKEY_ALREADY_EXISTS) from error
    return challenge, content


def _taken(statement: str, parameters: tuple[Any, ...]) -> PasskeyChallenge:
    rows = list(PasskeyChallenge.objects.raw(statement, [*parameters, clock.now()]))
    if not rows:
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    return rows[0]


def _check_answered(
    caller: Caller, challenge: PasskeyChallenge, content: bytes, purpose: Purpose
) -> None:
    if not hmac.compare_digest(bytes(challenge.digest), _digest(caller, content, purpose)):
        raise InvalidCredentialError("challenge")


def _digest(caller: Caller, content: bytes, purpose: Purpose) -> bytes:
    """Return what stands for a challenge: good for one purpose, and for one user's passkeys."""
    user_uid = caller.user_uid if purpose is Purpose.PASSKEY_REGISTRATION else ""
    return token_digest(
        content.hex(), project_id=caller.project.id, user_uid=user_uid, purpose=purpose
    )


def _kept(user: User, challenge: PasskeyChallenge, made: NewCredential) -> Passkey:
    try:
        with transaction.atomic():
            # Of many who add one at the same moment each sees those of the one before.
            lock_user(user.project_id, user.uid)
            _check_signed_in(user, challenge)
            held = Passkey.objects.filter(user_id=user.id).values_list("uid", flat=True)
            _check_room(challenge.passkey_uid, list(held))
            now = clock.now()
            return Passkey.objects.create(
                project_id=user.project_id,
                user=user,
                uid=challenge.passkey_uid,
                name=challenge.name,
                rp_id=challenge.rp_id,
                credential_id=made.id,
                public_key=made.public_key,
                sign_count=made.sign_count,
                created_at=now,
                updated_at=now,
            )
    except IntegrityError as error:
        if sql.violated_constraint(error) not in (_CREDENTIAL, _UID):
            raise
        raise ApiError(ErrorKind.USER_PASSKEY_ALREADY_EXISTS) from error


def _check_signed_in(user: User, challenge: PasskeyChallenge) -> None:
    """Check that nobody else has proved the address while the device was asked.

    The console's pages, whose sessions are their own, ask for 0.
    """
    own = Session.objects.filter(id=challenge.session_id, user_id=user.id)
    if challenge.session_id and not own.exists():
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)


def _proved(caller: Caller, challenge: PasskeyChallenge, answer: Assertion) -> Passkey:
    passkey = (
        Passkey.objects.filter(
            project_id=caller.project.id,
            credential_id=answer.credential_id,
            rp_id=challenge.rp_id,
            user__deleted_at=None,
        )
        .select_related("user")
        .first()
    )
    if passkey is None:
        raise InvalidCredentialError("unknown")
    handle = user_handle(caller.project.uid, passkey.user.uid)
    if not hmac.compare_digest(answer.handle, handle):
        raise InvalidCredentialError("handle")
    party = _party(caller.project, challenge.rp_id)
    count = answer.verify(party, bytes(passkey.public_key))
    if not sql.execute(_USE, {"id": passkey.id, "count": count, "now": clock.now()}):
        raise InvalidCredentialError("count")
    return passkey


def _token(caller: Caller, user: User) -> TokenOutput:
    secret = new_link_secret()
    with transaction.atomic():
        token = issue(user, Purpose.PASSKEY, secret, seconds=PASSKEY_TOKEN_SECONDS)
        # Its caller has proved who they are, and so learns the secret.
        output = token_output(
            token.uid,
            user_uid=user.uid,
            created_at=token.created_at,
            expires_at=token.expires_at,
            secret=secret,
        )
        publish_token(caller, user.uid, "tokens", "create", output)
    return output
