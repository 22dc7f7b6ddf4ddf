"""Two projects that hold one of everything each, made once for the tests of a file."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from documents.store.epochs import epoch_of
from kernel.caller import CONSOLE_PROJECT
from projects.models import Project
from tests.security.population import populate
from tests.security.world import World, undone


@pytest.fixture(scope="module")
def _worlds(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[World, World]]:
    with django_db_blocker.unblock(), undone():
        # Tests that flush the database take the console along.
        Project.objects.get_or_create(uid=CONSOLE_PROJECT, defaults={"name": "Console"})
        epoch_of()  # what begins one inside of a savepoint does not find it again
        with override_settings(ABUSE_LIMITS=False, CONSOLE_SIGNUP="open"):
            pair = populate("blog"), populate("shop")
        yield pair


@pytest.fixture
def world(_worlds: tuple[World, World]) -> Iterator[World]:
    """A project with everything in it; what a test does to it is undone."""
    with undone():
        yield _worlds[0]


@pytest.fixture
def other_world(_worlds: tuple[World, World], world: World) -> World:
    """Another such project."""
    return _worlds[1]
