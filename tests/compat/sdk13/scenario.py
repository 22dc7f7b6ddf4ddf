"""How a scenario is told where the server is, and how it tells what it was answered.

Scenarios run in a process of their own, where `appwrite` is the SDK 13.4.1: its answers are dicts.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from appwrite.client import Client
from appwrite.exception import AppwriteException

PASSWORD = "a long enough password"


def client() -> Client:
    """Return a client without credentials."""
    settings = os.environ
    fresh = Client()
    fresh.set_endpoint(settings["APPWRITE_ENDPOINT"])
    fresh.set_project(settings["APPWRITE_PROJECT"])
    return fresh


def key_client() -> Client:
    return client().set_key(os.environ["APPWRITE_KEY"])


def refusal(call: Callable[[], object]) -> list[object]:
    """Return the code and type with which a call is refused."""
    try:
        call()
    except AppwriteException as error:
        return [error.code, error.type]
    return []


def tell(**answers: Any) -> None:
    """Print what the scenario was answered, for the test that runs it.

    An answer without a body is empty bytes in this SDK.
    """
    json.dump(answers, sys.stdout, default=bytes.decode)
