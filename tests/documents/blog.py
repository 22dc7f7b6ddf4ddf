"""What the tests of documents have in common: a collection of posts, and callers of every kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from documents.definitions import AttributeRequest, IndexRequest
from documents.models import Database
from documents.services import create_document
from documents.services.collections import create_collection
from documents.services.databases import create_database
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.scopes import CONSOLE_MEMBER_SCOPES, USER_SCOPES
from tests.client import ApiClient, Reply

DATABASE = "main"
DOCUMENTS = f"/databases/{DATABASE}/collections/posts/documents"
ROWS = f"/tablesdb/{DATABASE}/tables/posts/rows"
DATA_SCOPES = ("documents.read", "documents.write")


@dataclass(frozen=True)
class Words:
    """One of the two vocabularies, as paths, answers and events speak it."""

    path: str
    noun: str
    nouns: str
    collection_key: str
    collection_path: str

    def event(self, uid: str, action: str) -> str:
        collections = self.collection_key[1:-2] + "s"
        return f"databases.{DATABASE}.{collections}.posts.{self.nouns}.{uid}.{action}"


both_vocabularies = pytest.mark.parametrize(
    "words",
    [
        Words(DOCUMENTS, "document", "documents", "$collectionId", "/databases/main/collections"),
        Words(ROWS, "row", "rows", "$tableId", "/tablesdb/main/tables"),
    ],
    ids=["documents", "rows"],
)

TEXT = {"type": "string", "size": 255}
POST: Mapping[str, Mapping[str, Any]] = {
    "title": {**TEXT, "required": True},
    "content": {"type": "string", "size": 10_000},
    "likes": {"type": "integer", "min": 0, "max": 1_000_000},
    "rating": {"type": "float"},
    "pinned": {"type": "boolean", "default": False},
    "published": {"type": "datetime"},
    "contact": {"type": "email"},
    "tags": {**TEXT, "array": True},
    "scores": {"type": "integer", "array": True},
}


def make_collection(
    project: ProjectContext,
    uid: str = "posts",
    *,
    attributes: Mapping[str, Mapping[str, Any]] = POST,
    indexes: Iterable[IndexRequest] = (),
    permissions: Sequence[str] = (),
    document_security: bool = False,
) -> dict[str, Any]:
    """Make a collection of the database `main`, which is made as well where it is missing."""
    console = operator(project)
    if not Database.objects.in_project(project.id).filter(uid=DATABASE).exists():
        create_database(
            caller=console,
            names=COLLECTIONS,
            database_id=DATABASE,
            name="Main",
            enabled=True,
            description="",
        )
    return create_collection(
        caller=console,
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id=uid,
        name=uid.title(),
        permissions=list(permissions),
        document_security=document_security,
        enabled=True,
        description="",
        attributes=[
            AttributeRequest(key=key, **{"required": False, **fields})
            for key, fields in attributes.items()
        ],
        indexes=list(indexes),
    )


def put(project: ProjectContext, uid: str, *permissions: str, **data: Any) -> dict[str, Any]:
    """Write a post, whatever its collection lets users do."""
    return create_document(
        caller=operator(project),
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id="posts",
        document_id=uid,
        data={"title": uid, **data},
        permissions=list(permissions),
    )


def operator(project: ProjectContext) -> Caller:
    """Return a console member, whom no permission stops."""
    return Caller(project=project, kind=CallerKind.CONSOLE, scopes=CONSOLE_MEMBER_SCOPES)


def user(project: ProjectContext, uid: str, *roles: str) -> Caller:
    """Return a signed-in caller who holds some roles besides those of every user."""
    held = {"any", "users", "users/unverified", f"user:{uid}", f"user:{uid}/unverified", *roles}
    return Caller(
        project=project,
        kind=CallerKind.SESSION,
        user_uid=uid,
        roles=frozenset(held),
        scopes=USER_SCOPES,
    )


def guest(project: ProjectContext) -> Caller:
    return Caller(project=project)


def query(method: str, attribute: str = "", *values: Any) -> str:
    """Return a query as the SDKs write it."""
    parts: dict[str, Any] = {"method": method}
    if attribute:
        parts["attribute"] = attribute
    if values:
        parts["values"] = list(values)
    return orjson.dumps(parts).decode()


def listed(client: ApiClient, *queries: str, path: str = DOCUMENTS, **more: Any) -> Reply:
    return client.get(path, {"queries": list(queries), **more})


def ids(reply: Reply, nouns: str = "documents") -> list[str]:
    """Return the ids of a listing."""
    assert reply.status == 200, reply.json
    return [each["$id"] for each in reply.json[nouns]]
