"""Secrets of accounts: how they are made, stored as digests, and packed for clients."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from typing import Self

import orjson

SESSION_SECRET_BYTES = 128
LINK_SECRET_BYTES = 32
MAX_PACKED_LENGTH = 2048

#: The purpose label of user JWTs in the signing key ring.
JWT_PURPOSE = "account"


def new_session_secret() -> str:
    """Return the raw secret of a new session: 256 random hexadecimal characters."""
    return secrets.token_hex(SESSION_SECRET_BYTES)


def new_link_secret() -> str:
    """Return the secret of a link that is good for one use."""
    return secrets.token_urlsafe(LINK_SECRET_BYTES)


def digest(secret: str) -> bytes:
    """Return the form in which a secret is stored and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class SessionSecret:
    """What a client keeps of a session; clients see it packed, as base64 JSON."""

    user_uid: str
    secret: str

    @classmethod
    def unpack(cls, text: str) -> Self | None:
        """Read a packed secret; anything malformed is no secret."""
        if not text or len(text) > MAX_PACKED_LENGTH:
            return None
        try:
            padded = text + "=" * (-len(text) % 4)
            content = orjson.loads(base64.b64decode(padded, altchars=b"-_"))
        except (binascii.Error, ValueError):
            return None
        if not isinstance(content, dict):
            return None
        user_uid, secret = content.get("id"), content.get("secret")
        if not isinstance(user_uid, str) or not isinstance(secret, str):
            return None
        return cls(user_uid, secret) if user_uid and secret else None

    def pack(self) -> str:
        content = {"id": self.user_uid, "secret": self.secret}
        return base64.b64encode(orjson.dumps(content)).decode()
