"""Indexes: checked when asked for, built beside the traffic, failed with a reason, dropped."""

import pytest
from django.db import connection
from psycopg import sql as psql

from documents import attributes, partitions, services
from documents.models import Collection, Document
from documents.vocabulary import COLLECTIONS
from kernel.models import Job
from tests.documents.schema import add_attribute, index_names
from tests.reference import assert_model

pytestmark = pytest.mark.django_db

TABLE = "/tablesdb/default/tables/posts"
EVENT = "databases.default.collections.posts.indexes"


@pytest.fixture
def letters(admin):
    """Make a collection with a title, a number of likes, tags and a long body."""
    body = {
        "collectionId": "posts",
        "name": "Posts",
        "attributes": [
            {"key": "title", "type": "string", "size": 100},
            {"key": "likes", "type": "integer"},
            {"key": "tags", "type": "string", "size": 100, "array": True},
            {"key": "body", "type": "string", "size": 5000},
            {"key": "place", "type": "point"},
        ],
    }
    assert admin.post("/databases/default/collections", body).status == 201
    return "/databases/default/collections/posts"


def collection():
    return Collection.objects.get(uid="posts", deleted_at=None)


def ask(admin, key="by_title", type_="key", **more):
    body = {"key": key, "type": type_, "attributes": ["title"], **more}
    return admin.post("/databases/default/collections/posts/indexes", body)


def build_arguments():
    return Job.objects.filter(name="documents.build_index").latest("id").arguments


def build_again():
    arguments = build_arguments()
    services.build_index(
        collection_id=arguments["collection_id"], name=arguments["name"], names=COLLECTIONS
    )


def definition(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [name])
        return cursor.fetchone()[0]


def test_new_index_is_processing_until_a_job_has_built_it(admin, letters, jobs, events):
    reply = ask(admin, orders=["DESC"])

    assert reply.status == 202
    assert_model("Index", reply.json)
    assert reply.json["status"] == "processing"
    assert index_names(collection().id) == []
    jobs()
    ready = admin.get(f"{letters}/indexes/by_title").json
    assert_model("Index", ready)
    assert ready["status"] == "available"
    assert ready["orders"] == ["DESC"]
    assert len(index_names(collection().id)) == 1
    assert events.names() == [f"{EVENT}.by_title.create", f"{EVENT}.by_title.update"]
    assert events.payloads() == [reply.json, ready]


def test_index_of_a_table_speaks_of_columns(admin, letters, jobs, events):
    body = {"key": "i", "type": "unique", "columns": ["title"]}

    reply = admin.post(f"{TABLE}/indexes", body)
    jobs()

    assert reply.status == 202
    assert_model("ColumnIndex", reply.json)
    assert_model("ColumnIndexList", admin.get(f"{TABLE}/indexes").json)
    assert_model("IndexList", admin.get(f"{letters}/indexes").json)
    assert events.names()[0] == "databases.default.tables.posts.indexes.i.create"


def test_system_attributes_can_be_indexed(admin, letters, jobs):
    ask(admin, attributes=["$createdAt", "$id", "$updatedAt"], orders=["desc"])
    jobs()

    (name,) = index_names(collection().id)
    assert "(created_at DESC, uid, updated_at)" in definition(name)


def test_text_is_indexed_by_code_points_and_lengths_shorten_it(admin, letters, jobs):
    ask(admin, attributes=["body", "likes"], lengths=[100])
    jobs()

    (name,) = index_names(collection().id)
    assert '"left"(((data ->> \'body\'::text) COLLATE "C"), 100)' in definition(name)
    assert "(((data ->> 'likes'::text))::bigint) NULLS FIRST" in definition(name)


