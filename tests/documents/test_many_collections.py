"""Collections beside many others: what a process keeps of them, and what they have in common."""

from typing import Any

import pytest
from django.db import connection

from documents import catalog
from documents.store import listings
from documents.store.templates import MAX_TEXT_BYTES, Templates
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.documents.blog import DATABASE, DOCUMENTS, TEXT, ids, make_collection, query
from tests.documents.related import COLLECTIONS, make_collections, put, relate
from tests.documents.schemaless import make_schemaless

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _fresh_templates() -> None:
    listings._templates.clear()


def found(client: ApiClient, collection: str, *queries: str) -> list[str]:
    reply = client.get(f"{COLLECTIONS}/{collection}/documents", {"queries": list(queries)})
    assert reply.status == 200, reply.json
    return ids(reply)


def create(client: ApiClient, collection: str, uid: str, **data: Any) -> None:
    body = {"documentId": uid, "data": data}
    reply = client.post(f"{COLLECTIONS}/{collection}/documents", body)
    assert reply.status == 201, reply.json


def test_lists_of_like_attributes_are_composed_once(
    admin: ApiClient, project: ProjectContext
) -> None:
    names = [f"c{number}" for number in range(5)]
    make_collections(project, *names)
    for name in names:
        put(admin, name, f"in-{name}")

    asked = query("equal", "name", *(f"in-{name}" for name in names)), query("orderDesc", "name")

    assert [found(admin, name, *asked) for name in names] == [[f"in-{name}"] for name in names]
    assert len(listings._templates) == 1


def test_attributes_of_one_key_and_two_types_are_told_apart(
    admin: ApiClient, project: ProjectContext
) -> None:
    make_collection(project, "texts", attributes={"size": TEXT})
    make_collection(project, "numbers", attributes={"size": {"type": "integer"}})
    make_collection(project, "lists", attributes={"size": {**TEXT, "array": True}})
    make_collection(project, "secrets", attributes={"size": {**TEXT, "encrypt": True}})
    for size in (9, 10):
        create(admin, "texts", f"d{size}", size=str(size))
        create(admin, "numbers", f"d{size}", size=size)
        create(admin, "lists", f"d{size}", size=[str(size)])

    ordered = query("orderAsc", "size")
    assert found(admin, "texts", ordered) == ["d10", "d9"]
    assert found(admin, "numbers", ordered) == ["d9", "d10"]
    assert found(admin, "texts", query("equal", "size", "9")) == ["d9"]
    assert found(admin, "numbers", query("equal", "size", 9)) == ["d9"]
    assert found(admin, "lists", query("contains", "size", "9")) == ["d9"]
    for collection in ("lists", "secrets"):
        path = f"{COLLECTIONS}/{collection}/documents"
        reply = admin.get(path, {"queries": [ordered]})
        assert (reply.status, reply.error) == (400, "general_query_invalid")


def test_relationships_of_one_key_are_told_apart(admin: ApiClient, project: ProjectContext) -> None:
    make_collections(project, "posts", "pages", "authors")
    for parent in ("posts", "pages"):
        relate(admin, parent, "authors", "manyToOne", "author")
    put(admin, "authors", "ann")
    put(admin, "posts", "by-ann", author="ann")
    put(admin, "posts", "by-nobody")
    put(admin, "pages", "page", author="ann")

    asked = query("equal", "author.name", "ann")

    assert found(admin, "posts", asked) == ["by-ann"]
    assert found(admin, "pages", asked) == ["page"]


def test_texts_of_lists_take_no_more_room_than_they_may(
    admin: ApiClient, project: ProjectContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schemaless(project)
    most = 32 * 1024
    kept = Templates(most)
    monkeypatch.setattr(listings, "_templates", kept)

    for number in range(20):
        reply = admin.get(DOCUMENTS, {"queries": [query("equal", f"field{number}", 1)]})
        assert reply.status == 200, reply.json
        assert 0 < kept.size <= most

    assert 1 < len(kept) < 20
    kept.clear()
    assert (len(kept), kept.size) == (0, 0)


@pytest.mark.parametrize("grouped", [[], [query("groupBy", "", "a"), query("count")]])
def test_texts_that_free_fields_make_long_are_kept_nowhere(
    admin: ApiClient, project: ProjectContext, grouped: list[str]
) -> None:
    make_schemaless(project)
    prepared = connection.connection._prepared
    prepared.clear()
    for number in range(3):
        paths = [f"{number}.{place}?" + "!" * 240 for place in range(5)]
        tests = [query("notBetween", path, 1, 2) for path in paths]
        reply = admin.get(DOCUMENTS, {"queries": [*tests, *grouped]})
        assert reply.status == 200, reply.json

    texts = [key[0] for key in (*prepared._counts, *prepared._names)]
    assert texts
    assert max(map(len, texts)) <= MAX_TEXT_BYTES
    assert len(listings._templates) == 0


def test_schemas_take_no_more_room_than_they_may(
    admin: ApiClient, project: ProjectContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"c{number}" for number in range(6)]
    make_collections(project, *names)
    for name in names:
        put(admin, name, "one")
    least = catalog._schemas.find((project.id, DATABASE, names[-1]))
    assert least is not None
    most = 3 * least.size
    kept = catalog._Schemas(most)
    monkeypatch.setattr(catalog, "_schemas", kept)

    for name in (*names, *names):
        assert found(admin, name) == ["one"]
        assert 0 < kept.size <= most

    held = [name for name in names if kept.find((project.id, DATABASE, name))]
    assert held == names[-3:]


def test_a_schema_larger_than_all_room_is_read_each_time(
    admin: ApiClient, project: ProjectContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_collections(project, "posts")
    monkeypatch.setattr(catalog, "_schemas", catalog._Schemas(0))
    put(admin, "posts", "one")

    assert found(admin, "posts") == ["one"]
    assert catalog._schemas.size == 0
