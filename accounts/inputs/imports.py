"""Shapes of users with the password hashes of other systems."""

from dataclasses import dataclass

from accounts.hashes import SHA_VERSIONS
from accounts.inputs.checks import or_empty
from kernel.fields import custom_id, email, integer, one_of, optional, required, text
from kernel.limits import (
    MAX_HASH_PARAMETER_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
)


@dataclass(frozen=True, kw_only=True)
class ImportUserInput:
    """A user of another system; `password` is the hash it kept."""

    user_id: str = required(custom_id)
    email: str = required(email)
    password: str = required(text(MAX_PASSWORD_LENGTH, minimum=MIN_PASSWORD_LENGTH))
    name: str = optional(text(MAX_NAME_LENGTH), default="")


@dataclass(frozen=True, kw_only=True)
class ImportShaUserInput(ImportUserInput):
    password_version: str = optional(or_empty(one_of(tuple(SHA_VERSIONS))), default="")


@dataclass(frozen=True, kw_only=True)
class ImportScryptUserInput(ImportUserInput):
    password_salt: str = required(text(MAX_HASH_PARAMETER_LENGTH))
    password_cpu: int = required(integer())
    password_memory: int = required(integer())
    password_parallel: int = required(integer())
    password_length: int = required(integer())


@dataclass(frozen=True, kw_only=True)
class ImportScryptModifiedUserInput(ImportUserInput):
    password_salt: str = required(text(MAX_HASH_PARAMETER_LENGTH))
    password_salt_separator: str = required(text(MAX_HASH_PARAMETER_LENGTH))
    password_signer_key: str = required(text(MAX_HASH_PARAMETER_LENGTH))
