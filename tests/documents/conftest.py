"""Fixtures of the tests of documents."""

from collections.abc import Callable, Sequence

import pytest

from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.schema import SCHEMA_SCOPES

MakeKey = Callable[[ProjectContext, Sequence[str]], str]


@pytest.fixture
def admin(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    """Return a client with a key that may do everything with databases."""
    return client_for(project, key=make_key(project, SCHEMA_SCOPES))


@pytest.fixture
def other_admin(
    other_project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> ApiClient:
    """Return such a client of another project."""
    return client_for(other_project, key=make_key(other_project, SCHEMA_SCOPES))


@pytest.fixture
def posts(admin: ApiClient) -> str:
    """Make the collection `posts` of the database `default`; returns its path."""
    body = {"collectionId": "posts", "name": "Posts"}
    reply = admin.post("/databases/default/collections", body)
    assert reply.status == 201, reply.json
    return "/databases/default/collections/posts"
