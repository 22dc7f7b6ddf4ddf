"""Passkeys without tables: what devices are asked, and what their answers prove (WebAuthn)."""

import hashlib
import hmac
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fido2 import cbor
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.rpid import verify_rp_id
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

CHALLENGE_BYTES = 32
MAX_CREDENTIAL_ID_BYTES = 1023
KEYS = (ES256, EdDSA, RS256)

_BACKUP = AuthenticatorData.FLAG.BE | AuthenticatorData.FLAG.BS
#: What the library's readers raise on bytes that are none of what they read.
_MALFORMED = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
    RecursionError,
    UnsupportedAlgorithm,
    struct.error,
)


class InvalidCredentialError(ValueError):
    """An answer is none, or proves nothing."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom a device signs: a domain, and the origins whose pages may ask for it.

    In an origin `*.` stands for any subdomain; ports do not count.
    """

    id: str
    origins: Collection[str]

    def accepts(self, origin: str) -> bool:
        """Tell whether a page of this origin may ask for passkeys of the domain."""
        parts = urlsplit(origin)
        scheme, host = parts.scheme, parts.hostname or ""
        return verify_rp_id(self.id, origin) and any(
            _matches(pattern, scheme, host) for pattern in self.origins
        )


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A key that a device has just made."""

    id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a device says, read but not believed yet."""

    credential_id: bytes
    client_data: CollectedClientData
    auth_data: AuthenticatorData

    @property
    def challenge(self) -> bytes:
        return self.client_data.challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion(_Answer):
    """A device's answer to a sign-in; `handle` is whom it names."""

    handle: bytes
    signature: bytes

    @classmethod
    def read(cls, credential: Mapping[str, Any]) -> Self:
        """Read the JSON of a credential.

        Raises:
            InvalidCredentialError: It is none.
        """
        try:
            sent = AuthenticationResponse.from_dict(credential)
            response = sent.response
            return cls(
                credential_id=bytes(sent.raw_id),
                handle=bytes(response.user_handle or b""),
                client_data=response.client_data,
                auth_data=response.authenticator_data,
                signature=response.signature,
            )
        except _MALFORMED as error:
            raise InvalidCredentialError("unreadable") from error

    def verify(self, party: RelyingParty, public_key: bytes) -> int:
        """Check that the owner of a key signed; return what their device counts.

        Raises:
            InvalidCredentialError: It proves nothing.
        """
        _check_client(self.client_data, CollectedClientData.TYPE.GET, party)
        _check_device(self.auth_data, party)
        try:
            key = CoseKey.parse(cast("Mapping[int, Any]", cbor.decode(public_key)))
            key.verify(self.auth_data + self.client_data.hash, self.signature)
        except (InvalidSignature, *_MALFORMED) as error:
            raise InvalidCredentialError("signature") from error
        return self.auth_data.counter


class Registration(_Answer):
    """A device's answer to the wish for a new key."""

    __slots__ = ()

    @classmethod
    def read(cls, credential: Mapping[str, Any]) -> Self:
        """Read the JSON of a credential.

        Raises:
            InvalidCredentialError: It is none.
        """
        try:
            sent = RegistrationResponse.from_dict(credential)
            response = sent.response
            return cls(
                credential_id=bytes(sent.raw_id),
                client_data=response.client_data,
                auth_data=response.attestation_object.auth_data,
            )
        except _MALFORMED as error:
            raise InvalidCredentialError("unreadable") from error

    def verify(self, party: RelyingParty) -> NewCredential:
        """Return the new key; who made the device is not asked (attestation `none`).

        Raises:
            InvalidCredentialError: It proves nothing.
        """
        _check_client(self.client_data, CollectedClientData.TYPE.CREATE, party)
        _check_device(self.auth_data, party)
        made = self.auth_data.credential_data
        if made is None or made.credential_id != self.credential_id:
            raise InvalidCredentialError("credential")
        if not 0 < len(made.credential_id) <= MAX_CREDENTIAL_ID_BYTES:
            raise InvalidCredentialError("credential")
        if not isinstance(made.public_key, KEYS) or not _is_usable(made.public_key):
            raise InvalidCredentialError("key")
        return NewCredential(
            id=bytes(made.credential_id),
            public_key=cbor.encode(made.public_key),
            sign_count=self.auth_data.counter,
        )


def user_handle(project_uid: str, user_uid: str) -> bytes:
    """Return what devices know a user by: one passkey of a domain for each user of each project."""
    return hashlib.sha256(f"{project_uid}\x00{user_uid}".encode()).digest()


def _matches(pattern: str, scheme: str, host: str) -> bool:
    wanted, _, name = pattern.partition("://")
    if scheme != wanted:
        return False
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def _check_client(client_data: CollectedClientData, kind: str, party: RelyingParty) -> None:
    """Check what the browser says of the page that asked (WebAuthn 7.1 and 7.2)."""
    try:
        is_accepted = party.accepts(client_data.origin)
    except _MALFORMED as error:
        raise InvalidCredentialError("origin") from error
    if client_data.type != kind or not is_accepted or client_data.cross_origin:
        raise InvalidCredentialError("origin")


def _check_device(auth_data: AuthenticatorData, party: RelyingParty) -> None:
    """Check what the device says of itself: it knows its user, by a PIN or their body."""
    rp_id_hash = hashlib.sha256(party.id.encode()).digest()
    is_known = auth_data.is_user_present() and auth_data.is_user_verified()
    # A key cannot be copied somewhere that must never leave its device.
    is_backed_up_alone = auth_data.flags & _BACKUP == AuthenticatorData.FLAG.BS
    if (
        not hmac.compare_digest(auth_data.rp_id_hash, rp_id_hash)
        or not is_known
        or is_backed_up_alone
    ):
        raise InvalidCredentialError("device")


def _is_usable(key: CoseKey) -> bool:
    try:
        key.verify(b"", b"")
    except InvalidSignature:
        return True
    except _MALFORMED:
        return False
    return False


def creation_options(
    party: RelyingParty,
    challenge: bytes,
    *,
    title: str,
    handle: bytes,
    name: str,
    display_name: str,
    known: Sequence[bytes],
    seconds: int,
) -> dict[str, Any]:
    """Return `PublicKeyCredentialCreationOptionsJSON`; `known` keys need no second one."""
    return {
        "rp": {"id": party.id, "name": title},
        "user": {"id": websafe_encode(handle), "name": name, "displayName": display_name},
        "challenge": websafe_encode(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": key.ALGORITHM} for key in KEYS],
        "timeout": seconds * 1000,
        "excludeCredentials": [
            {"type": "public-key", "id": websafe_encode(each)} for each in known
        ],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "extensions": {"credProps": True},
    }


def request_options(party: RelyingParty, challenge: bytes, *, seconds: int) -> dict[str, Any]:
    """Return `PublicKeyCredentialRequestOptionsJSON`: any passkey of the domain will do."""
    return {
        "challenge": websafe_encode(challenge),
        "timeout": seconds * 1000,
        "rpId": party.id,
        "allowCredentials": [],
        "userVerification": "required",
    }
