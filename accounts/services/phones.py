"""Codes that go to phones: to sign in, and to verify a number."""

from django.db import transaction

from accounts.events import announce_identity, publish_token
from accounts.models import Token, User
from accounts.outputs import TokenOutput
from accounts.services.contacts import find_or_add
from accounts.services.methods import PHONE, check_method
from accounts.services.rows import change_user, get_own_user
from accounts.services.texts import post_code
from accounts.services.tokens import issue, redeem, shown
from accounts.tokens import Purpose
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.limits import CODE_SECONDS

VERIFICATION = "verification"
_VERIFYING = (Purpose.PHONE_VERIFICATION,)


def create_phone_token(*, caller: Caller, user_id: str, phone: str) -> TokenOutput:
    """Text a code that signs in once; an unknown number makes a user of this id.

    Raises: USER_AUTH_METHOD_UNSUPPORTED, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    check_method(caller, PHONE)
    user = find_or_add(caller, user_id, phone=phone)
    with transaction.atomic():
        token, code = _text_code(caller, user, Purpose.PHONE)
    return shown(caller, user, token, code)


def create_phone_verification(*, caller: Caller) -> TokenOutput:
    """Text a code that proves the caller's number.

    Raises: USER_UNAUTHORIZED, USER_PHONE_NOT_FOUND, USER_PHONE_ALREADY_VERIFIED
    """
    user = get_own_user(caller)
    if not user.phone:
        raise ApiError(ErrorKind.USER_PHONE_NOT_FOUND)
    if user.is_phone_verified:
        raise ApiError(ErrorKind.USER_PHONE_ALREADY_VERIFIED)
    with transaction.atomic():
        token, code = _text_code(caller, user, Purpose.PHONE_VERIFICATION)
        output = shown(caller, user, token, code)
        publish_token(caller, user.uid, VERIFICATION, "create", output)
    return output


def update_own_phone_verification(*, caller: Caller, user_id: str, secret: str) -> TokenOutput:
    """Verify a number by the code that went to it.

    Raises: USER_INVALID_TOKEN
    """
    redeemed = redeem(caller, user_id, _VERIFYING, secret)
    proof, number = redeemed.output(user_id), redeemed.phone
    with transaction.atomic():
        change_user(caller.project.id, user_id, checked_phone=number, is_phone_verified=True)
        publish_token(caller, user_id, VERIFICATION, "update", proof)
        announce_identity(caller.project.id, user_uid=user_id, reason="verification")
    return proof


def _text_code(caller: Caller, user: User, purpose: Purpose) -> tuple[Token, str]:
    phone = user.phone or ""
    code = post_code(caller.project, phone)
    return issue(user, purpose, code, seconds=CODE_SECONDS, phone=phone), code
