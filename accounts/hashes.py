"""Password hashes of other systems: read when users are imported, verified until the first login.

Each is stored as Django stores hashes, `algorithm$...`, and never made anew: after a good login
the password is hashed with argon2id. What one check may cost is limited, for a hash says itself
how much work it wants.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Any, ClassVar

import argon2
import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.contrib.auth.hashers import BasePasswordHasher, get_hasher

MAX_MEMORY_BYTES = 256 * 1024 * 1024
MAX_ARGON2_PASSES = 16
MAX_BCRYPT_COST = 15
MAX_PHPASS_COST = 18
MAX_SCRYPT_PARALLEL = 16
BCRYPT_PASSWORD_BYTES = 72  # the rest counts for nothing, and the library refuses it

#: The parameters that Firebase gives projects: the CPU cost is a power of two.
FIREBASE_ROUNDS, FIREBASE_MEMORY_COST = 8, 14
FIREBASE_KEY_LENGTH = 64
MAX_FIREBASE_ROUNDS, MAX_FIREBASE_MEMORY_COST = 8, 16  # at most 64 MiB
AES_KEY_LENGTH = 32

DEFAULT_SHA = "sha3-512"
SHA_VERSIONS = {
    "sha1": "sha1",
    "sha224": "sha224",
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512/224": "sha512_224",
    "sha512/256": "sha512_256",
    "sha512": "sha512",
    "sha3-224": "sha3_224",
    "sha3-256": "sha3_256",
    "sha3-384": "sha3_384",
    "sha3-512": "sha3_512",
}

_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}\Z")
_FROM_URL_SAFE = str.maketrans("-_", "+/")
_HEX = re.compile(r"(?:[0-9a-f]{2})+\Z")
_PHPASS = re.compile(r"\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{22})\Z")
_PHPASS_DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class ImportedHasher(BasePasswordHasher):
    """A hash that is verified and never made; `decode` tells what answers show of it."""

    def decode(self, encoded: str) -> dict[str, Any]:
        return {}

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Do nothing: `accounts.passwords` does the work of one of our own hashes besides."""


class BcryptHasher(ImportedHasher):
    algorithm = "bcrypt"

    def verify(self, password: str, encoded: str) -> bool:
        stored = encoded.removeprefix(self.algorithm)
        return bcrypt.checkpw(password.encode()[:BCRYPT_PASSWORD_BYTES], stored.encode())


class Md5Hasher(ImportedHasher):
    algorithm = "md5"

    def verify(self, password: str, encoded: str) -> bool:
        made = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(made, encoded.removeprefix("md5$"))


class ShaHasher(ImportedHasher):
    algorithm = "sha"

    def verify(self, password: str, encoded: str) -> bool:
        _, version, stored = encoded.split("$")
        made = hashlib.new(SHA_VERSIONS[version], password.encode()).hexdigest()
        return hmac.compare_digest(made, stored)


class PhpassHasher(ImportedHasher):
    """The portable hashes of phpass, as WordPress and phpBB keep them."""

    algorithm = "phpass"

    def verify(self, password: str, encoded: str) -> bool:
        match = _PHPASS.match(encoded.removeprefix(self.algorithm))
        if match is None:
            return False
        cost, salt, stored = match.groups()
        secret, made = password.encode(), salt.encode()
        for _ in range(2 ** _PHPASS_DIGITS.index(cost) + 1):
            made = hashlib.md5(made + secret, usedforsecurity=False).digest()
        return hmac.compare_digest(_phpass_text(made), stored)


class ScryptHasher(ImportedHasher):
    algorithm = "scrypt"
    _names: ClassVar[tuple[str, ...]] = ("costCpu", "costMemory", "costParallel", "length")

    def verify(self, password: str, encoded: str) -> bool:
        _, costs, salt, stored = encoded.split("$")
        cpu, memory, parallel, length = (int(each) for each in costs.split(","))
        made = hashlib.scrypt(
            password.encode(),
            salt=base64.b64decode(salt),
            n=cpu,
            r=memory,
            p=parallel,
            dklen=length,
            maxmem=2 * MAX_MEMORY_BYTES,
        )
        return hmac.compare_digest(made.hex(), stored)

    def decode(self, encoded: str) -> dict[str, Any]:
        costs = encoded.split("$")[1].split(",")
        return {name: int(cost) for name, cost in zip(self._names, costs, strict=True)}