@pytest.mark.parametrize(
    ("attribute", "test"), [("likes", "= 3::bigint"), ("title", "= 'x'"), ("title", "LIKE 'x%'")]
)
def test_filters_and_orders_use_the_index(admin, letters, jobs, attribute, test):
    ask(admin, attributes=[attribute])
    jobs()

    text = plan(
        "SELECT id FROM {partition} d WHERE {value} {test} ORDER BY {value} ASC NULLS FIRST",
        attribute,
        test,
    )

    assert f"using {index_names(collection().id)[0]}" in text
    assert "Index Cond" in text
    assert "Sort" not in text


def plan(statement, attribute, test):
    """Return the plan of a statement on many documents."""
    loaded = {each["key"]: attributes.load(each) for each in collection().attributes}
    explained = psql.SQL("EXPLAIN " + statement).format(
        partition=partitions.identifier(collection().id),
        value=attributes.expression(loaded[attribute]),
        test=psql.SQL(test),
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(explained)
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"attributes": ["nothing"]}, "attribute_unknown", "nothing"),
        ({"attributes": ["tags"]}, "index_invalid", "Creating indexes on array attributes"),
        ({"attributes": []}, "index_invalid", "attributes"),
        ({"attributes": ["title", "title"]}, "index_invalid", "Duplicate"),
        ({"attributes": ["body"]}, "index_invalid", "Index length is longer than the maximum:"),
        ({"attributes": ["$sequence"]}, "attribute_unknown", "$sequence"),
        ({"orders": ["asc", "asc"]}, "index_invalid", "order"),
        ({"lengths": [101]}, "index_invalid", "length"),
        ({"lengths": [-1]}, "index_invalid", "length"),
        ({"attributes": ["likes"], "lengths": [1]}, "index_invalid", "length"),
        ({"type_": "fulltext", "attributes": ["likes"]}, "index_invalid", "must be of type string"),
        ({"type_": "fulltext", "attributes": ["$id"]}, "index_invalid", "must be of type string"),
        ({"type_": "fulltext", "attributes": ["tags"]}, "index_invalid", "array attributes"),
        ({"type_": "fulltext", "attributes": ["nothing"]}, "attribute_unknown", "nothing"),
        ({"type_": "fulltext", "lengths": [5]}, "index_invalid", "lengths"),
        ({"type_": "spatial"}, "index_invalid", "must be of type point, line or polygon"),
        ({"type_": "spatial", "attributes": ["$id"]}, "index_invalid", "must be of type point"),
        ({"type_": "spatial", "attributes": ["place", "title"]}, "index_invalid", "one attribute"),
        (
            {"type_": "spatial", "attributes": ["place"], "orders": ["asc"]},
            "index_invalid",
            "no ord",
        ),
        ({"type_": "key", "attributes": ["place"]}, "index_invalid", "part of a spatial index"),
        ({"type_": "hash"}, "general_argument_invalid", "type"),
        ({"orders": ["sideways"]}, "general_argument_invalid", "orders"),
        ({"orders": "asc"}, "general_argument_invalid", "orders"),
        ({"attributes": "title"}, "general_argument_invalid", "attributes"),
        ({"attributes": [3]}, "general_argument_invalid", "attributes"),
        ({"lengths": ["x"]}, "general_argument_invalid", "lengths"),
        ({"key": "$i"}, "general_argument_invalid", "key"),
    ],
)
def test_malformed_index_is_refused(admin, letters, events, asked, error, message):
    reply = ask(admin, **asked)

    assert (reply.status, reply.error) == (400, error)
    assert message in reply.json["message"]
    assert admin.get(f"{letters}/indexes").json["total"] == 0
    assert events.names() == []


def test_refusals_of_tables_speak_of_columns(admin, letters):
    def refusal(columns):
        body = {"key": "i", "type": "key", "columns": columns}
        return admin.post(f"{TABLE}/indexes", body).error

    assert refusal(["nothing"]) == "column_unknown"
    assert refusal(["tags"]) == "column_index_invalid"
    assert admin.get(f"{TABLE}/indexes/i").error == "column_index_not_found"


