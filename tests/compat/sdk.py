"""Clients of the newest official Python SDK, and what tests do with them again and again."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appwrite.client import Client
from appwrite.id import ID
from appwrite.services.account import Account
from appwrite.services.users import Users

from tests.compat.checked import CheckedClient
from tests.compat.live import PROJECT, Installation

PASSWORD = "a long enough password"
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Person:
    """A signed-up user and a client that acts as they do."""

    id: str
    email: str
    client: Client


def guest_client(server: Installation) -> Client:
    return CheckedClient().set_endpoint(server.endpoint).set_project(PROJECT)


def key_client(server: Installation) -> Client:
    return guest_client(server).set_key(server.key)


def new_email() -> str:
    return f"{ID.unique()}@example.com"


def new_phone() -> str:
    return f"+49151{secrets.randbelow(10**8):08}"


def sign_up(key: Client) -> Person:
    """Make a user and log them in, with an API key's client."""
    email = new_email()
    user = Users(key).create(ID.unique(), email=email, password=PASSWORD, name="Somebody")
    session = Account(key).create_email_password_session(email, PASSWORD)
    return Person(id=user.id, email=email, client=acting_as(key, session.secret))


def acting_as(client: Client, session: str) -> Client:
    """Return a client of the same project that acts with a session's secret."""
    fresh = CheckedClient().set_endpoint(client._endpoint).set_project(client.get_config("project"))
    return fresh.set_session(session)


def call(client: Client, method: str, path: str, **params: Any) -> Any:
    """Call what the SDK has no method for, the way its own methods do."""
    headers = {"X-Appwrite-Project": client.get_config("project"), "accept": "application/json"}
    if method != "get":
        headers["content-type"] = "application/json"
    return client.call(method, path, headers, params)


def create_jwt(client: Client) -> str:
    jwt: str = call(client, "post", "/account/jwts")["jwt"]
    return jwt


def status(part: Any) -> str:
    """Return how far a part of a collection is built; some models leave the word as it came."""
    return str(getattr(part.status, "value", part.status))


def wait_until(holds: Callable[[], bool], *, seconds: float = WAIT_SECONDS) -> None:
    """Wait for what the server does in the background.

    Raises: TimeoutError.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {seconds} seconds")
        time.sleep(POLL_SECONDS)


def secret_of(printed: str) -> str:
    """Return the secret of a key that a management command has printed."""
    secret: str = json.loads(printed)["secret"]
    return secret
