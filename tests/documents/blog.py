"""What the tests of documents have in common: a collection of posts, and callers of every kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from documents.definitions import AttributeRequest, IndexRequest
from documents.models import Database
from documents.services.collections import create_collection
from documents.services.databases import create_database
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, CallerKind, ProjectContext
from kernel.scopes import USER_SCOPES
from tests.conftest import operator

DATABASE = "main"
DOCUMENTS = f"/databases/{DATABASE}/collections/posts/documents"
ROWS = f"/tablesdb/{DATABASE}/tables/posts/rows"

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
