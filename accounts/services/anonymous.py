"""Users without a name: signed in at once, they may become lasting ones by an address later."""

from django.db import transaction

from accounts.events import publish_user
from accounts.services.methods import ANONYMOUS, check_method
from accounts.services.rows import NewUser, add_user, telling_taken
from accounts.services.sessions import OpenedSession, new_session, open_session
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.ids import UNIQUE_ID


def create_anonymous_session(*, caller: Caller) -> OpenedSession:
    """Make a user of whom nothing is known, and sign them in.

    Raises: USER_SESSION_ALREADY_EXISTS, USER_ANONYMOUS_CONSOLE_PROHIBITED,
        USER_AUTH_METHOD_UNSUPPORTED, USER_COUNT_EXCEEDED
    """
    if caller.is_user:
        raise ApiError(ErrorKind.USER_SESSION_ALREADY_EXISTS)
    if caller.project.is_console:
        raise ApiError(ErrorKind.USER_ANONYMOUS_CONSOLE_PROHIBITED)
    check_method(caller, ANONYMOUS)
    with telling_taken(is_creating=True), transaction.atomic():
        user = add_user(caller.project, NewUser(uid=UNIQUE_ID))
        publish_user(caller, user, "create")
        session = new_session(caller, user, ANONYMOUS, factor=ANONYMOUS)
        return open_session(caller, user, session)
