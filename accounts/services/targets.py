"""Targets: the addresses, numbers and devices by which messages reach users."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction

from accounts.devices import describe
from accounts.events import publish_target
from accounts.models import Target, User
from accounts.outputs import TargetList, TargetOutput, target_list_output, target_output
from accounts.services.rows import get_own_user, get_user_row
from accounts.targets import EMAIL, PUSH, SMS, TYPES
from kernel import clock, fields
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind, Kind
from kernel.ids import resolve_id
from kernel.limits import MAX_NAME_LENGTH, MAX_TARGETS
from kernel.listing import SYSTEM_COLUMNS, list_page
from kernel.sql import violated_constraint

_COLUMNS = {
    **SYSTEM_COLUMNS,
    "userId": "user__uid",
    "providerId": "provider_uid",
    "identifier": "identifier",
    "providerType": "provider_type",
}
_CHECKS: dict[str, tuple[Callable[[object], str], Kind]] = {
    EMAIL: (fields.email, ErrorKind.INVALID_EMAIL),
    SMS: (fields.phone, ErrorKind.INVALID_PHONE),
}
_BROKEN = {
    "target_uid": ErrorKind.USER_TARGET_ALREADY_EXISTS,
    "target_identifier": ErrorKind.USER_TARGET_ALREADY_EXISTS,
    "target_session": ErrorKind.USER_UNAUTHORIZED,  # signed out meanwhile
}


def create_push_target(
    *, caller: Caller, target_id: str, identifier: str, provider_id: str = ""
) -> TargetOutput:
    """Have push messages go to the caller's device, as long as their session lasts.

    Raises: USER_UNAUTHORIZED, USER_TARGET_ALREADY_EXISTS, ARGUMENT_INVALID
    """
    target = Target(
        uid=resolve_id(target_id),
        provider_type=PUSH,
        provider_uid=provider_id,
        identifier=identifier,
        name=_device(caller),
        session_id=caller.session_id or None,
    )
    return _add(caller, get_own_user(caller), target)


def update_push_target(*, caller: Caller, target_id: str, identifier: str) -> TargetOutput:
    """Give a device of the caller's the identifier it has now.

    Raises: USER_UNAUTHORIZED, USER_TARGET_NOT_FOUND, USER_TARGET_ALREADY_EXISTS
    """
    user = get_own_user(caller)
    values = {"identifier": identifier, "is_expired": False, "name": _device(caller)}
    with _telling_broken(), transaction.atomic():
        return _change(caller, user, _held(user, target_id, types=(PUSH,)), values)


def delete_push_target(*, caller: Caller, target_id: str) -> None:
    """Send the caller's device no more push messages.

    Raises: USER_UNAUTHORIZED, USER_TARGET_NOT_FOUND
    """
    _remove(caller, get_own_user(caller), target_id, types=(PUSH,))


def list_targets(
    *, caller: Caller, user_id: str, queries: Sequence[str] = (), total: bool = True
) -> TargetList:
    """Return a page of a user's targets.

    Raises: USER_NOT_FOUND, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    rows = Target.objects.filter(user_id=user.id)
    found, count = list_page(rows, queries, columns=_COLUMNS, has_total=total)
    return target_list_output(found, count, user_uid=user.uid)


def get_target(*, caller: Caller, user_id: str, target_id: str) -> TargetOutput:
    """Return a target of a user.

    Raises: USER_NOT_FOUND, USER_TARGET_NOT_FOUND
    """
    user = get_user_row(caller.project.id, user_id)
    target = Target.objects.filter(user_id=user.id, uid=target_id).first()
    if target is None:
        raise ApiError(ErrorKind.USER_TARGET_NOT_FOUND)
    return target_output(target, user_uid=user.uid)


