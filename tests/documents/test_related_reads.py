"""Related documents in answers and in filters, for whoever may read them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor, Person
from tests.documents.blog import ids, query
from tests.documents.related import (
    COLLECTIONS,
    change,
    get,
    linked,
    make_collections,
    put,
    relate,
    selecting,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def blog(admin: ApiClient, project: ProjectContext) -> ApiClient:
    """Posts by authors in cities, with tags: ann wrote p and q, bob r, nobody s."""
    make_collections(project, "posts", "authors", "cities", "tags")
    relate(admin, "posts", "authors", "manyToOne", "author", twoWay=True, twoWayKey="posts")
    relate(admin, "authors", "cities", "manyToOne", "city")
    relate(admin, "posts", "tags", "manyToMany", "tags")
    put(admin, "authors", "ann", city={"$id": "rome", "name": "Rome"})
    put(admin, "authors", "bob", city={"$id": "oslo", "name": "Oslo"})
    put(admin, "posts", "p", author="ann", tags=[{"$id": "x"}, {"$id": "y"}])
    put(admin, "posts", "q", author="ann", tags=["y"])
    put(admin, "posts", "r", author="bob")
    put(admin, "posts", "s")
    return admin


def listed(client: ApiClient, *queries: str, collection: str = "posts") -> Reply:
    return client.get(f"{COLLECTIONS}/{collection}/documents", {"queries": list(queries)})


# Answers


def test_select_shows_what_it_names_of_related_documents(blog: ApiClient) -> None:
    shown = get(blog, "posts", "p", "name", "author.name", "tags.*").json

    assert (shown["name"], shown["author"]["name"]) == ("p", "ann")
    assert shown["author"]["$collectionId"] == "authors"
    assert [each["name"] for each in shown["tags"]] == [None, None]
    assert "name" not in get(blog, "posts", "p", "author.$id").json["author"]


def test_the_key_alone_shows_all_of_a_related_document(blog: ApiClient) -> None:
    assert get(blog, "posts", "p", "author").json == get(blog, "posts", "p", "author.*").json


def test_lists_show_related_documents_of_each(blog: ApiClient) -> None:
    reply = listed(blog, selecting("*", "author.city.name", "tags.$id"))

    shown = {each["$id"]: each for each in reply.json["documents"]}
    assert shown["p"]["author"]["city"]["name"] == "Rome"
    assert shown["r"]["author"]["city"]["name"] == "Oslo"
    assert (shown["s"]["author"], shown["s"]["tags"]) == (None, [])
    assert [each["$id"] for each in shown["p"]["tags"]] == ["x", "y"]
    assert shown["p"]["name"] == "p"


def test_a_path_leads_back_and_on(blog: ApiClient) -> None:
    shown = get(blog, "authors", "ann", "posts.author.posts.name").json

    first = shown["posts"][0]["author"]["posts"]
    assert [each["name"] for each in first] == ["p", "q"]


def test_paths_to_nothing_are_refused(blog: ApiClient) -> None:
    for name in (
        *("author.nothing", "nothing.name", "author.posts.author.city.*", "author..name"),
        *("name.author", ".author", "author.*.name"),
    ):
        reply = get(blog, "posts", "p", name)
        assert (reply.status, reply.error) == (400, "general_query_invalid"), name


def run(seen: list[str]) -> list[str]:
    """Leave out the savepoints that a read has in a test only."""
    return [text for text in seen if "SAVEPOINT" not in text]


@pytest.mark.parametrize("count", [1, 12])
def test_statements_do_not_grow_with_documents(
    admin: ApiClient, project: ProjectContext, statements: Statements, count: int
) -> None:
    make_collections(project, "posts", "authors", "cities")
    relate(admin, "authors", "posts", "oneToMany")
    relate(admin, "authors", "cities", "manyToOne", "city")
    for number in range(count):
        posts = [{"$id": f"p{number}-{each}"} for each in range(count)]
        put(admin, "authors", f"a{number}", posts=posts, city={"$id": f"c{number}"})
    listed(admin, selecting("*", "posts.*", "city.*"), collection="authors")

    with statements() as seen:
        plain = listed(admin, collection="authors")
        assert plain.status == 200
    with statements() as more:
        reply = listed(admin, selecting("*", "posts.*", "city.*"), collection="authors")
        assert len(reply.json["documents"]) == count
        assert len(reply.json["documents"][0]["posts"]) == count

    assert len(run(more)) == len(run(seen)) + 2, more


@pytest.mark.parametrize("count", [2, 12])
def test_statements_of_a_write_do_not_grow_with_documents(
    admin: ApiClient, project: ProjectContext, statements: Statements, count: int
) -> None:
    make_collections(project, "posts", "authors")
    relate(admin, "authors", "posts", "oneToMany", onDelete="cascade")
    put(admin, "authors", "warm", posts=[{"$id": "w"}])
    old = [{"$id": f"old{number}"} for number in range(count)]
    put(admin, "authors", "ann", posts=old)
    kept = [{"$id": f"old{number}", "name": "new"} for number in range(0, count, 2)]
    new = [{"$id": f"new{number}", "name": "new"} for number in range(count)]

    with statements() as changing:
        assert change(admin, "authors", "ann", posts=kept + new).status == 200
    with statements() as deleting:
        assert admin.delete(f"{COLLECTIONS}/authors/documents/ann").status == 204

    assert len(run(changing)) <= 12, changing
    assert len(run(deleting)) <= 9, deleting


# Related documents by a query


def constrained(key: str, *queries: dict[str, Any]) -> str:
    return query("relationship", key, *queries)


def equal(attribute: str, *values: Any) -> dict[str, Any]:
    return {"method": "equal", "attribute": attribute, "values": list(values)}


def test_a_query_says_which_related_documents_are_shown(blog: ApiClient) -> None:
    def shown(*queries: str) -> dict[str, Any]:
        reply = listed(blog, *queries)
        assert reply.status == 200, reply.json
        return {each["$id"]: each for each in reply.json["documents"]}

    def tags(*queries: dict[str, Any]) -> list[list[str]]:
        found = shown(constrained("tags", *queries))
        assert found["p"]["name"] == "p"
        return [[tag["$id"] for tag in found[uid]["tags"]] for uid in "pq"]

    descending = {"method": "orderDesc", "attribute": "$id"}
    one = {"method": "limit", "values": [1]}
    assert tags(descending) == [["y", "x"], ["y"]]
    assert tags(descending, one) == [["y"], ["y"]]
    assert tags(descending, one, {"method": "offset", "values": [1]}) == [["x"], []]
    assert tags({"method": "or", "values": [equal("$id", "x"), equal("name", "x")]}) == [["x"], []]
    assert sorted(tags({"method": "orderRandom"})[0]) == ["x", "y"]
    of_rome = shown(constrained("author", equal("city.name", "Rome")), selecting("name"))
    assert [(of_rome[uid]["author"] or {}).get("name") for uid in "prs"] == ["ann", None, None]
    named = {"method": "select", "values": ["city.name"]}
    city = shown(constrained("author", named))["r"]["author"]
    assert (city["city"]["name"], "name" in city) == ("Oslo", False)
    one_post = blog.get(
        f"{COLLECTIONS}/posts/documents/p", {"queries": [constrained("tags", equal("$id", "y"))]}
    )
    assert [tag["$id"] for tag in one_post.json["tags"]] == ["y"]


def test_queries_of_related_documents_that_cannot_be_asked_are_refused(blog: ApiClient) -> None:
    one = {"method": "limit", "values": [1]}
    for asked, reason in (
        (query("relationship", "tags"), "takes an attribute and 1 to"),
        (query("relationship", "", one), "takes an attribute and 1 to"),
        (constrained("name", one), "needs a relationship attribute, not name"),
        (constrained("author.city", one), "needs a relationship attribute, not author.city"),
        (constrained("author", one), "not supported on a singular relationship: author"),
        (constrained("tags", equal("nothing", "x")), "Attribute not found in schema: nothing"),
        (constrained("tags", {"method": "orderAsc", "attribute": "nothing"}), "nothing"),
        (constrained("tags", {"method": "cursorAfter", "values": ["x"]}), "has no cursor"),
        (constrained("tags", {"method": "count"}), "Invalid query method: count"),
        (constrained("tags", {"method": "relationship", "values": [one]}), "relationship"),
        (query("relationship", "tags", "text"), "Must be an object"),
    ):
        reply = listed(blog, asked)
        assert (reply.status, reply.error) == (400, "general_query_invalid"), asked
        assert reason in reply.json["message"], reply.json["message"]
        nowhere = listed(blog, asked, query("equal", "name", "no such post"))
        assert (nowhere.status, nowhere.json) == (reply.status, reply.json), asked
    twice = listed(blog, constrained("tags", one), constrained("tags", one))
    assert "is there twice" in twice.json["message"]
    deleted = blog.delete(f"{COLLECTIONS}/posts/documents", {"queries": [constrained("tags", one)]})
    assert (deleted.status, deleted.error) == (400, "general_query_invalid")


# Permissions


@pytest.fixture
def reader(
    blog: ApiClient, project: ProjectContext, client_for: ClientFor, alice: Person
) -> ApiClient:
    """Return a user's client: all posts are readable, authors by their own permissions."""
    blog.put(f"{COLLECTIONS}/posts", {"name": "Posts", "permissions": ['read("users")']})
    blog.put(f"{COLLECTIONS}/authors", {"name": "Authors", "documentSecurity": True})
    blog.patch(f"{COLLECTIONS}/authors/documents/ann", {"permissions": ['read("user:alice")']})
    return client_for(project, session=alice.session)