def test_attribute_that_is_not_available_cannot_be_indexed(admin, posts):
    add_attribute(admin, "string", "title")

    assert ask(admin).error == "attribute_not_available"


def test_taken_key_is_refused(admin, letters):
    ask(admin)

    reply = ask(admin, attributes=["likes"])

    assert (reply.status, reply.error) == (409, "index_already_exists")


def test_a_collection_has_at_most_64_indexes(admin, letters, monkeypatch):
    monkeypatch.setattr("documents.indexes.MAX_INDEXES", 2)
    ask(admin, key="a")
    ask(admin, key="b")

    reply = ask(admin, key="c")

    assert (reply.status, reply.error) == (400, "index_limit_exceeded")


def test_unknown_index_is_not_found(admin, letters):
    assert admin.get(f"{letters}/indexes/nothing").error == "index_not_found"
    assert admin.delete(f"{letters}/indexes/nothing").error == "index_not_found"


def test_indexes_are_listed_and_filtered(admin, letters):
    ask(admin, key="a")
    ask(admin, key="b", type_="unique", attributes=["likes"])

    def listed(query):
        reply = admin.get(f"{letters}/indexes", {"queries": [query]})
        return [each["key"] for each in reply.json["indexes"]]

    assert listed('{"method":"equal","attribute":"type","values":["unique"]}') == ["b"]
    assert listed('{"method":"contains","attribute":"attributes","values":["title"]}') == ["a"]
    assert listed('{"method":"orderDesc","attribute":"key"}') == ["b", "a"]


# Building


def test_duplicates_make_a_unique_index_fail_with_a_reason(admin, letters, jobs, events):
    for uid in ("one", "two"):
        Document.objects.create(collection=collection(), uid=uid, data={"title": "same"})
    ask(admin, type_="unique")

    jobs()

    failed = admin.get(f"{letters}/indexes/by_title").json
    assert failed["status"] == "failed"
    assert failed["error"] == "Two documents have the same value."
    assert index_names(collection().id) == []
    assert events.names()[-1] == f"{EVENT}.by_title.update"


def test_missing_values_are_no_duplicates(admin, letters, jobs):
    for uid in ("one", "two"):
        Document.objects.create(collection=collection(), uid=uid, data={})
    ask(admin, type_="unique")

    jobs()

    assert admin.get(f"{letters}/indexes/by_title").json["status"] == "available"


def test_building_twice_changes_nothing(admin, letters, jobs, events):
    ask(admin)
    jobs()
    version = collection().version
    events.clear()

    build_again()

    assert collection().version == version
    assert events.names() == []
    assert len(index_names(collection().id)) == 1


def test_index_deleted_before_it_was_built_ends_deleted(admin, letters, jobs):
    ask(admin)
    admin.delete(f"{letters}/indexes/by_title")

    jobs()

    assert admin.get(f"{letters}/indexes").json["total"] == 0
    assert index_names(collection().id) == []


def test_deleted_index_is_dropped_by_a_job(admin, letters, jobs, events):
    ask(admin)
    jobs()
    events.clear()

    reply = admin.delete(f"{letters}/indexes/by_title")

    assert reply.status == 204
    assert admin.get(f"{letters}/indexes/by_title").json["status"] == "deleting"
    jobs()
    assert admin.get(f"{letters}/indexes/by_title").status == 404
    assert index_names(collection().id) == []
    assert events.names() == [f"{EVENT}.by_title.update", f"{EVENT}.by_title.delete"]


def test_index_of_another_project_is_not_found(admin, other_admin, letters, jobs):
    ask(admin)
    jobs()

    assert other_admin.get(f"{letters}/indexes/by_title").error == "collection_not_found"
    assert other_admin.delete(f"{letters}/indexes/by_title").error == "collection_not_found"
    assert admin.get(f"{letters}/indexes/by_title").json["status"] == "available"
