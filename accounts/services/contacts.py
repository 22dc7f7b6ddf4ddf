"""Addresses and numbers of users: finding who has one, and who proves one first."""

from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.events import announce_identity, publish_user
from accounts.models import Identity, Session, Token, User
from accounts.services.factors import forget_factors
from accounts.services.rows import (
    NewUser,
    add_user,
    change_user,
    find_by_contact,
    lock_user,
    telling_taken,
)
from kernel import clock
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind

EMAIL, PHONE = "is_email_verified", "is_phone_verified"
_CHECKED = {EMAIL: "checked_email", PHONE: "checked_phone"}
_UNPROVED = {EMAIL: ErrorKind.USER_EMAIL_NOT_VERIFIED, PHONE: ErrorKind.USER_PHONE_NOT_VERIFIED}


def find_or_add(caller: Caller, user_id: str, *, email: str = "", phone: str = "") -> User:
    """Return the user who has an `email` or a `phone`, made under this id where there is none.

    Raises: USER_AUTH_METHOD_UNSUPPORTED, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    if caller.project.is_console:
        raise ApiError(ErrorKind.USER_AUTH_METHOD_UNSUPPORTED)
    user = find_by_contact(caller.project.id, email=email, phone=phone)
    if user is not None:
        return user
    try:
        with telling_taken(is_creating=True), transaction.atomic():
            new = NewUser(uid=user_id, email=email or None, phone=phone or None)
            user = add_user(caller.project, new)
            publish_user(caller, user, "create")
            return user
    except ApiError as error:
        # Of two who ask at the same moment the other may have made the user.
        user = find_by_contact(caller.project.id, email=email, phone=phone)
        if user is None or error.kind is not ErrorKind.USER_ALREADY_EXISTS:
            raise
        return user


def is_own(user: User, contact: str) -> bool:
    """Tell whether whoever reads what is sent to a contact is the user whose row names it.

    Somebody who proved the other contact may have written this one down without its being theirs:
    until they prove it, too, it opens nothing.
    """
    return bool(getattr(user, contact)) or not user.is_verified


def check_own(user: User, contact: str) -> None:
    """Check that a contact may open the account of its user.

    Raises: USER_EMAIL_NOT_VERIFIED, USER_PHONE_NOT_VERIFIED
    """
    if not is_own(user, contact):
        raise ApiError(_UNPROVED[contact])


def prove(
    caller: Caller, user: User, contact: str, address: str, *, keeps_access: bool = False
) -> User:
    """Note that a user reads what is sent to a contact of theirs, which is this address or number.

    Until the first proof anybody may have signed up with it: their password, their second factors,
    their identities at providers and their tokens go, and all sessions, unless it `keeps_access`.

    Raises: USER_EMAIL_NOT_VERIFIED, USER_PHONE_NOT_VERIFIED, USER_INVALID_TOKEN
    """
    if address not in (user.email, user.phone):
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    if getattr(user, contact):
        return user
    columns: dict[str, Any] = {contact: True}
    if not keeps_access:
        check_own(user, contact)
        forget_access(user, address)
        if user.password:
            columns |= {"password": "", "password_updated_at": clock.now()}
    # Somebody may change the address at this moment: the mark is for the one that was proved.
    proved = change_user(caller.project.id, user.uid, **{_CHECKED[contact]: address}, **columns)
    publish_user(caller, proved, "update.verification")
    announce_identity(caller.project.id, user_uid=user.uid, reason="verification")
    return proved


def forget_access(user: User, address: str) -> None:
    """Remove what somebody else may come in by, now or later, of a user who proves an address.

    Tokens go too, such as one that would prove another contact: but for what went to the address
    itself. To be called in the transaction that notes the proof.
    """
    lock_user(user.project_id, user.uid)  # first: who adds a way in at this moment is seen then
    Identity.objects.filter(user_id=user.id).delete()
    Session.objects.filter(user_id=user.id).delete()
    forget_factors(user)
    # Last: who used a passkey before it was gone has left a token by now.
    tokens = Token.objects.filter(user_id=user.id)
    tokens.exclude(Q(email=address) | Q(phone=address)).delete()
