"""Getting and listing documents: who sees what, and what a selection holds."""

from collections.abc import Callable
from typing import Any

import pytest
from guardian.shortcuts import assign_perm, remove_perm

from accounts.models import User
from documents.models import Collection, Document
from documents.services import update_collection, update_database
from documents.vocabulary import COLLECTIONS
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Person
from tests.documents.blog import (
    DATABASE,
    DOCUMENTS,
    Words,
    both_vocabularies,
    ids,
    listed,
    make_collection,
    operator,
    put,
    query,
)
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db

COLLECTION = DOCUMENTS.removesuffix("/documents")
SYSTEM_KEYS = {
    "$id",
    "$sequence",
    "$databaseId",
    "$collectionId",
    "$createdAt",
    "$updatedAt",
    "$permissions",
}


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    return client_for(project, key=make_key(project, ["documents.read"]))


# Who sees what


@both_vocabularies
def test_key_reads_everything(project: ProjectContext, key: ApiClient, words: Words) -> None:
    make_collection(project)
    put(project, "one")
    put(project, "two", 'read("user:x")')

    reply = key.get(words.path)

    assert reply.status == 200
    assert reply.json["total"] == 2
    assert ids(reply, words.nouns) == ["one", "two"]
    assert reply.json[words.nouns][1] == key.get(f"{words.path}/two").json
    assert reply.json[words.nouns][0][words.collection_key] == "posts"


@both_vocabularies
def test_outsider_cannot_read_private_document(
    project: ProjectContext, alice: Person, bob: Person, client_for: ClientFor, words: Words
) -> None:
    make_collection(project, document_security=True)
    put(project, "hers", 'read("user:alice")')
    put(project, "public", 'read("any")')
    put(project, "hidden")

    def seen(client: ApiClient) -> tuple[list[str], int, int]:
        reply = client.get(words.path)
        return ids(reply, words.nouns), reply.json["total"], client.get(f"{words.path}/hers").status

    assert seen(client_for(project, session=alice.session)) == (["hers", "public"], 2, 200)
    assert seen(client_for(project, session=bob.session)) == (["public"], 1, 404)
    assert seen(client_for(project)) == (["public"], 1, 404)


def test_item_grants_do_not_count_without_document_security(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project)
    put(project, "p", 'read("any")')
    client = client_for(project, session=alice.session)

    reply = client.get(DOCUMENTS)
    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert client.get(f"{DOCUMENTS}/p").error == "document_not_found"


@pytest.mark.parametrize("roles", [["label:vip"], ["users/unverified"], ["user:alice/unverified"]])
def test_every_kind_of_role_counts(
    project: ProjectContext, alice: Person, client_for: ClientFor, roles: list[str]
) -> None:
    make_collection(project, document_security=True)
    User.objects.filter(uid="alice").update(labels=["vip"])
    put(project, "p", *(f'read("{role}")' for role in roles))

    assert client_for(project, session=alice.session).get(f"{DOCUMENTS}/p").status == 200
    assert client_for(project).get(f"{DOCUMENTS}/p").status == 404


def test_grant_made_with_guardian_shows_at_once(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, document_security=True)
    put(project, "p", 'read("user:bob")')
    client = client_for(project, session=alice.session)
    assert client.get(f"{DOCUMENTS}/p").status == 404
    person, row = User.objects.get(uid="alice"), Document.objects.get(uid="p")

    assign_perm("documents.read_document", person, row)
    reply = client.get(f"{DOCUMENTS}/p")
    assert reply.json["$permissions"] == ['read("user:bob")', 'read("user:alice")']
    assert ids(client.get(DOCUMENTS)) == ["p"]

    remove_perm("documents.read_document", person, row)
    assert client.get(f"{DOCUMENTS}/p").status == 404
    assert ids(client.get(DOCUMENTS)) == []


def test_grant_on_the_collection_shows_at_once(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project)
    put(project, "p")
    client = client_for(project, session=alice.session)
    assert client.get(DOCUMENTS).status == 401
    person, collection = User.objects.get(uid="alice"), Collection.objects.get(uid="posts")

    assign_perm("documents.read_collection", person, collection)
    assert ids(client.get(DOCUMENTS)) == ["p"]

    remove_perm("documents.read_collection", person, collection)
    assert client.get(DOCUMENTS).status == 401
    assert client.get(f"{DOCUMENTS}/p").status == 404


def change_collection(project: ProjectContext, **changes: Any) -> None:
    unchanged = {
        "name": None,
        "permissions": None,
        "document_security": False,
        "enabled": True,
        "description": None,
    }
    update_collection(
        caller=operator(project),
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id="posts",
        **{**unchanged, **changes},
    )