def test_class_29_unreadable_related_documents_are_left_out(
    reader: ApiClient, blog: ApiClient
) -> None:
    shown = {
        each["$id"]: each["author"] and each["author"]["$id"]
        for each in listed(reader, selecting("author.*")).json["documents"]
    }

    assert shown == {"p": "ann", "q": "ann", "r": None, "s": None}
    assert get(reader, "posts", "p", "tags.*").json["tags"] == []
    blog.put(f"{COLLECTIONS}/authors", {"name": "Authors", "permissions": ['read("users")']})
    assert linked(reader, "posts", "r", "author") == "bob"
    off = {"name": "Authors", "permissions": ['read("users")'], "enabled": False}
    blog.put(f"{COLLECTIONS}/authors", off)
    assert linked(reader, "posts", "p", "author") is None
    assert linked(blog, "posts", "p", "author") == "ann"


def test_a_query_shows_only_related_documents_that_are_readable(
    reader: ApiClient, blog: ApiClient
) -> None:
    wanted = constrained("author", {"method": "isNotNull", "attribute": "name"})

    def authors(client: ApiClient) -> list[Any]:
        found = listed(client, wanted).json["documents"]
        return [each["author"] and each["author"]["name"] for each in found]

    assert authors(reader) == ["ann", "ann", None, None]
    assert authors(blog) == ["ann", "ann", "bob", None]


