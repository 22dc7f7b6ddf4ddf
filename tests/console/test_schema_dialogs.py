"""Attributes and indexes by the dialogs of a collection's page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from documents.models import Collection
from tests.console.editing import Schema, signed_in, url
from tests.console.test_pages import ada, blog, console, posts

__all__ = ["ada", "blog", "console", "posts"]  # fixtures

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def schema(console: Client, posts: Collection) -> Schema:
    return Schema(console, posts)


def test_the_page_offers_its_dialogs(console: Client, posts: Collection):
    page = console.get(url(Collection, f"{posts.pk}/change")).content.decode()
    for title in ("Add attribute", "Delete attribute", "Add index", "Delete index"):
        assert title in page


def test_attributes_are_added(schema: Schema, jobs: Callable[[], int]):
    assert schema.open("add_attribute").status_code == 200
    schema.done("add_attribute", key="title", type="string", size="100", default="None yet")
    schema.done("add_attribute", key="likes", type="integer", min="0", max="9", required="on")
    schema.done("add_attribute", key="tags", type="string", size="20", array="on")
    schema.done("add_attribute", key="pinned", type="boolean", default="true")
    assert set(schema.states("attributes").values()) == {"processing"}
    jobs()
    assert schema.states("attributes") == dict.fromkeys(
        ("title", "likes", "tags", "pinned"), "available"
    )
    title, likes, tags, pinned = schema.collection.attributes
    assert (title["size"], title["default"], title["required"]) == (100, "None yet", False)
    assert (likes["min"], likes["max"], likes["required"]) == (0, 9, True)
    assert tags["array"]
    assert pinned["default"] is True


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"key": "-bad", "type": "string", "size": "10"}, "key"),
        ({"key": "a", "type": "string", "size": "many"}, "size"),
        ({"key": "a", "type": "string", "size": "0"}, "size"),
        ({"key": "a", "type": "integer", "default": "one"}, "default"),
        ({"key": "a", "type": "nothing"}, "type"),
        ({"type": "boolean"}, "key"),
    ],
)
def test_what_an_attribute_cannot_be_is_said_in_the_dialog(
    schema: Schema, values: dict[str, str], problem: str
):
    assert problem in schema.refused("add_attribute", **values)
    assert schema.states("attributes") == {}


def test_what_the_service_refuses_is_said_on_the_page(schema: Schema, console: Client):
    schema.done("add_attribute", key="title", type="string", size="10")
    answer = schema.submit("add_attribute", key="title", type="string", size="10")
    page = console.get(answer.headers["HX-Redirect"]).content.decode()
    assert "already exists" in page or "key is taken" in page
    assert list(schema.states("attributes")) == ["title"]


def test_relationships_are_added_and_deleted(schema: Schema, jobs: Callable[[], int]):
    assert "posts" in schema.open("add_relationship").content.decode()
    asked = {"related": "posts", "type": "oneToMany", "key": "answers", "on_delete": "cascade"}
    schema.done("add_relationship", **asked, two_way="on", two_way_key="question")
    jobs()
    assert schema.states("attributes") == dict.fromkeys(("answers", "question"), "available")
    answers = schema.collection.attributes[0]["relation"]
    assert (answers["type"], answers["on_delete"]) == ("oneToMany", "cascade")
    assert "related" in schema.refused("add_relationship", **{**asked, "related": "nothing"})
    schema.done("delete_attribute", key="question")
    jobs()
    assert schema.states("attributes") == {}


def test_indexes_are_added_and_deleted(schema: Schema, jobs: Callable[[], int]):
    schema.done("add_attribute", key="title", type="string", size="100")
    jobs()
    assert "title" in schema.open("add_index").content.decode()
    schema.done(
        "add_index", key="by_title", type="key", attributes=["title", "$createdAt"], order="desc"
    )
    (index,) = schema.collection.indexes
    assert (index["attributes"], index["orders"]) == (["title", "$createdAt"], ["desc", "desc"])
    assert "attributes" in schema.refused("add_index", key="x", type="key", order="asc")
    assert "attributes" in schema.refused(
        "add_index", key="x", type="key", attributes=["unknown"], order="asc"
    )
    schema.done("delete_index", key="by_title")
    assert schema.states("indexes") == {"by_title": "deleting"}
    assert "by_title" in schema.refused("delete_index", key="by_title")


def test_attributes_are_deleted(schema: Schema, jobs: Callable[[], int]):
    schema.done("add_attribute", key="title", type="string", size="100")
    jobs()
    schema.done("delete_attribute", key="title")
    jobs()
    assert schema.states("attributes") == {}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("add_attribute", {"key": "more", "type": "boolean"}),
        ("add_relationship", {"related": "posts", "type": "oneToOne", "on_delete": "restrict"}),
        ("delete_attribute", {"key": "title"}),
        ("add_index", {"key": "i", "type": "key", "attributes": ["title"], "order": "asc"}),
        ("delete_index", {"key": "by_title"}),
    ],
)
def test_strangers_reach_no_dialog(
    schema: Schema, posts: Collection, name: str, values: dict[str, Any]
):
    schema.done("add_attribute", key="title", type="string", size="100")
    before = schema.states("attributes")
    theirs = Schema(signed_in("mallory@example.com"), posts)
    assert theirs.open(name).status_code == 404
    assert theirs.submit(name, **values).status_code == 404
    assert Schema(Client(), posts).submit(name, **values).status_code == 302
    assert schema.states("attributes") == before
    assert schema.states("indexes") == {}
