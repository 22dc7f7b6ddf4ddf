"""Indexes of trigrams: parts of texts are found by them where PostgreSQL has the extension."""

from typing import Any

import pytest
from django.db import connection

from documents import indexes
from documents.models import Collection
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.documents.blog import DATABASE, make_collection, operator, query
from tests.documents.test_document_indexes import fill, plan_of_listing

pytestmark = [pytest.mark.db, pytest.mark.django_db]

INDEXES = f"/databases/{DATABASE}/collections/posts/indexes"
BODY = {"key": "parts", "type": "trigram", "attributes": ["title", "contact"]}
PARTS = [
    query("contains", "title", "t1234"),
    query("contains", "title", "t1234", "t2345"),
    query("startsWith", "title", "t123"),
    query("endsWith", "title", "2345"),
    query("regex", "title", "^t12.4$"),
]


def test_parts_of_texts_are_found_by_an_index(
    admin: ApiClient, project: ProjectContext, jobs: Any
) -> None:
    number = fill(project)
    before = [titles(admin, asked) for asked in PARTS]
    if not indexes.knows_trigrams():
        reply = admin.post(INDEXES, BODY)
        assert (reply.status, reply.error) == (400, "index_invalid")
        assert "pg_trgm" in reply.json["message"]
        return

    reply = admin.post(INDEXES, BODY)
    assert (reply.status, reply.json["status"]) == (202, "processing")
    jobs()
    assert admin.get(f"{INDEXES}/parts").json["status"] == "available"
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE document_{number:d}")

    for asked, found in zip(PARTS, before, strict=True):
        assert titles(admin, asked) == found
        assert f"ix_{number}_" in plan_of_listing(operator(project), asked), asked
    assert admin.delete(f"{INDEXES}/parts").status == 204
    jobs()
    assert admin.get(f"{INDEXES}/parts").status == 404


def titles(admin: ApiClient, asked: str) -> list[str]:
    reply = admin.get(INDEXES.replace("indexes", "documents"), {"queries": [asked]})
    assert reply.json["total"] > 0
    return [each["title"] for each in reply.json["documents"]]


def test_an_index_whose_extension_went_missing_fails_with_the_reason(
    admin: ApiClient, project: ProjectContext, jobs: Any
) -> None:
    make_collection(project)
    assert admin.post(INDEXES, {**BODY, "type": "key", "attributes": ["title"]}).status == 202
    collection = Collection.objects.get(uid="posts")
    (entry,) = collection.indexes
    Collection.objects.update(indexes=[entry | {"type": "trigram"}])

    jobs()

    built = admin.get(f"{INDEXES}/parts").json
    if indexes.knows_trigrams():
        assert (built["status"], built["error"]) == ("available", "")
    else:
        assert (built["status"], built["error"]) == ("failed", indexes.NO_TRIGRAMS)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"attributes": ["likes"]}, "cannot be part of a trigram index, must be of type string"),
        ({"attributes": ["$id"]}, "cannot be part of a trigram index, must be of type string"),
        ({"attributes": ["tags"]}, "array attributes"),
        ({"attributes": ["title"], "lengths": [3]}, "A trigram index takes no lengths"),
    ],
)
def test_what_has_no_parts_is_refused(
    admin: ApiClient, project: ProjectContext, more: dict[str, Any], message: str
) -> None:
    make_collection(project)

    reply = admin.post(INDEXES, BODY | more)

    assert (reply.status, reply.error) == (400, "index_invalid")
    assert message in reply.json["message"]
