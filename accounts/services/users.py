"""Users of a project as keys and console members manage them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from accounts.email_kinds import check_email
from accounts.events import announce_identity, publish_user, user_event
from accounts.models import Session, User, login_of
from accounts.outputs import (
    JwtOutput,
    SessionList,
    SessionOutput,
    UserList,
    UserOutput,
    user_list_output,
    user_output,
)
from accounts.services.new_passwords import new_password, password_columns
from accounts.services.rows import (
    NewUser,
    add_user,
    change_user,
    get_user_row,
    prefs_text,
    telling_taken,
)
from accounts.services.sessions import end_session, jwt_of, list_sessions_of, open_server_session
from kernel import clock, jobs
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.events import publish
from kernel.ids import unique_id
from kernel.limits import DEFAULT_JWT_SECONDS
from kernel.listing import SYSTEM_COLUMNS, list_page

REMOVE_JOB = "accounts.remove_user"
RECENT = "recent"

_COLUMNS = {
    **SYSTEM_COLUMNS,
    "name": "name",
    "email": "email",
    "phone": "phone",
    "status": "is_active",
    "passwordUpdate": "password_updated_at",
    "passwordPwned": "is_password_pwned",
    "registration": "created_at",
    "impersonator": "is_impersonator",
    "emailVerification": "is_email_verified",
    "phoneVerification": "is_phone_verified",
    "labels": "labels",
    "accessedAt": "accessed_at",
}
_SEARCHED = ("uid", "email", "phone", "name")

# Hidden at once under an id no client can name, with everything that lets them in; the rest of
# their rows is swept by a job. The row is returned as it was.
_HIDE = """
    WITH was AS (
        SELECT * FROM account WHERE project_id = %(project)s AND uid = %(uid)s
        AND deleted_at IS NULL FOR UPDATE
    ), hidden AS (
        UPDATE account a SET deleted_at = %(now)s, is_active = false, uid = %(tombstone)s,
            login = %(tombstone)s, email = NULL, phone = NULL, password = ''
        FROM was WHERE a.id = was.id
    ), ended AS (
        DELETE FROM session s USING was WHERE s.user_id = was.id
    ), departed AS (
        DELETE FROM membership m USING was WHERE m.user_id = was.id
    ), unused AS (
        DELETE FROM account_token t USING was WHERE t.user_id = was.id
    ), unsigned AS (
        DELETE FROM passkey k USING was WHERE k.user_id = was.id
    ), unreached AS (
        DELETE FROM target t USING was WHERE t.user_id = was.id
    ), unlinked AS (
        DELETE FROM identity i USING was WHERE i.user_id = was.id
    )
    SELECT * FROM was
"""


def create_user(
    *,
    caller: Caller,
    user_id: str,
    email: str | None = None,
    phone: str | None = None,
    password: str = "",
    name: str = "",
) -> UserOutput:
    """Create a user; without a password they cannot sign in by one.

    Raises: ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED,
        RATE_LIMIT_EXCEEDED
    """
    new = NewUser(
        uid=user_id,
        email=email,
        phone=phone,
        name=name,
        **new_password(caller.project, password, personal=(user_id, name, email, phone)),
    )
    return create_user_row(caller, new)


def create_user_row(caller: Caller, new: NewUser) -> UserOutput:
    """Insert a user and tell of it, in one transaction.

    Raises: USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with telling_taken(is_creating=True), transaction.atomic():
        user = add_user(caller.project, new)
        publish_user(caller, user, "create")
    return user_output(user)


