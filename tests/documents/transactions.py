"""What the tests of transactions have in common: how they begin, stage and end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor
from tests.documents.blog import DATABASE, DOCUMENTS, make_collection
from tests.documents.conftest import MakeKey

TRANSACTIONS = "/databases/transactions"
SCOPES = ["documents.read", "documents.write", "rows.read", "rows.write"]
CREATE = ['create("users")']


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    """Make `posts`, to which users may add; returns a client that may do everything with it."""
    make_collection(project, permissions=CREATE, document_security=True)
    return client_for(project, key=make_key(project, SCOPES))


@dataclass(frozen=True)
class Staging:
    """A transaction of one client."""

    client: ApiClient
    id: str
    path: str = TRANSACTIONS

    @property
    def here(self) -> str:
        return f"{self.path}/{self.id}"

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Reply:
        return self.client.get(path, {**(query or {}), "transactionId": self.id})

    def post(self, path: str, **body: Any) -> Reply:
        return self.client.post(path, {**body, "transactionId": self.id})

    def put(self, path: str, **body: Any) -> Reply:
        return self.client.put(path, {**body, "transactionId": self.id})

    def patch(self, path: str, **body: Any) -> Reply:
        return self.client.patch(path, {**body, "transactionId": self.id})

    def delete(self, path: str, **body: Any) -> Reply:
        return self.client.delete(path, {**body, "transactionId": self.id})

    def stage(self, *operations: Mapping[str, Any]) -> Reply:
        return self.client.post(f"{self.here}/operations", {"operations": list(operations)})

    def commit(self) -> Reply:
        return self.client.patch(self.here, {"commit": True})

    def roll_back(self) -> Reply:
        return self.client.patch(self.here, {"rollback": True})

    @property
    def state(self) -> Any:
        return self.client.get(self.here).json


def begin(client: ApiClient, path: str = TRANSACTIONS, **body: Any) -> Staging:
    reply = client.post(path, body)
    assert reply.status == 201, reply.json
    return Staging(client, reply.json["$id"], path)


@pytest.fixture
def staging(key: ApiClient) -> Staging:
    return begin(key)


def put(client: ApiClient, uid: str, **data: Any) -> None:
    reply = client.post(DOCUMENTS, {"documentId": uid, "data": {"title": uid, **data}})
    assert reply.status == 201, reply.json


def operation(action: str, uid: Any = "", data: Any = None, *, is_row: bool = False) -> Any:
    """Return one of several operations that are staged together."""
    collection, document = ("tableId", "rowId") if is_row else ("collectionId", "documentId")
    parts = {"action": action, "databaseId": DATABASE, collection: "posts"}
    if uid:
        parts[document] = uid
    return parts if data is None else {**parts, "data": data}
