"""Identities of users at OAuth2 providers: list, unlink, and renew what a provider gave."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.events import publish_identity
from accounts.models import Identity, User
from accounts.oauth import engine, vault
from accounts.oauth.errors import ProviderError
from accounts.outputs import IdentityList, identity_list_output, identity_output
from accounts.services.rows import lock_user
from kernel import clock
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.listing import SYSTEM_COLUMNS, list_page
from projects.services import find_oauth_client

_COLUMNS = {
    **SYSTEM_COLUMNS,
    "userId": "user__uid",
    "provider": "provider",
    "providerUid": "provider_uid",
    "providerEmail": "provider_email",
    "providerAccessTokenExpiry": "access_token_expires_at",
}
_SEARCHED = ("uid", "user__uid", "provider", "provider_uid", "provider_email")

_logger = logging.getLogger(__name__)


def list_own_identities(
    *, caller: Caller, queries: Sequence[str] = (), total: bool = True
) -> IdentityList:
    """Return a page of the caller's identities.

    Raises: USER_UNAUTHORIZED, ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    is_theirs = not caller.impersonator_uid
    return _page(_own(caller), queries, has_total=total, has_tokens=is_theirs)


def list_identities(
    *, caller: Caller, queries: Sequence[str] = (), search: str = "", total: bool = True
) -> IdentityList:
    """Return a page of the identities of a project's users.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    rows = Identity.objects.filter(project_id=caller.project.id)
    return _page(rows, queries, search=search, has_total=total, has_tokens=caller.is_privileged)


def delete_own_identity(*, caller: Caller, identity_id: str) -> None:
    """Unlink an identity of the caller's.

    Raises: USER_UNAUTHORIZED, USER_IDENTITY_NOT_FOUND
    """
    _delete(caller, _own(caller), identity_id)


def delete_identity(*, caller: Caller, identity_id: str) -> None:
    """Unlink an identity of a user.

    Raises: USER_IDENTITY_NOT_FOUND
    """
    _delete(caller, Identity.objects.filter(project_id=caller.project.id), identity_id)


def get_identity_row(identity_id: int) -> Identity:
    """Return the identity that a token was made for.

    Raises: USER_INVALID_TOKEN
    """
    identity = Identity.objects.filter(id=identity_id).first()
    if identity is None:
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)
    return identity


def hold_identity(user: User, identity_id: int) -> None:
    """Have an identity stay until this transaction ends, in which its user comes in by it.

    Raises: USER_INVALID_TOKEN
    """
    lock_user(user.project_id, user.uid)  # first, as by whoever takes identities away
    held = Identity.objects.select_for_update(no_key=True).filter(id=identity_id)
    if not held.values_list("id"):
        raise ApiError(ErrorKind.USER_INVALID_TOKEN)


def renew_tokens(project: ProjectContext, identity: Identity) -> None:
    """Ask the provider for new tokens, where it gave one to ask with.

    What it refuses stays as it was: its expiry tells the client. To be called outside a
    transaction.

    Raises: SERVICE_UNAVAILABLE
    """
    client = find_oauth_client(project, identity.provider)
    token = vault.opened(identity).refresh
    if client is None or not token:
        return
    try:
        tokens = engine.refresh(client, token)
    except ProviderError as error:
        _logger.warning("%s renews no tokens: %s", identity.provider, error)
        return
    sealed = vault.sealed(tokens, project_id=project.id, identity_uid=identity.uid)
    # Of two who renew at the same moment the first one's tokens stay.
    rows = Identity.objects.filter(id=identity.id, refresh_token=identity.refresh_token)
    if rows.update(
        access_token=sealed["access_token"],
        access_token_expires_at=tokens.expires_at,
        refresh_token=sealed["refresh_token"],
        id_token=sealed["id_token"] or identity.id_token,
        updated_at=clock.now(),
    ):
        identity.refresh_from_db()


def _own(caller: Caller) -> Any:
    if not caller.is_user:
        raise ApiError(ErrorKind.USER_UNAUTHORIZED)
    return Identity.objects.filter(user_id=caller.user_id)


def _page(
    rows: Any, queries: Sequence[str], *, search: str = "", has_total: bool, has_tokens: bool
) -> IdentityList:
    found, count = list_page(
        rows.select_related("user"),
        queries,
        columns=_COLUMNS,
        search=search,
        search_columns=_SEARCHED,
        has_total=has_total,
    )
    return identity_list_output(found, count, has_tokens=has_tokens)


@transaction.atomic
def _delete(caller: Caller, rows: Any, uid: str) -> None:
    # Of two who unlink at the same moment one finds nothing.
    identity = rows.select_related("user").select_for_update(of=("self",)).filter(uid=uid).first()
    if identity is None:
        raise ApiError(ErrorKind.USER_IDENTITY_NOT_FOUND)
    user_uid = identity.user.uid
    payload = identity_output(identity, user_uid=user_uid, has_tokens=False)
    identity.delete()
    publish_identity(caller, user_uid, uid, "delete", payload)
