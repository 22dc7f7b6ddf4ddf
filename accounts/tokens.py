"""Secrets of accounts: how they are made, stored as digests, and packed for clients.

A digest without a key would tell a short secret to whoever reads the database, by trying them all:
those of single-use tokens are made with a key derived from the master secret (HKDF, RFC 5869).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Self

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from kernel.ids import GENERATED_ID_BYTES

SESSION_SECRET_BYTES = 128
LINK_SECRET_BYTES = 32
MAX_PACKED_LENGTH = 2048
TOKEN_KEY_BYTES = 32
MAGIC_SECRET_BYTES = 32
PROOF_SECRET_BYTES = 128
CODE_DIGITS = 6
#: Shorter secrets could be guessed, were there no limit of tries.
SAFE_SECRET_LENGTH = 32
_ALPHABET = string.ascii_lowercase + string.digits
_KEY_LABEL = b"single-use tokens"
_ADJECTIVES = (
    "Amber Brave Calm Clever Crisp Distant Eager Early Gentle Golden Green Happy Honest Humble"
    " Jolly Kind Lively Lucky Mellow Merry Mighty Modest Noble Patient Polite Proud Quick Quiet"
    " Silver Steady Sunny Swift"
)
_NOUNS = (
    "Acorn Badger Beacon Birch Bridge Candle Canyon Cedar Comet Falcon Feather Forest Garden"
    " Harbor Heron Island Lantern Maple Meadow Mountain Orchard Otter Pebble Pine River Robin"
    " Sparrow Summit Thunder Valley Willow Window"
)

#: The purpose label of user JWTs in the signing key ring.
JWT_PURPOSE = "account"


class Purpose(StrEnum):
    """What a single-use token is good for."""

    GENERIC = "generic"
    MAGIC_URL = "magic-url"
    EMAIL = "email"
    OAUTH2 = "oauth2"
    PHONE = "phone"
    PHONE_VERIFICATION = "phone-verification"
    VERIFICATION = "verification"
    RECOVERY = "recovery"
    CHALLENGE = "challenge"
    RECOVERY_CODE = "recovery-code"
    RECOVERY_OTP = "recovery-otp"
    VERIFICATION_CODE = "verification-otp"
    INVITATION = "invitation"
    PASSKEY = "passkey"
    PASSKEY_REGISTRATION = "passkey-registration"
    PASSKEY_SIGN_IN = "passkey-sign-in"


def new_session_secret() -> str:
    """Return the raw secret of a new session: 256 random hexadecimal characters."""
    return secrets.token_hex(SESSION_SECRET_BYTES)


def new_link_secret() -> str:
    """Return the secret of a link that is good for one use."""
    return secrets.token_urlsafe(LINK_SECRET_BYTES)


def new_token_secret(length: int) -> str:
    """Return a secret of a length people may have to type: small letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_code() -> str:
    """Return a secret to be read in one place and typed in another: six digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def new_phrase() -> str:
    """Return two words that a page and a mail show both, to tell that they belong together."""
    return f"{secrets.choice(_ADJECTIVES.split())} {secrets.choice(_NOUNS.split())}"


def pseudonym(project_id: int, email: str) -> str:
    """Return an id for an address, the same each time, whether or not it is a user's."""
    content = f"{project_id}\x00{email}"
    return hmac.digest(_token_key(), content.encode(), "sha256")[:GENERATED_ID_BYTES].hex()


def token_digest(secret: str, *, project_id: int, user_uid: str, purpose: Purpose) -> bytes:
    """Return the form in which a single-use token is stored, worth nothing for anything else."""
    content = f"{project_id}\x00{user_uid}\x00{purpose}\x00{secret}"
    return hmac.digest(_token_key(), content.encode("utf-8", "surrogatepass"), "sha256")


def flow_secret(flow_uid: str, kind: str) -> str:
    """Return a secret of a way to a provider, which so need not be stored: 43 characters."""
    content = f"{flow_uid}\x00{kind}"
    made = hmac.digest(_token_key(), content.encode(), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


@cache
def _token_key() -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=TOKEN_KEY_BYTES, salt=None, info=_KEY_LABEL)
    return hkdf.derive(settings.SECRET_KEY.encode())


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
