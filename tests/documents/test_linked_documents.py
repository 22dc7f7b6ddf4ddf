"""Documents that are linked: by id, along with related documents, and no more."""

from typing import Any

import pytest

from documents.models import Document, DocumentLink
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import Events
from tests.documents.blog import make_collection, query
from tests.documents.related import (
    COLLECTIONS,
    TABLES,
    change,
    get,
    linked,
    make_collections,
    put,
    relate,
)
from tests.documents.transactions import begin

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ONE = ("oneToOne", "manyToOne")
MANY = ("oneToMany", "manyToMany")


@pytest.fixture(autouse=True)
def _collections(project: ProjectContext) -> None:
    make_collections(project, "posts", "authors", "cities")


def invalid(reply: Any) -> bool:
    return (reply.status, reply.error) == (400, "relationship_value_invalid")


# What is linked


@pytest.mark.parametrize("type_", ONE)
def test_document_names_the_one_it_is_related_to(admin: ApiClient, type_: str) -> None:
    relate(admin, "posts", "authors", type_, "author")
    put(admin, "authors", "ann")

    reply = put(admin, "posts", "p", author="ann")

    assert reply.status == 201, reply.json
    assert (reply.json["author"]["$id"], reply.json["author"]["name"]) == ("ann", "ann")
    assert linked(admin, "posts", "p", "author") == "ann"


@pytest.mark.parametrize("type_", MANY)
def test_document_names_several_it_is_related_to(admin: ApiClient, type_: str) -> None:
    relate(admin, "authors", "posts", type_)
    for uid in ("p", "q", "r"):
        put(admin, "posts", uid)

    reply = put(admin, "authors", "ann", posts=["q", "p", "q"])

    assert [each["$id"] for each in reply.json["posts"]] == ["p", "q"]
    assert linked(admin, "authors", "ann", "posts") == ["p", "q"]