def test_class_29_unreadable_related_documents_are_not_found_by_filters(reader: ApiClient) -> None:
    assert ids(listed(reader, query("equal", "author.name", "ann"))) == ["p", "q"]
    assert ids(listed(reader, query("equal", "author.name", "bob"))) == []
    assert ids(listed(reader, query("equal", "author", "bob"))) == []
    assert ids(listed(reader, query("isNull", "author"))) == ["r", "s"]
    assert ids(listed(reader, query("equal", "author.city.name", "Rome"))) == []
    assert listed(reader, query("equal", "author.name", "bob")).json["total"] == 0


def test_groups_are_of_the_documents_that_filters_by_a_path_find(
    reader: ApiClient, blog: ApiClient
) -> None:
    def counted(client: ApiClient, *filters: str) -> int:
        groups = listed(client, *filters, query("count"))
        assert groups.status == 200, groups.json
        return int(groups.json["documents"][0]["count"])

    assert counted(blog, query("equal", "author.name", "ann")) == 2
    assert counted(blog, query("equal", "author.city.name", "Oslo")) == 1
    assert counted(blog, query("isNull", "author")) == 1
    assert counted(reader, query("equal", "author.name", "ann")) == 2
    assert counted(reader, query("equal", "author.name", "bob")) == 0


