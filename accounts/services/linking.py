"""Which user somebody is whom a provider vouches for.

They are known by the provider's id for them, which never changes. A first time they are added to
the user who is signed in, or to the one whose address the provider has verified; else they are new.
"""

from typing import Any

from django.db import IntegrityError, transaction

from accounts.email_kinds import check_email
from accounts.events import announce_identity, publish_user
from accounts.models import Identity, Session, User
from accounts.oauth import vault
from accounts.oauth.engine import Profile, Tokens
from accounts.services import contacts
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
from kernel.ids import UNIQUE_ID, unique_id

ATTEMPTS = 2
_TAKEN = ErrorKind.USER_ALREADY_EXISTS


def identify(
    caller: Caller,
    provider_id: str,
    profile: Profile,
    tokens: Tokens,
    *,
    signed_in: User | None,
    session_uid: str = "",
) -> tuple[User, Identity]:
    """Return the user a provider vouches for, and their identity there with its new tokens.

    Whoever is `signed_in`, by a session if one is named, has to be so still.

    Raises: USER_ALREADY_EXISTS, USER_EMAIL_ALREADY_EXISTS, USER_BLOCKED, USER_COUNT_EXCEEDED,
        USER_EMAIL_NOT_VERIFIED, USER_INVALID_TOKEN, USER_UNAUTHORIZED
    """
    for attempt in range(ATTEMPTS):
        try:
            with telling_taken(is_creating=True), transaction.atomic():
                # Before the identity is looked for: all who need both rows take them in this order.
                if signed_in is not None:
                    signed_in = _still_signed_in(signed_in, session_uid)
                return _identify(caller, provider_id, profile, tokens, signed_in)
        except (ApiError, IntegrityError) as error:
            # Of two who come for the first time at the same moment the other may have been faster.
            is_taken = isinstance(error, IntegrityError) or error.kind is _TAKEN
            if not is_taken or attempt + 1 == ATTEMPTS:
                raise
    raise RuntimeError("unreachable")


def _still_signed_in(user: User, session_uid: str) -> User:
    """Return a user as they are now, who goes on being signed in until this transaction ends.

    Without a session they came by a JWT that a server made.

    Raises: USER_UNAUTHORIZED
    """
    lock_user(user.project_id, user.uid)
    users = User.objects.in_project(user.project_id).filter(id=user.id, is_active=True)
    sessions = Session.objects.select_for_update().filter(
        user_id=user.id, uid=session_uid, expires_at__gt=clock.now()
    )
    found: User | None = users.first()
    if found is None or (session_uid and not sessions.values_list("id")):
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return found


def _identify(
    caller: Caller,
    provider_id: str,
    profile: Profile,
    tokens: Tokens,
    signed_in: User | None,
) -> tuple[User, Identity]:
    known = (
        Identity.objects.select_related("user")
        .select_for_update(of=("self",))
        .filter(project_id=caller.project.id, provider=provider_id, provider_uid=profile.uid)
        .first()
    )
    user = _user(caller, profile, known, signed_in)
    if not user.is_active:
        raise ApiError(ErrorKind.USER_BLOCKED)
    identity = known or Identity(
        project_id=caller.project.id,
        user=user,
        uid=unique_id(),
        provider=provider_id,
        provider_uid=profile.uid,
    )
    return user, _stored(identity, profile, tokens)


def _user(caller: Caller, profile: Profile, known: Identity | None, signed_in: User | None) -> User:
    if signed_in is not None:
        return _joined(caller, profile, known, signed_in)
    if known is not None:
        return known.user
    found = find_by_contact(caller.project.id, email=profile.email) if profile.email else None
    if found is None:
        return _added(caller, profile)
    if not profile.is_email_verified:
        # Anybody can write this address down at the provider.
        raise ApiError(ErrorKind.USER_EMAIL_ALREADY_EXISTS)
    # Until now it may have been anybody's here: nothing of theirs stays.
    return contacts.prove(caller, found, contacts.EMAIL, profile.email)


def _joined(caller: Caller, profile: Profile, known: Identity | None, user: User) -> User:
    """Add an identity to the user who is signed in, and to an unnamed one what it tells."""
    if known is not None and known.user_id != user.id:
        raise ApiError(ErrorKind.USER_ALREADY_EXISTS)
    other = find_by_contact(caller.project.id, email=profile.email) if profile.email else None
    if other is not None and other.id != user.id:
        raise ApiError(ErrorKind.USER_ALREADY_EXISTS)
    if _proves(profile, known, user):
        # Whose cookie the browser has may have signed up with an address of somebody else.
        user = contacts.prove(caller, user, contacts.EMAIL, profile.email)
    columns: dict[str, Any] = {}
    if profile.email and not user.email:
        check_email(caller.project, profile.email)
        columns |= {"email": profile.email, "is_email_verified": profile.is_email_verified}
    if profile.name and not user.name:
        columns["name"] = profile.name
    if not columns:
        return user
    changed = change_user(caller.project.id, user.uid, **columns)
    publish_user(caller, changed, "update.email" if "email" in columns else "update.name")
    announce_identity(caller.project.id, user_uid=user.uid, reason="verification")
    return changed


def _proves(profile: Profile, known: Identity | None, user: User) -> bool:
    """Tell whether a provider is the first to say whose address a user has."""
    is_theirs = profile.is_email_verified and bool(profile.email) and profile.email == user.email
    return is_theirs and known is None and not user.is_verified


def _added(caller: Caller, profile: Profile) -> User:
    is_verified = profile.is_email_verified
    if caller.project.requires_verified_email and not is_verified:
        raise ApiError(ErrorKind.USER_EMAIL_NOT_VERIFIED)
    new = NewUser(uid=UNIQUE_ID, email=profile.email or None, name=profile.name)
    user = add_user(caller.project, new)
    if profile.email and is_verified:
        user = change_user(caller.project.id, user.uid, is_email_verified=True)
    publish_user(caller, user, "create")
    return user


def _stored(identity: Identity, profile: Profile, tokens: Tokens) -> Identity:
    columns = vault.sealed(tokens, project_id=identity.project_id, identity_uid=identity.uid)
    if identity.pk and not tokens.refresh:
        del columns["refresh_token"]  # many providers give one the first time only
    columns |= {"provider_email": profile.email, "updated_at": clock.now()}
    for name, value in columns.items():
        setattr(identity, name, value)
    if not identity.pk:
        identity.created_at = columns["updated_at"]
    identity.save()
    return identity
