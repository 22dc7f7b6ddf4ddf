"""A smaller size is checked against the documents without holding anybody up."""

import pytest
from django.db import connection

from documents.models import Collection, Document
from tests.documents.schema import POSTS, add_attribute, drop_partitions

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
TITLE = f"{POSTS}/attributes/string/title"
SCAN = "char_length"


@pytest.fixture(autouse=True)
def _no_partitions_left(transactional_db):
    yield
    drop_partitions()


@pytest.fixture
def title(admin, posts, jobs):
    add_attribute(admin, "string", "title", size=100)
    jobs()
    add_document("first", "short")


def add_document(uid, text):
    collection = Collection.objects.get(uid="posts")
    Document.objects.create(collection=collection, uid=uid, data={"title": text})


def shrink(admin, size=10):
    return admin.patch(TITLE, {"required": False, "default": None, "size": size})


def test_documents_are_scanned_before_the_collection_is_locked(admin, title):
    scans = []

    def watch(execute, sql, params, many, context):
        text = sql if isinstance(sql, str) else sql.as_string()
        if SCAN in text:
            scans.append((connection.in_atomic_block, params[1]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert shrink(admin).status == 200

    newest = Document.objects.get(uid="first").id
    assert scans == [(False, 0), (True, newest)]


def test_document_that_comes_after_the_scan_is_seen(admin, title):
    scans: list[object] = []

    def write_after(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        text = sql if isinstance(sql, str) else sql.as_string()
        if SCAN in text and not scans:
            scans.append(text)
            add_document("second", "longer than ten characters")
        return result

    with connection.execute_wrapper(write_after):
        reply = shrink(admin)

    assert (reply.status, reply.error) == (400, "attribute_invalid_resize")
    assert admin.get(f"{POSTS}/attributes/title").json["size"] == 100


def test_growing_scans_nothing(admin, title):
    def refuse(execute, sql, params, many, context):
        assert SCAN not in (sql if isinstance(sql, str) else sql.as_string())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        assert shrink(admin, size=200).status == 200
