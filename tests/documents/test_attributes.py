"""Attributes and columns: asked for, made available by a job, listed and refused."""

import pytest

from documents import services
from documents.vocabulary import COLLECTIONS
from kernel.models import Job
from tests.documents.schema import MODELS, NEEDED, TYPES, add_attribute, collection, status
from tests.reference import assert_model

pytestmark = pytest.mark.django_db

TABLE = "/tablesdb/default/tables/posts"


@pytest.mark.parametrize("type_", TYPES)
def test_new_attribute_is_processing_until_a_job_makes_it_available(
    admin, posts, jobs, events, type_
):
    made = add_attribute(admin, type_, "field")

    assert_model(f"Attribute{MODELS[type_]}", made)
    assert made["status"] == "processing"
    assert events.names() == ["databases.default.collections.posts.attributes.field.create"]

    jobs()

    ready = admin.get(f"{posts}/attributes/field").json
    assert_model(f"Attribute{MODELS[type_]}", ready)
    assert ready["status"] == "available"
    assert events.names()[1:] == ["databases.default.collections.posts.attributes.field.update"]
    assert events.payloads()[1] == ready


@pytest.mark.parametrize("type_", TYPES)
def test_new_column_has_the_shape_of_its_model(admin, posts, jobs, events, type_):
    body = {"key": "field", "required": False, **NEEDED.get(type_, {})}

    reply = admin.post(f"{TABLE}/columns/{type_}", body)
    jobs()

    assert reply.status == 202
    assert_model(f"Column{MODELS[type_]}", reply.json)
    assert_model("ColumnList", admin.get(f"{TABLE}/columns").json)
    assert events.names() == [
        "databases.default.tables.posts.columns.field.create",
        "databases.default.tables.posts.columns.field.update",
    ]


def test_making_an_attribute_twice_changes_nothing(admin, posts, jobs, events):
    add_attribute(admin, "string", "title")
    arguments = Job.objects.get(name="documents.build_attribute").arguments
    jobs()
    version = collection().version
    events.clear()

    services.build_attribute(
        collection_id=arguments["collection_id"], name=arguments["name"], names=COLLECTIONS
    )

    assert collection().version == version
    assert events.names() == []


def test_each_change_is_a_new_version(admin, posts, jobs):
    versions = [collection().version]
    add_attribute(admin, "string", "title")
    versions.append(collection().version)
    jobs()
    versions.append(collection().version)
    admin.delete(f"{posts}/attributes/title")
    versions.append(collection().version)
    jobs()
    versions.append(collection().version)

    assert versions == sorted(set(versions))


def test_attributes_are_listed_in_the_order_they_were_made(admin, posts):
    for key in ("b", "a", "c"):
        add_attribute(admin, "integer", key)

    reply = admin.get(f"{posts}/attributes")

    assert_model("AttributeList", reply.json)
    assert [each["key"] for each in reply.json["attributes"]] == ["b", "a", "c"]
    assert reply.json["total"] == 3
    assert admin.get(f"{posts}/attributes", {"total": False}).json["total"] == 0


@pytest.mark.parametrize(
    ("queries", "keys"),
    [
        (['{"method":"equal","attribute":"type","values":["string"]}'], ["title", "tags"]),
        (['{"method":"equal","attribute":"array","values":[true]}'], ["tags"]),
        (['{"method":"notEqual","attribute":"key","values":["likes"]}'], ["title", "tags"]),
        (['{"method":"greaterThan","attribute":"size","values":[20]}'], ["title"]),
        (['{"method":"isNull","attribute":"size"}'], ["likes"]),
        (['{"method":"startsWith","attribute":"key","values":["t"]}'], ["title", "tags"]),
        (['{"method":"orderDesc","attribute":"key"}'], ["title", "tags", "likes"]),
        (['{"method":"orderAsc","attribute":"size"}'], ["likes", "tags", "title"]),
        (
            ['{"method":"limit","values":[1]}', '{"method":"offset","values":[1]}'],
            ["likes"],
        ),
        (['{"method":"cursorAfter","values":["title"]}'], ["likes", "tags"]),
        (
            ['{"method":"cursorBefore","values":["tags"]}', '{"method":"limit","values":[1]}'],
            ["likes"],
        ),
        (
            [
                '{"method":"or","values":[{"method":"equal","attribute":"key","values":["tags"]},'
                '{"method":"contains","attribute":"key","values":["ke"]}]}'
            ],
            ["likes", "tags"],
        ),
    ],
)
def test_attribute_list_takes_queries(admin, posts, queries, keys):
    add_attribute(admin, "string", "title")
    add_attribute(admin, "integer", "likes")
    add_attribute(admin, "string", "tags", array=True, size=16)

    reply = admin.get(f"{posts}/attributes", {"queries": queries})

    assert [each["key"] for each in reply.json["attributes"]] == keys


@pytest.mark.parametrize(
    "query",
    [
        '{"method":"equal","attribute":"owner","values":["x"]}',
        '{"method":"equal","attribute":"size","values":["x"]}',
        '{"method":"lessThan","attribute":"key","values":[3]}',
        '{"method":"startsWith","attribute":"size","values":["x"]}',
        '{"method":"cursorAfter","values":["nothing"]}',
        '{"method":"select","values":["key"]}',
        '{"method":"equal","attribute":"$sequence","values":[1]}',
        "{",
    ],
)
def test_bad_query_of_an_attribute_list_is_refused(admin, posts, query):
    add_attribute(admin, "string", "title")

    assert admin.get(f"{posts}/attributes", {"queries": [query]}).status == 400