def test_switch_of_document_security_shows_at_once(
    project: ProjectContext, client_for: ClientFor
) -> None:
    make_collection(project, document_security=True)
    put(project, "p", 'read("any")')
    client = client_for(project)
    assert client.get(f"{DOCUMENTS}/p").status == 200

    change_collection(project, document_security=False)

    assert client.get(f"{DOCUMENTS}/p").status == 404
    assert client.get(DOCUMENTS).status == 401


@both_vocabularies
def test_disabled_containers_are_hidden_from_users_only(
    project: ProjectContext, key: ApiClient, client_for: ClientFor, words: Words
) -> None:
    make_collection(project, permissions=['read("any")'])
    put(project, "p")
    guest = client_for(project)
    assert guest.get(words.path).status == 200

    change_collection(project, enabled=False)
    assert guest.get(f"{words.path}/p").error == f"{words.collection_key[1:-2]}_not_found"
    assert guest.get(words.path).error == f"{words.collection_key[1:-2]}_not_found"
    assert ids(key.get(words.path), words.nouns) == ["p"]

    change_collection(project, enabled=True)
    assert guest.get(words.path).status == 200
    update_database(
        caller=operator(project), database_id=DATABASE, name=None, enabled=False, description=None
    )
    assert guest.get(f"{words.path}/p").error == "database_not_found"
    assert key.get(f"{words.path}/p").status == 200


# Queries


def test_select_keeps_the_system_attributes(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "p", likes=3)

    for reply in (
        key.get(f"{DOCUMENTS}/p", {"queries": [query("select", "", "likes", "$id")]}).json,
        listed(key, query("select", "", "likes")).json["documents"][0],
    ):
        assert set(reply) == SYSTEM_KEYS | {"likes"}
        assert reply["likes"] == 3
    everything = listed(key, query("select", "", "*")).json["documents"][0]
    assert everything == key.get(f"{DOCUMENTS}/p").json


def test_text_is_matched_literally(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    for number, title in enumerate(["50%", "505", "a_b", "axb", "c\\d", "Case", "case"]):
        put(project, f"n{number}", title=title)

    assert ids(listed(key, query("contains", "title", "0%"))) == ["n0"]
    assert ids(listed(key, query("startsWith", "title", "a_"))) == ["n2"]
    assert ids(listed(key, query("endsWith", "title", "\\d"))) == ["n4"]
    assert ids(listed(key, query("equal", "title", "case"))) == ["n6"]
    first = listed(key, query("orderAsc", "title"), query("limit", "", 4))
    assert ids(first) == ["n0", "n1", "n5", "n2"]


# What changes while documents are there


def test_attribute_counts_once_it_is_available(
    project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
    jobs: Callable[[], int],
) -> None:
    make_collection(project)
    scopes = ["documents.read", "documents.write", "collections.write", "attributes.write"]
    key = client_for(project, key=make_key(project, scopes))
    put(project, "old")
    attributes = f"{COLLECTION}/attributes"
    assert key.post(f"{attributes}/integer", {"key": "size", "required": False}).status == 202
    body = {"documentId": "new", "data": {"title": "T", "size": 4}}

    early = key.post(DOCUMENTS, body)
    jobs()
    late = key.post(DOCUMENTS, body)

    assert (early.status, early.error) == (400, "document_invalid_structure")
    assert (late.status, late.json["size"]) == (201, 4)
    assert key.get(f"{DOCUMENTS}/old").json["size"] is None
    assert ids(listed(key, query("equal", "size", 4))) == ["new"]

    assert key.delete(f"{attributes}/size").status == 204
    for _ in range(2):
        assert "size" not in key.get(f"{DOCUMENTS}/new").json
        assert listed(key, query("equal", "size", 4)).error == "general_query_invalid"
        jobs()


def test_deleted_collection_takes_its_documents_along(
    project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
    jobs: Callable[[], int],
) -> None:
    make_collection(project)
    scopes = ["documents.read", "documents.write", "collections.write"]
    key = client_for(project, key=make_key(project, scopes))
    put(project, "p", 'read("any")')
    assert key.get(f"{DOCUMENTS}/p").status == 200

    assert key.delete(COLLECTION).status == 204
    for _ in range(2):
        assert key.get(f"{DOCUMENTS}/p").error == "collection_not_found"
        assert key.get(DOCUMENTS).error == "collection_not_found"
        change = key.patch(f"{DOCUMENTS}/p", {"data": {"likes": 2}})
        assert change.error == "collection_not_found"
        jobs()

    make_collection(project)
    assert key.get(f"{DOCUMENTS}/p").error == "document_not_found"
    assert key.get(DOCUMENTS).json["total"] == 0
