"""API keys: how secrets are made, and how a sent one becomes scopes."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from kernel import clock, sql
from kernel.caller import ProjectContext
from kernel.errors import ApiError, ErrorKind
from kernel.limits import (
    IDENTITY_CACHE_SECONDS,
    LAST_ACCESS_RESOLUTION_SECONDS,
    MAX_CACHED_IDENTITIES,
)
from kernel.recent import Recent
from kernel.scopes import KEY_BASE_SCOPES

STORED_KIND = "standard"
SECRET_BYTES = 128
MAX_SECRET_LENGTH = 512
CACHED_SCOPE_SETS = 1024

_FIND = "SELECT id, uid, project_id, scopes, expires_at, accessed_at FROM api_key WHERE digest = %s"
_TOUCH = "UPDATE api_key SET accessed_at = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What a key allows in its project, as long as it has not expired."""

    uid: str
    scopes: frozenset[str]
    expires_at: datetime | None


_grants: Recent[KeyGrant] = Recent(seconds=IDENTITY_CACHE_SECONDS, maximum=MAX_CACHED_IDENTITIES)


def new_secret() -> str:
    """Return the secret of a new key: its kind, and 256 random hexadecimal characters."""
    return f"{STORED_KIND}_{secrets.token_hex(SECRET_BYTES)}"


def digest(secret: str) -> bytes:
    """Return the form in which a secret is stored and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def is_stored_kind(secret: str) -> bool:
    """Tell whether a secret is a stored key's: `standard_...`, or a text without a kind."""
    kind, separator, _ = secret.partition("_")
    return not separator or kind == STORED_KIND


def find_key(project: ProjectContext, secret: str) -> KeyGrant | None:
    """Return what a key's secret allows, or nothing for an unknown one.

    One statement at most, and a second one once a day to note the use.

    Raises: PROJECT_ID_MISSING, PROJECT_KEY_EXPIRED
    """
    if not secret or len(secret) > MAX_SECRET_LENGTH or not is_stored_kind(secret):
        return None
    stored = digest(secret)
    grant = _grants.find(project.uid, stored, lambda: _read(project.id, stored))
    if grant is not None and _is_expired(grant, clock.now()):
        raise ApiError(ErrorKind.PROJECT_KEY_EXPIRED)
    return grant


def forget_keys(project_uid: str = "") -> None:
    """Have this process look the keys of a project up anew, or those of all projects."""
    if project_uid:
        _grants.drop(project_uid)
    else:
        _grants.clear()


def _read(project_id: int, stored: bytes) -> KeyGrant | None:
    row = sql.fetch_one(_FIND, (stored,))
    if row is None:
        return None
    key_id, uid, owner_id, scopes, expires_at, accessed_at = row
    if owner_id != project_id:
        raise ApiError(ErrorKind.PROJECT_ID_MISSING)
    grant = KeyGrant(uid, _with_base(tuple(scopes)), expires_at)
    now = clock.now()
    if _is_stale(accessed_at, now) and not _is_expired(grant, now):
        sql.note(_TOUCH, (now, key_id))
    return grant


def _is_expired(grant: KeyGrant, now: datetime) -> bool:
    return grant.expires_at is not None and grant.expires_at <= now


def _is_stale(accessed_at: datetime | None, now: datetime) -> bool:
    resolution = timedelta(seconds=LAST_ACCESS_RESOLUTION_SECONDS)
    return accessed_at is None or now - accessed_at >= resolution


@lru_cache(maxsize=CACHED_SCOPE_SETS)
def _with_base(scopes: tuple[str, ...]) -> frozenset[str]:
    return KEY_BASE_SCOPES.union(scopes)
