"""Conversations over websockets, as fixtures."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from realtime import identities
from tests.realtime.conversations import (
    TIMEOUT_SECONDS,
    Conversation,
    announce_event,
    hold,
)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a socket keep its roles however long a slow machine takes to look them up."""
    monkeypatch.setattr(identities, "IDENTITY_DEADLINE_SECONDS", TIMEOUT_SECONDS)


@pytest.fixture
def talk(transactional_db: None) -> Callable[[Conversation], None]:
    return hold


@pytest.fixture
def announce() -> Callable[..., Coroutine[Any, Any, None]]:
    return announce_event