def create_target(
    *,
    caller: Caller,
    user_id: str,
    target_id: str,
    provider_type: str,
    identifier: str,
    provider_id: str = "",
    name: str = "",
) -> TargetOutput:
    """Have messages of a kind go to an address, a number or a device of a user.

    Raises: USER_NOT_FOUND, INVALID_EMAIL, INVALID_PHONE, USER_TARGET_ALREADY_EXISTS,
        ARGUMENT_INVALID
    """
    target = Target(
        uid=resolve_id(target_id),
        provider_type=provider_type,
        provider_uid=provider_id,
        identifier=_checked(provider_type, identifier),
        name=name,
    )
    return _add(caller, get_user_row(caller.project.id, user_id), target)


def update_target(
    *,
    caller: Caller,
    user_id: str,
    target_id: str,
    identifier: str = "",
    provider_id: str = "",
    name: str = "",
) -> TargetOutput:
    """Change a target of a user; what is empty stays as it is.

    Raises: USER_NOT_FOUND, USER_TARGET_NOT_FOUND, INVALID_EMAIL, INVALID_PHONE,
        USER_TARGET_ALREADY_EXISTS
    """
    user = get_user_row(caller.project.id, user_id)
    values: dict[str, Any] = {"provider_uid": provider_id, "name": name}
    values = {column: value for column, value in values.items() if value}
    with _telling_broken(), transaction.atomic():
        target = _held(user, target_id)
        if identifier:
            values["identifier"] = _checked(target.provider_type, identifier)
            values["is_expired"] = False
        return _change(caller, user, target, values)


def delete_target(*, caller: Caller, user_id: str, target_id: str) -> None:
    """Send no more messages to a target of a user.

    Raises: USER_NOT_FOUND, USER_TARGET_NOT_FOUND
    """
    _remove(caller, get_user_row(caller.project.id, user_id), target_id)


def _add(caller: Caller, user: User, target: Target) -> TargetOutput:
    # Counted, not locked: those made at the same moment may pass the limit by a few.
    if Target.objects.filter(user_id=user.id)[:MAX_TARGETS].count() >= MAX_TARGETS:
        raise ApiError(ErrorKind.ARGUMENT_INVALID, f"A user has at most {MAX_TARGETS} targets.")
    target.project_id, target.user = caller.project.id, user
    target.created_at = target.updated_at = clock.now()
    with _telling_broken(), transaction.atomic():
        target.save(force_insert=True)
        return _told(caller, user, target, "create")


def _held(user: User, target_uid: str, *, types: Sequence[str] = TYPES) -> Target:
    """Return a target of these types that nobody else changes until the transaction ends."""
    rows = Target.objects.select_for_update().filter(user_id=user.id, uid=target_uid)
    target = rows.filter(provider_type__in=types).first()
    if target is None:
        raise ApiError(ErrorKind.USER_TARGET_NOT_FOUND)
    return target


def _change(caller: Caller, user: User, target: Target, values: dict[str, Any]) -> TargetOutput:
    for column, value in (values | {"updated_at": clock.now()}).items():
        setattr(target, column, value)
    target.save(update_fields=[*values, "updated_at"])
    return _told(caller, user, target, "update")


@transaction.atomic
def _remove(caller: Caller, user: User, target_uid: str, *, types: Sequence[str] = TYPES) -> None:
    target = _held(user, target_uid, types=types)
    _told(caller, user, target, "delete")
    target.delete()


def _told(caller: Caller, user: User, target: Target, action: str) -> TargetOutput:
    output = target_output(target, user_uid=user.uid)
    publish_target(caller, user.uid, action, output)
    return output


def _checked(provider_type: str, identifier: str) -> str:
    if provider_type not in _CHECKS:
        return identifier
    check, kind = _CHECKS[provider_type]
    try:
        return check(identifier)
    except ValueError as error:
        raise ApiError(kind, f"Invalid `identifier` param: {error}") from None


def _device(caller: Caller) -> str:
    device = describe(caller.user_agent)
    return f"{device.device_brand} {device.device_model}".strip()[:MAX_NAME_LENGTH]


@contextmanager
def _telling_broken() -> Iterator[None]:
    """Turn what the database refuses into its public error; wraps the transaction."""
    try:
        yield
    except IntegrityError as error:
        kind = _BROKEN.get(violated_constraint(error))
        if kind is None:
            raise
        raise ApiError(kind) from error
