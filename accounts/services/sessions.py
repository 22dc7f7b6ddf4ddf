"""Sessions: sign in, list, extend, sign out; and the JWTs made within one."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts import passwords
from accounts.events import announce_identity, session_event
from accounts.models import Identity, Session, User
from accounts.outputs import (
    JwtOutput,
    SessionList,
    SessionOutput,
    session_list_output,
    session_output,
)
from accounts.services.alerts import alert
from accounts.services.guesses import guessed, take_guess
from accounts.services.identities import hold_identity, renew_tokens
from accounts.services.methods import EMAIL_LOGIN, JWT, check_method
from accounts.services.new_passwords import check_breaches, is_overdue
from accounts.services.rows import find_login
from accounts.tokens import JWT_PURPOSE, SessionSecret, digest, new_session_secret
from kernel import clock, geoip, sql
from kernel.caller import Caller, CallerKind
from kernel.errors import ApiError, ErrorKind
from kernel.events import Event, announce, outbox_parameters, publish
from kernel.ids import unique_id
from kernel.limits import DEFAULT_JWT_SECONDS, DEFAULT_SESSION_SECONDS, MAX_SESSIONS
from projects.signing import sign

CURRENT = "current"
EMAIL_PROVIDER = "email"
SERVER_PROVIDER = "server"
OAUTH2 = "oauth2"
MAX_USER_AGENT_LENGTH = 512

# The user's row is taken first, by a statement of its own: the next one sees what was stored while
# it waited. So sign-ins of one user wait for each other, and the session limit holds.
_TAKE = "SELECT FROM account WHERE id = %(user)s FOR NO KEY UPDATE"
# One who was blocked or changed the password since it was checked stays out.
_OPEN = """
    WITH entered AS (
        UPDATE account SET accessed_at = %(now)s WHERE id = %(user)s AND password = %(password)s
            AND is_active AND deleted_at IS NULL RETURNING id
    ), opened AS (
        INSERT INTO session (user_id, uid, digest, provider, provider_uid, identity_id, factors,
            ip, user_agent, country_code, expires_at, created_at, updated_at)
        SELECT id, %(uid)s, %(digest)s, %(provider)s, %(provider_uid)s, %(identity)s::bigint,
            %(factors)s::varchar[], %(ip)s, %(user_agent)s, %(country_code)s, %(expires_at)s,
            %(now)s, %(now)s FROM entered RETURNING id
    ), dropped AS (
        DELETE FROM session WHERE id IN (
            SELECT s.id FROM session s JOIN entered ON s.user_id = entered.id
            ORDER BY s.id DESC OFFSET %(kept)s
        ) RETURNING uid
    ), logged AS (
        INSERT INTO outbox (project_id, name, payload, roles, actor, created_at)
        SELECT %(project)s::bigint, %(name)s, %(payload)s::jsonb, %(roles)s::text[], %(actor)s,
            %(event_at)s FROM entered RETURNING id
    )
    SELECT opened.id, logged.id, ARRAY(SELECT uid FROM dropped) FROM opened, logged
"""
_CLOSE = "DELETE FROM session WHERE user_id = %s AND uid = %s RETURNING *"
_CLOSE_ALL = "DELETE FROM session WHERE user_id = %s AND uid <> %s RETURNING *"
_EXTEND = (
    "UPDATE session SET expires_at = %s, updated_at = %s"
    " WHERE user_id = %s AND uid = %s AND expires_at > %s RETURNING *"
)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session that has just begun; `packed_secret` is what its client keeps."""

    session: Session
    user_uid: str
    packed_secret: str

    @property
    def lifetime(self) -> timedelta:
        return self.session.expires_at - self.session.created_at

    def output(self, caller: Caller) -> SessionOutput:
        """Return the answer to whoever opened it: clients get the secret as a cookie only."""
        secret = self.packed_secret if caller.is_privileged else ""
        return session_output(
            self.session,
            user_uid=self.user_uid,
            is_current=not secret,
            secret=secret,
            has_tokens=True,
            locale=caller.locale,
        )


def create_email_password_session(
    *, caller: Caller, email: str, password: str, duration: int | None = None
) -> OpenedSession:
    """Sign in; an unknown address and a wrong password look and take the same.

    Raises: USER_SESSION_ALREADY_EXISTS, USER_INVALID_CREDENTIALS, USER_BLOCKED,
        USER_EMAIL_NOT_VERIFIED, USER_PASSWORD_RESET_REQUIRED, USER_AUTH_METHOD_UNSUPPORTED,
        RATE_LIMIT_EXCEEDED
    """
    if caller.is_user:
        raise ApiError(ErrorKind.USER_SESSION_ALREADY_EXISTS)
    check_method(caller, EMAIL_LOGIN)
    take_guess(caller, email)
    login = find_login(caller.project.id, email)
    if not passwords.matches(password, login.password if login else "") or login is None:
        raise ApiError(ErrorKind.USER_INVALID_CREDENTIALS)
    user = login.user()  # who is gone or changed meanwhile is let in nowhere: `open_session`
    guessed(caller, email)
    if not user.is_active:
        raise ApiError(ErrorKind.USER_BLOCKED)
    if caller.project.requires_verified_email and not user.is_email_verified:
        raise ApiError(ErrorKind.USER_EMAIL_NOT_VERIFIED)
    if is_overdue(caller.project, user):
        raise ApiError(ErrorKind.USER_PASSWORD_RESET_REQUIRED)
    check_breaches(caller.project, user, password)
    _renew_hash(user, password)
    session = new_session(caller, user, EMAIL_PROVIDER, factor="password", duration=duration)
    session.provider_uid = email
    return open_session(caller, user, session)


