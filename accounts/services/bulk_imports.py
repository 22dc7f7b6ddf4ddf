"""Users of another system in great numbers, some hundreds in a few statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, prefetch_related_objects

from accounts.events import announce_identity, publish_user, user_event
from accounts.models import Identity, Membership, Session, User, login_of
from accounts.services.rows import (
    change_user,
    get_user_row,
    lock_user,
    prefs_text,
    telling_taken,
)
from accounts.services.users import delete_user
from kernel import clock, events
from kernel.caller import Caller, ProjectContext
from kernel.errors import ErrorKind, Kind
from kernel.ids import unique_id, unique_ids

#: How often a batch is tried when others sign up at the same moment.
ATTEMPTS = 3

#: What tells that two are one person: their kind, such as "email", and what they are.
Facts = set[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedIdentity:
    """A user as a provider knows them."""

    provider: str
    provider_uid: str
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedUser:
    """A user as they were elsewhere, all of it checked, the hash as it is stored."""

    uid: str
    email: str | None = None
    phone: str | None = None
    name: str = ""
    password_hash: str = ""
    is_active: bool = True
    is_email_verified: bool = False
    is_phone_verified: bool = False
    labels: Sequence[str] = ()
    prefs: Mapping[str, Any] = field(default_factory=dict)
    identities: Sequence[ImportedIdentity] = ()
    created_at: datetime | None = None
    accessed_at: datetime | None = None


@dataclass(slots=True)
class ImportedUsers:
    """What became of a batch, by the place of each user in it.

    Those who are neither created nor refused existed. `lost` are the identities of created ones
    that somebody else has here.
    """

    created: list[int] = field(default_factory=list)
    refused: dict[int, Kind] = field(default_factory=dict)
    lost: list[tuple[int, ImportedIdentity]] = field(default_factory=list)


def import_users(*, caller: Caller, users: Sequence[ImportedUser]) -> ImportedUsers:
    """Create users with their identities; those who exist stay as they are.

    Each is logged for the change feed as `users.ID.create`; sockets are not rung. A user whose
    id, address or number is somebody else's is refused. Whoever has the id is the same user if
    they were created at the same moment, which only an import can say, or if an address or number
    they have proven or an identity agrees.
    """
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _import(caller, users)
        except IntegrityError:  # somebody signed up meanwhile; the next look finds them
            if attempt + 1 == ATTEMPTS:
                raise
    raise RuntimeError("unreachable")


def update_imported_user(
    *, caller: Caller, user: ImportedUser, unless_after: datetime, has_new_password: bool
) -> bool:
    """Take over what changed elsewhere; False of a user who changed here after that moment.

    Identities join those there are, unless they are somebody else's.

    Raises: USER_EMAIL_ALREADY_EXISTS, USER_PHONE_ALREADY_EXISTS, USER_NOT_FOUND
    """
    columns: dict[str, Any] = {
        "email": user.email,
        "phone": user.phone,
        "name": user.name,
        "is_active": user.is_active,
        "is_email_verified": user.is_email_verified,
        "is_phone_verified": user.is_phone_verified,
        "labels": list(user.labels),
        "prefs": prefs_text(dict(user.prefs)),
    }
    if has_new_password:
        columns |= {
            "password": user.password_hash,
            "password_updated_at": clock.now(),
            "is_password_pwned": None,
        }
    with telling_taken(is_creating=False), transaction.atomic():
        if _unchanged(caller, user.uid, unless_after) is None:
            return False
        row = change_user(caller.project.id, user.uid, **columns)
        _add_identities(row, user)
        if has_new_password and caller.project.policies.has_session_invalidation:
            Session.objects.filter(user_id=row.id).delete()
        publish_user(caller, row, "update")
        announce_identity(caller.project.id, user_uid=row.uid, reason="import")
    return True


def delete_imported_user(*, caller: Caller, user_id: str, unless_after: datetime) -> bool:
    """Delete a user who is gone elsewhere; False where they changed or were here after that moment.

    Raises: USER_NOT_FOUND
    """
    with transaction.atomic():
        user = _unchanged(caller, user_id, unless_after)
        if user is None or _lives_here(user, unless_after):
            return False
        delete_user(caller=caller, user_id=user_id)
    return True


def known_users(*, caller: Caller, user_ids: Collection[str]) -> set[str]:
    """Return those of the ids that are users' of the project."""
    if not user_ids:
        return set()
    rows = User.objects.in_project(caller.project.id).filter(uid__in=user_ids)
    return set(rows.values_list("uid", flat=True))


def _unchanged(caller: Caller, uid: str, unless_after: datetime) -> User | None:
    """Return a user who is as they were at a moment; nobody changes them until this is over."""
    lock_user(caller.project.id, uid)
    user = get_user_row(caller.project.id, uid)
    return user if user.updated_at <= unless_after else None


def _lives_here(user: User, since: datetime) -> bool:
    """Tell whether a user signed in here, or is a member of a team."""
    if user.accessed_at is not None and user.accessed_at > since:
        return True
    return any(rows.objects.filter(user_id=user.id).exists() for rows in (Session, Membership))


