"""Conversations over websockets, as fixtures."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from kernel import notify
from tests.realtime.conversations import Conversation, announce_event, hold


@pytest.fixture(scope="session", autouse=True)
def _listener_ends(django_db_setup: None) -> Iterator[None]:
    """Let go of the database before it is dropped."""
    yield
    notify.stop()


@pytest.fixture
def talk(transactional_db: None) -> Callable[[Conversation], None]:
    return hold


@pytest.fixture
def announce() -> Callable[..., Coroutine[Any, Any, None]]:
    return announce_event
