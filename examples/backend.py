"""Where the backend is, and what both examples need of it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.services.account import Account

EMAIL = "alice@example.com"
PASSWORD = "SuperSecret123"  # noqa: S105 - the article's, for a user made by the examples


def new_client() -> Client:
    """Return a client that knows the backend and carries no credentials: a guest."""
    client = Client()
    client.set_endpoint(_setting("APPWRITE_ENDPOINT"))
    client.set_project(_setting("APPWRITE_PROJECT"))
    return client


def server_client() -> Client:
    """Return a client with the API key, for code that runs on your own server only."""
    return new_client().set_key(_setting("APPWRITE_KEY"))


def sign_up(server: Client) -> None:
    with kept_if_it_exists("The user"):
        user = Account(server).create(
            user_id=ID.unique(), email=EMAIL, password=PASSWORD, name="Alice"
        )
        print("User created:", user.id)


@contextmanager
def kept_if_it_exists(name: str) -> Iterator[None]:
    """Let a second run of an example use what the first run has made."""
    try:
        yield
    except AppwriteException as error:
        if error.code != 409:
            raise
        print(name, "exists already")


def run(main: Callable[[], None]) -> None:
    """Run an example; what goes wrong with the backend is one line, not a traceback."""
    try:
        main()
    except AppwriteException as error:
        sys.exit(f"{error.message} ({error.type or error.code or 'no answer'})")


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: `python3 manage.py up` prints its value on the first start")
    return value
