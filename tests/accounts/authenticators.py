"""A device that makes passkeys and signs with them, and the page that asks it to."""

import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cbor
from fido2.cose import ES256, RS256, EdDSA
from fido2.utils import websafe_decode, websafe_encode

from kernel.caller import ProjectContext
from projects.services import create_platform, operator
from tests.client import ApiClient, Reply

DOMAIN = "example.com"
PAGE = "https://app.example.com"
PRESENT, VERIFIED, BACKED_UP, HOLDS_KEY = 0x01, 0x04, 0x10, 0x40
CREATE, GET = "webauthn.create", "webauthn.get"


@dataclass
class Key:
    """A key pair of one user of one domain."""

    id: bytes
    handle: bytes
    pair: Any
    count: int = 0


@dataclass
class Authenticator:
    """A device. What it says can be bent: its flags, its page's origin, the domain it means."""

    algorithm: str = "ES256"
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    keys: list[Key] = field(default_factory=list)

    def create(self, options: dict[str, Any], *, origin: str = PAGE, **said: Any) -> dict[str, Any]:
        """Make a passkey as `navigator.credentials.create()` does; returns its JSON."""
        key = Key(os.urandom(16), websafe_decode(options["user"]["id"]), _pair(self.algorithm))
        self.keys.append(key)
        content = struct.pack(">16sH", bytes(16), len(key.id)) + key.id + cbor.encode(_cose(key))
        data = self._data(said.pop("rp_id", options["rp"]["id"]), key, HOLDS_KEY) + content
        attested = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = _client(CREATE, options["challenge"], origin, said)
        response = {"clientDataJSON": client, "attestationObject": attested}
        return _credential(key, response)

    def get(
        self, options: dict[str, Any], *, origin: str = PAGE, key: int = -1, **said: Any
    ) -> dict[str, Any]:
        """Sign with a passkey as `navigator.credentials.get()` does; returns the JSON."""
        held = self.keys[key]
        if self.counts:
            held.count += 1
        data = self._data(said.pop("rp_id", options["rpId"]), held, 0)
        client = _client(said.pop("type", GET), options["challenge"], origin, said)
        response = {
            "clientDataJSON": client,
            "authenticatorData": data,
            "signature": _signed(held, data + hashlib.sha256(client).digest()),
            "userHandle": held.handle,
        }
        return _credential(held, response)

    def _data(self, rp_id: str, key: Key, more: int) -> bytes:
        flags = self.flags | more
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, key.count)


def add_platform(
    project: ProjectContext, hostname: str = "app.example.com", kind: str = "web"
) -> None:
    """Register an app of a project: a page, or one for Apple's devices."""
    create_platform(
        caller=operator(),
        project_id=project.uid,
        platform_type=kind,
        name="App",
        hostname=hostname if kind == "web" else "",
        key="" if kind == "web" else hostname,
    )


def register(client: ApiClient, device: Authenticator, **body: Any) -> Reply:
    """Have a signed-in user add a passkey of a device."""
    asked = client.post("/account/passkeys", body, origin=PAGE)
    assert asked.status == 201, asked.json
    made = device.create(asked.json["publicKey"])
    return verify(client, asked.json["passkeyId"], made)


def verify(client: ApiClient, passkey_id: str, credential: Any) -> Reply:
    path = f"/account/passkeys/{passkey_id}/verification"
    return client.put(path, {"credential": credential}, origin=PAGE)


def ask(guest: ApiClient, origin: str = PAGE) -> dict[str, Any]:
    """Begin to sign in; returns the challenge."""
    asked = guest.post("/account/tokens/passkey", origin=origin)
    assert asked.status == 201, asked.json
    challenge: dict[str, Any] = asked.json
    return challenge


def answer(guest: ApiClient, challenge: dict[str, Any], credential: Any) -> Reply:
    body = {"challengeId": challenge["$id"], "credential": credential}
    return guest.put("/account/tokens/passkey", body, origin=PAGE)


def sign_in(guest: ApiClient, device: Authenticator, **said: Any) -> Reply:
    """Sign in by a device; returns the answer with the token, or the refusal."""
    challenge = ask(guest)
    return answer(guest, challenge, device.get(challenge["publicKey"], **said))


def _pair(algorithm: str) -> Any:
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.SECP384R1() if algorithm == "ES384" else ec.SECP256R1()
    return ec.generate_private_key(curve)


def _cose(key: Key) -> Any:
    public = key.pair.public_key()
    if isinstance(key.pair, ed25519.Ed25519PrivateKey):
        return EdDSA.from_cryptography_key(public)
    if isinstance(key.pair, rsa.RSAPrivateKey):
        return RS256.from_cryptography_key(public)
    if key.pair.curve.name == "secp384r1":
        numbers = public.public_numbers()
        x, y = (number.to_bytes(48, "big") for number in (numbers.x, numbers.y))
        return {1: 2, 3: -35, -1: 2, -2: x, -3: y}
    return ES256.from_cryptography_key(public)


def _signed(key: Key, message: bytes) -> bytes:
    signature: bytes
    if isinstance(key.pair, ed25519.Ed25519PrivateKey):
        signature = key.pair.sign(message)
    elif isinstance(key.pair, rsa.RSAPrivateKey):
        signature = key.pair.sign(message, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.pair.sign(message, ec.ECDSA(hashes.SHA256()))
    return signature


def _client(kind: str, challenge: str, origin: str, said: dict[str, Any]) -> bytes:
    content = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps(content | said).encode()


def _credential(key: Key, response: dict[str, bytes]) -> dict[str, Any]:
    return {
        "id": websafe_encode(key.id),
        "rawId": websafe_encode(key.id),
        "type": "public-key",
        "response": {name: websafe_encode(value) for name, value in response.items()},
        "clientExtensionResults": {},
    }
