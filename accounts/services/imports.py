"""Users who come from another system with the hash of their password.

Each logs in with the password they know; the first good login hashes it anew with argon2id.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts import hashes
from accounts.outputs import UserOutput
from accounts.services.rows import NewUser
from accounts.services.users import create_user_row
from kernel.caller import Caller
from kernel.errors import invalid


def create_argon2_user(
    *, caller: Caller, user_id: str, email: str, password: str, name: str = ""
) -> UserOutput:
    """Import a user whose password is hashed with argon2, as `$argon2id$v=19$m=...`.

    Raises: ARGUMENT_INVALID, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with _telling_unreadable():
        encoded = hashes.read_argon2(password)
    return _import(caller, user_id, email, encoded, name)


def create_bcrypt_user(
    *, caller: Caller, user_id: str, email: str, password: str, name: str = ""
) -> UserOutput:
    """Import a user whose password is hashed with bcrypt, as `$2b$12$...`.

    Raises: ARGUMENT_INVALID, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with _telling_unreadable():
        encoded = hashes.read_bcrypt(password)
    return _import(caller, user_id, email, encoded, name)


def create_md5_user(
    *, caller: Caller, user_id: str, email: str, password: str, name: str = ""
) -> UserOutput:
    """Import a user whose password is hashed with MD5, in hexadecimal.

    Raises: ARGUMENT_INVALID, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with _telling_unreadable():
        encoded = hashes.read_md5(password)
    return _import(caller, user_id, email, encoded, name)


def create_phpass_user(
    *, caller: Caller, user_id: str, email: str, password: str, name: str = ""
) -> UserOutput:
    """Import a user whose password is hashed by phpass, as `$P$B...`.

    Raises: ARGUMENT_INVALID, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with _telling_unreadable():
        encoded = hashes.read_phpass(password)
    return _import(caller, user_id, email, encoded, name)


def create_sha_user(
    *,
    caller: Caller,
    user_id: str,
    email: str,
    password: str,
    password_version: str = "",
    name: str = "",
) -> UserOutput:
    """Import a user whose password is hashed with SHA of some version, in hexadecimal.

    Raises: ARGUMENT_INVALID, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with _telling_unreadable():
        encoded = hashes.read_sha(password, password_version)
    return _import(caller, user_id, email, encoded, name)


def create_scrypt_user(  # noqa: PLR0913  # the parameters of the algorithm
    *,
    caller: Caller,
    user_id: str,
    email: str,
    password: str,
    password_salt: str,
    password_cpu: int,
    password_memory: int,
    password_parallel: int,
    password_length: int,
    name: str = "",
) -> UserOutput:
    """Import a user whose password is hashed with scrypt, in hexadecimal.

    Raises: ARGUMENT_INVALID, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with _telling_unreadable():
        encoded = hashes.read_scrypt(
            password,
            salt=password_salt,
            cpu=password_cpu,
            memory=password_memory,
            parallel=password_parallel,
            length=password_length,
        )
    return _import(caller, user_id, email, encoded, name)


def create_scrypt_modified_user(
    *,
    caller: Caller,
    user_id: str,
    email: str,
    password: str,
    password_salt: str,
    password_salt_separator: str,
    password_signer_key: str,
    name: str = "",
) -> UserOutput:
    """Import a user of Firebase: hash, salt, separator and signer key in base64.

    Raises: ARGUMENT_INVALID, USER_ALREADY_EXISTS, USER_COUNT_EXCEEDED
    """
    with _telling_unreadable():
        encoded = hashes.read_scrypt_modified(
            password,
            salt=password_salt,
            separator=password_salt_separator,
            signer_key=password_signer_key,
        )
    return _import(caller, user_id, email, encoded, name)


def _import(caller: Caller, user_id: str, email: str, encoded: str, name: str) -> UserOutput:
    new = NewUser(uid=user_id, email=email, password=encoded, name=name)
    return create_user_row(caller, new)


@contextmanager
def _telling_unreadable() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise invalid("password", str(error)) from None
