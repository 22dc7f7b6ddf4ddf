"""Credentials to `Caller`: the one place that believes a session, a JWT or a key."""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

import orjson

from accounts.mfa import Factor, Lack, lack
from accounts.tokens import JWT_PURPOSE, SessionSecret, digest
from kernel import clock, sql
from kernel.caller import (
    CONSOLE_PROJECT,
    Caller,
    CallerKind,
    Credentials,
    ImpersonationTarget,
    ProjectContext,
)
from kernel.errors import ApiError, ErrorKind
from kernel.limits import (
    IDENTITY_CACHE_SECONDS,
    LAST_ACCESS_RESOLUTION_SECONDS,
    MAX_CACHED_IDENTITIES,
)
from kernel.recent import Recent
from kernel.scopes import (
    CONSOLE_MEMBER_SCOPES,
    CONSOLE_USER_SCOPES,
    CONSOLE_VIEWER_SCOPES,
    GUEST_SCOPES,
    IMPERSONATOR_SCOPES,
    UNVERIFIED_USER_SCOPES,
    USER_SCOPES,
)
from projects.keys import KeyGrant, find_key
from projects.services import find_project, may_manage, may_see
from projects.signing import InvalidTokenError, verify

ADMIN_MODE = "admin"

_USER = """
    u.id, u.uid, u.is_active, u.is_email_verified OR u.is_phone_verified, u.labels, u.accessed_at,
    s.id, s.uid, s.expires_at,
    ARRAY(
        SELECT unnest(
            ARRAY['team:' || t.uid, 'member:' || m.uid]
            || ARRAY(SELECT 'team:' || t.uid || '/' || name FROM unnest(m.roles) AS name)
        )
        FROM membership m JOIN team t ON t.id = m.team_id
        WHERE m.user_id = u.id AND m.is_confirmed
    ),
    u.has_mfa, CASE WHEN cardinality(s.factors) < 2 AND s.factors[1] IS DISTINCT FROM 'passkey' THEN
        (u.is_email_verified AND s.factors[1] IS DISTINCT FROM 'email')::int
        + 2 * (u.is_phone_verified AND s.factors[1] IS DISTINCT FROM 'phone')::int
        + 4 * EXISTS (SELECT FROM authenticator a WHERE a.user_id = u.id AND a.is_verified)::int
    END, u.is_impersonator
"""
_BY_SESSION = f"""
    SELECT {_USER} FROM session s JOIN account u ON u.id = s.user_id
    WHERE s.digest = %s AND u.project_id = %s AND u.deleted_at IS NULL
"""  # noqa: S608  # built from the constants above
_BY_JWT = f"""
    SELECT {_USER} FROM account u LEFT JOIN session s ON s.user_id = u.id AND s.uid = %s
    WHERE u.project_id = %s AND u.uid = %s AND u.deleted_at IS NULL
"""  # noqa: S608  # built from the constants above
_BY_COLUMN = f"""
    SELECT {_USER} FROM account u LEFT JOIN session s ON false
    WHERE u.project_id = %s AND u.{{column}} = %s AND u.deleted_at IS NULL
"""  # noqa: S608  # built from the constants above
_BY_TARGET = {column: _BY_COLUMN.format(column=column) for column in ("uid", "email", "phone")}
_TOUCH = "UPDATE account SET accessed_at = %s WHERE id = %s"
#: The factors that `_USER` names by a bit each.
_BITS = (Factor.EMAIL, Factor.PHONE, Factor.TOTP)
_FURTHER = tuple(
    frozenset(name for bit, name in enumerate(_BITS) if bits & 1 << bit) for bits in range(8)
)


