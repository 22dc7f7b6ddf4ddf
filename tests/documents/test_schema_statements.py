"""How many statements the schema's endpoints take, the one for the caller included."""

import pytest

from documents.models import Collection
from tests.documents.schema import POSTS, add_attribute

pytestmark = pytest.mark.django_db

READS = [
    "/databases",
    "/databases/default",
    "/databases/default/collections",
    POSTS,
    f"{POSTS}/attributes",
    f"{POSTS}/attributes/title",
    f"{POSTS}/indexes",
    "/tablesdb/default/tables/posts",
]


@pytest.mark.parametrize("path", READS)
def test_read_takes_at_most_three_statements(admin, posts, jobs, statements, path):
    add_attribute(admin, "string", "title")
    admin.get(path)

    with statements() as seen:
        assert admin.get(path).status == 200

    assert len(seen) <= 3, seen


def test_list_of_collections_takes_no_statement_per_collection(admin, posts, statements):
    for number in range(5):
        body = {
            "collectionId": f"c{number}",
            "name": "C",
            "attributes": [{"key": "title", "type": "string", "size": 10}],
        }
        assert admin.post("/databases/default/collections", body).status == 201
    assert Collection.objects.count() == 6

    with statements() as seen:
        reply = admin.get("/databases/default/collections")

    assert reply.json["total"] == 6
    assert len(seen) <= 3, seen
