"""Import and export of collections with relationships: links go along, as ids."""

import json
from collections.abc import Callable

import pytest

from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.conftest import MakeKey
from tests.documents.transfers import fetch, jsonl, send

pytestmark = [pytest.mark.db, pytest.mark.django_db]

SCOPES = [
    "databases.write",
    "collections.read",
    "collections.write",
    "attributes.write",
    "documents.read",
    "documents.write",
]
ARTISTS, ALBUMS = (f"/databases/default/collections/{each}" for each in ("artists", "albums"))


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    key = client_for(project, key=make_key(project, SCOPES))
    for name in ("artists", "albums"):
        body = {"collectionId": name, "name": name}
        assert key.post("/databases/default/collections", body).status == 201
        reply = key.post(
            f"/databases/default/collections/{name}/attributes/string",
            {"key": "name", "size": 100, "required": True},
        )
        assert reply.status == 202, reply.json
    return key


def relate(key: ApiClient, type_: str) -> None:
    reply = key.post(
        f"{ARTISTS}/attributes/relationship",
        {
            "relatedCollectionId": "albums",
            "type": type_,
            "twoWay": True,
            "key": "albums",
            "twoWayKey": "artist",
            "onDelete": "setNull",
        },
    )
    assert reply.status == 202, reply.json


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
@pytest.mark.parametrize("type_", ["oneToOne", "oneToMany", "manyToOne", "manyToMany"])
def test_links_survive_the_way_there_and_back(
    key: ApiClient, jobs: Callable[[], int], type_: str, format_: str
):
    relate(key, type_)
    jobs()
    several = type_ in ("oneToMany", "manyToMany")
    albums = ["low", "heroes"] if several else "low"
    send(key, jsonl({"$id": "low", "name": "Low"}, {"$id": "heroes", "name": "Heroes"}), ALBUMS)
    report = send(key, jsonl({"$id": "bowie", "name": "Bowie", "albums": albums}), ARTISTS)
    assert report["created"] == 1, report
    files = {path: fetch(key, path, format=format_) for path in (ARTISTS, ALBUMS)}
    linked = linked_albums(key)
    assert sorted(linked) == (["heroes", "low"] if several else ["low"])
    for path in (ARTISTS, ALBUMS):
        assert key.delete(f"{path}/documents/bowie").status in (204, 404)
        for uid in ("low", "heroes"):
            key.delete(f"{path}/documents/{uid}")
    first, second = (ARTISTS, ALBUMS) if type_ == "oneToMany" else (ALBUMS, ARTISTS)
    for path in (first, second):
        report = send(key, files[path], path, format=format_)
        assert report["failed"] == 0, report
    assert linked_albums(key) == linked


def linked_albums(key: ApiClient) -> list[str]:
    select = '{"method":"select","values":["*","albums.*"]}'
    found = key.get(f"{ARTISTS}/documents/bowie", {"queries": [select]}).json["albums"]
    return sorted(each["$id"] for each in (found if isinstance(found, list) else [found]))


def test_links_to_nothing_are_told_and_done_again_make_nothing_twice(
    key: ApiClient, jobs: Callable[[], int]
):
    relate(key, "manyToOne")
    jobs()
    send(key, jsonl({"$id": "low", "name": "Low"}), ALBUMS)
    text = jsonl({"name": "A", "albums": "low"}, {"name": "B", "albums": "none"}, {"name": "C"})
    report = send(key, text, ARTISTS)
    assert (report["created"], [each["line"] for each in report["errors"]]) == (2, [2])
    again = send(key, text, ARTISTS)
    assert (again["created"], again["existing"], again["failed"]) == (0, 2, 1)
    links = [json.loads(line)["albums"] for line in fetch(key, ARTISTS).splitlines()]
    assert sorted(links, key=str) == [None, "low"]
