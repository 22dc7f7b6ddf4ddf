"""What the tests of collections that move share."""

from collections.abc import Iterator
from typing import Any

import pytest

from documents.models import Collection
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import DOCUMENTS, make_collection
from tests.documents.conftest import MakeKey
from tests.documents.schema import SCHEMA_SCOPES, drop_partitions


@pytest.fixture
def key(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> Iterator[ApiClient]:
    make_collection(project, document_security=True)
    yield client_for(project, key=make_key(project, SCHEMA_SCOPES))
    drop_partitions()


def create(key: ApiClient, uid: str, path: str = DOCUMENTS, **data: Any) -> None:
    body = {"documentId": uid, "data": {"title": uid, **data}, "permissions": ['read("users")']}
    reply = key.post(path, body)
    assert reply.status == 201, reply.json


def posts() -> Collection:
    return Collection.objects.get(uid="posts")
