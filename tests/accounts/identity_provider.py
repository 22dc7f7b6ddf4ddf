"""An identity provider for tests: a real HTTP server that signs, checks PKCE, and can lie."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

CLIENT_ID, CLIENT_SECRET = "client-of-blog", "secret-of-blog"
TOKEN_SECONDS = 3600


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a private key; those of elliptic curves are made at once."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Person:
    """Somebody who has an account at the provider."""

    sub: str = "1001"
    email: str = "ada@example.com"
    is_verified: Any = True
    name: str = "Ada Lovelace"
    claims: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def profile(self) -> dict[str, Any]:
        return {
            "sub": self.sub,
            "email": self.email,
            "email_verified": self.is_verified,
            "name": self.name,
        }


@dataclass
class _Grant:
    person: Person
    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    scope: str
    is_used: bool = False


class IdentityProvider:
    """The provider's state: its keys, grants, clients, what was asked, and how it lies."""

    def __init__(self, base: str) -> None:
        self.base = self.issuer = base
        self.clients = {CLIENT_ID: CLIENT_SECRET}
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.signing_key = ""
        self.person = Person()
        self.grants: dict[str, _Grant] = {}
        self.people: dict[str, Person] = {}
        self.refresh_tokens: dict[str, Person] = {}
        self.requests: list[str] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.slow_seconds = 0.0
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.has_id_token = True
        self.rotate()

    def rotate(self, kid: str = "") -> str:
        """Sign with a new key from now on, and publish no other."""
        self.signing_key = kid or secrets.token_hex(4)
        self.keys = {self.signing_key: new_key()}
        return self.signing_key

    def count(self, path: str) -> int:
        return self.requests.count(path)

    def configuration(self) -> dict[str, str]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "userinfo_endpoint": f"{self.base}/userinfo",
            "jwks_uri": f"{self.base}/keys",
        }

    def key_set(self) -> dict[str, Any]:
        keys = []
        for kid, key in self.keys.items():
            public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
            keys.append({**public, "kid": kid, "use": "sig", "alg": "ES256"})
        return {"keys": keys}

    def id_token(self, person: Person, audience: Any, nonce: str = "", **headers: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "nonce": nonce,
            **person.profile(),
            **person.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        key = self.keys[self.signing_key]
        named = {"kid": self.signing_key, **headers}
        return jwt.encode(kept, key, algorithm="ES256", headers=named)

    def approve(self, url: str, person: Person | None = None) -> dict[str, str]:
        """Do what a browser does at the provider: agree, and return what it is sent back with."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.seen.append(("authorize", asked))
        assert asked["client_id"] in self.clients
        code = secrets.token_urlsafe(16)
        self.grants[code] = _Grant(
            person=person or self.person,
            client_id=asked["client_id"],
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge", ""),
            nonce=asked.get("nonce", ""),
            scope=asked.get("scope", ""),
        )
        return {"code": code, "state": asked["state"]}

    # What the server answers

    def respond(self, path: str, asked: dict[str, str], headers: Any) -> tuple[int, Any]:
        self.requests.append(path)
        self.seen.append((path, asked))
        if path in self.answers:
            return self.answers[path]
        if path.endswith("openid-configuration"):
            return 200, self.configuration()
        if path == "/keys":
            return 200, self.key_set()
        if path == "/authorize":
            sent = self.approve(with_query(path, **asked))
            return 302, with_query(asked["redirect_uri"], **sent).encode()
        if path.rstrip("/").endswith("/token"):
            return self._token(asked, headers)
        return self._profile(path, headers)

    def _token(self, asked: dict[str, str], headers: Any) -> tuple[int, Any]:
        if not self._is_client(asked, headers):
            return 401, {"error": "invalid_client"}
        if asked.get("grant_type") == "refresh_token":
            person = self.refresh_tokens.pop(asked.get("refresh_token", ""), None)
            if person is None:
                return 400, {"error": "invalid_grant"}
            return 200, self._issued(person)
        grant = self.grants.get(asked.get("code", ""))
        verifier = asked.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(sha256(verifier).digest()).rstrip(b"=").decode()
        if (
            grant is None
            or grant.is_used
            or grant.redirect_uri != asked.get("redirect_uri")
            or grant.challenge != challenge
        ):
            return 400, {"error": "invalid_grant"}
        grant.is_used = True
        answer = self._issued(grant.person)
        if self.has_id_token:
            answer["id_token"] = self.id_token(grant.person, grant.client_id, grant.nonce)
        return 200, answer

    def _is_client(self, asked: dict[str, str], headers: Any) -> bool:
        sent = headers.get("Authorization", "")
        if sent.startswith("Basic "):
            name, _, secret = base64.b64decode(sent[6:]).decode().partition(":")
        else:
            name, secret = asked.get("client_id", ""), asked.get("client_secret", "")
        return self.clients.get(name) in (secret, "*")

    def _issued(self, person: Person) -> dict[str, Any]:
        access, refresh = f"access-{secrets.token_hex(8)}", f"refresh-{secrets.token_hex(8)}"
        self.people[access] = self.refresh_tokens[refresh] = person
        return {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }

    def _profile(self, path: str, headers: Any) -> tuple[int, Any]:
        person = self.people.get(headers.get("Authorization", "").partition(" ")[2])
        if person is None:
            return 401, {"error": "invalid_token"}
        if path == "/user/emails":
            listed = {"email": person.email, "verified": person.is_verified, "primary": True}
            return 200, person.told.get("emails", [listed])
        return 200, {**person.profile(), **person.told}


class _Handler(BaseHTTPRequestHandler):
    provider: ClassVar[IdentityProvider]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _answer(self, form: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(form).items()}
        headers = dict(self.headers.items())
        if "access_token" in asked:
            headers["Authorization"] = f"Bearer {asked['access_token']}"
        time.sleep(self.provider.slow_seconds)
        status, body = self.provider.respond(urlsplit(self.path).path, asked, headers)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if status in range(300, 400):
            self.send_header("Location", content.decode())
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Run a provider on a port of this machine."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}")
    handler.provider = provider  # type: ignore[attr-defined]  # of this class alone
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def with_query(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"
