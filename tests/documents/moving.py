"""What the tests of collections that move share."""

from typing import Any

from documents.models import Collection
from tests.client import ApiClient
from tests.documents.blog import DOCUMENTS


def create(key: ApiClient, uid: str, path: str = DOCUMENTS, **data: Any) -> None:
    body = {"documentId": uid, "data": {"title": uid, **data}, "permissions": ['read("users")']}
    reply = key.post(path, body)
    assert reply.status == 201, reply.json


def posts() -> Collection:
    return Collection.objects.get(uid="posts")