@dataclass(frozen=True, slots=True)
class _Identity:
    """A user and, unless they came by a JWT without one, their session.

    `roles` are all the user holds, `team_roles` those among them that come from teams. Of a session
    that has shown one factor, `further` are those the user could show besides; None where no other
    is asked for, since two were shown, or one that counts as two, or there is no session. An
    `is_impersonator` may act as other users.
    """

    user_id: int
    user_uid: str
    is_active: bool
    session_id: int | None
    session_uid: str | None
    expires_at: datetime | None
    roles: frozenset[str]
    team_roles: frozenset[str]
    has_mfa: bool
    further: frozenset[Factor] | None
    is_impersonator: bool

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """Read an identity from the columns that `_USER` names."""
        user_id, uid, is_active, is_verified, labels, _, session_id, session_uid, expires_at = row[
            :9
        ]
        return cls(
            user_id=user_id,
            user_uid=uid,
            is_active=is_active,
            session_id=session_id,
            session_uid=session_uid,
            expires_at=expires_at,
            roles=_roles(uid, labels, row[9], is_verified=is_verified),
            team_roles=frozenset(row[9]),
            has_mfa=row[10],
            further=None if row[11] is None else _FURTHER[row[11]],
            is_impersonator=row[12],
        )


#: Expiry is checked whenever one is used, all else announced when it changes.
_identities: Recent[_Identity] = Recent(
    seconds=IDENTITY_CACHE_SECONDS, maximum=MAX_CACHED_IDENTITIES
)


def forget_identities(project_id: int = 0) -> None:
    """Have this process look the users of a project up anew, or those of all projects."""
    if project_id:
        _identities.drop(project_id)
    else:
        _identities.clear()


def authenticate(project: ProjectContext, credentials: Credentials) -> Caller:
    """Tell who is calling, in one statement; whoever proves nothing is a guest.

    Raises: PROJECT_ID_MISSING, PROJECT_KEY_EXPIRED, USER_JWT_INVALID, USER_JWT_AND_COOKIE_SET,
        USER_API_KEY_AND_SESSION_SET, USER_NOT_FOUND
    """
    if credentials.key:
        grant = find_key(project, credentials.key)
        if grant is not None:
            return _key_caller(project, credentials, grant)
    if credentials.mode.lower() == ADMIN_MODE and not project.is_console:
        return _console_caller(project, credentials)
    identity, kind = _by_session(project, credentials), CallerKind.SESSION
    if credentials.jwt:
        if identity is not None:
            raise ApiError(ErrorKind.USER_JWT_AND_COOKIE_SET)
        identity, kind = _by_jwt(project, credentials.jwt), CallerKind.JWT
    caller = _caller(project, credentials, identity, kind)
    if credentials.target is None or identity is None or not identity.is_impersonator:
        return caller
    return _acting(caller, credentials, credentials.target)


def user_caller(project: ProjectContext, user_uid: str, *, impersonator_uid: str = "") -> Caller:
    """Return a user, as whom somebody may act, as the caller of what was left to be done.

    Raises: USER_UNAUTHORIZED
    """
    if impersonator_uid and not _active(project, impersonator_uid).is_impersonator:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    caller = _caller(project, Credentials(), _active(project, user_uid), CallerKind.JWT)
    return replace(caller, impersonator_uid=impersonator_uid)


def _active(project: ProjectContext, user_uid: str) -> _Identity:
    row = sql.fetch_one(_BY_JWT, ("", project.id, user_uid))
    if row is None or not (identity := _Identity.of(row)).is_active:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return identity


def find_session_secret(project_uid: str, credentials: Credentials) -> SessionSecret | None:
    """Return the session a request presents for a project: by cookie, header or fallback header."""
    candidates = (SessionSecret.unpack(text) for text in _packed_secrets(project_uid, credentials))
    return next((secret for secret in candidates if secret is not None), None)


def session_cookie_names(project_uid: str) -> tuple[str, str]:
    """Return the names of a project's two session cookies: the real one and its older twin."""
    name = f"a_session_{project_uid}"
    return name, f"{name}_legacy"


