"""Relationships by the newest official Python SDK, in both vocabularies."""

from typing import Any

import pytest
from appwrite.client import Client
from appwrite.enums.relation_mutate import RelationMutate
from appwrite.enums.relationship_type import RelationshipType
from appwrite.exception import AppwriteException
from appwrite.query import Query

from tests.compat import sdk
from tests.compat.vocabulary import ROW_WORDS, Vocabulary
from tests.reference import assert_model

# The older service's methods warn that they are; so many warnings would bury the others.
pytestmark = pytest.mark.usefixtures("recwarn")


@pytest.fixture(scope="module", params=[{}, ROW_WORDS], ids=["databases", "tablesDB"])
def service(request: pytest.FixtureRequest, key: Client) -> Vocabulary:
    return Vocabulary(key, request.param)


@pytest.fixture
def shop(service: Vocabulary, database: str) -> str:
    """Return a database with albums, and artists who made them."""
    for uid in ("artists", "albums"):
        service.create_collection(database, uid, uid.title())
        service.create_string_attribute(database, uid, "name", 100, False)
    service.create_relationship_attribute(
        database,
        "artists",
        "albums",
        RelationshipType.ONETOMANY,
        True,
        "albums",
        "artist",
        RelationMutate.SETNULL,
    )
    sdk.wait_until(lambda: statuses(service, database, "artists") == {"available"})
    sdk.wait_until(lambda: statuses(service, database, "albums") == {"available"})
    return database


def statuses(service: Vocabulary, database: str, uid: str) -> set[str]:
    page = service.list_attributes(database, uid)
    return {sdk.status(each) for each in service.listed(page, "attributes")}


def model(service: Vocabulary) -> str:
    return f"{service.word('attribute').title()}Relationship"


def test_relationship_is_shown_on_both_sides(service: Vocabulary, shop: str):
    own = service.get_attribute(shop, "artists", "albums").to_dict()
    twin = service.get_attribute(shop, "albums", "artist").to_dict()

    for each in (own, twin):
        assert_model(model(service), each)
    related = f"related{service.word('collection').title()}"
    assert (own[related], own["side"], own["twoWayKey"]) == ("albums", "parent", "artist")
    assert (twin[related], twin["side"], twin["twoWayKey"]) == ("artists", "child", "albums")


def test_relationship_is_changed_and_deleted(service: Vocabulary, shop: str):
    changed = service.update_relationship_attribute(
        shop, "artists", "albums", RelationMutate.CASCADE, "records"
    ).to_dict()

    assert_model(model(service), changed)
    assert (changed["key"], changed["onDelete"]) == ("records", "cascade")
    service.delete_attribute(shop, "artists", "records")

    def keys(uid: str) -> list[str]:
        page = service.list_attributes(shop, uid)
        return [each.key for each in service.listed(page, "attributes")]

    sdk.wait_until(lambda: [keys("artists"), keys("albums")] == [["name"], ["name"]])


def test_related_documents_are_written_and_read(service: Vocabulary, shop: str):
    albums: list[Any] = [{"$id": "low", "name": "Low"}, {"$id": "heroes", "name": "Heroes"}]
    made = service.create_document(shop, "artists", "bowie", {"name": "Bowie", "albums": albums})
    page = service.list_documents(
        shop, "albums", [Query.select(["*", "artist.name"]), Query.equal("artist.name", ["Bowie"])]
    )
    plain = service.get_document(shop, "artists", "bowie")
    newest = Query.relationship("albums", [Query.order_desc("name"), Query.limit(1)])
    first = service.get_document(shop, "artists", "bowie", [newest])
    service.update_document(shop, "artists", "bowie", {"albums": ["low"]})
    left = service.get_document(shop, "artists", "bowie", [Query.select(["albums.*"])])

    assert [each["name"] for each in made.data["albums"]] == ["Low", "Heroes"]
    listed = service.listed(page, "documents")
    assert [each.data["artist"]["name"] for each in listed] == ["Bowie", "Bowie"]
    assert plain.data == {"name": "Bowie"}
    assert [each["name"] for each in first.data["albums"]] == ["Low"]
    assert [each["$id"] for each in left.data["albums"]] == ["low"]


def test_deleting_and_refusals(service: Vocabulary, shop: str):
    service.create_document(shop, "albums", "low", {"name": "Low", "artist": {"$id": "bowie"}})

    with pytest.raises(AppwriteException) as refused:
        service.create_document(shop, "albums", "x", {"artist": "nobody"})
    assert (refused.value.code, refused.value.type) == (400, "relationship_value_invalid")
    service.update_relationship_attribute(shop, "artists", "albums", RelationMutate.RESTRICT)
    with pytest.raises(AppwriteException) as kept:
        service.delete_document(shop, "artists", "bowie")
    noun = service.word("document")
    assert (kept.value.code, kept.value.type) == (403, f"{noun}_delete_restricted")
    service.update_relationship_attribute(shop, "artists", "albums", RelationMutate.SETNULL)
    service.delete_document(shop, "artists", "bowie")
    left = service.get_document(shop, "albums", "low", [Query.select(["name", "artist.*"])])
    assert left.data == {"name": "Low", "artist": None}