def _add_identities(row: User, user: ImportedUser) -> None:
    for identity in user.identities:
        others = Identity.objects.filter(
            project_id=row.project_id,
            provider=identity.provider,
            provider_uid=identity.provider_uid,
        )
        if not others.exists():
            added = _identity_row(row, identity, clock.now())
            added.uid = unique_id()
            added.save()


def _import(caller: Caller, users: Sequence[ImportedUser]) -> ImportedUsers:
    outcome = ImportedUsers()
    taken = _Taken(caller.project, users)
    places = _places_left(caller.project)
    for place, user in enumerate(users):
        if user.uid in taken.uids and taken.is_same(user):
            continue
        kind = taken.refusal(user)
        if kind is None and places is not None and len(outcome.created) >= places:
            kind = ErrorKind.USER_COUNT_EXCEEDED
        if kind is not None:
            outcome.refused[place] = kind
            continue
        taken.add(user)
        outcome.created.append(place)
    now = clock.now()
    rows = [_row(caller.project, users[place], now) for place in outcome.created]
    User.objects.bulk_create(rows)
    identities = []
    for place, row in zip(outcome.created, rows, strict=True):
        for identity in users[place].identities:
            if taken.claims(identity):
                identities.append(_identity_row(row, identity, now))
            else:
                outcome.lost.append((place, identity))
    for each, uid in zip(identities, unique_ids(len(identities)), strict=True):
        each.uid = uid
    Identity.objects.bulk_create(identities)
    prefetch_related_objects(rows, "targets")  # the database made them
    events.log_many([user_event(caller, row, "create") for row in rows])
    return outcome


class _Taken:
    """The ids, addresses, numbers and identities that are somebody's."""

    def __init__(self, project: ProjectContext, users: Sequence[ImportedUser]) -> None:
        self.uids: dict[str, Facts] = {}
        rows = User.objects.filter(project_id=project.id).filter(
            Q(uid__in=[each.uid for each in users])
            | Q(email__in=[each.email for each in users if each.email])
            | Q(phone__in=[each.phone for each in users if each.phone])
        )
        found = list(rows)
        self._emails = {row.email for row in found if row.email}
        self._phones = {row.phone for row in found if row.phone}
        for row in found:
            self.uids[row.uid] = _proven_facts(row)
        wanted = {each.provider_uid for user in users for each in user.identities}
        known = Identity.objects.filter(project_id=project.id, provider_uid__in=wanted)
        identities = known.values_list("user__uid", "provider", "provider_uid") if wanted else ()
        self._identities = {(provider, uid) for _, provider, uid in identities}
        for user_uid, provider, uid in identities:
            self.uids.setdefault(user_uid, set()).add(("identity", provider, uid))

    def is_same(self, user: ImportedUser) -> bool:
        """Tell whether whoever has a user's id is that user."""
        return not self.uids[user.uid].isdisjoint(_facts(user))

    def refusal(self, user: ImportedUser) -> Kind | None:
        if user.uid in self.uids:
            return ErrorKind.USER_ALREADY_EXISTS
        if user.email in self._emails:
            return ErrorKind.USER_EMAIL_ALREADY_EXISTS
        if user.phone in self._phones:
            return ErrorKind.USER_PHONE_ALREADY_EXISTS
        return None

    def add(self, user: ImportedUser) -> None:
        self.uids[user.uid] = _facts(user)
        if user.email:
            self._emails.add(user.email)
        if user.phone:
            self._phones.add(user.phone)

    def claims(self, identity: ImportedIdentity) -> bool:
        """Take an identity, unless it is somebody's."""
        name = (identity.provider, identity.provider_uid)
        if name in self._identities:
            return False
        self._identities.add(name)
        return True


def _facts(user: ImportedUser) -> Facts:
    facts: Facts = {("identity", each.provider, each.provider_uid) for each in user.identities}
    named = (("email", user.email), ("phone", user.phone), ("created", user.created_at))
    return facts | {(kind, value) for kind, value in named if value}


def _proven_facts(row: User) -> Facts:
    """Return what nobody else can say of themselves by signing up."""
    named = (
        ("email", row.email if row.is_email_verified else None),
        ("phone", row.phone if row.is_phone_verified else None),
        ("created", row.created_at),
    )
    return {(kind, value) for kind, value in named if value}


def _places_left(project: ProjectContext) -> int | None:
    if not project.user_limit:
        return None
    count: int = User.objects.in_project(project.id).count()
    return max(0, project.user_limit - count)


def _row(project: ProjectContext, user: ImportedUser, now: datetime) -> User:
    return User(
        project_id=project.id,
        uid=user.uid,
        login=login_of(project.id, user.uid, None),
        email=user.email,
        phone=user.phone,
        name=user.name,
        password=user.password_hash,
        password_updated_at=now if user.password_hash else None,
        is_active=user.is_active,
        is_email_verified=user.is_email_verified,
        is_phone_verified=user.is_phone_verified,
        labels=list(user.labels),
        prefs=dict(user.prefs),
        accessed_at=user.accessed_at,
        created_at=user.created_at or now,
        updated_at=now,
    )


def _identity_row(user: User, identity: ImportedIdentity, now: datetime) -> Identity:
    return Identity(
        project_id=user.project_id,
        user=user,
        provider=identity.provider,
        provider_uid=identity.provider_uid,
        provider_email=identity.email,
        created_at=now,
        updated_at=now,
    )
