"""Conversations over websockets, as fixtures."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kernel.caller import ProjectContext
from projects import services as projects
from projects.models import Project
from realtime import identities
from tests.conftest import ClientFor, Person, sign_up
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


@pytest.fixture
def owner(
    console_project: ProjectContext, project: ProjectContext, client_for: ClientFor
) -> Person:
    """A console user whose team owns the project."""
    person = sign_up(console_project, "owner")
    client_for(console_project, session=person.session).post(
        "/teams", {"teamId": "owners", "name": "Owners"}
    )
    Project.objects.filter(uid=project.uid).update(team_uid="owners")
    projects.drop_project()
    return person