def _packed_secrets(project_uid: str, credentials: Credentials) -> Iterator[str]:
    cookies = credentials.cookies
    name, legacy_name = session_cookie_names(project_uid)
    yield cookies.get(name, "")
    yield cookies.get(legacy_name, "")
    yield credentials.session
    if credentials.fallback_cookies:
        yield _fallback_cookie(credentials.fallback_cookies, name)


def _fallback_cookie(text: str, name: str) -> str:
    try:
        cookies = orjson.loads(text.encode("utf-8", "surrogatepass"))
    except orjson.JSONDecodeError:
        return ""
    value = cookies.get(name) if isinstance(cookies, dict) else None
    return value if isinstance(value, str) else ""


def _by_session(project: ProjectContext, credentials: Credentials) -> _Identity | None:
    presented = find_session_secret(project.uid, credentials)
    if presented is None:
        return None
    stored = digest(presented.secret)

    def read() -> _Identity | None:
        row = sql.fetch_one(_BY_SESSION, (stored, project.id))
        return _used(row, needs_session=True)

    identity = _identities.find(project.id, stored, read)
    return _believed(identity, presented) if identity else None


def _believed(identity: _Identity, presented: SessionSecret) -> _Identity | None:
    named = presented.user_uid.encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(identity.user_uid.encode(), named):
        return None
    return identity if _is_current(identity) else None


def _is_current(identity: _Identity) -> bool:
    return identity.expires_at is not None and identity.expires_at > clock.now()


def _by_jwt(project: ProjectContext, token: str) -> _Identity:
    try:
        claims = verify(token, project.uid, JWT_PURPOSE)
    except InvalidTokenError:
        raise ApiError(ErrorKind.USER_JWT_INVALID) from None
    user_uid, session_uid = str(claims.get("userId", "")), str(claims.get("sessionId", ""))

    def read() -> _Identity | None:
        row = sql.fetch_one(_BY_JWT, (session_uid, project.id, user_uid))
        return _used(row, needs_session=bool(session_uid))

    identity = _identities.find(project.id, (user_uid, session_uid), read)
    # A JWT made within a session dies with it; only keys make them without one.
    if identity is None or (session_uid and not _is_current(identity)):
        raise ApiError(ErrorKind.USER_JWT_INVALID)
    return identity


def _key_caller(project: ProjectContext, credentials: Credentials, grant: KeyGrant) -> Caller:
    if _by_session(project, credentials) is not None:
        raise ApiError(ErrorKind.USER_API_KEY_AND_SESSION_SET)
    return Caller(
        project=project,
        kind=CallerKind.KEY,
        key_uid=grant.uid,
        roles=frozenset({"any"}),
        scopes=grant.scopes,
        ip=credentials.ip,
        user_agent=credentials.user_agent,
        locale=credentials.locale,
    )


def _console_caller(project: ProjectContext, credentials: Credentials) -> Caller:
    """Take a console user for a member of the project's team; anyone else is a guest."""
    console = find_project(CONSOLE_PROJECT)
    identity = _by_session(console, credentials) if console else None
    if console is None or identity is None or not may_see(identity.team_roles, project):
        return _guest(project, credentials)
    roles = identity.team_roles | {"any"}
    lacking = _lack(console, identity)
    return Caller(
        project=project,
        kind=CallerKind.CONSOLE,
        user_id=identity.user_id,
        user_uid=identity.user_uid,
        session_id=identity.session_id or 0,
        session_uid=identity.session_uid or "",
        roles=roles,
        scopes=CONSOLE_MEMBER_SCOPES if may_manage(roles, project) else CONSOLE_VIEWER_SCOPES,
        is_blocked=not identity.is_active,
        needs_factor=lacking is not Lack.NOTHING,
        must_enrol=lacking is Lack.ENROLMENT,
        ip=credentials.ip,
        user_agent=credentials.user_agent,
        locale=credentials.locale,
    )


