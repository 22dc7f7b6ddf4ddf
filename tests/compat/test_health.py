"""Paths that monitoring and SDKs ask first, for which the newest Python SDK has no methods."""

import pytest
from appwrite.client import Client

from tests.compat import sdk


@pytest.mark.parametrize("path", ["/health", "/health/db", "/health/cache", "/health/pubsub"])
def test_part_is_well(key: Client, path: str):
    answer = sdk.call(key, "get", path)

    parts = answer.get("statuses", [answer])
    assert [part["status"] for part in parts] == ["pass"] * len(parts)
    assert answer.get("total", 1) == len(parts)


def test_clock_is_told(key: Client):
    answer = sdk.call(key, "get", "/health/time")

    assert abs(answer["remoteTime"] - answer["localTime"]) == abs(answer["diff"])


def test_version_needs_no_credentials(guest: Client):
    assert sdk.call(guest, "get", "/health/version")["version"]


def test_ping_answers_pong(guest: Client):
    answer = sdk.call(guest, "get", "/ping")

    assert answer.decode() == "Pong!"
