"""New passwords: held to the project's policies, then hashed."""

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any, TypedDict

from django.contrib.auth.password_validation import CommonPasswordValidator

from accounts import passwords
from accounts.models import User
from accounts.pwned import is_pwned
from kernel import clock
from kernel.caller import ProjectContext
from kernel.errors import ApiError, ErrorKind, invalid
from kernel.policies import Policies

#: Shorter parts of names are in too many words.
MIN_TERM_LENGTH = 3
_KINDS = {
    "uppercase": (re.compile(r"[A-Z]"), "an uppercase letter"),
    "lowercase": (re.compile(r"[a-z]"), "a lowercase letter"),
    "number": (re.compile(r"[0-9]"), "a number"),
    "symbols": (re.compile(r"[^A-Za-z0-9\s]"), "a symbol"),
}


class PasswordColumns(TypedDict):
    """The columns of a password: its hash, and whether it is known from a data breach."""

    password: str
    is_password_pwned: bool | None


def new_password(
    project: ProjectContext, password: str, *, personal: Iterable[str | None] = ()
) -> PasswordColumns:
    """Return the columns of a password that the project's policies allow, or of none at all.

    `personal` is what is known of its user: id, name, address, phone number.

    Raises: ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA, RATE_LIMIT_EXCEEDED
    """
    found = _check(project.policies, password, personal) if password else None
    return {"password": passwords.hash_password(password), "is_password_pwned": found}


def password_columns(
    project: ProjectContext, user: User, password: str, *, known: Iterable[str | None] = ()
) -> dict[str, Any]:
    """Return the columns that give a user a new password, unlike those they had before.

    `known` is what else is known of them.

    Raises: ARGUMENT_INVALID, PASSWORD_PERSONAL_DATA, PASSWORD_RECENTLY_USED, RATE_LIMIT_EXCEEDED
    """
    personal = (user.uid, user.name, user.email, user.phone, *known)
    policies = project.policies
    # What has to change after a while is not changed by setting it again.
    kept = max(policies.password_history, 1 if policies.password_seconds else 0)
    used = [user.password, *user.former_passwords][:kept]
    if password and any(passwords.matches(password, each) for each in used if each):
        raise ApiError(ErrorKind.PASSWORD_RECENTLY_USED)
    return {
        **new_password(project, password, personal=personal),
        "password_updated_at": clock.now(),
        "former_passwords": [each for each in used[: policies.password_history] if each],
    }


def is_overdue(project: ProjectContext, user: User) -> bool:
    """Tell whether a user's password is older than their project lets it become."""
    seconds, chosen_at = project.policies.password_seconds, user.password_updated_at
    if not seconds or chosen_at is None:
        return False
    return chosen_at + timedelta(seconds=seconds) <= clock.now()


def check_breaches(project: ProjectContext, user: User, password: str) -> None:
    """Note whether the password a user signs in with is known from a data breach.

    Raises: USER_PASSWORD_RESET_REQUIRED
    """
    refuse, found = project.policies.refuse_pwned, user.is_password_pwned
    if refuse is None:
        return
    if not found and (found := is_pwned(password)) not in (None, user.is_password_pwned):
        same = User.objects.filter(id=user.id, password=user.password)
        same.update(is_password_pwned=found)
    if found and "sessions" in refuse:
        raise ApiError(ErrorKind.USER_PASSWORD_RESET_REQUIRED)


def _check(policies: Policies, password: str, personal: Iterable[str | None]) -> bool | None:
    """Check a new password; tell whether it is known from a data breach, if that was asked."""
    if len(password) < policies.password_minimum:
        raise invalid("password", f"Value must be at least {policies.password_minimum} chars long")
    for kind in sorted(policies.password_kinds):
        pattern, name = _KINDS[kind]
        if not pattern.search(password):
            raise invalid("password", f"Value must contain {name}")
    lowered = password.lower()
    denied = policies.denied_passwords
    if denied is not None and (lowered in denied or lowered.strip() in _common_passwords()):
        raise invalid("password", "Value must not be one of the commonly used passwords")
    terms = policies.denied_terms
    if terms is not None and any(term in lowered for term in (*terms, *_terms(personal))):
        raise ApiError(ErrorKind.PASSWORD_PERSONAL_DATA)
    found = None if policies.refuse_pwned is None else is_pwned(password)
    if found and "users" in (policies.refuse_pwned or ()):
        raise invalid("password", "Value must not be a password known from data breaches")
    return found


def _terms(personal: Iterable[str | None]) -> Iterable[str]:
    """Return the parts of what is known of a user that are no part of a good password."""
    for value in filter(None, personal):
        text = value.lower().lstrip("+")
        parts = {text, text.partition("@")[0], *text.split()}
        yield from (part for part in parts if len(part) >= MIN_TERM_LENGTH)


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)
