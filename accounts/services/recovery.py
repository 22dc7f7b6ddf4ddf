"""What a link and a code that replace a forgotten password have in common."""

from typing import Any

from django.db import transaction

from accounts.events import announce_identity, publish_token
from accounts.models import Session, Token, User
from accounts.outputs import TokenOutput
from accounts.services import contacts
from accounts.services.rows import change_user, find_by_email, get_user_row
from kernel.caller import Caller
from projects.services import find_project

#: Recoveries as events name them, by whatever way.
KIND = "recovery"


def find_recipient(
    project_uid: str, email: str, *, token_uid: str, locale: str
) -> tuple[Caller, User] | None:
    """Return whose password an address may replace, and in whose name to mail to them.

    There is nobody where the mail with this token is on its way already.
    """
    project = find_project(project_uid)
    user = find_by_email(project.id, email) if project else None
    if project is None or user is None or not user.is_active:
        return None
    if not contacts.is_own(user, contacts.EMAIL) or Token.objects.filter(uid=token_uid).exists():
        return None
    return Caller(project=project, locale=locale), user


@transaction.atomic
def replace_password(
    caller: Caller, proof: TokenOutput, *, address: str, columns: dict[str, Any]
) -> None:
    """Set the password of a user who read what was mailed to an address, and end their sessions.

    Where that is the first proof of the address, somebody else may have signed up with it: what
    they come in by goes too.

    Raises: USER_NOT_FOUND, USER_INVALID_TOKEN
    """
    project_id, uid = caller.project.id, proof["userId"]
    user = get_user_row(project_id, uid)
    if not user.is_email_verified:
        contacts.forget_access(user, address)
    user = change_user(project_id, uid, checked_email=address, is_email_verified=True, **columns)
    Session.objects.filter(user_id=user.id).delete()
    publish_token(caller, uid, KIND, "update", proof)
    announce_identity(project_id, user_uid=uid, reason="password")