def list_users(
    *, caller: Caller, queries: Sequence[str] = (), search: str = "", total: bool = True
) -> UserList:
    """Return a page of users.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    rows, count = list_page(
        User.objects.in_project(caller.project.id).prefetch_related("targets"),
        queries,
        columns=_COLUMNS,
        search=search,
        search_columns=_SEARCHED,
        has_total=total,
    )
    return user_list_output(rows, count)


def get_user(*, caller: Caller, user_id: str) -> UserOutput:
    """Return a user.

    Raises: USER_NOT_FOUND
    """
    return user_output(get_user_row(caller.project.id, user_id))


def get_user_prefs(*, caller: Caller, user_id: str) -> dict[str, Any]:
    """Return a user's preferences.

    Raises: USER_NOT_FOUND
    """
    prefs: dict[str, Any] = get_user_row(caller.project.id, user_id).prefs
    return prefs


def update_user_prefs(*, caller: Caller, user_id: str, prefs: dict[str, Any]) -> dict[str, Any]:
    """Replace a user's preferences as a whole.

    Raises: USER_NOT_FOUND, ARGUMENT_INVALID
    """
    _change(caller, user_id, "update.prefs", {"prefs": prefs_text(prefs)})
    return prefs


def update_user_name(*, caller: Caller, user_id: str, name: str) -> UserOutput:
    """Rename a user.

    Raises: USER_NOT_FOUND
    """
    return _change(caller, user_id, "update.name", {"name": name})


def update_user_email(*, caller: Caller, user_id: str, email: str) -> UserOutput:
    """Change a user's address, which counts as unverified; an empty one takes it away.

    Raises: USER_NOT_FOUND, USER_EMAIL_ALREADY_EXISTS, USER_EMAIL_DISPOSABLE,
        USER_EMAIL_NOT_CANONICAL, USER_EMAIL_FREE, USER_EMAIL_NOT_CORPORATE
    """
    check_email(caller.project, email)
    login = login_of(caller.project.id, user_id, email if caller.project.is_console else None)
    columns = {"email": email or None, "login": login, "is_email_verified": False}
    return _change(caller, user_id, "update.email", columns, reason="verification")


def update_user_phone(*, caller: Caller, user_id: str, number: str) -> UserOutput:
    """Change a user's phone number, which counts as unverified; an empty one takes it away.

    Raises: USER_NOT_FOUND, USER_PHONE_ALREADY_EXISTS
    """
    columns = {"phone": number or None, "is_phone_verified": False}
    return _change(caller, user_id, "update.phone", columns, reason="verification")


def update_user_password(*, caller: Caller, user_id: str, password: str) -> UserOutput:
    """Change a user's password, ending their sessions; an empty one takes it away.

    Raises: USER_NOT_FOUND, ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA, PASSWORD_RECENTLY_USED,
        RATE_LIMIT_EXCEEDED
    """
    row = get_user_row(caller.project.id, user_id)
    columns = password_columns(caller.project, row, password)
    with transaction.atomic():
        user = change_user(caller.project.id, user_id, **columns)
        if caller.project.policies.has_session_invalidation:
            Session.objects.filter(user_id=user.id).delete()
        publish_user(caller, user, "update.password")
        announce_identity(caller.project.id, user_uid=user.uid, reason="password")
    return user_output(user)


def update_user_labels(*, caller: Caller, user_id: str, labels: Sequence[str]) -> UserOutput:
    """Replace a user's labels.

    Raises: USER_NOT_FOUND
    """
    unique = list(dict.fromkeys(labels))
    return _change(caller, user_id, "update.labels", {"labels": unique}, reason="labels")


def update_user_status(*, caller: Caller, user_id: str, status: bool) -> UserOutput:
    """Block a user, or let them in again.

    Raises: USER_NOT_FOUND
    """
    reason = "unblocked" if status else "blocked"
    return _change(caller, user_id, "update.status", {"is_active": status}, reason=reason)


def update_impersonator(*, caller: Caller, user_id: str, impersonator: bool) -> UserOutput:
    """Say whether a user may act as the other users of their project.

    Raises: USER_NOT_FOUND
    """
    columns = {"is_impersonator": impersonator}
    return _change(caller, user_id, "update.impersonator", columns, reason="impersonator")


def update_email_verification(
    *, caller: Caller, user_id: str, email_verification: bool
) -> UserOutput:
    """Say whether a user's address is verified.

    Raises: USER_NOT_FOUND
    """
    columns = {"is_email_verified": email_verification}
    return _change(caller, user_id, "update.verification", columns, reason="verification")


def update_phone_verification(
    *, caller: Caller, user_id: str, phone_verification: bool
) -> UserOutput:
    """Say whether a user's phone number is verified.

    Raises: USER_NOT_FOUND
    """
    columns = {"is_phone_verified": phone_verification}
    return _change(caller, user_id, "update.verification", columns, reason="verification")


def delete_user(*, caller: Caller, user_id: str) -> None:
    """Delete a user: at once for every client, their rows by a job.

    Raises: USER_NOT_FOUND
    """
    parameters = {
        "project": caller.project.id,
        "uid": user_id,
        "now": clock.now(),
        "tombstone": f"-{unique_id()}",
    }
    with transaction.atomic():
        rows = list(User.objects.raw(_HIDE, parameters))
        if not rows:
            raise ApiError(ErrorKind.USER_NOT_FOUND)
        publish(user_event(caller, rows[0], "delete"))
        jobs.enqueue(REMOVE_JOB, user_id=rows[0].id)
        announce_identity(caller.project.id, user_uid=user_id, reason="deleted")


def remove_user(*, user_id: int) -> None:
    """Remove the rows of a deleted user, object permissions included."""
    for user in User.objects.filter(id=user_id, deleted_at__isnull=False):
        user.delete()


def list_user_sessions(*, caller: Caller, user_id: str, total: bool = True) -> SessionList:
    """Return a user's sessions.

    Raises: USER_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    return list_sessions_of(caller, user.id, user.uid, has_total=total)


