"""Full text: which words a search finds, what it needs, and how it is found."""

from typing import Any

import orjson
import pytest

from documents.definitions import IndexRequest
from documents.models import Collection
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import (
    DOCUMENTS,
    ROWS,
    both_vocabularies,
    ids,
    make_collection,
    operator,
    query,
)
from tests.documents.conftest import MakeKey
from tests.documents.schema import add_attribute, index_names
from tests.documents.test_document_indexes import fill, index, plan_of_listing

pytestmark = pytest.mark.db

TEXTS = {
    "fox": "The quick brown fox jumps, over the lazy dog.",
    "dogs": "Dogs: lazy-dogs (and 12.5 more) e.g. rex@kennel.example!",
    "tea": "快樂、茶 and TEA; it's 100% foo_bar",
    "empty": "",
    "none": None,
}


@pytest.fixture
def texts(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    """Make documents with the texts above; returns a client that may read and change them."""
    by_text = IndexRequest(
        key="words", type="fulltext", attributes=["title", "content"], orders=[], lengths=[]
    )
    make_collection(project, indexes=[by_text])
    client = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    for uid, text in TEXTS.items():
        body = {"documentId": uid, "data": {"title": uid.upper(), "content": text}}
        assert client.post(DOCUMENTS, body).status == 201
    return client


def found(client: ApiClient, *queries: str) -> list[str]:
    return ids(client.get(DOCUMENTS, {"queries": list(queries)}))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("fox", ["fox"]),
        ("FOX", ["fox"]),
        ("cat fox", ["fox"]),
        ("lazy", ["fox", "dogs"]),
        ("quick tea", ["fox", "tea"]),
        ("do", ["fox", "dogs"]),
        ("do fox", ["fox"]),
        ('"lazy dog"', ["fox"]),
        ('"LAZY dogs"', ["dogs"]),
        ('"dog lazy"', []),
        ('"lazy do"', []),
        ("12.5", ["dogs"]),
        ("kennel", ["dogs"]),
        ("foo-bar", ["tea"]),
        ("茶", ["tea"]),
        ("100%", ["tea"]),
        ("it's", ["tea"]),
        ("ox", []),
        ("", []),
        ('"', []),
        ("& | ! :* <-> ( ' \\", []),
        ("x" * 3000, []),
        ('"' + "x" * 3000 + '"', []),
    ],
)
def test_search_finds_any_word_the_last_one_by_its_beginning_and_phrases(
    texts: ApiClient, wanted: str, expected: list[str]
) -> None:
    assert found(texts, query("search", "content", wanted)) == expected


def test_every_attribute_of_the_index_is_searched_apart(texts: ApiClient) -> None:
    assert found(texts, query("search", "title", "tea")) == ["tea"]
    assert found(texts, query("search", "title", "lazy")) == []


def test_not_search_leaves_out_what_search_finds_and_what_has_no_value(texts: ApiClient) -> None:
    assert found(texts, query("notSearch", "content", "lazy")) == ["tea", "empty"]
    assert found(texts, query("notSearch", "content", "")) == ["fox", "dogs", "tea", "empty"]


def test_search_joins_other_queries(texts: ApiClient) -> None:
    tests = [query("search", "content", "tea"), query("equal", "title", "FOX")]
    either = {"method": "or", "values": [orjson.loads(each) for each in tests]}

    reply = texts.get(
        DOCUMENTS, {"queries": [orjson.dumps(either).decode(), query("orderDesc", "title")]}
    )

    assert ids(reply) == ["tea", "fox"]
    assert reply.json["total"] == 2
    after = [query("search", "content", "lazy tea"), query("cursorAfter", "", "fox")]
    assert found(texts, *after) == ["dogs", "tea"]


def test_bulk_writes_pick_by_search(texts: ApiClient) -> None:
    body = {"queries": [query("search", "content", "lazy")], "data": {"likes": 5}}

    changed = texts.patch(ROWS, body)

    assert (changed.status, changed.json["total"]) == (200, 2)
    assert found(texts, query("equal", "likes", 5)) == ["fox", "dogs"]


@both_vocabularies
@pytest.mark.parametrize(
    ("queries", "reason"),
    [
        ([query("search", "contact", "x")], 'Searching by attribute "contact" requires a fulltext'),
        ([query("notSearch", "contact", "x")], "requires a fulltext index"),
        ([query("search", "likes", "x")], "because it is not a string."),
        ([query("search", "tags", "x")], "because it is an array."),
        ([query("search", "$id", "x")], "requires a fulltext index"),
        ([query("search", "nothing", "x")], "Attribute not found in schema: nothing"),
        ([query("search", "content", 3)], 'Query value is invalid for attribute "content"'),
        ([query("search", "content", "a", "b")], "search takes exactly one value"),
        ([query("search", "content")], "search takes exactly one value"),
        ([query("search", "", "a")], "search needs an attribute"),
    ],
)
def test_search_is_refused_clearly(
    texts: ApiClient, words: Any, queries: list[str], reason: str
) -> None:
    reply = texts.get(words.path, {"queries": queries})

    assert (reply.status, reply.error) == (400, "general_query_invalid")
    assert reason in reply.json["message"]


def test_search_waits_for_the_index_to_be_built_and_ends_with_it(
    admin: ApiClient, posts: str, jobs: Any
) -> None:
    add_attribute(admin, "text", "body")
    jobs()
    body = {"documentId": "a", "data": {"body": "Hello world"}}
    assert admin.post(f"{posts}/documents", body).status == 201
    asked = {"queries": [query("search", "body", "world")]}
    request = {"key": "words", "type": "fulltext", "attributes": ["body"]}

    before = admin.get(f"{posts}/documents", asked)
    assert admin.post(f"{posts}/indexes", request).status == 202
    meanwhile = admin.get(f"{posts}/documents", asked)
    jobs()
    built = admin.get(f"{posts}/documents", asked)
    renamed = admin.patch(
        f"{posts}/attributes/text/body", {"required": False, "default": None, "newKey": "story"}
    )
    under_its_new_key = admin.get(
        f"{posts}/documents", {"queries": [query("search", "story", "world")]}
    )
    assert admin.delete(f"{posts}/indexes/words").status == 204
    after = admin.get(f"{posts}/documents", {"queries": [query("search", "story", "world")]})

    assert [each.error for each in (before, meanwhile, after)] == ["general_query_invalid"] * 3
    assert renamed.status == 200
    assert ids(built) == ids(under_its_new_key) == ["a"]


def test_encrypted_text_is_not_searched(admin: ApiClient, posts: str, jobs: Any) -> None:
    add_attribute(admin, "string", "secret", size=200, encrypt=True)
    jobs()

    request = {"key": "words", "type": "fulltext", "attributes": ["secret"]}
    refused = admin.post(f"{posts}/indexes", request)

    assert (refused.status, refused.error) == (400, "index_invalid")
    assert "encrypted" in refused.json["message"]
    assert index_names(Collection.objects.get(uid="posts").id) == []


def test_search_uses_the_index(project: ProjectContext) -> None:
    number = fill(project, index("title", type_="fulltext"))

    for method in ("t77", '"t77"', "t77 t78"):
        plan = plan_of_listing(operator(project), query("search", "title", method))
        assert f"Bitmap Index Scan on ix_{number}_" in plan
