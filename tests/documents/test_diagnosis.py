"""What `doctor` says of documents."""

import pytest
from django.db import connection

from accounts.roles import role_group_ids
from documents import partitions
from documents.diagnosis import find_documents
from documents.grants import permission_id
from documents.models import Collection, DocumentGroupObjectPermission
from kernel.diagnosis import ProblemError

pytestmark = pytest.mark.django_db


@pytest.fixture
def letters(admin):
    body = {
        "collectionId": "posts",
        "name": "Posts",
        "attributes": [{"key": "likes", "type": "integer"}],
        "indexes": [{"key": "i", "type": "key", "attributes": ["likes"]}],
    }
    assert admin.post("/databases/default/collections", body).status == 201
    return Collection.objects.get(uid="posts")


def test_sound_collections_are_no_problem(letters):
    assert find_documents() == "1 collections, each with its table, indexes and grants"


def test_missing_table_is_found(letters):
    partitions.drop(letters.id)

    with pytest.raises(ProblemError, match="have no table"):
        find_documents()


def test_table_of_no_collection_is_found(letters):
    partitions.create(letters.id + 1000)

    with pytest.raises(ProblemError, match="belong to no collection"):
        find_documents()


def test_missing_index_is_found(letters):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {letters.indexes[0]['name']}")

    with pytest.raises(ProblemError, match="are not: delete"):
        find_documents()


def test_grant_on_nothing_is_found(letters, project):
    grant = DocumentGroupObjectPermission(
        collection_id=letters.id + 1000,
        content_object_id=7,
        permission_id=permission_id("read_document"),
        group_id=role_group_ids(project.id, ["any"])[0],
    )
    DocumentGroupObjectPermission.objects.bulk_create([grant])

    with pytest.raises(ProblemError, match="collections that are gone"):
        find_documents()