@pytest.mark.parametrize("key", TYPES)
def test_attribute_may_be_called_like_a_type(admin, posts, key):
    add_attribute(admin, "integer", key)

    assert admin.get(f"{posts}/attributes/{key}").json["key"] == key
    assert admin.delete(f"{posts}/attributes/{key}").status == 204


def test_taken_key_is_refused_in_the_words_of_the_caller(admin, posts):
    add_attribute(admin, "string", "title")
    body = {"key": "title", "required": False}

    assert admin.post(f"{posts}/attributes/integer", body).error == "attribute_already_exists"
    assert admin.post(f"{TABLE}/columns/integer", body).error == "column_already_exists"


def test_unknown_attribute_is_not_found(admin, posts):
    body = {"required": False, "default": None}
    for reply in (
        admin.get(f"{posts}/attributes/nothing"),
        admin.delete(f"{posts}/attributes/nothing"),
        admin.patch(f"{posts}/attributes/integer/nothing", body),
    ):
        assert (reply.status, reply.error) == (404, "attribute_not_found")
    assert admin.get(f"{TABLE}/columns/nothing").error == "column_not_found"


@pytest.mark.parametrize(
    ("type_", "more", "error"),
    [
        ("string", {"required": True, "default": "x"}, "attribute_default_unsupported"),
        ("string", {"array": True, "default": "x"}, "attribute_default_unsupported"),
        ("string", {"size": 3, "default": "long"}, "attribute_value_invalid"),
        ("string", {"size": 0}, "general_argument_invalid"),
        ("string", {"size": 1_073_741_825}, "general_argument_invalid"),
        ("string", {"default": 3}, "general_argument_invalid"),
        ("string", {"encrypt": True}, "general_bad_request"),
        ("varchar", {"size": 149, "encrypt": True}, "general_bad_request"),
        ("varchar", {"size": 16_382}, "general_argument_invalid"),
        ("text", {"encrypt": "perhaps"}, "general_argument_invalid"),
        ("url", {"default": "example"}, "general_argument_invalid"),
        ("ip", {"default": "1.2.3"}, "general_argument_invalid"),
        ("enum", {}, "general_argument_invalid"),
        ("enum", {"elements": []}, "attribute_value_invalid"),
        ("enum", {"elements": [""]}, "general_argument_invalid"),
        ("enum", {"elements": ["e" * 256]}, "general_argument_invalid"),
        ("enum", {"elements": [str(each) for each in range(101)]}, "general_argument_invalid"),
        ("enum", {"elements": ["a"], "default": "b"}, "attribute_value_invalid"),
        ("bigint", {"min": 5, "max": 4}, "attribute_value_invalid"),
        ("bigint", {"default": 2**63}, "general_argument_invalid"),
        ("integer", {"min": 5, "max": 4}, "attribute_value_invalid"),
        ("integer", {"min": 5, "default": 4}, "attribute_value_invalid"),
        ("integer", {"max": 2**63}, "general_argument_invalid"),
        ("integer", {"default": "x"}, "general_argument_invalid"),
        ("float", {"min": 1.5, "max": 0.5}, "attribute_value_invalid"),
        ("float", {"default": "NaN"}, "general_argument_invalid"),
        ("boolean", {"default": "perhaps"}, "general_argument_invalid"),
        ("datetime", {"default": "yesterday"}, "general_argument_invalid"),
        ("datetime", {"default": "0999-01-01"}, "general_argument_invalid"),
        ("email", {"default": "nobody"}, "general_argument_invalid"),
        ("point", {"default": [1]}, "general_argument_invalid"),
        ("point", {"default": [0, 91]}, "general_argument_invalid"),
        ("point", {"default": [1, 2], "required": True}, "attribute_default_unsupported"),
        ("line", {"default": [[1, 2]]}, "general_argument_invalid"),
        ("polygon", {"default": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "general_argument_invalid"),
        ("string", {"key": "$id"}, "general_argument_invalid"),
        ("string", {"key": "a'b"}, "general_argument_invalid"),
        ("string", {"key": "a%s"}, "general_argument_invalid"),
        ("string", {"key": "k" * 37}, "general_argument_invalid"),
        ("string", {"required": None}, "general_argument_invalid"),
        ("string", {"size": 20_000, "array": 7}, "general_argument_invalid"),
    ],
)
def test_malformed_attribute_is_refused(admin, posts, events, type_, more, error):
    body = {"key": "field", "required": False, "size": 100, **more}

    reply = admin.post(f"{posts}/attributes/{type_}", body)

    assert (reply.status, reply.error) == (400, error)
    assert admin.get(f"{posts}/attributes").json["total"] == 0
    assert events.names() == []


def test_minimum_above_maximum_is_said_in_known_words(admin, posts):
    reply = admin.post(
        f"{posts}/attributes/integer", {"key": "n", "required": False, "min": 2, "max": 1}
    )

    assert reply.json["message"] == "Minimum value must be lesser than maximum value"


def test_datetime_default_is_stored_as_utc(admin, posts):
    made = add_attribute(admin, "datetime", "at", default="2024-02-29T12:00:00+02:00")

    assert made["default"] == "2024-02-29T10:00:00.000+00:00"


def test_form_sends_booleans_and_numbers_as_text(admin, posts):
    body = {"key": "n", "required": "false", "min": "1", "array": "true"}

    reply = admin.post(f"{posts}/attributes/integer", body)

    assert (reply.json["min"], reply.json["array"]) == (1, True)


def test_attribute_of_another_project_is_not_found(admin, other_admin, posts, jobs):
    add_attribute(admin, "string", "title")
    jobs()

    assert other_admin.get(f"{posts}/attributes").error == "collection_not_found"
    assert other_admin.delete(f"{posts}/attributes/title").error == "collection_not_found"
    assert status(admin, "title") == "available"
