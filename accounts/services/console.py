"""Who gets into the console: the first administrator, later sign-ups, and one-time links."""

from datetime import timedelta

from django.conf import settings
from django.db import models, transaction

from accounts import passwords
from accounts.events import publish_user
from accounts.models import ConsoleLink, Membership, Team, User
from accounts.services.rows import NewUser, add_user, telling_taken
from accounts.tokens import digest, new_link_secret
from kernel import clock, sql
from kernel.caller import ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.ids import UNIQUE_ID, unique_id
from kernel.limits import CONSOLE_LINK_SECONDS, MAX_NAME_LENGTH
from projects.services import adopt_projects, operator

FIRST, CLOSED = "first", "closed"
OWNER = "owner"

_LOCK_NUMBER = 0x5157_4E03
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_REDEEM = (
    "UPDATE console_link SET used_at = %s WHERE digest = %s AND used_at IS NULL"
    " AND expires_at > %s RETURNING id"
)


def has_console_admin() -> bool:
    """Tell whether anyone may open the console yet."""
    return _console_users(operator().project).exists()


def admit_signup(console: ProjectContext) -> None:
    """Check that someone may still sign up to the console, in the transaction that adds them.

    Raises: USER_CONSOLE_COUNT_EXCEEDED
    """
    if settings.CONSOLE_SIGNUP == CLOSED:
        raise ApiError(ErrorKind.USER_CONSOLE_COUNT_EXCEEDED)
    if settings.CONSOLE_SIGNUP == FIRST:
        _check_first(console)


def create_console_admin(
    *, email: str, password: str, name: str = "", is_first: bool = False
) -> User:
    """Make a console user with a team of their own, which takes over projects without a team.

    With `is_first` it is refused when there is one already: of visitors who fill in the first-run
    page at the same moment one wins.

    Raises: USER_ALREADY_EXISTS, USER_CONSOLE_COUNT_EXCEEDED, SERVICE_UNAVAILABLE
    """
    caller = operator()
    new = NewUser(uid=UNIQUE_ID, email=email, password=passwords.hash_password(password), name=name)
    with telling_taken(is_creating=True), transaction.atomic():
        if is_first:
            _check_first(caller.project)
        user = add_user(caller.project, new)
        team = _add_own_team(user)
        publish_user(caller, user, "create")
        adopt_projects(caller=caller, team_id=team.uid)
    return user


def first_console_team() -> str:
    """Return the id of the team that the first console user owns; empty before there is one."""
    owned = Membership.objects.filter(
        project_id=operator().project.id, user__is_active=True, roles__contains=[OWNER]
    )
    return owned.order_by("user_id", "id").values_list("team__uid", flat=True).first() or ""


def create_console_link() -> str:
    """Return the secret of a link that opens the console once, within an hour."""
    secret = new_link_secret()
    expires_at = clock.now() + timedelta(seconds=CONSOLE_LINK_SECONDS)
    ConsoleLink.objects.create(digest=digest(secret), expires_at=expires_at)
    return secret


def redeem_console_link(token: str) -> User | None:
    """Use up a link; return the first console user, or nothing where the visitor is to become it.

    Raises: USER_INVALID_TOKEN
    """
    now = clock.now()
    # One statement, so that of many who use a link at the same moment one gets in.
    if sql.fetch_one(_REDEEM, (now, digest(token), now)) is None:
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    user: User | None = _console_users(operator().project).order_by("id").first()
    return user


def _console_users(console: ProjectContext) -> "models.QuerySet[User]":
    users: models.QuerySet[User] = User.objects.in_project(console.id).filter(is_active=True)
    return users


def _check_first(console: ProjectContext) -> None:
    # Sign-ups to the console wait for each other here: each then sees the one before.
    sql.execute(_LOCK, (_LOCK_NUMBER,))
    if User.objects.in_project(console.id).exists():
        raise ApiError(ErrorKind.USER_CONSOLE_COUNT_EXCEEDED)


def _add_own_team(user: User) -> Team:
    now = clock.now()
    name = f"{user.name or 'Personal'} projects"[:MAX_NAME_LENGTH]
    team: Team = Team.objects.create(
        project_id=user.project_id, uid=unique_id(), name=name, created_at=now, updated_at=now
    )
    Membership.objects.create(
        project_id=user.project_id,
        team=team,
        user=user,
        uid=unique_id(),
        roles=[OWNER],
        is_confirmed=True,
        invited_at=now,
        joined_at=now,
        updated_at=now,
    )
    return team
