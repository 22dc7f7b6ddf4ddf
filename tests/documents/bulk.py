"""What the tests of writes of many documents have in common."""

from typing import Any

import orjson
import pytest

from documents.definitions import IndexRequest
from documents.models import Document, DocumentGroupObjectPermission
from tests.documents.blog import make_collection

POST: dict[str, dict[str, Any]] = {
    "title": {"type": "string", "size": 20, "required": True},
    "likes": {"type": "integer", "default": 1, "max": 100},
    "slug": {"type": "string", "size": 20},
    "tags": {"type": "string", "size": 20, "array": True},
}


@pytest.fixture
def key(admin, project):
    unique = IndexRequest(key="once", type="unique", attributes=["slug"], orders=[], lengths=[])
    make_collection(project, attributes=POST, indexes=[unique], document_security=True)
    return admin


def rows(*uids, **more):
    return [{"$id": uid, "title": uid.upper(), **more} for uid in uids]


def stored():
    return {each.uid: each.data for each in Document.objects.order_by("id")}


def grants():
    return DocumentGroupObjectPermission.objects.count()


def increment(by):
    return orjson.dumps({"method": "increment", "values": [by]}).decode()