def create_user_session(*, caller: Caller, user_id: str) -> SessionOutput:
    """Open a session for a user; the answer holds its secret.

    Raises: USER_NOT_FOUND, USER_BLOCKED
    """
    user = get_user_row(caller.project.id, user_id)
    if not user.is_active:
        raise ApiError(ErrorKind.USER_BLOCKED)
    return open_server_session(caller=caller, user=user).output(caller)


def delete_user_session(*, caller: Caller, user_id: str, session_id: str) -> None:
    """End a session of a user.

    Raises: USER_NOT_FOUND, USER_SESSION_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    end_session(caller, user.id, user.uid, session_id)


def delete_user_sessions(*, caller: Caller, user_id: str) -> None:
    """End all sessions of a user.

    Raises: USER_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    with transaction.atomic():
        Session.objects.filter(user_id=user.id).delete()
        publish_user(caller, user, "sessions.delete")
        announce_identity(caller.project.id, user_uid=user.uid, reason="signed out")


def create_user_jwt(
    *,
    caller: Caller,
    user_id: str,
    session_id: str = RECENT,
    duration: int = DEFAULT_JWT_SECONDS,
) -> JwtOutput:
    """Return a JWT for a user, tied to one of their sessions where there is one.

    Raises: USER_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    sessions = Session.objects.filter(user_id=user.id, expires_at__gt=clock.now())
    if session_id != RECENT:
        sessions = sessions.filter(uid=session_id)
    newest = sessions.order_by("-id").first()
    session_uid = newest.uid if newest else ""
    return jwt_of(caller, user.uid, session_uid=session_uid, duration=duration)


def _change(
    caller: Caller, uid: str, action: str, columns: Mapping[str, Any], *, reason: str = ""
) -> UserOutput:
    """Change a user; a `reason` tells open sockets that it changes who they are."""
    with telling_taken(is_creating=False), transaction.atomic():
        user = change_user(caller.project.id, uid, **columns)
        publish_user(caller, user, action)
        if reason:
            announce_identity(caller.project.id, user_uid=user.uid, reason=reason)
    return user_output(user)
