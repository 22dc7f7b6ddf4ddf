"""Signing in by mail: a link, or a code to be typed."""

import secrets

from django.db import transaction

from accounts.events import publish_user
from accounts.links import check_link, link_to
from accounts.models import User
from accounts.outputs import TokenOutput
from accounts.services.outbox import post_mail
from accounts.services.rows import NewUser, add_user, find_by_email, telling_taken
from accounts.services.tokens import issue, shown
from accounts.tokens import MAGIC_SECRET_BYTES, Purpose, new_code, new_phrase
from kernel.caller import Caller
from kernel.clock import api_time
from kernel.errors import ApiError, ErrorKind
from kernel.limits import CODE_SECONDS, LINK_SECONDS


def create_magic_url_token(
    *, caller: Caller, user_id: str, email: str, url: str, phrase: bool = False
) -> TokenOutput:
    """Mail a link to `url` that signs in once; an unknown address makes a user of this id.

    Raises: ARGUMENT_INVALID, USER_AUTH_METHOD_UNSUPPORTED, USER_ALREADY_EXISTS,
        USER_COUNT_EXCEEDED
    """
    check_link(caller.project, url)
    user = _find_or_add(caller, user_id, email)
    secret, words = secrets.token_hex(MAGIC_SECRET_BYTES), new_phrase() if phrase else ""
    with transaction.atomic():
        token = issue(user, Purpose.MAGIC_URL, secret, seconds=LINK_SECONDS, email=email)
        link = link_to(
            url,
            userId=user.uid,
            secret=secret,
            expire=api_time(token.expires_at),
            project=caller.project.uid,
        )
        post_mail(
            caller.project,
            recipient=email,
            template="magic_url",
            subject=f"Sign in to {caller.project.name}",
            link=link,
            phrase=words,
        )
    return shown(caller, user, token, secret, words)


def create_email_token(
    *, caller: Caller, user_id: str, email: str, phrase: bool = False
) -> TokenOutput:
    """Mail a code that signs in once; an unknown address makes a user of this id.

    Raises: USER_AUTH_METHOD_UNSUPPORTED, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    user = _find_or_add(caller, user_id, email)
    code, words = new_code(), new_phrase() if phrase else ""
    with transaction.atomic():
        token = issue(user, Purpose.EMAIL, code, seconds=CODE_SECONDS, email=email)
        post_mail(
            caller.project,
            recipient=email,
            template="otp",
            subject=f"Your code for {caller.project.name}",
            code=code,
            phrase=words,
        )
    return shown(caller, user, token, code, words)


def _find_or_add(caller: Caller, user_id: str, email: str) -> User:
    if caller.project.is_console:
        raise ApiError(ErrorKind.USER_AUTH_METHOD_UNSUPPORTED)
    user = find_by_email(caller.project.id, email)
    if user is not None:
        return user
    try:
        with telling_taken(is_creating=True), transaction.atomic():
            user = add_user(caller.project, NewUser(uid=user_id, email=email))
            publish_user(caller, user, "create")
            return user
    except ApiError as error:
        # Of two who ask at the same moment the other may have made the user.
        user = find_by_email(caller.project.id, email)
        if user is None or error.kind is not ErrorKind.USER_ALREADY_EXISTS:
            raise
        return user