class ScryptModifiedHasher(ImportedHasher):
    """Firebase's scrypt: the derived key encrypts the project's signer key, which is the hash."""

    algorithm = "scryptMod"

    def verify(self, password: str, encoded: str) -> bool:
        _, salt, separator, signer_key, stored, *costs = encoded.split("$")
        rounds, memory_cost = map(int, costs or (FIREBASE_ROUNDS, FIREBASE_MEMORY_COST))
        derived = hashlib.scrypt(
            password.encode(),
            salt=base64.b64decode(salt) + base64.b64decode(separator),
            n=2**memory_cost,
            r=rounds,
            p=1,
            dklen=FIREBASE_KEY_LENGTH,
            maxmem=2 * MAX_MEMORY_BYTES,
        )
        cipher = Cipher(algorithms.AES(derived[:AES_KEY_LENGTH]), modes.CTR(bytes(16)))
        made = cipher.encryptor().update(base64.b64decode(signer_key))
        return hmac.compare_digest(made, base64.b64decode(stored))

    def decode(self, encoded: str) -> dict[str, Any]:
        _, salt, separator, signer_key, *_ = encoded.split("$")
        return {"salt": salt, "saltSeparator": separator, "signerKey": signer_key}


# Reading: a hash as it was sent to the form it is stored in. Each raises `ValueError` for a text
# that is no such hash, which nobody could ever log in by, and for one that costs too much.


def read_argon2(text: str) -> str:
    try:
        costs = argon2.extract_parameters(text)
        encoded = f"argon2{text}"
        get_hasher("argon2").decode(encoded)
    except (argon2.exceptions.InvalidHashError, ValueError, UnicodeError):
        raise ValueError("Value must be an Argon2 hash") from None
    if costs.memory_cost * 1024 > MAX_MEMORY_BYTES or costs.time_cost > MAX_ARGON2_PASSES:
        raise ValueError("Value must be an Argon2 hash of at most 256 MiB and 16 passes")
    return encoded


def read_bcrypt(text: str) -> str:
    match = _BCRYPT.match(text)
    if match is None or not 4 <= int(match.group(1)) <= MAX_BCRYPT_COST:
        raise ValueError(f"Value must be a bcrypt hash of a cost from 4 to {MAX_BCRYPT_COST}")
    return f"bcrypt{text}"


def read_md5(text: str) -> str:
    return f"md5${_hex(text, 16)}"


def read_sha(text: str, version: str) -> str:
    name = version or DEFAULT_SHA
    return f"sha${name}${_hex(text, hashlib.new(SHA_VERSIONS[name]).digest_size)}"


def read_phpass(text: str) -> str:
    match = _PHPASS.match(text)
    if match is None or _PHPASS_DIGITS.index(match.group(1)) > MAX_PHPASS_COST:
        raise ValueError(f"Value must be a phpass hash of a cost of at most {MAX_PHPASS_COST}")
    return f"phpass{text}"


def read_scrypt(text: str, *, salt: str, cpu: int, memory: int, parallel: int, length: int) -> str:
    is_power_of_two = cpu > 1 and cpu & (cpu - 1) == 0
    if not is_power_of_two or memory < 1 or not 1 <= parallel <= MAX_SCRYPT_PARALLEL:
        raise ValueError("The CPU cost must be a power of two, the others at least one")
    if 128 * cpu * memory > MAX_MEMORY_BYTES:
        raise ValueError("Value must be a scrypt hash of at most 256 MiB")
    stored = _hex(text, length)
    packed = base64.b64encode(salt.encode()).decode()
    return f"scrypt${cpu},{memory},{parallel},{length}${packed}${stored}"


def read_scrypt_modified(
    text: str,
    *,
    salt: str,
    separator: str,
    signer_key: str,
    rounds: int = FIREBASE_ROUNDS,
    memory_cost: int = FIREBASE_MEMORY_COST,
) -> str:
    if not 1 <= rounds <= MAX_FIREBASE_ROUNDS or not 1 <= memory_cost <= MAX_FIREBASE_MEMORY_COST:
        raise ValueError("The rounds must be 1 to 8, and the memory cost 1 to 16")
    parts = [part.translate(_FROM_URL_SAFE) for part in (salt, separator, signer_key, text)]
    try:
        sizes = [len(base64.b64decode(part, validate=True)) for part in parts]
    except (binascii.Error, ValueError):
        raise ValueError("The hash and its parameters must be base64") from None
    if not sizes[2] or sizes[2] != sizes[3]:
        raise ValueError("The hash must be as long as the signer key")
    costs = (rounds, memory_cost)
    told = () if costs == (FIREBASE_ROUNDS, FIREBASE_MEMORY_COST) else map(str, costs)
    return "$".join(("scryptMod", *parts, *told))


def _hex(text: str, size: int) -> str:
    lowered = text.lower()
    if len(lowered) != 2 * size or not _HEX.match(lowered):
        raise ValueError(f"Value must be a hash of {2 * size} hexadecimal digits")
    return lowered


def _phpass_text(digest: bytes) -> str:
    """Write a digest in phpass's own base 64, three bytes at a time, the lowest bits first."""
    text = ""
    for start in range(0, len(digest), 3):
        chunk = digest[start : start + 3]
        number = int.from_bytes(chunk, "little")
        for _ in range(len(chunk) + 1):
            text += _PHPASS_DIGITS[number & 63]
            number >>= 6
    return text
