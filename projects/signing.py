"""The key ring that signs tokens: the newest key signs, all of them verify.

Keys are derived from the installation's master secret (HKDF, RFC 5869) per purpose and project, so
a token of one project or purpose is worth nothing in another.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from kernel import clock, sql
from kernel.ids import unique_id
from kernel.limits import DEFAULT_JWT_SECONDS

ALGORITHM = "HS256"
ISSUER = "appwrite-clone"
KEY_BYTES = 32
RING_MAX_AGE_SECONDS = 60.0
RELOAD_SECONDS = 5.0
MAX_TOKEN_LENGTH = 4096
CACHED_KEYS = 1024

_REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "typ"]
_HEADERS = {"alg", "typ", "kid"}
_LOCK_NUMBER = 0x5157_4E01
_LOAD = "SELECT kid, salt FROM signing_key ORDER BY created_at DESC, kid DESC"
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_ADD = "INSERT INTO signing_key (kid, salt, created_at) VALUES (%s, %s, clock_timestamp())"


class InvalidTokenError(ValueError):
    """A token that this installation did not sign for this use, or that is over."""


@dataclass(frozen=True, slots=True)
class _Ring:
    """The salts by key id, the newest first."""

    salts: Mapping[str, bytes]
    loaded_at: float

    @property
    def newest(self) -> str:
        return next(iter(self.salts))

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.loaded_at


_ring: _Ring | None = None
_lock = threading.Lock()


def sign(
    claims: Mapping[str, Any],
    project_uid: str,
    purpose: str,
    *,
    seconds: int = DEFAULT_JWT_SECONDS,
) -> str:
    """Return a JWT over `claims` for one purpose in one project, valid for `seconds`."""
    ring = _current_ring()
    issued_at = int(clock.now().timestamp())
    payload = dict(claims) | {
        "iss": ISSUER,
        "aud": project_uid,
        "typ": purpose,
        "iat": issued_at,
        "exp": claims.get("exp", issued_at + seconds),
    }
    key = _derive(ring.salts[ring.newest], project_uid, purpose)
    return jwt.encode(payload, key, algorithm=ALGORITHM, headers={"kid": ring.newest})


def verify(
    token: str, project_uid: str, purpose: str, *, max_length: int = MAX_TOKEN_LENGTH
) -> dict[str, Any]:
    """Return the claims of a token signed for this purpose in this project.

    Raises:
        InvalidTokenError: The token is malformed, foreign, for another use, or over.
    """
    if len(token) > max_length:
        raise InvalidTokenError("the token is too long")
    salt = _salt_of(_key_id(token))
    try:
        claims = jwt.decode(
            token,
            _derive(salt, project_uid, purpose),
            algorithms=[ALGORITHM],
            audience=project_uid,
            issuer=ISSUER,
            options={"require": _REQUIRED_CLAIMS, "strict_aud": True, "verify_iat": False},
        )
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        raise InvalidTokenError("the token is not valid") from None
    if claims["typ"] != purpose:
        raise InvalidTokenError("the token is for another purpose")
    return claims


def newest_key(project: str, purpose: str) -> tuple[str, bytes]:
    """Return the ring's newest key for one purpose in one project, and the id to find it by."""
    ring = _current_ring()
    return ring.newest, _derive(ring.salts[ring.newest], project, purpose)


def key_of(kid: str, project: str, purpose: str) -> bytes:
    """Return a key of the ring for one purpose in one project.

    Raises:
        InvalidTokenError: The ring has no such key.
    """
    return _derive(_salt_of(kid), project, purpose)


def rotate() -> str:
    """Add a key that signs from now on; tokens of the older ones stay valid. Return its id."""
    with transaction.atomic():
        kid = _add_key()
        transaction.on_commit(forget)
    return kid


def forget() -> None:
    """Drop the process's copy of the ring."""
    global _ring  # noqa: PLW0603  # one ring per process
    _ring = None


def _key_id(token: str) -> str:
    try:
        headers = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError):
        raise InvalidTokenError("the token cannot be read") from None
    kid = headers.get("kid")
    # A fixed algorithm and no other header: nothing in a token may choose how it is checked.
    if headers.get("alg") != ALGORITHM or set(headers) - _HEADERS or not isinstance(kid, str):
        raise InvalidTokenError("the token has unknown headers")
    return kid


def _salt_of(kid: str) -> bytes:
    ring = _current_ring()
    # Invented key ids must not cost a statement each.
    if kid not in ring.salts and ring.age_seconds >= RELOAD_SECONDS:
        ring = _load_ring()
    if kid not in ring.salts:
        raise InvalidTokenError("the token's key is unknown")
    return ring.salts[kid]


def _current_ring() -> _Ring:
    ring = _ring
    if ring is None or ring.age_seconds >= RING_MAX_AGE_SECONDS:
        return _load_ring()
    return ring


def _load_ring() -> _Ring:
    with _lock:
        rows = sql.fetch_all(_LOAD)
    # Without the lock: this may wait for a transaction whose thread asks for the ring again.
    rows = rows or _first_key()
    ring = _Ring({kid: bytes(salt) for kid, salt in rows}, time.monotonic())
    # A first key made in a transaction that fails must not be remembered.
    transaction.on_commit(lambda: _remember(ring))
    return ring


def _remember(ring: _Ring) -> None:
    global _ring  # noqa: PLW0603  # one ring per process
    _ring = ring


def _first_key() -> list[tuple[Any, ...]]:
    with transaction.atomic():
        # Of processes that meet an empty ring at once, one makes the key and the others find it.
        sql.execute(_LOCK, (_LOCK_NUMBER,))
        if not sql.fetch_all(_LOAD):
            _add_key()
    return sql.fetch_all(_LOAD)


def _add_key() -> str:
    kid = unique_id()
    sql.execute(_ADD, (kid, secrets.token_bytes(KEY_BYTES)))
    return kid


@lru_cache(maxsize=CACHED_KEYS)
def _derive(salt: bytes, project_uid: str, purpose: str) -> bytes:
    label = f"{purpose}\x00{project_uid}".encode()
    hkdf = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt, info=label)
    return hkdf.derive(settings.SECRET_KEY.encode())
