"""Who may open a socket, who is on it, and what an event's row holds. All of it synchronous."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.utils.module_loading import import_string

from accounts.authentication import forget_identities
from documents.encryption import open_payload
from kernel import addresses, ratelimit, sql
from kernel.caller import Caller, CallerKind, Credentials, ProjectContext
from kernel.errors import ApiError, ErrorKind
from realtime.limits import CONNECTS_PER_WINDOW, RATE_WINDOW_SECONDS

_PROTOCOLS = frozenset({"websocket", "realtime"})
_ADMIN = "admin"
_NOBODY = ProjectContext(id=0, uid="", name="")
_SELECT_EVENT = "SELECT payload::text, roles, project_id FROM outbox WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a connection says when it opens."""

    project_uid: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Opened:
    """Who is on a connection; `account` is the Account model of a signed-in user."""

    caller: Caller
    account: dict[str, Any] | None


def open_connection(handshake: Handshake) -> Opened:
    """Check a new connection in the order of the reference (realtime.md section 1).

    Raises:
        REALTIME_POLICY_VIOLATION: There is no such project, or its platforms lack the origin.
        API_DISABLED: The project's sockets are switched off.
        REALTIME_TOO_MANY_MESSAGES: Too many connections from one address.
        USER_BLOCKED: The caller is blocked.
        USER_MORE_FACTORS_REQUIRED: The caller has yet to show a second factor.
    """
    project = _find_project(handshake.project_uid)
    credentials = handshake.credentials
    is_admin = credentials.mode == _ADMIN
    is_disabled = not _PROTOCOLS.isdisjoint(project.disabled_protocols)
    if is_disabled and not is_admin:
        raise ApiError(ErrorKind.API_DISABLED)
    _count_connect(project, credentials)
    _check_origin(project, handshake)
    caller = identify(handshake)
    if caller.is_blocked:
        raise ApiError(ErrorKind.USER_BLOCKED)
    if caller.needs_factor:
        raise ApiError(ErrorKind.USER_MORE_FACTORS_REQUIRED)
    if is_disabled and caller.kind is not CallerKind.CONSOLE:
        raise ApiError(ErrorKind.API_DISABLED)
    return Opened(caller, _account_of(caller))


def identify(handshake: Handshake) -> Caller:
    """Resolve the caller of a connection anew."""
    project = _find_project(handshake.project_uid)
    credentials = handshake.credentials
    if _is_foreign_console_page(project, handshake):
        credentials = replace(credentials, cookies={})
    authenticate = import_string(settings.APPWRITE_AUTHENTICATE)
    caller: Caller = authenticate(project, credentials)
    return caller


def forget_callers(project_uid: str) -> None:
    """Have the callers of a project looked up anew."""
    project = import_string(settings.APPWRITE_FIND_PROJECT)(project_uid)
    if project is not None:
        forget_identities(project.id)


def check_replaceable(caller: Caller) -> None:
    """Check that an `authentication` frame may name another user for a connection.

    Raises:
        REALTIME_MESSAGE_INVALID: Its user acts as another one.
    """
    if caller.impersonator_uid:
        raise ApiError(
            ErrorKind.REALTIME_MESSAGE_INVALID,
            "The connection acts for a user, and cannot be signed in anew.",
        )


def open_session(handshake: Handshake) -> Opened:
    """Resolve the user of an `authentication` frame.

    Raises:
        REALTIME_MESSAGE_INVALID: The secret names no session of a user who may sign in.
        USER_MORE_FACTORS_REQUIRED: The user has yet to show a second factor.
    """
    caller = identify(handshake)
    if not caller.is_user or caller.is_blocked:
        raise ApiError(ErrorKind.REALTIME_MESSAGE_INVALID, "Session is not valid.")
    if caller.needs_factor:
        raise ApiError(ErrorKind.USER_MORE_FACTORS_REQUIRED)
    return Opened(caller, _account_of(caller))


def with_session(handshake: Handshake, secret: str) -> Handshake:
    """Return the handshake as if it had carried this session, and nothing else, as identity."""
    credentials = replace(
        handshake.credentials, session=secret, jwt="", cookies={}, fallback_cookies="", mode=""
    )
    return replace(handshake, credentials=credentials)


def load_event(outbox_id: int) -> tuple[dict[str, Any], list[str]]:
    """Return payload and roles of an event that was too large, or too secret, to be sent along."""
    row = sql.fetch_one(_SELECT_EVENT, (outbox_id,))
    if row is None:
        raise LookupError(f"event {outbox_id} is not in the outbox any more")
    return open_payload(orjson.loads(row[0]), project_id=row[2]), row[1]


def is_open(project_uid: str) -> bool:
    """Tell whether a project exists and lets its clients connect."""
    project = import_string(settings.APPWRITE_FIND_PROJECT)(project_uid)
    return project is not None and _PROTOCOLS.isdisjoint(project.disabled_protocols)


def owner_roles(project_uid: str) -> tuple[str, ...]:
    """Return the roles of the console users who own a project, none once it is gone."""
    project = import_string(settings.APPWRITE_FIND_PROJECT)(project_uid)
    return (f"team:{project.team_uid}",) if project is not None and project.team_uid else ()


def _account_of(caller: Caller) -> dict[str, Any] | None:
    if not caller.is_user:  # nor is a console user an account of the project
        return None
    output: dict[str, Any] = import_string(settings.APPWRITE_ACCOUNT_OUTPUT)(caller)
    return output


def _find_project(uid: str) -> ProjectContext:
    if not uid:
        raise ApiError(ErrorKind.REALTIME_POLICY_VIOLATION, "Missing or unknown project ID")
    find_project = import_string(settings.APPWRITE_FIND_PROJECT)
    project: ProjectContext | None = find_project(uid)
    if project is None:
        raise ApiError(ErrorKind.REALTIME_POLICY_VIOLATION, "Missing or unknown project ID")
    return project


def _count_connect(project: ProjectContext, credentials: Credentials) -> None:
    if not settings.ABUSE_LIMITS:
        return
    state = ratelimit.hit(
        f"realtime:{project.uid}:{addresses.subscriber(credentials.ip)}",
        limit=CONNECTS_PER_WINDOW,
        window_seconds=RATE_WINDOW_SECONDS,
    )
    if state.is_exceeded:
        raise ApiError(ErrorKind.REALTIME_TOO_MANY_MESSAGES, "Too many requests")


def _check_origin(project: ProjectContext, handshake: Handshake) -> None:
    origin = handshake.credentials.origin
    if not origin or project.is_console:
        return
    if not project.accepts_origin(origin, _own_host()):
        raise ApiError(ErrorKind.REALTIME_POLICY_VIOLATION, ErrorKind.UNKNOWN_ORIGIN.message)


def _own_host() -> str:
    """Return the configured name of this server: a Host header could be anybody's."""
    return urlsplit(settings.PUBLIC_URL).hostname or ""


def _is_foreign_console_page(project: ProjectContext, handshake: Handshake) -> bool:
    """Tell whether a page elsewhere leans on the cookies of somebody signed in to the console."""
    credentials = handshake.credentials
    is_console = project.is_console or credentials.mode == _ADMIN
    if not is_console or not credentials.origin:
        return False
    return not _NOBODY.accepts_origin(credentials.origin, _own_host())