def open_server_session(*, caller: Caller, user: User) -> OpenedSession:
    """Open a session of a user for a server that vouches for them.

    Raises: USER_INVALID_CREDENTIALS
    """
    session = new_session(caller, user, SERVER_PROVIDER, factor=SERVER_PROVIDER)
    return open_session(caller, user, session)


def open_session(caller: Caller, user: User, session: Session) -> OpenedSession:
    """Store a session in two statements, dropping the user's oldest ones past the limit.

    Raises: USER_INVALID_CREDENTIALS, and of who comes by an identity USER_INVALID_TOKEN
    """
    secret = new_session_secret()
    session.digest = digest(secret)
    event = _news(caller, session, user.uid, "create")
    has_alerts = caller.project.policies.has_session_alerts
    with transaction.atomic() if has_alerts or session.identity_id else nullcontext():
        if session.identity_id:
            hold_identity(user, session.identity_id)
        with sql.together():
            sql.execute(_TAKE, {"user": user.id})
            row = sql.fetch_one(_OPEN, _opening(caller, user, session, event))
        if row is None:
            raise ApiError(ErrorKind.USER_INVALID_CREDENTIALS)
        session.id, event_id, dropped = row
        announce(replace(event, id=event_id))
        for uid in dropped:
            _announce_end(caller, user.uid, uid)
        if has_alerts:
            alert(caller, user, session)
    packed = SessionSecret(user.uid, secret).pack()
    return OpenedSession(session=session, user_uid=user.uid, packed_secret=packed)


def list_sessions(*, caller: Caller, total: bool = True) -> SessionList:
    """Return the caller's sessions.

    Raises: USER_UNAUTHORIZED
    """
    return list_sessions_of(caller, _own_id(caller), caller.user_uid, has_total=total)


def get_session(*, caller: Caller, session_id: str) -> SessionOutput:
    """Return one session of the caller's, or the `current` one.

    Raises: USER_UNAUTHORIZED, USER_SESSION_NOT_FOUND
    """
    uid = _named(caller, session_id)
    sessions = Session.objects.filter(user_id=_own_id(caller), uid=uid, expires_at__gt=clock.now())
    session = sessions.select_related("identity").first()
    if session is None:
        raise ApiError(ErrorKind.USER_SESSION_NOT_FOUND)
    return _shown(caller, session)


def update_session(*, caller: Caller, session_id: str) -> SessionOutput:
    """Extend a session of the caller's by its full time, and renew its provider's tokens.

    Raises: USER_UNAUTHORIZED, USER_SESSION_NOT_FOUND, SERVICE_UNAVAILABLE
    """
    now = clock.now()
    expires_at = now + timedelta(seconds=_longest(caller))
    parameters = [expires_at, now, _own_id(caller), _named(caller, session_id), now]
    with transaction.atomic():
        rows = list(Session.objects.raw(_EXTEND, parameters))
        if not rows:
            raise ApiError(ErrorKind.USER_SESSION_NOT_FOUND)
        publish(_news(caller, rows[0], caller.user_uid, "update"))
        announce_identity(caller.project.id, user_uid=caller.user_uid, reason="extended")
    if rows[0].identity is not None:
        renew_tokens(caller.project, rows[0].identity)
    return _shown(caller, rows[0])


def delete_session(*, caller: Caller, session_id: str) -> bool:
    """End a session of the caller's; tell whether it was the one they call by.

    Raises: USER_UNAUTHORIZED, USER_SESSION_NOT_FOUND
    """
    uid = _named(caller, session_id)
    end_session(caller, _own_id(caller), caller.user_uid, uid)
    return uid == caller.session_uid


def delete_sessions(*, caller: Caller, current: bool = True) -> None:
    """End all sessions of the caller's; with `current` the one they call by, too.

    Raises: USER_UNAUTHORIZED
    """
    user_id = _own_id(caller)
    with transaction.atomic():
        kept_uid = "" if current else caller.session_uid
        for session in list(Session.objects.raw(_CLOSE_ALL, [user_id, kept_uid])):
            publish(_news(caller, session, caller.user_uid, "delete"))
        announce_identity(caller.project.id, user_uid=caller.user_uid, reason="signed out")


