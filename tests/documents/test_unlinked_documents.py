"""What deleting a document does to those related to it."""

import pytest

from documents.models import DocumentLink
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Events, Person
from tests.documents.related import (
    COLLECTIONS,
    TABLES,
    change,
    delete,
    get,
    linked,
    make_collections,
    put,
    relate,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

TYPES = ("oneToOne", "oneToMany", "manyToOne", "manyToMany")
#: The side on whose documents the others hang; what it holds.
HEADS = {
    "oneToOne": "parents",
    "oneToMany": "parents",
    "manyToOne": "kids",
    "manyToMany": "parents",
}


@pytest.fixture(autouse=True)
def _collections(project: ProjectContext) -> None:
    make_collections(project, "parents", "kids")


def pair(admin: ApiClient, type_: str, on_delete: str, *, two_way: bool) -> tuple[str, str]:
    """Link a document `a` to a document `b`; return the collections, the head's first."""
    relate(
        admin, "parents", "kids", type_, "kid", twoWay=two_way, twoWayKey="up", onDelete=on_delete
    )
    kid = {"$id": "b", "name": "b"}
    made = put(admin, "parents", "a", kid=[kid] if type_.endswith("Many") else kid)
    assert made.status == 201, made.json
    return ("parents", "kids") if HEADS[type_] == "parents" else ("kids", "parents")


def uid(collection: str) -> str:
    return "a" if collection == "parents" else "b"


@pytest.mark.parametrize("two_way", [False, True])
@pytest.mark.parametrize("type_", TYPES)
class TestRules:
    def test_restrict_keeps_the_head(
        self, admin: ApiClient, events: Events, type_: str, two_way: bool
    ) -> None:
        head, other = pair(admin, type_, "restrict", two_way=two_way)
        events.clear()

        refused = delete(admin, head, uid(head))

        assert (refused.status, refused.error) == (403, "document_delete_restricted")
        assert events.names() == []
        assert delete(admin, other, uid(other)).status == 204
        assert delete(admin, head, uid(head)).status == 204
        assert not DocumentLink.objects.exists()

    def test_cascade_takes_along_what_hangs_on_the_head(
        self, admin: ApiClient, events: Events, type_: str, two_way: bool
    ) -> None:
        head, other = pair(admin, type_, "cascade", two_way=two_way)
        events.clear()

        assert delete(admin, head, uid(head)).status == 204

        assert get(admin, other, uid(other)).status == 404
        assert sorted(events.names()) == sorted(
            f"databases.main.collections.{each}.documents.{uid(each)}.delete"
            for each in (head, other)
        )
        assert not DocumentLink.objects.exists()

    def test_set_null_takes_the_links_alone(
        self, admin: ApiClient, type_: str, two_way: bool
    ) -> None:
        head, other = pair(admin, type_, "setNull", two_way=two_way)

        assert delete(admin, head, uid(head)).status == 204

        assert get(admin, other, uid(other)).status == 200
        assert not DocumentLink.objects.exists()

    @pytest.mark.parametrize("on_delete", ["restrict", "cascade", "setNull"])
    def test_what_hangs_on_a_head_leaves_it(
        self, admin: ApiClient, type_: str, two_way: bool, on_delete: str
    ) -> None:
        head, other = pair(admin, type_, on_delete, two_way=two_way)

        assert delete(admin, other, uid(other)).status == 204

        takes_along = (type_, two_way, on_delete) == ("oneToOne", True, "cascade")
        assert get(admin, head, uid(head)).status == (404 if takes_along else 200)
        assert not DocumentLink.objects.exists()


def test_rows_have_an_error_of_their_own(admin: ApiClient) -> None:
    pair(admin, "oneToMany", "restrict", two_way=False)

    reply = admin.delete(f"{TABLES}/parents/rows/a")

    assert (reply.status, reply.error) == (403, "row_delete_restricted")


def test_a_tree_is_deleted_to_its_leaves(admin: ApiClient) -> None:
    relate(admin, "kids", "kids", "oneToMany", "kids", twoWayKey="of", onDelete="cascade")
    put(admin, "kids", "other")
    put(admin, "kids", "c", kids=[{"$id": "d", "kids": [{"$id": "e"}]}])
    put(admin, "kids", "a", kids=[{"$id": "b", "kids": ["c"]}, {"$id": "f"}])

    assert delete(admin, "kids", "a").status == 204

    left = admin.get(f"{COLLECTIONS}/kids/documents").json["documents"]
    assert [each["$id"] for each in left] == ["other"]


def test_a_circle_is_deleted_once(admin: ApiClient) -> None:
    relate(admin, "kids", "kids", "manyToMany", "friends", twoWayKey="of", onDelete="cascade")
    put(admin, "kids", "a")
    put(admin, "kids", "b", friends=["a"])
    change(admin, "kids", "a", friends=["b", "a"])

    assert delete(admin, "kids", "a").status == 204

    assert admin.get(f"{COLLECTIONS}/kids/documents").json["total"] == 0


def test_a_restriction_further_down_keeps_everything(
    admin: ApiClient, project: ProjectContext
) -> None:
    make_collections(project, "toys")
    relate(admin, "parents", "kids", "oneToMany", onDelete="cascade")
    relate(admin, "kids", "toys", "oneToMany", onDelete="restrict")
    put(admin, "parents", "a", kids=[{"$id": "b", "toys": [{"$id": "c"}]}])

    assert delete(admin, "parents", "a").status == 403

    assert linked(admin, "parents", "a", "kids") == ["b"]
    assert delete(admin, "toys", "c").status == 204
    assert delete(admin, "parents", "a").status == 204


def test_those_left_behind_change(admin: ApiClient, events: Events) -> None:
    pair(admin, "oneToMany", "setNull", two_way=True)
    before = get(admin, "kids", "b").json["$updatedAt"]
    events.clear()

    delete(admin, "parents", "a")

    assert [name.split("collections.")[1] for name in events.names()] == [
        "kids.documents.b.update",
        "parents.documents.a.delete",
    ]
    assert get(admin, "kids", "b").json["$updatedAt"] > before


def test_cascade_asks_for_the_permission_to_delete_each(
    admin: ApiClient, project: ProjectContext, client_for: ClientFor, alice: Person
) -> None:
    pair(admin, "oneToMany", "cascade", two_way=False)
    mine = ['delete("user:alice")', 'read("users")']
    for collection, document in (("parents", "a"), ("kids", "b")):
        path = f"{COLLECTIONS}/{collection}"
        admin.put(path, {"name": collection, "documentSecurity": True})
        if document == "a":
            admin.patch(f"{path}/documents/{document}", {"permissions": mine})
    client = client_for(project, session=alice.session)

    refused = delete(client, "parents", "a")
    assert (refused.status, refused.error) == (401, "user_unauthorized")
    assert get(admin, "kids", "b").status == 200

    admin.patch(f"{COLLECTIONS}/kids/documents/b", {"permissions": mine})
    assert delete(client, "parents", "a").status == 204
    assert get(admin, "kids", "b").status == 404


def test_deleting_is_refused_like_before(
    admin: ApiClient, project: ProjectContext, client_for: ClientFor, alice: Person
) -> None:
    pair(admin, "oneToMany", "setNull", two_way=False)
    past = "2000-01-01T00:00:00.000+00:00"
    path = f"{COLLECTIONS}/parents/documents/a"

    assert delete(admin, "parents", "missing").error == "document_not_found"
    assert admin.delete(path, X_Appwrite_Timestamp=past).error == "document_update_conflict"
    assert delete(client_for(project, session=alice.session), "parents", "a").status == 401
    assert linked(admin, "parents", "a", "kid") == ["b"]
