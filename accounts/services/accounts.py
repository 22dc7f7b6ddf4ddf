"""One's own account: sign up, read, change."""

from typing import Any

from django.db import transaction

from accounts import passwords
from accounts.email_kinds import check_email
from accounts.events import announce_identity, publish_user
from accounts.models import Identity, Membership, Session, User, login_of
from accounts.outputs import AccountOutput, account_output
from accounts.services.console import admit_signup
from accounts.services.methods import EMAIL_LOGIN, check_method
from accounts.services.new_passwords import new_password, password_columns
from accounts.services.rows import (
    NewUser,
    add_user,
    change_user,
    get_own_user,
    prefs_text,
    telling_taken,
)
from accounts.services.users import delete_user
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind


def create_account(
    *, caller: Caller, user_id: str, email: str, password: str, name: str = ""
) -> AccountOutput:
    """Sign up; signing in is a call of its own.

    An address by which somebody signs in with a provider is theirs, whatever they are called here.

    Raises: USER_AUTH_METHOD_UNSUPPORTED, BAD_REQUEST, ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA,
        USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED, USER_CONSOLE_COUNT_EXCEEDED, RATE_LIMIT_EXCEEDED
    """
    check_method(caller, EMAIL_LOGIN)
    if Identity.objects.filter(project_id=caller.project.id, provider_email=email).exists():
        raise ApiError(ErrorKind.BAD_REQUEST)
    columns = new_password(caller.project, password, personal=(user_id, name, email))
    with telling_taken(is_creating=True), transaction.atomic():
        if caller.project.is_console:
            admit_signup(caller.project)
        new = NewUser(uid=user_id, email=email, name=name, **columns)
        user = add_user(caller.project, new)
        publish_user(caller, user, "create")
    return account_output(user)


def get_account(*, caller: Caller) -> AccountOutput:
    """Return the caller's account.

    Raises: USER_UNAUTHORIZED
    """
    return account_output(get_own_user(caller), impersonator_uid=caller.impersonator_uid)


def account_of(caller: Caller) -> dict[str, Any]:
    """Return the account behind a caller as JSON, for a socket that has just signed in.

    Raises: USER_UNAUTHORIZED
    """
    return dict(get_account(caller=caller))


def get_prefs(*, caller: Caller) -> dict[str, Any]:
    """Return the caller's preferences.

    Raises: USER_UNAUTHORIZED
    """
    prefs: dict[str, Any] = get_own_user(caller).prefs
    return prefs


def update_prefs(*, caller: Caller, prefs: dict[str, Any]) -> AccountOutput:
    """Replace the caller's preferences as a whole.

    Raises: ARGUMENT_INVALID
    """
    return _change(caller, "update.prefs", prefs=prefs_text(prefs))


def update_name(*, caller: Caller, name: str) -> AccountOutput:
    """Rename the caller."""
    return _change(caller, "update.name", name=name)


def update_email(*, caller: Caller, email: str, password: str) -> AccountOutput:
    """Change the caller's address, which has to be verified anew; their password proves them.

    Raises: USER_INVALID_CREDENTIALS, USER_EMAIL_ALREADY_EXISTS, USER_EMAIL_DISPOSABLE,
        USER_EMAIL_NOT_CANONICAL, USER_EMAIL_FREE, USER_EMAIL_NOT_CORPORATE, SERVICE_UNAVAILABLE
    """
    check_email(caller.project, email)
    return _change_contact(caller, "update.email", _email_columns(caller, email), password)


def update_phone(*, caller: Caller, phone: str, password: str) -> AccountOutput:
    """Change the caller's number, which has to be verified anew; their password proves them.

    Raises: USER_INVALID_CREDENTIALS, USER_PHONE_ALREADY_EXISTS, SERVICE_UNAVAILABLE
    """
    columns = {"phone": phone, "is_phone_verified": False}
    return _change_contact(caller, "update.phone", columns, password)


def update_password(*, caller: Caller, password: str, old_password: str = "") -> AccountOutput:
    """Change the caller's password, known by the old one, and end their other sessions.

    Raises: USER_INVALID_CREDENTIALS, ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA,
        PASSWORD_RECENTLY_USED, RATE_LIMIT_EXCEEDED
    """
    user = get_own_user(caller)
    if user.password:
        _check_password(user, old_password)
    columns = password_columns(caller.project, user, password)
    with transaction.atomic():
        changed = change_user(
            caller.project.id, caller.user_uid, checked_hash=user.password, **columns
        )
        if caller.project.policies.has_session_invalidation:
            Session.objects.filter(user_id=user.id).exclude(id=caller.session_id).delete()
        publish_user(caller, changed, "update.password")
        announce_identity(caller.project.id, user_uid=caller.user_uid, reason="password")
    return account_output(changed)


def update_status(*, caller: Caller) -> AccountOutput:
    """Block oneself; only a key or a console member can undo it."""
    with transaction.atomic():
        changed = change_user(caller.project.id, get_own_user(caller).uid, is_active=False)
        publish_user(caller, changed, "update.status")
        announce_identity(caller.project.id, user_uid=caller.user_uid, reason="blocked")
    return account_output(changed)


def delete_account(*, caller: Caller) -> None:
    """Delete one's own account of the console; users of projects are deleted by their servers.

    Raises: USER_UNAUTHORIZED, USER_DELETION_PROHIBITED
    """
    user = get_own_user(caller)
    if not caller.project.is_console:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    if Membership.objects.filter(user_id=user.id, is_confirmed=True).exists():
        raise ApiError(ErrorKind.USER_DELETION_PROHIBITED)
    delete_user(caller=caller, user_id=user.uid)


def _change_contact(
    caller: Caller, action: str, columns: dict[str, Any], password: str
) -> AccountOutput:
    user = get_own_user(caller)
    if user.password:
        _check_password(user, password)
    else:
        # Without a password yet, this one becomes it: so an anonymous user gets a lasting account.
        known = (columns.get("email"), columns.get("phone"))
        columns |= password_columns(caller.project, user, password, known=known)
    return _change(caller, action, checked_hash=user.password, **columns)


def _change(caller: Caller, action: str, **columns: Any) -> AccountOutput:
    if not caller.is_user:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    with telling_taken(is_creating=False), transaction.atomic():
        user = change_user(caller.project.id, caller.user_uid, **columns)
        publish_user(caller, user, action)
        if not {"is_email_verified", "is_phone_verified"}.isdisjoint(columns):
            announce_identity(caller.project.id, user_uid=user.uid, reason="verification")
    return account_output(user, impersonator_uid=caller.impersonator_uid)


def _check_password(user: User, password: str) -> None:
    if not passwords.matches(password, user.password):
        raise ApiError(ErrorKind.USER_INVALID_CREDENTIALS)


def _email_columns(caller: Caller, email: str) -> dict[str, Any]:
    console_email = email if caller.project.is_console else None
    login = login_of(caller.project.id, caller.user_uid, console_email)
    return {"email": email, "login": login, "is_email_verified": False}
