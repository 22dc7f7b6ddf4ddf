"""Secrets kept in the database: AES-256-GCM under keys of the ring, each for one purpose only.

A new key of the ring encrypts from then on; what older ones encrypted stays readable, because the
text names its key. Encrypting a text twice gives two texts.
"""

import base64
import binascii
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from projects import signing

NONCE_BYTES = 12
CACHED_CIPHERS = 1024


class DecryptionError(Exception):
    """A text that no key of this installation encrypted for this use."""


def encrypt(text: str, *, project_id: int, purpose: str, bound_to: str = "") -> str:
    """Return a text that only `decrypt` with the same project, purpose and `bound_to` opens.

    Its form is `key id:characters:nonce and ciphertext in base64`, all of it authenticated.
    """
    kid, key = signing.newest_key(str(project_id), purpose)
    head = f"{kid}:{len(text)}"
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + _cipher(key).encrypt(nonce, text.encode(), _bound(head, bound_to))
    return f"{head}:{base64.b64encode(sealed).decode()}"


def decrypt(encrypted: str, *, project_id: int, purpose: str, bound_to: str = "") -> str:
    """Return the text that was encrypted.

    Raises:
        DecryptionError: It was changed, or encrypted elsewhere or for something else.
    """
    head, _, body = encrypted.rpartition(":")
    try:
        key = signing.key_of(head.partition(":")[0], str(project_id), purpose)
        sealed = base64.b64decode(body, validate=True)
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return _cipher(key).decrypt(nonce, ciphertext, _bound(head, bound_to)).decode()
    except (signing.InvalidTokenError, binascii.Error, InvalidTag, ValueError):
        raise DecryptionError("an encrypted value cannot be read with this master secret") from None


def _bound(head: str, bound_to: str) -> bytes:
    return f"{head}\x00{bound_to}".encode()


@lru_cache(maxsize=CACHED_CIPHERS)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
