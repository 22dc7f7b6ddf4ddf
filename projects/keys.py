"""API keys: how secrets are made, and how a sent one becomes scopes."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from kernel import clock, sql
from kernel.errors import ApiError, ErrorKind
from kernel.limits import LAST_ACCESS_RESOLUTION_SECONDS
from kernel.scopes import KEY_BASE_SCOPES

STORED_KIND = "standard"
SECRET_BYTES = 128
MAX_SECRET_LENGTH = 512
CACHED_SCOPE_SETS = 1024

_FIND = "SELECT id, uid, project_id, scopes, expires_at, accessed_at FROM api_key WHERE digest = %s"
_TOUCH = "UPDATE api_key SET accessed_at = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What a valid key allows in its project."""

    id: int
    uid: str
    scopes: frozenset[str]


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


def find_key(project_id: int, secret: str) -> KeyGrant | None:
    """Return what a key's secret allows, or nothing for an unknown one.

    One statement, and a second one at most once a day to note the use.

    Raises: PROJECT_ID_MISSING, PROJECT_KEY_EXPIRED
    """
    if not secret or len(secret) > MAX_SECRET_LENGTH or not is_stored_kind(secret):
        return None
    row = sql.fetch_one(_FIND, (digest(secret),))
    if row is None:
        return None
    key_id, uid, owner_id, scopes, expires_at, accessed_at = row
    if owner_id != project_id:
        raise ApiError(ErrorKind.PROJECT_ID_MISSING)
    now = clock.now()
    if expires_at is not None and expires_at <= now:
        raise ApiError(ErrorKind.PROJECT_KEY_EXPIRED)
    if _is_stale(accessed_at, now):
        sql.execute(_TOUCH, (now, key_id))
    return KeyGrant(id=key_id, uid=uid, scopes=_with_base(tuple(scopes)))


def _is_stale(accessed_at: datetime | None, now: datetime) -> bool:
    resolution = timedelta(seconds=LAST_ACCESS_RESOLUTION_SECONDS)
    return accessed_at is None or now - accessed_at >= resolution


@lru_cache(maxsize=CACHED_SCOPE_SETS)
def _with_base(scopes: tuple[str, ...]) -> frozenset[str]:
    return KEY_BASE_SCOPES.union(scopes)
