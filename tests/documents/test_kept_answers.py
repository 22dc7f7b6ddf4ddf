"""Listings that take an older answer: what is kept, for whom, and what outdates it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from documents.store import answers
from kernel import clock, sql
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor, Person
from tests.documents import related
from tests.documents.blog import (
    DATABASE,
    DOCUMENTS,
    ROWS,
    Words,
    both_vocabularies,
    ids,
    make_collection,
    put,
    query,
)
from tests.documents.conftest import MakeKey
from tests.documents.schema import SCHEMA_SCOPES

pytestmark = pytest.mark.db

HEADER = "X-Appwrite-Cache"
COLLECTION = DOCUMENTS.removesuffix("/documents")


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    return client_for(project, key=make_key(project, [*SCHEMA_SCOPES, "documents.write"]))


def asked(client: ApiClient, *queries: str, path: str = DOCUMENTS, **more: Any) -> Reply:
    return client.get(path, {"queries": list(queries), "ttl": 60, **more})


def seen(client: ApiClient, *queries: str, **more: Any) -> tuple[str, list[str]]:
    reply = asked(client, *queries, **more)
    return reply.headers[HEADER], ids(reply)


@both_vocabularies
def test_answer_is_kept_until_it_is_too_old(
    project: ProjectContext, key: ApiClient, words: Words
) -> None:
    make_collection(project)
    put(project, "one")
    first = asked(key, path=words.path)
    put(project, "two")

    second = asked(key, path=words.path)
    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        shorter = asked(key, path=words.path, ttl=10)
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        late = asked(key, path=words.path, ttl=86_400)

    assert [each.headers[HEADER] for each in (first, second, shorter, late)] == [
        "miss",
        "hit",
        "miss",
        "miss",
    ]
    assert second.json == first.json
    assert ids(second, words.nouns) == ["one"]
    assert ids(shorter, words.nouns) == ids(late, words.nouns) == ["one", "two"]


def test_listing_without_age_asks_the_database(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "one")
    asked(key)
    put(project, "two")

    for more in ({}, {"ttl": 0}):
        reply = key.get(DOCUMENTS, more)
        assert HEADER not in reply.headers
        assert ids(reply) == ["one", "two"]
    staging = key.post("/databases/transactions", {}).json["$id"]
    reply = asked(key, transactionId=staging)
    assert HEADER not in reply.headers
    assert ids(reply) == ["one", "two"]


def test_every_question_has_an_answer_of_its_own(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    make_collection(project, "other")
    put(project, "one")
    questions: list[dict[str, Any]] = [
        {},
        {"total": False},
        {"path": ROWS},
        {"path": DOCUMENTS.replace("posts", "other")},
        {"queries": [query("limit", "", 5)]},
        {"queries": [query("equal", "title", "one")]},
        {"queries": [query("equal", "title", "two")]},
        {"queries": [query("count"), query("groupBy", "", "title")]},
    ]

    for state in ("miss", "hit"):
        for each in questions:
            more = dict(each)
            assert asked(key, *more.pop("queries", ()), **more).headers[HEADER] == state, each


def test_queries_in_a_body_take_an_older_answer(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "one")

    states = [key.post(f"{DOCUMENTS}/query", {"ttl": 60}).headers[HEADER] for _ in range(2)]

    assert states == ["miss", "hit"]


def test_age_is_checked(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)

    for ttl in (-1, 86_401, "x", 1.5):
        reply = key.get(DOCUMENTS, {"ttl": ttl})
        assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_answers_are_not_shared_between_roles(
    project: ProjectContext, alice: Person, bob: Person, client_for: ClientFor, key: ApiClient
) -> None:
    make_collection(project, document_security=True)
    put(project, "hers", 'read("user:alice")')
    put(project, "public", 'read("any")')
    callers = [
        (client_for(project, session=alice.session), ["hers", "public"]),
        (client_for(project, session=bob.session), ["public"]),
        (client_for(project), ["public"]),
        (key, ["hers", "public"]),
    ]

    for state in ("miss", "hit"):
        for client, expected in callers:
            assert seen(client) == (state, expected)


def test_document_that_may_not_be_read_any_more_is_not_shown(
    project: ProjectContext, alice: Person, client_for: ClientFor, key: ApiClient
) -> None:
    make_collection(project, document_security=True)
    put(project, "one", 'read("user:alice")')
    put(project, "two", 'read("user:alice")')
    client = client_for(project, session=alice.session)
    assert [seen(client), seen(client)] == [
        ("miss", ["one", "two"]),
        ("hit", ["one", "two"]),
    ]

    key.patch(f"{DOCUMENTS}/one", {"permissions": ['read("user:bob")']})
    assert seen(client) == ("miss", ["two"])
    assert seen(client) == ("hit", ["two"])
    key.delete(f"{DOCUMENTS}/two")
    assert seen(client) == ("miss", [])


def disable(key: ApiClient) -> None:
    key.put(COLLECTION, {"name": "Posts", "enabled": False})


def disable_database(key: ApiClient) -> None:
    key.put(f"/databases/{DATABASE}", {"name": "Main", "enabled": False})


def take_grants(key: ApiClient) -> None:
    key.put(COLLECTION, {"name": "Posts", "permissions": []})


@pytest.mark.parametrize(
    ("change", "status"), [(disable, 404), (disable_database, 404), (take_grants, 401)]
)
def test_collection_that_is_closed_has_no_answers(
    project: ProjectContext,
    client_for: ClientFor,
    key: ApiClient,
    change: Callable[[ApiClient], None],
    status: int,
) -> None:
    make_collection(project, permissions=['read("any")'])
    put(project, "one")
    guest = client_for(project)
    assert [seen(guest)[0], seen(guest)[0]] == ["miss", "hit"]

    change(key)

    assert asked(guest).status == status


def test_change_of_the_schema_and_a_purge_outdate_answers(
    project: ProjectContext, key: ApiClient, jobs: Callable[[], int]
) -> None:
    make_collection(project)
    put(project, "one")
    asked(key)
    put(project, "two")

    purged = key.put(COLLECTION, {"name": "Posts", "purge": True})
    assert purged.status == 200
    assert seen(key) == ("miss", ["one", "two"])
    put(project, "three")
    key.post(f"{COLLECTION}/attributes/integer", {"key": "more", "required": False})
    jobs()
    state, _ = seen(key)
    assert state == "miss"
    assert asked(key).json["documents"][0]["more"] is None
    assert key.put(COLLECTION, {"name": "Posts", "purge": "x"}).status == 400


def test_answers_with_related_documents_are_not_kept(
    project: ProjectContext, key: ApiClient
) -> None:
    related.make_collections(project, "books", "authors")
    related.relate(key, "books", "authors", "manyToOne", "author")
    related.put(key, "authors", "ann")
    related.put(key, "books", "one", author="ann")
    path = DOCUMENTS.replace("posts", "books")
    told = query("select", "", "name", "author.name")
    found = query("equal", "author.name", "ann")

    states = [asked(key, each, path=path).headers[HEADER] for each in (told, told, found, found)]

    assert states == ["miss"] * 4
    assert [seen(key, path=path) for _ in range(2)] == [("miss", ["one"]), ("hit", ["one"])]


def test_groups_are_kept_for_readers_of_everything_only(
    project: ProjectContext, alice: Person, client_for: ClientFor, key: ApiClient
) -> None:
    make_collection(project, document_security=True)
    put(project, "one", 'read("user:alice")')
    counted = query("count")
    client = client_for(project, session=alice.session)

    assert [asked(each, counted).headers[HEADER] for each in (client, client, key, key)] == [
        "miss",
        "miss",
        "miss",
        "hit",
    ]


def test_encrypted_and_long_answers_are_not_kept(
    project: ProjectContext, key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_collection(project, "posts")
    secret = {"secret": {"type": "string", "size": 200, "encrypt": True}}
    make_collection(project, "secrets", attributes=secret)
    path = DOCUMENTS.replace("posts", "secrets")

    assert [seen(key, path=path)[0] for _ in range(2)] == ["miss", "miss"]
    monkeypatch.setattr(answers, "MAX_ANSWER_BYTES", 10)
    assert [seen(key)[0] for _ in range(2)] == ["miss", "miss"]
    assert rows() == 0


def rows() -> int:
    row = sql.fetch_one("SELECT count(*) FROM document_answer")
    return int(row[0]) if row else 0


def test_number_of_answers_is_bounded_and_old_ones_are_swept(
    project: ProjectContext, key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_collection(project)
    monkeypatch.setattr(answers, "PLACES", 2)
    for number in range(1, 9):
        assert seen(key, query("limit", "", number))[0] == "miss"
    assert seen(key, query("limit", "", 8))[0] == "hit"
    assert rows() == 2

    assert answers.sweep() == 0
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert answers.sweep() == 2
    assert rows() == 0


def test_answers_of_a_deleted_collection_are_swept(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "one")
    assert seen(key) == ("miss", ["one"])
    assert answers.sweep() == 0

    assert key.delete(COLLECTION).status == 204

    assert answers.sweep() == 1
    assert rows() == 0


@pytest.mark.django_db(transaction=True)
def test_listing_is_answered_by_a_server_that_only_reads(
    project: ProjectContext, key: ApiClient
) -> None:
    make_collection(project)
    put(project, "one")
    sql.execute("SET default_transaction_read_only = on")
    try:
        assert [seen(key), seen(key)] == [("miss", ["one"])] * 2
    finally:
        sql.execute("RESET default_transaction_read_only")


def test_hit_takes_one_statement_however_many_documents(
    project: ProjectContext,
    alice: Person,
    client_for: ClientFor,
    statements: Callable[[], Any],
) -> None:
    make_collection(project, document_security=True)
    for number in range(5):
        put(project, f"d{number}", 'read("user:alice")')
    client = client_for(project, session=alice.session)
    assert seen(client)[0] == "miss"

    with statements() as sent:
        assert seen(client)[0] == "hit"

    assert len(sent) == 2  # who calls, and the answer
