"""What `doctor` finds in documents."""

import pytest
from django.db import connection

from documents.diagnosis import find_collections, find_grants
from kernel.diagnosis import ProblemError

pytestmark = [pytest.mark.db, pytest.mark.django_db]

SCOPES = ["collections.write", "attributes.write", "documents.write"]
POSTS = "/databases/default/collections/posts"


@pytest.fixture
def key(project, client_for, make_key, jobs):
    """A key of a project with one document, which somebody may read."""
    client = client_for(project, key=make_key(project, SCOPES))
    body = {"collectionId": "posts", "name": "Posts", "documentSecurity": True, "permissions": []}
    assert client.post("/databases/default/collections", body).status == 201
    boolean = {"key": "done", "required": False}
    assert client.post(f"{POSTS}/attributes/boolean", boolean).status == 202
    jobs()
    body = {"documentId": "p1", "data": {"done": True}, "permissions": ['read("users")']}
    assert client.post(f"{POSTS}/documents", body).status == 201
    return client


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_healthy_installation_is_found_well(key):
    assert find_grants()
    assert find_collections()


def test_deleting_a_document_leaves_no_grant(key):
    assert key.delete(f"{POSTS}/documents/p1").status == 204
    assert find_grants()


def test_grants_on_nothing_are_found(key):
    run("UPDATE document_group_grant SET content_object_id = -1")
    with pytest.raises(ProblemError, match="1 grants"):
        find_grants()


def test_collections_without_a_table_are_found(key):
    run("UPDATE document_collection SET id = id + 1000000")
    with pytest.raises(ProblemError, match="1 collections have no table"):
        find_collections()


def test_tables_without_a_collection_are_found(key):
    run(
        "CREATE TABLE document_987654321 (LIKE document INCLUDING ALL EXCLUDING IDENTITY);"
        "ALTER TABLE document ATTACH PARTITION document_987654321 FOR VALUES IN (987654321)"
    )
    with pytest.raises(ProblemError, match="1 tables of documents"):
        find_collections()