def create_jwt(*, caller: Caller, duration: int = DEFAULT_JWT_SECONDS) -> JwtOutput:
    """Return a JWT that stands for the caller's session, for `duration` seconds.

    Raises: USER_UNAUTHORIZED, USER_JWT_CREATION_DENIED
    """
    if caller.kind is CallerKind.JWT:
        raise ApiError(ErrorKind.USER_JWT_CREATION_DENIED)
    check_method(caller, JWT)
    _own_id(caller)
    return jwt_of(caller, caller.user_uid, session_uid=caller.session_uid, duration=duration)


def jwt_of(caller: Caller, user_uid: str, *, session_uid: str, duration: int) -> JwtOutput:
    """Return a JWT for a user of the caller's project; it dies with the session it names."""
    claims = {"userId": user_uid, "sessionId": session_uid}
    return {"jwt": sign(claims, caller.project.uid, JWT_PURPOSE, seconds=duration)}


def list_sessions_of(
    caller: Caller, user_id: int, user_uid: str, *, has_total: bool = True
) -> SessionList:
    """Return a user's sessions, the oldest first."""
    sessions = Session.objects.filter(user_id=user_id, expires_at__gt=clock.now())
    sessions = sessions.select_related("identity").order_by("id")
    return session_list_output(
        sessions,
        user_uid=user_uid,
        current_uid=caller.session_uid,
        has_total=has_total,
        has_tokens=not caller.impersonator_uid,
        locale=caller.locale,
    )


def end_session(caller: Caller, user_id: int, user_uid: str, session_uid: str) -> None:
    """End one session of a user.

    Raises: USER_SESSION_NOT_FOUND
    """
    with transaction.atomic():
        rows = list(Session.objects.raw(_CLOSE, [user_id, session_uid]))
        if not rows:
            raise ApiError(ErrorKind.USER_SESSION_NOT_FOUND)
        publish(_news(caller, rows[0], user_uid, "delete"))
        _announce_end(caller, user_uid, session_uid)


def new_session(
    caller: Caller, user: User, provider: str, *, factor: str, duration: int | None = None
) -> Session:
    """Return a session that `open_session` is to store, of `duration` seconds at most."""
    now = clock.now()
    longest = _longest(caller)
    return Session(
        user=user,
        uid=unique_id(),
        provider=provider,
        factors=[factor],
        ip=caller.ip,
        user_agent=caller.user_agent[:MAX_USER_AGENT_LENGTH].replace("\x00", ""),
        country_code=geoip.find(caller.ip).country_code,
        expires_at=now + timedelta(seconds=min(duration or longest, longest)),
        created_at=now,
        updated_at=now,
    )


def come_by(session: Session, identity: Identity) -> None:
    """Note that a new session begins with what a provider said."""
    session.provider, session.provider_uid = identity.provider, identity.provider_uid
    session.identity = identity


def _opening(caller: Caller, user: User, session: Session, event: Event) -> dict[str, Any]:
    project_id, name, payload, roles, actor, event_at = outbox_parameters(event)
    return {
        "user": user.id,
        "password": user.password,
        "now": session.created_at,
        "uid": session.uid,
        "digest": session.digest,
        "provider": session.provider,
        "provider_uid": session.provider_uid,
        "identity": session.identity_id,
        "factors": session.factors,
        "ip": session.ip,
        "user_agent": session.user_agent,
        "country_code": session.country_code,
        "expires_at": session.expires_at,
        "kept": (caller.project.session_limit or MAX_SESSIONS) - 1,
        "project": project_id,
        "name": name,
        "payload": payload,
        "roles": roles,
        "actor": actor,
        "event_at": event_at,
    }


def _longest(caller: Caller) -> int:
    return caller.project.session_seconds or DEFAULT_SESSION_SECONDS


def _renew_hash(user: User, password: str) -> None:
    """Store the password under today's parameters, now that it is known."""
    if passwords.needs_rehash(user.password):
        renewed = passwords.hash_password(password)
        User.objects.filter(id=user.id, password=user.password).update(password=renewed)
        user.password = renewed


def _own_id(caller: Caller) -> int:
    if not caller.is_user:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return caller.user_id


def _named(caller: Caller, session_id: str) -> str:
    return caller.session_uid if session_id == CURRENT else session_id


def _shown(caller: Caller, session: Session) -> SessionOutput:
    is_current = session.uid == caller.session_uid
    return session_output(
        session,
        user_uid=caller.user_uid,
        is_current=is_current,
        has_tokens=not caller.impersonator_uid,
        locale=caller.locale,
    )


def _news(caller: Caller, session: Session, user_uid: str, action: str) -> Event:
    return session_event(
        caller,
        user_uid=user_uid,
        session_uid=session.uid,
        action=action,
        payload=session_output(session, user_uid=user_uid),
    )


def _announce_end(caller: Caller, user_uid: str, session_uid: str) -> None:
    announce_identity(
        caller.project.id, user_uid=user_uid, session_uid=session_uid, reason="signed out"
    )
