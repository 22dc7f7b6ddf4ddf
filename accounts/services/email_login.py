"""Signing in by mail: a link, or a code to be typed."""

import secrets

from django.db import transaction

from accounts.links import app_page, check_link, link_to
from accounts.outputs import TokenOutput
from accounts.services.contacts import find_or_add
from accounts.services.methods import EMAIL_OTP, MAGIC_URL, check_method
from accounts.services.outbox import post_mail
from accounts.services.tokens import issue, shown
from accounts.tokens import MAGIC_SECRET_BYTES, Purpose, new_code, new_phrase
from kernel.caller import Caller
from kernel.clock import api_time
from kernel.limits import CODE_SECONDS, LINK_SECONDS


def create_magic_url_token(
    *, caller: Caller, user_id: str, email: str, url: str = "", phrase: bool = False
) -> TokenOutput:
    """Mail a link to `url` that signs in once; an unknown address makes a user of this id.

    Without `url` the link leads to a page of this server that hands over to the project's app.

    Raises: ARGUMENT_INVALID, USER_AUTH_METHOD_UNSUPPORTED, USER_ALREADY_EXISTS,
        USER_COUNT_EXCEEDED
    """
    check_method(caller, MAGIC_URL)
    if url:
        check_link(caller.project, url)
    user = find_or_add(caller, user_id, email=email)
    secret, words = secrets.token_hex(MAGIC_SECRET_BYTES), new_phrase() if phrase else ""
    with transaction.atomic():
        token = issue(user, Purpose.MAGIC_URL, secret, seconds=LINK_SECONDS, email=email)
        link = link_to(
            url or app_page(),
            userId=user.uid,
            secret=secret,
            expire=api_time(token.expires_at),
            project=caller.project.uid,
        )
        post_mail(
            caller.project,
            locale=caller.locale,
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
    check_method(caller, EMAIL_OTP)
    user = find_or_add(caller, user_id, email=email)
    code, words = new_code(), new_phrase() if phrase else ""
    with transaction.atomic():
        token = issue(user, Purpose.EMAIL, code, seconds=CODE_SECONDS, email=email)
        post_mail(
            caller.project,
            locale=caller.locale,
            recipient=email,
            template="otp",
            subject=f"Your code for {caller.project.name}",
            code=code,
            phrase=words,
        )
    return shown(caller, user, token, code, words)