def test_writers_need_a_permission_on_each_document(
    reader: ApiClient, blog: ApiClient, project: ProjectContext
) -> None:
    rights = {"name": "Posts", "permissions": ['create("users")', 'read("users")']}
    blog.put(f"{COLLECTIONS}/posts", {**rights, "documentSecurity": True})

    def written(uid: str, author: Any) -> tuple[int, str]:
        reply = put(reader, "posts", uid, author=author)
        return reply.status, reply.error

    assert written("a", "ann") == (201, "")
    assert written("b", "bob") == (400, "relationship_value_invalid")
    assert written("c", "nobody") == (400, "relationship_value_invalid")
    assert written("d", {"name": "New"}) == (401, "user_unauthorized")
    assert written("e", {"$id": "ann", "name": "Other"}) == (401, "user_unauthorized")
    assert written("f", {"$id": "ann", "posts": ["p"]}) == (401, "user_unauthorized")
    foreign = {"name": "New", "$permissions": ['read("user:bob")']}
    blog.put(f"{COLLECTIONS}/authors", {"name": "A", "permissions": ['create("users")']})
    assert written("g", foreign) == (401, "user_unauthorized")
    assert written("h", {"$id": "mine", "name": "Mine"}) == (201, "")
    permissions = get(blog, "authors", "mine").json["$permissions"]
    assert permissions == get(blog, "posts", "h").json["$permissions"]


def test_a_link_that_belongs_to_the_other_needs_its_update(
    reader: ApiClient, blog: ApiClient
) -> None:
    rights = ['create("users")', 'read("users")']
    blog.put(f"{COLLECTIONS}/authors", {"name": "Authors", "permissions": rights})

    refused = put(reader, "authors", "eve", posts=["s"])
    blog.put(f"{COLLECTIONS}/posts", {"name": "P", "permissions": [*rights, 'update("users")']})
    allowed = put(reader, "authors", "eve", posts=["s"])

    assert (refused.status, allowed.status) == (401, 201)
    assert linked(blog, "posts", "s", "author") == "eve"


# Filters


def test_filters_follow_paths(blog: ApiClient) -> None:
    for queries, found in (
        ([query("equal", "author", "ann")], ["p", "q"]),
        ([query("equal", "author", "ann", "bob")], ["p", "q", "r"]),
        ([query("notEqual", "author", "ann")], ["r"]),
        ([query("isNull", "author")], ["s"]),
        ([query("isNotNull", "author")], ["p", "q", "r"]),
        ([query("equal", "author.name", "bob")], ["r"]),
        ([query("startsWith", "author.city.name", "R")], ["p", "q"]),
        ([query("equal", "tags.$id", "y")], ["p", "q"]),
        ([query("equal", "tags.$id", "x"), query("equal", "author.$id", "ann")], ["p"]),
        ([query("equal", "author.posts.tags.$id", "x")], ["p", "q"]),
        ([query("equal", "author.name", "ann"), query("orderDesc", "name")], ["q", "p"]),
    ):
        assert ids(listed(blog, *queries)) == found, queries
    first = listed(blog, query("equal", "author.name", "ann"), '{"method":"limit","values":[1]}')
    assert (ids(first), first.json["total"]) == (["p"], 2)


def test_paths_are_joined_by_or(blog: ApiClient) -> None:
    either = (
        '{"method": "or", "values": ['
        '{"method": "equal", "attribute": "author.name", "values": ["bob"]},'
        '{"method": "equal", "attribute": "tags.$id", "values": ["x"]}]}'
    )

    assert ids(listed(blog, either)) == ["p", "r"]


def test_paths_that_cannot_be_asked_are_refused(blog: ApiClient) -> None:
    for one in (
        query("equal", "tags", "x"),
        query("isNull", "tags"),
        query("equal", "author.nothing", "x"),
        query("equal", "nothing.name", "x"),
        query("equal", "author.name", 5),
        query("equal", "author.posts", "p"),
        query("equal", "author.posts.author.posts.name", "p"),
        query("search", "author.name", "ann"),
        query("greaterThan", "author.", 5),
        query("orderAsc", "author.name"),
        query("orderAsc", "author"),
    ):
        reply = listed(blog, one)
        assert (reply.status, reply.error) == (400, "general_query_invalid"), one


def test_filters_learn_of_changed_schemas(blog: ApiClient) -> None:
    by_name = query("equal", "author.name", "ann")
    assert ids(listed(blog, by_name)) == ["p", "q"]
    body = {"required": False, "default": None, "newKey": "called"}

    assert blog.patch(f"{COLLECTIONS}/authors/attributes/string/name", body).status == 200

    assert listed(blog, by_name).status == 400
    assert ids(listed(blog, query("equal", "author.called", "ann"))) == ["p", "q"]