def test_rows_are_linked_as_documents_are(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")

    reply = admin.post(
        f"{TABLES}/posts/rows", {"rowId": "p", "data": {"author": {"$id": "ann", "name": "Ann"}}}
    )

    author = reply.json["author"]
    assert (author["$id"], author["$tableId"], author["$databaseId"]) == ("ann", "authors", "main")
    assert get(admin, "authors", "ann").json["name"] == "Ann"


@pytest.mark.parametrize(
    ("type_", "own", "twin"),
    [
        ("oneToOne", "b", "a"),
        ("oneToMany", ["b"], "a"),
        ("manyToOne", "b", ["a"]),
        ("manyToMany", ["b"], ["a"]),
    ],
)
def test_two_way_links_are_seen_and_made_from_both_sides(
    admin: ApiClient, type_: str, own: Any, twin: Any
) -> None:
    relate(admin, "posts", "authors", type_, "author", twoWay=True, twoWayKey="post")
    put(admin, "posts", "a")
    put(admin, "authors", "b")

    assert change(admin, "authors", "b", post=twin).status == 200

    assert linked(admin, "posts", "a", "author") == own
    assert linked(admin, "authors", "b", "post") == twin
    assert change(admin, "posts", "a", author=None).status == 200
    assert not linked(admin, "authors", "b", "post")


def test_one_way_links_are_not_seen_from_the_other_side(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    put(admin, "authors", "ann")

    assert put(admin, "authors", "bob", posts=["p"]).error == "document_invalid_structure"
    assert get(admin, "authors", "ann", "posts.*").error == "general_query_invalid"


def test_a_list_replaces_the_links_there_were(admin: ApiClient) -> None:
    relate(admin, "authors", "posts", "oneToMany")
    for uid in ("p", "q", "r"):
        put(admin, "posts", uid)
    put(admin, "authors", "ann", posts=["p", "q"])

    reply = change(admin, "authors", "ann", posts=["q", "r"])

    assert [each["$id"] for each in reply.json["posts"]] == ["q", "r"]
    assert change(admin, "authors", "ann", posts=[]).json["posts"] == []
    assert not DocumentLink.objects.exists()


def test_a_change_that_names_no_relationship_keeps_the_links(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    put(admin, "posts", "p", author={"$id": "ann"})

    reply = change(admin, "posts", "p", name="new")

    assert "author" not in reply.json
    assert linked(admin, "posts", "p", "author") == "ann"


def test_one_of_a_list_moves_to_who_names_it_last(admin: ApiClient) -> None:
    relate(admin, "authors", "posts", "oneToMany", twoWay=True, twoWayKey="author")
    put(admin, "authors", "ann", posts=[{"$id": "p"}, {"$id": "q"}])

    put(admin, "authors", "bob", posts=["p"])

    assert linked(admin, "authors", "ann", "posts") == ["q"]
    assert linked(admin, "posts", "p", "author") == "bob"


@pytest.mark.parametrize("two_way", [False, True])
def test_one_to_one_is_not_taken_from_another(admin: ApiClient, two_way: bool) -> None:
    relate(admin, "posts", "authors", "oneToOne", "author", twoWay=two_way, twoWayKey="post")
    put(admin, "posts", "p", author={"$id": "ann"})
    put(admin, "posts", "q", author={"$id": "bob"})

    assert put(admin, "posts", "r", author="ann").error == "document_already_exists"
    assert change(admin, "posts", "q", author="ann").status == 409
    assert linked(admin, "posts", "q", "author") == "bob"
    assert change(admin, "posts", "p", author=None).status == 200
    assert change(admin, "posts", "q", author="ann").status == 200


def test_documents_of_one_collection_are_linked_among_themselves(admin: ApiClient) -> None:
    relate(admin, "posts", "posts", "oneToMany", "answers", twoWay=True, twoWayKey="question")

    put(admin, "posts", "p", answers=[{"$id": "q", "answers": [{"$id": "r"}]}])
    put(admin, "posts", "s", question="s")

    assert linked(admin, "posts", "p", "answers") == ["q"]
    assert linked(admin, "posts", "r", "question") == "q"
    assert linked(admin, "posts", "s", "answers") == ["s"]


# Related documents that are sent along


def test_related_documents_are_made_three_levels_deep(admin: ApiClient) -> None:
    make_collections_of_chain(admin)
    city = {"$id": "rome", "name": "Rome", "country": {"$id": "it", "name": "Italy"}}

    reply = put(admin, "posts", "p", author={"$id": "ann", "name": "Ann", "city": city})

    assert reply.json["author"]["city"]["country"]["name"] == "Italy"
    shown = get(admin, "posts", "p", "author.city.country.*").json
    assert shown["author"]["city"]["country"]["$id"] == "it"
    too_deep = {"author": {"city": {"country": {"continent": {"name": "Europe"}}}}}
    assert invalid(put(admin, "posts", "q", **too_deep))
    assert get(admin, "posts", "q").status == 404


def make_collections_of_chain(admin: ApiClient) -> None:
    for uid in ("countries", "continents"):
        admin.post(COLLECTIONS, {"collectionId": uid, "name": uid})
        text = {"key": "name", "size": 100, "required": False}
        admin.post(f"{COLLECTIONS}/{uid}/attributes/string", text)
    relate(admin, "posts", "authors", "manyToOne", "author")
    relate(admin, "authors", "cities", "manyToOne", "city")
    relate(admin, "cities", "countries", "manyToOne", "country")
    relate(admin, "countries", "continents", "manyToOne", "continent")


def test_lists_mix_ids_and_documents(admin: ApiClient) -> None:
    relate(admin, "authors", "posts", "oneToMany")
    put(admin, "posts", "old")
    put(admin, "posts", "changed")

    reply = put(
        admin,
        "authors",
        "ann",
        posts=["old", {"$id": "changed", "name": "Changed"}, {"name": "New"}, {"$id": "unique()"}],
    )

    posts = reply.json["posts"]
    assert [each["name"] for each in posts] == ["old", "Changed", "New", None]
    assert len({each["$id"] for each in posts} | {"unique()"}) == 5
    assert get(admin, "posts", "changed").json["name"] == "Changed"


def test_new_related_documents_get_the_permissions_of_the_one_they_came_in(
    admin: ApiClient,
) -> None:
    relate(admin, "authors", "posts", "oneToMany")
    own = ['read("user:eve")']
    posts = [{"$id": "p"}, {"$id": "q", "$permissions": own}]

    admin.post(
        f"{COLLECTIONS}/authors/documents",
        {"documentId": "ann", "data": {"posts": posts}, "permissions": ['read("any")']},
    )

    assert get(admin, "posts", "p").json["$permissions"] == ['read("any")']
    assert get(admin, "posts", "q").json["$permissions"] == own


def test_upsert_makes_and_changes_related_documents(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    path = f"{COLLECTIONS}/posts/documents/p"

    made = admin.put(path, {"data": {"name": "p", "author": {"$id": "ann", "name": "Ann"}}})
    changed = admin.put(path, {"data": {"author": {"$id": "ann", "name": "Anna"}}})

    assert (made.status, made.json["author"]["name"]) == (200, "Ann")
    assert (changed.json["name"], changed.json["author"]["name"]) == ("p", "Anna")


def test_what_is_wrong_anywhere_undoes_everything(admin: ApiClient, events: Events) -> None:
    relate(admin, "authors", "posts", "oneToMany")
    events.clear()

    replies = [
        put(admin, "authors", "ann", posts=[{"$id": "p"}, {"$id": "q", "nothing": 1}]),
        put(admin, "authors", "ann", posts=[{"$id": "p"}, "missing"]),
        put(admin, "authors", "ann", posts=[{"$id": "p"}], nothing=1),
    ]

    errors = ["document_invalid_structure", "relationship_value_invalid"]
    assert [each.error for each in replies] == [*errors, errors[0]]
    assert get(admin, "posts", "p").status == 404
    assert (events.names(), DocumentLink.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    "value",
    [1, True, "", "a b", "missing", {"$id": 5}, {"$id": "a b"}, ["ann"], [], "x" * 37, 1.5,
     '{"method":"arrayAppend","values":["ann"]}', {"$permissions": 1}, {"$permissions": ["x"]}],
)  # fmt: skip
def test_what_is_no_related_document_is_refused(admin: ApiClient, value: Any) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    put(admin, "authors", "ann")

    assert invalid(put(admin, "posts", "p", author=value))
    assert get(admin, "posts", "p").status == 404


@pytest.mark.parametrize("value", ["p", {"$id": "p"}, 1, [1], [None], [["p"]], ["missing"]])
def test_what_is_no_list_of_related_documents_is_refused(admin: ApiClient, value: Any) -> None:
    relate(admin, "authors", "posts", "oneToMany")
    put(admin, "posts", "p")

    assert invalid(put(admin, "authors", "ann", posts=value))


def test_documents_that_contradict_themselves_are_refused(admin: ApiClient) -> None:
    relate(admin, "authors", "posts", "oneToMany", twoWay=True, twoWayKey="author")
    put(admin, "authors", "bob")

    twice = [{"$id": "p", "name": "a"}, {"$id": "p", "name": "b"}]
    assert invalid(put(admin, "authors", "ann", posts=twice))
    assert invalid(put(admin, "authors", "ann", posts=[{"$id": "p", "author": "bob"}]))


def test_bulk_writes_are_refused_where_there_are_links(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    path = f"{COLLECTIONS}/posts/documents"
    documents = {"documents": [{"$id": "p", "name": "p"}]}

    replies = [
        admin.post(path, documents),
        admin.put(path, documents),
        admin.patch(path, {"data": {"name": "q"}}),
        admin.delete(path),
        admin.delete(f"{COLLECTIONS}/authors/documents"),
    ]

    assert {(each.status, each.error) for each in replies} == {(400, "general_bad_request")}
    assert admin.post(f"{COLLECTIONS}/authors/documents", documents).status == 201


def test_links_are_staged_and_committed(admin: ApiClient) -> None:
    relate(admin, "authors", "posts", "oneToMany", twoWay=True, twoWayKey="author")
    put(admin, "posts", "p")
    staged = {"transactionId": admin.post("/databases/transactions", {}).json["$id"]}
    path = f"{COLLECTIONS}/authors/documents"
    data = {"name": "ann", "posts": ["p", {"$id": "q", "name": "new"}]}

    reply = admin.post(path, {"documentId": "ann", "data": data, **staged})
    hidden = [get(admin, "posts", "q").status, linked(admin, "posts", "p", "author")]
    ended = admin.patch(f"/databases/transactions/{staged['transactionId']}", {"commit": True})

    assert [each["$id"] for each in reply.json["posts"]] == ["p", "q"]
    assert (hidden, ended.json["status"]) == ([404, None], "committed")
    assert linked(admin, "authors", "ann", "posts") == ["p", "q"]


def test_encrypted_values_stay_so_along_the_way(admin: ApiClient, project: ProjectContext) -> None:
    secret = {"note": {"type": "string", "size": 200, "encrypt": True}}
    make_collection(project, "diaries", attributes=secret)
    relate(admin, "authors", "diaries", "oneToOne", "diary")

    made = put(admin, "authors", "ann", diary={"$id": "d", "note": "a secret"})

    assert made.json["diary"]["note"] == "a secret"
    assert get(admin, "authors", "ann", "diary.note").json["diary"]["note"] == "a secret"
    assert "a secret" not in str(Document.objects.get(uid="d").data)
    by_note = query("equal", "diary.note", "a secret")
    reply = admin.get(f"{COLLECTIONS}/authors/documents", {"queries": [by_note]})
    assert reply.error == "general_query_invalid"


# Events


def test_every_document_that_changes_is_announced(admin: ApiClient, events: Events) -> None:
    relate(admin, "authors", "posts", "oneToMany", twoWay=True, twoWayKey="author")
    for uid in ("taken", "kept", "other"):
        put(admin, "posts", uid)
    put(admin, "authors", "ann", posts=["taken", "kept"])
    before = get(admin, "posts", "taken").json["$updatedAt"]
    events.clear()

    change(admin, "authors", "ann", posts=["kept", "other", {"$id": "new", "name": "New"}])

    names = sorted(name.removeprefix("databases.main.collections.") for name in events.names())
    assert names == [
        "authors.documents.ann.update",
        "posts.documents.new.create",
        "posts.documents.other.update",
        "posts.documents.taken.update",
    ]
    assert all("posts" not in each and "author" not in each for each in events.payloads())
    assert get(admin, "posts", "taken").json["$updatedAt"] > before


def test_a_change_of_links_alone_is_a_change(admin: ApiClient, events: Events) -> None:
    relate(admin, "posts", "authors", "manyToMany")
    put(admin, "authors", "ann")
    before = put(admin, "posts", "p").json["$updatedAt"]
    events.clear()

    changed = change(admin, "posts", "p", authors=["ann"]).json["$updatedAt"]
    again = change(admin, "posts", "p", authors=["ann"]).json["$updatedAt"]

    assert before < changed == again
    assert events.names() == ["databases.main.collections.posts.documents.p.update"]


def test_ids_made_up_in_a_transaction_are_those_of_its_commit(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    relate(admin, "authors", "cities", "manyToOne", "city")
    staging = begin(admin)
    nested = {"name": "ann", "city": {"$id": "unique()", "name": "Rome"}}

    staged = staging.post(
        f"{COLLECTIONS}/posts/documents",
        documentId="unique()",
        data={"name": "p", "author": nested},
    ).json
    author, uid = staged["author"], staged["$id"]
    read = {"queries": ['{"method":"select","values":["author.city.*"]}']}
    seen = staging.get(f"{COLLECTIONS}/posts/documents/{uid}", read).json["author"]
    assert staging.commit().status == 200

    committed = get(admin, "posts", uid, "author.city.*").json["author"]
    assert committed["$id"] == seen["$id"] == author["$id"]
    assert committed["city"]["$id"] == seen["city"]["$id"] == author["city"]["$id"]
    assert Document.objects.count() == 3