def _caller(
    project: ProjectContext,
    credentials: Credentials,
    identity: _Identity | None,
    kind: CallerKind,
) -> Caller:
    if identity is None:
        return _guest(project, credentials)
    lacking = _lack(project, identity)
    return Caller(
        project=project,
        kind=kind,
        user_id=identity.user_id,
        user_uid=identity.user_uid,
        session_id=identity.session_id or 0,
        session_uid=identity.session_uid or "",
        roles=identity.roles,
        scopes=_scopes(project, identity),
        is_blocked=not identity.is_active,
        needs_factor=lacking is not Lack.NOTHING,
        must_enrol=lacking is Lack.ENROLMENT,
        ip=credentials.ip,
        user_agent=credentials.user_agent,
        locale=credentials.locale,
    )


def _acting(caller: Caller, credentials: Credentials, target: ImpersonationTarget) -> Caller:
    """Return who may act as others as the one they name, who has no session of theirs.

    Before they are let in themselves, that counts for nothing. That the other one may act as
    somebody, too, leads no further: only whoever signed in is asked.

    Raises: USER_NOT_FOUND
    """
    if caller.is_blocked or caller.needs_factor or caller.project.is_console:
        return caller
    identity = _by_target(caller.project, target)
    if identity is None:
        raise ApiError(ErrorKind.USER_NOT_FOUND)
    acting = _caller(caller.project, credentials, identity, caller.kind)
    scopes = acting.scopes | IMPERSONATOR_SCOPES
    return replace(acting, impersonator_uid=caller.user_uid, scopes=scopes)


def _by_target(project: ProjectContext, target: ImpersonationTarget) -> _Identity | None:
    value = target.value.lower() if target.column == "email" else target.value
    if "\x00" in value:
        return None

    def read() -> _Identity | None:
        row = sql.fetch_one(_BY_TARGET[target.column], (project.id, value))
        return _Identity.of(row) if row else None

    return _identities.find(project.id, ("target", target.column, value), read)


def _lack(project: ProjectContext, identity: _Identity) -> Lack:
    """Tell what a session lacks by the project's policy of now, which no identity remembers."""
    if identity.further is None:
        return Lack.NOTHING
    return lack(project.policies, wants=identity.has_mfa, further=identity.further)


def _scopes(project: ProjectContext, identity: _Identity) -> frozenset[str]:
    if project.is_console:
        return CONSOLE_USER_SCOPES
    scopes = USER_SCOPES
    if project.is_read_only_until_verified and "users/verified" not in identity.roles:
        scopes = UNVERIFIED_USER_SCOPES
    return scopes | IMPERSONATOR_SCOPES if identity.is_impersonator else scopes


def _guest(project: ProjectContext, credentials: Credentials) -> Caller:
    return Caller(
        project=project,
        scopes=GUEST_SCOPES,
        ip=credentials.ip,
        user_agent=credentials.user_agent,
        locale=credentials.locale,
    )


def _used(row: sql.Row | None, *, needs_session: bool) -> _Identity | None:
    """Note the use of an account, once a day: more often would be a write per read."""
    if row is None:
        return None
    identity, accessed_at, now = _Identity.of(row), row[5], clock.now()
    oldest = now - timedelta(seconds=LAST_ACCESS_RESOLUTION_SECONDS)
    is_due = accessed_at is None or accessed_at <= oldest
    if is_due and (_is_current(identity) or not needs_session):
        sql.note(_TOUCH, (now, identity.user_id))
    return identity


def _roles(
    user_uid: str, labels: Sequence[str], team_roles: Sequence[str], *, is_verified: bool
) -> frozenset[str]:
    """Return every role a user holds (reference: semantics, section 3)."""
    state = "verified" if is_verified else "unverified"
    user = f"user:{user_uid}"
    own = ("any", "users", f"users/{state}", user, f"{user}/{state}")
    return frozenset((*own, *team_roles, *(f"label:{label}" for label in labels)))
