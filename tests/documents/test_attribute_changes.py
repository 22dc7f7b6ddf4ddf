"""Attributes once they are there: changed, renamed, deleted and stripped by jobs."""

import pytest

from documents import services
from documents.models import Document
from documents.vocabulary import COLLECTIONS
from tests.documents.schema import (
    MODELS,
    NEEDED,
    TYPES,
    add_attribute,
    collection,
    index_names,
    status,
)
from tests.reference import assert_model

pytestmark = pytest.mark.django_db


# Changes


def test_update_changes_limits_and_default(admin, posts, jobs, events):
    add_attribute(admin, "integer", "likes", min=0, max=10)
    jobs()
    events.clear()

    reply = admin.patch(
        f"{posts}/attributes/integer/likes", {"required": False, "default": 20, "max": 30}
    )

    assert reply.status == 200
    assert_model("AttributeInteger", reply.json)
    assert (reply.json["min"], reply.json["max"], reply.json["default"]) == (0, 30, 20)
    assert events.names() == ["databases.default.collections.posts.attributes.likes.update"]


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_can_be_updated(admin, posts, jobs, type_):
    add_attribute(admin, type_, "field")
    jobs()

    body = {"required": True, "default": None, **NEEDED.get(type_, {})}
    reply = admin.patch(f"{posts}/attributes/{type_}/field", body)

    assert reply.status == 200
    assert_model(f"Attribute{MODELS[type_]}", reply.json)
    assert reply.json["required"] is True


@pytest.mark.parametrize(
    ("type_", "body", "error"),
    [
        ("string", {"required": False}, "general_argument_invalid"),
        ("string", {"default": None}, "general_argument_invalid"),
        ("string", {"required": True, "default": "x"}, "attribute_default_unsupported"),
        ("integer", {"required": False, "default": None}, "attribute_type_invalid"),
        (
            "string",
            {"required": False, "default": None, "newKey": "other"},
            "attribute_already_exists",
        ),
        (
            "string",
            {"required": False, "default": None, "newKey": "$id"},
            "general_argument_invalid",
        ),
    ],
)
def test_bad_update_is_refused(admin, posts, jobs, events, type_, body, error):
    add_attribute(admin, "string", "title")
    add_attribute(admin, "string", "other")
    jobs()
    before = admin.get(f"{posts}/attributes").json
    events.clear()

    reply = admin.patch(f"{posts}/attributes/{type_}/title", body)

    assert (reply.status // 100, reply.error) == (4, error)
    assert admin.get(f"{posts}/attributes").json == before
    assert events.names() == []


def test_attribute_that_is_not_available_cannot_change(admin, posts):
    add_attribute(admin, "string", "title")

    reply = admin.patch(f"{posts}/attributes/string/title", {"required": False, "default": None})

    assert (reply.status, reply.error) == (400, "attribute_not_available")


def test_string_cannot_shrink_below_its_data(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    add_attribute(admin, "string", "tags", array=True)
    jobs()
    Document.objects.create(
        collection=collection(), uid="one", data={"title": "seventeen letters", "tags": ["four"]}
    )
    Document.objects.create(collection=collection(), uid="two", data={"tags": None})

    def resize(key, size):
        body = {"required": False, "default": None, "size": size}
        return admin.patch(f"{posts}/attributes/string/{key}", body)

    assert resize("title", 16).error == "attribute_invalid_resize"
    assert resize("tags", 3).error == "attribute_invalid_resize"
    assert resize("title", 17).json["size"] == 17
    assert resize("tags", 4).json["size"] == 4


def test_rename_keeps_the_values_and_the_indexes(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    jobs()
    document = Document.objects.create(collection=collection(), uid="one", data={"title": "Hello"})
    admin.post(f"{posts}/indexes", {"key": "i", "type": "key", "attributes": ["title"]})
    jobs()

    reply = admin.patch(
        f"{posts}/attributes/string/title",
        {"required": False, "default": None, "newKey": "headline"},
    )

    assert reply.json["key"] == "headline"
    assert admin.get(f"{posts}/attributes/title").status == 404
    assert admin.get(f"{posts}/indexes/i").json["attributes"] == ["headline"]
    assert admin.get(f"{posts}/documents/one").json["headline"] == "Hello"
    document.refresh_from_db()
    assert document.data == {"title": "Hello"}


def test_new_attribute_never_shows_values_of_one_that_had_its_key(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    jobs()
    Document.objects.create(collection=collection(), uid="one", data={"title": "Hello"})
    admin.patch(
        f"{posts}/attributes/string/title",
        {"required": False, "default": None, "newKey": "headline"},
    )
    add_attribute(admin, "string", "title")
    jobs()

    shown = admin.get(f"{posts}/documents/one").json
    assert (shown["headline"], shown["title"]) == ("Hello", None)


# Deletion


def test_deleted_attribute_is_hidden_at_once_and_stripped_by_a_job(admin, posts, jobs, events):
    add_attribute(admin, "string", "title")
    add_attribute(admin, "integer", "likes")
    jobs()
    for number in range(3):
        Document.objects.create(
            collection=collection(), uid=f"d{number}", data={"title": "x", "likes": number}
        )
    events.clear()

    reply = admin.delete(f"{posts}/attributes/title")

    assert reply.status == 204
    assert status(admin, "title") == "deleting"
    assert "title" not in admin.get(f"{posts}/documents/d0").json

    jobs()

    assert admin.get(f"{posts}/attributes/title").status == 404
    documents = Document.objects.filter(collection=collection()).order_by("id")
    assert [each.data for each in documents] == [{"likes": 0}, {"likes": 1}, {"likes": 2}]
    assert events.names() == [
        "databases.default.collections.posts.attributes.title.update",
        "databases.default.collections.posts.attributes.title.delete",
    ]


def test_key_is_free_once_the_attribute_is_stripped(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    jobs()
    admin.delete(f"{posts}/attributes/title")
    body = {"key": "title", "required": False}
    assert admin.post(f"{posts}/attributes/integer", body).error == "attribute_already_exists"

    jobs()

    assert admin.post(f"{posts}/attributes/integer", body).status == 202


def test_attribute_deleted_before_it_was_made_ends_deleted(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    admin.delete(f"{posts}/attributes/title")

    jobs()

    assert admin.get(f"{posts}/attributes").json["total"] == 0


def test_stripping_works_in_batches_and_may_be_repeated(admin, posts, jobs, monkeypatch):
    monkeypatch.setattr("documents.services.attribute_jobs.STRIP_BATCH", 2)
    add_attribute(admin, "string", "title")
    jobs()
    for number in range(5):
        Document.objects.create(collection=collection(), uid=f"d{number}", data={"title": "x"})
    admin.delete(f"{posts}/attributes/title")

    for _ in range(2):
        services.sweep_attribute(collection_id=collection().id, name="title", names=COLLECTIONS)

    assert not Document.objects.exclude(data={}).exists()


def test_deleting_an_attribute_takes_its_indexes_along(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    add_attribute(admin, "integer", "likes")
    jobs()
    for key, attributes in (("both", ["title", "likes"]), ("title", ["title"])):
        body = {"key": key, "type": "key", "attributes": attributes, "orders": ["asc"]}
        assert admin.post(f"{posts}/indexes", body).status == 202
    jobs()

    admin.delete(f"{posts}/attributes/title")
    jobs()

    left = admin.get(f"{posts}/indexes").json["indexes"]
    assert [(each["key"], each["attributes"], each["status"]) for each in left] == [
        ("both", ["likes"], "available")
    ]
    assert len(index_names(collection().id)) == 1
