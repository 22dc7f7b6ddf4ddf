"""What the tests of imports and exports have in common: posts, which go in and out."""

import json
from typing import Any

import pytest

from kernel.caller import ProjectContext
from tests.client import ApiClient, browser
from tests.conftest import ClientFor
from tests.documents.blog import make_collection
from tests.documents.conftest import MakeKey

PLACE = "/databases/main/collections/posts"
ROWS_PLACE = "/tablesdb/main/tables/posts"
ANY = 'read("any")'


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    make_collection(project, document_security=True)
    return client_for(project, key=make_key(project, ["documents.read", "documents.write"]))


def send(key: ApiClient, text: str | bytes, path: str = PLACE, **query: Any) -> dict[str, Any]:
    reply = key.call(
        "POST", f"{path}/import", text.encode() if isinstance(text, str) else text, query=query
    )
    assert reply.status == 200, reply.json
    report: dict[str, Any] = reply.json
    assert report["total"] == report["created"] + report["existing"] + report["failed"]
    return report


def jsonl(*documents: Any) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in documents)


def fetch(key: ApiClient, path: str = PLACE, **query: Any) -> bytes:
    response = browser().get(f"/v1{path}/export", query, headers=dict(key.headers))
    assert response.status_code == 200
    return b"".join(response)
