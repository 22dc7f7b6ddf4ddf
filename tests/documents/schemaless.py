"""What the tests of collections without a schema have in common."""

from typing import Any

import pytest

from documents.definitions import ANYTHING, AttributeRequest
from documents.services.collections import create_collection
from documents.services.databases import create_database
from documents.vocabulary import COLLECTIONS
from tests.documents.blog import (
    DATABASE,
    DOCUMENTS,
    ids,
    operator,
)

COLLECTION = f"/databases/{DATABASE}/collections/posts"


def make_schemaless(project, *, document_security=False, permissions=()):
    """Make `posts`, whose one attribute is a title, and which takes whatever else comes."""
    caller = operator(project)
    create_database(
        caller=caller,
        names=COLLECTIONS,
        database_id=DATABASE,
        name="Main",
        enabled=True,
        description="",
    )
    create_collection(
        caller=caller,
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id="posts",
        name="Posts",
        permissions=list(permissions),
        document_security=document_security,
        enabled=True,
        description="",
        attributes=[
            AttributeRequest(key="title", type="string", required=True, size=20),
            AttributeRequest(key="likes", type="integer", required=False, default=7),
            ANYTHING,
        ],
        indexes=[],
    )


@pytest.fixture
def players(admin, project):
    make_schemaless(project)
    return admin


def add(client, uid, **data):
    reply = client.post(DOCUMENTS, {"documentId": uid, "data": {"title": uid, **data}})
    assert reply.status == 201, reply.json
    return reply.json


def change(client, uid="a", **data):
    return client.patch(f"{DOCUMENTS}/{uid}", {"data": data})


def found(client, *queries):
    return ids(client.get(DOCUMENTS, {"queries": list(queries)}))


def own(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key[0] != "$"}


def declare(client, jobs, key, type_="integer", **more):
    body = {"key": key, "required": False, **more}
    reply = client.post(f"{COLLECTION}/attributes/{type_}", body)
    assert reply.status == 202, reply.json
    assert change(client, "a", **{key: 1}).json["type"] == "document_invalid_structure"
    jobs()
    return client.get(f"{COLLECTION}/attributes/{key}").json


def index(client, jobs, *attributes, type_="key", **more):
    body = {"key": "ix", "type": type_, "attributes": list(attributes), **more}
    reply = client.post(f"{COLLECTION}/indexes", body)
    jobs()
    return reply
