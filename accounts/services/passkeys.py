"""Passkeys of users: list, rename, delete."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import Q

from accounts.models import Passkey, Session
from accounts.outputs.passkeys import (
    PasskeyList,
    PasskeyOutput,
    passkey_list_output,
    passkey_output,
)
from accounts.services.rows import get_user_row
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.limits import RECENT_SIGN_IN_SECONDS
from kernel.listing import SYSTEM_COLUMNS, list_page

_COLUMNS = {**SYSTEM_COLUMNS, "name": "name", "accessedAt": "accessed_at"}
_RENAME = (
    "UPDATE passkey SET name = %s, updated_at = %s WHERE user_id = %s AND uid = %s RETURNING *"
)


# One's own


def list_passkeys(
    *, caller: Caller, queries: Sequence[str] = (), total: bool = True
) -> PasskeyList:
    """Return a page of the caller's passkeys.

    Raises: USER_UNAUTHORIZED, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    return _page(_own_id(caller), queries, has_total=total)


def get_passkey(*, caller: Caller, passkey_id: str) -> PasskeyOutput:
    """Return a passkey of the caller's.

    Raises: USER_UNAUTHORIZED, USER_PASSKEY_NOT_FOUND
    """
    return _get(_own_id(caller), passkey_id)


def update_passkey(*, caller: Caller, passkey_id: str, name: str) -> PasskeyOutput:
    """Rename a passkey of the caller's.

    Raises: USER_UNAUTHORIZED, USER_PASSKEY_NOT_FOUND
    """
    return _rename(_own_id(caller), passkey_id, name)


def delete_passkey(*, caller: Caller, passkey_id: str) -> None:
    """Delete a passkey of the caller's, who has just signed in.

    Raises: USER_UNAUTHORIZED, USER_REAUTHENTICATION_REQUIRED, USER_PASSKEY_NOT_FOUND
    """
    user_id = _own_id(caller)
    check_recent(caller)
    _delete(user_id, passkey_id)


# Of a project's users


def list_user_passkeys(
    *, caller: Caller, user_id: str, queries: Sequence[str] = (), total: bool = True
) -> PasskeyList:
    """Return a page of a user's passkeys.

    Raises: USER_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    return _page(get_user_row(caller.project.id, user_id).id, queries, has_total=total)


def get_user_passkey(*, caller: Caller, user_id: str, passkey_id: str) -> PasskeyOutput:
    """Return a passkey of a user.

    Raises: USER_NOT_FOUND, USER_PASSKEY_NOT_FOUND
    """
    return _get(get_user_row(caller.project.id, user_id).id, passkey_id)


def update_user_passkey(
    *, caller: Caller, user_id: str, passkey_id: str, name: str
) -> PasskeyOutput:
    """Rename a passkey of a user.

    Raises: USER_NOT_FOUND, USER_PASSKEY_NOT_FOUND
    """
    return _rename(get_user_row(caller.project.id, user_id).id, passkey_id, name)


def delete_user_passkey(*, caller: Caller, user_id: str, passkey_id: str) -> None:
    """Delete a passkey of a user, whose device may be lost.

    Raises: USER_NOT_FOUND, USER_PASSKEY_NOT_FOUND
    """
    _delete(get_user_row(caller.project.id, user_id).id, passkey_id)


# Of a project


def has_passkeys(project_id: int, domain: str) -> bool:
    """Tell whether users of a project have passkeys of a domain, which no other one can use."""
    return Passkey.objects.filter(project_id=project_id, rp_id=domain).exists()


# What other services need


def check_recent(caller: Caller) -> None:
    """Check that the caller's session began, or passed a challenge, in the last ten minutes.

    Raises: USER_REAUTHENTICATION_REQUIRED
    """
    oldest = clock.now() - timedelta(seconds=RECENT_SIGN_IN_SECONDS)
    is_recent = Q(created_at__gt=oldest) | Q(mfa_updated_at__gt=oldest)
    if not Session.objects.filter(is_recent, id=caller.session_id).exists():
        raise ApiError(ErrorKind.USER_REAUTHENTICATION_REQUIRED)


def _own_id(caller: Caller) -> int:
    if not caller.is_user:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return caller.user_id


def _page(user_id: int, queries: Sequence[str], *, has_total: bool) -> PasskeyList:
    rows = Passkey.objects.filter(user_id=user_id)
    found, count = list_page(rows, queries, columns=_COLUMNS, has_total=has_total)
    return passkey_list_output(found, count)


def _get(user_id: int, uid: str) -> PasskeyOutput:
    return passkey_output(_found(Passkey.objects.filter(user_id=user_id, uid=uid)))


def _rename(user_id: int, uid: str, name: str) -> PasskeyOutput:
    return passkey_output(_found(Passkey.objects.raw(_RENAME, [name, clock.now(), user_id, uid])))


def _found(rows: Iterable[Passkey]) -> Passkey:
    passkey = next(iter(rows), None)
    if passkey is None:
        raise ApiError(ErrorKind.USER_PASSKEY_NOT_FOUND)
    return passkey


def _delete(user_id: int, uid: str) -> None:
    gone, _ = Passkey.objects.filter(user_id=user_id, uid=uid).delete()
    if not gone:
        raise ApiError(ErrorKind.USER_PASSKEY_NOT_FOUND)
