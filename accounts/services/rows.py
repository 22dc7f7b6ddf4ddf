"""Rows of users: how one is made, found, and changed in a single statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import IntegrityError
from django.db.models import Q

from accounts.email_kinds import check_email
from accounts.models import User, login_of
from kernel import clock, sql
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind, invalid
from kernel.ids import resolve_id
from kernel.limits import MAX_PREFS_LENGTH
from kernel.sql import violated_constraint

_CREATING = dict.fromkeys(
    ("account_uid", "account_email", "account_phone", "account_login_key"),
    ErrorKind.USER_ALREADY_EXISTS,
) | {"target_identifier": ErrorKind.USER_TARGET_ALREADY_EXISTS}
_CHANGING = {
    "account_email": ErrorKind.USER_EMAIL_ALREADY_EXISTS,
    "account_login_key": ErrorKind.USER_EMAIL_ALREADY_EXISTS,
    "account_phone": ErrorKind.USER_PHONE_ALREADY_EXISTS,
    "target_identifier": ErrorKind.USER_TARGET_ALREADY_EXISTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What a user starts with; `password`, a hash, is empty for one without a password."""

    uid: str
    email: str | None = None
    phone: str | None = None
    password: str = ""
    is_password_pwned: bool | None = None
    name: str = ""


class Login(NamedTuple):
    """What signing in by a password needs of a user, as it was a moment ago."""

    id: int
    project_id: int
    uid: str
    email: str
    password: str
    is_active: bool
    is_email_verified: bool
    password_updated_at: datetime | None
    is_password_pwned: bool | None

    def user(self) -> User:
        """Return the user, of whom nothing else is known."""
        return User(**self._asdict())


_LOGIN = (
    f"SELECT {', '.join(Login._fields)} FROM account"  # noqa: S608  # names of our own
    " WHERE project_id = %s AND email = %s AND deleted_at IS NULL"
)


def add_user(project: ProjectContext, new: NewUser) -> User:
    """Insert a user. To be called in a transaction, within `telling_taken(...)`.

    Raises: USER_COUNT_EXCEEDED, USER_EMAIL_DISPOSABLE, USER_EMAIL_NOT_CANONICAL, USER_EMAIL_FREE,
        USER_EMAIL_NOT_CORPORATE
    """
    check_email(project, new.email)
    _check_limit(project)
    now = clock.now()
    uid = resolve_id(new.uid)
    user: User = User.objects.create(
        project_id=project.id,
        uid=uid,
        login=login_of(project.id, uid, new.email if project.is_console else None),
        email=new.email,
        phone=new.phone,
        name=new.name,
        password=new.password,
        password_updated_at=now if new.password else None,
        is_password_pwned=new.is_password_pwned,
        created_at=now,
        updated_at=now,
    )
    return user


def get_own_user(caller: Caller) -> User:
    """Return the calling user's row.

    Raises: USER_UNAUTHORIZED
    """
    user: User | None = None
    if caller.is_user:
        users = User.objects.in_project(caller.project.id)
        user = users.filter(id=caller.user_id).first()
    if user is None:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return user


def get_user_row(project_id: int, uid: str) -> User:
    """Return a user's row.

    Raises: USER_NOT_FOUND
    """
    user: User | None = User.objects.in_project(project_id).filter(uid=uid).first()
    if user is None:
        raise ApiError(ErrorKind.USER_NOT_FOUND)
    return user


def lock_user(project_id: int, uid: str) -> None:
    """Have others who change a user, or add a way in, wait until this transaction ends."""
    users = User.objects.in_project(project_id).filter(uid=uid)
    list(users.select_for_update(no_key=True).values_list("id"))


def find_by_email(project_id: int, email: str) -> User | None:
    return find_by_contact(project_id, email=email)


def find_login(project_id: int, email: str) -> Login | None:
    """Return what signing in by a password needs of a user.

    Little else is read, so that the time hardly tells whether there is such a user.
    """
    row = sql.fetch_one(_LOGIN, (project_id, email))
    return Login(*row) if row else None


def find_by_contact(project_id: int, *, email: str = "", phone: str = "") -> User | None:
    is_theirs = Q(email=email) if email else Q(phone=phone)
    user: User | None = User.objects.in_project(project_id).filter(is_theirs).first()
    return user


def change_user(
    project_id: int,
    uid: str,
    *,
    checked_hash: str | None = None,
    checked_email: str | None = None,
    checked_phone: str | None = None,
    **columns: Any,
) -> User:
    """Set columns of a user and return the row, in one statement.

    `checked_hash` is the password's hash by which the user was just proved, and `checked_email` or
    `checked_phone` what they were just proved to read: what was changed meanwhile proves nothing.

    Raises: USER_NOT_FOUND, USER_INVALID_CREDENTIALS, USER_INVALID_TOKEN
    """
    columns["updated_at"] = clock.now()
    # The names are keyword arguments of our own code, never a client's.
    assignments = ", ".join(f"{column} = %s" for column in columns)
    statement = (
        f"UPDATE account SET {assignments}"  # noqa: S608  # names of our own
        " WHERE project_id = %s AND uid = %s AND deleted_at IS NULL"
        " AND (%s::text IS NULL OR password = %s) AND (%s::text IS NULL OR email = %s)"
        " AND (%s::text IS NULL OR phone = %s) RETURNING *"
    )
    checked = (checked_hash, checked_email, checked_phone)
    where = [project_id, uid, *(value for value in checked for _ in range(2))]
    rows = list(User.objects.raw(statement, [*columns.values(), *where]))
    if rows:
        user: User = rows[0]
        return user
    if checked_email is not None or checked_phone is not None:
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    is_changed = checked_hash is not None
    raise ApiError(ErrorKind.USER_INVALID_CREDENTIALS if is_changed else ErrorKind.USER_NOT_FOUND)


@contextmanager
def telling_taken(*, is_creating: bool) -> Iterator[None]:
    """Turn a broken uniqueness of users into its public error; wraps the transaction."""
    kinds = _CREATING if is_creating else _CHANGING
    try:
        yield
    except IntegrityError as error:
        kind = kinds.get(violated_constraint(error))
        if kind is None:
            raise
        raise ApiError(kind) from error


def prefs_text(prefs: dict[str, Any]) -> str:
    """Return preferences as they are stored.

    Raises: ARGUMENT_INVALID
    """
    try:
        content = orjson.dumps(prefs)
    except orjson.JSONEncodeError:
        raise invalid("prefs", "Value must be a valid object") from None
    if len(content) > MAX_PREFS_LENGTH or b"\\u0000" in content:
        raise invalid("prefs", f"Value must be a valid object of at most {MAX_PREFS_LENGTH} bytes")
    return content.decode()


def _check_limit(project: ProjectContext) -> None:
    # Counted, not locked: sign-ups at the same moment may pass the limit by a few.
    if not project.user_limit:
        return
    counted = User.objects.filter(Q(project_id=project.id), deleted_at=None)
    if counted[: project.user_limit].count() >= project.user_limit:
        raise ApiError(ErrorKind.USER_COUNT_EXCEEDED)
