"""Whatever a client sends to the paths of documents, the answer is never a failure of ours."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.definitions import IndexRequest
from kernel.caller import ProjectContext
from kernel.query import (
    COMPARISONS,
    CONTAINMENTS,
    DISTANCES,
    GROUPINGS,
    LOGICAL,
    NULL_TESTS,
    ORDERS,
    RANGES,
    REGEX,
    RELATIONS,
    RELATIONSHIP,
    SEARCHES,
    TEXT_TESTS,
    VECTORS,
)
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor
from tests.documents.blog import DOCUMENTS, ROWS, make_collection
from tests.documents.blog import POST as TEXTS_AND_NUMBERS
from tests.documents.conftest import MakeKey

pytestmark = [pytest.mark.db, pytest.mark.slow]

POST = {**TEXTS_AND_NUMBERS, "place": {"type": "point"}, "area": {"type": "polygon"}}

RELAXED = settings(max_examples=40)


def dumped(value: Any) -> str:
    """Write JSON as a client in any language may: with numbers of any size."""
    return json.dumps(value)


NASTY = [
    "",
    "\x00",
    "'; DROP TABLE document; --",
    '"',
    "%s",
    "%(collection)s",
    "{partition}",
    "a__b",
    "_connector",
    "\\",
    "😀",
    "\u202e",
    "x" * 5000,
    "$id",
    "$permissions",
    "data->>'x'",
    "unique()",
    "..",
    "null",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(NASTY),
    st.text(max_size=20),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from([*POST, *NASTY]), st.text(max_size=8)), inner),
    ),
    max_leaves=12,
)
METHODS = [
    *COMPARISONS,
    *CONTAINMENTS,
    *LOGICAL,
    *NULL_TESTS,
    *ORDERS,
    REGEX,
    *DISTANCES,
    *RELATIONS,
    *RANGES,
    *TEXT_TESTS,
    "limit",
    "offset",
    "select",
    "cursorAfter",
    "cursorBefore",
    "orderRandom",
    *SEARCHES,
    *GROUPINGS,
    *VECTORS,
    RELATIONSHIP,
    "exists",
    "notExists",
    "elemMatch",
    "join",
    "",
]
WORDS = IndexRequest(key="words", type="fulltext", attributes=["content"], orders=[], lengths=[])
QUERIES = st.one_of(
    JSON.map(lambda value: value if isinstance(value, str) else dumped(value)),
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(METHODS),
            "attribute": st.one_of(
                st.sampled_from([*POST, "$id", "$sequence", "$createdAt", "$updatedAt", *NASTY]),
                SCALARS,
            ),
            "values": st.one_of(st.lists(SCALARS, max_size=4), st.lists(JSON, max_size=3), JSON),
        }
    ).map(dumped),
)


def check(reply: Reply) -> None:
    assert reply.status < 500, (reply.status, reply.json)
    if reply.status >= 400:
        assert set(reply.json) == {"message", "code", "type", "version"}
        for word in ("psycopg", "SELECT", "Traceback", "document_collection", 'relation "'):
            assert word not in reply.json["message"]


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    make_collection(project, attributes=POST, indexes=[WORDS])
    client = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    body = {"documentId": "p", "data": {"title": "T", "likes": 1, "tags": ["a"], "rating": 0.5}}
    assert client.post(DOCUMENTS, body).status == 201
    return client


def test_no_query_breaks_a_listing(key: ApiClient) -> None:
    @RELAXED
    @given(st.lists(QUERIES, max_size=3))
    def send(queries: list[str]) -> None:
        check(key.get(DOCUMENTS, {"queries": queries}))
        check(key.get(f"{ROWS}/p", {"queries": queries}))

    send()


def test_no_data_breaks_a_write(key: ApiClient) -> None:
    @RELAXED
    @given(
        st.one_of(JSON, st.dictionaries(st.sampled_from([*POST, "$createdAt", "$id"]), JSON)),
        JSON,
        st.sampled_from(["p", "new"]),
    )
    def send(data: Any, permissions: Any, uid: str) -> None:
        body = dumped({"documentId": uid, "data": data, "permissions": permissions}).encode()
        check(key.post(DOCUMENTS, body))
        check(key.patch(f"{DOCUMENTS}/{uid}", body))
        check(key.put(f"{ROWS}/{uid}", body))
        check(key.post(DOCUMENTS, dumped({"documentId": uid, "data": dumped(data)}).encode()))

    send()


def test_no_parameter_breaks_an_operation(key: ApiClient) -> None:
    @RELAXED
    @given(JSON)
    def send(value: Any) -> None:
        for name in ("documentId", "data", "permissions", "transactionId", "documents"):
            body = {"documentId": "q", "data": {"title": "T"}, name: value}
            check(key.post(DOCUMENTS, dumped(body).encode()))
        text = value if isinstance(value, str) else dumped(value)
        check(key.get(DOCUMENTS, {"total": text, "ttl": text}))
        check(key.get(DOCUMENTS, {"queries": text}))

    send()


@pytest.mark.parametrize(
    "path",
    [
        f"{DOCUMENTS}/%00",
        f"{DOCUMENTS}/..%2F..",
        f"{DOCUMENTS}/" + "x" * 3000,
        f"{DOCUMENTS}/é",
        DOCUMENTS.replace("posts", "%27%3B--"),
        DOCUMENTS.replace("main", "document_1"),
        DOCUMENTS.replace("posts", "auth_user"),
    ],
)
def test_strange_paths_lead_nowhere(key: ApiClient, path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        reply = key.call(method, path, {"documentId": "x", "data": {"title": "T"}})
        check(reply)
        assert reply.status in (400, 404)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"documentId": "q", "data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"documentId": "q", "data": {"title": "\\ud800"}}',
        b'{"documentId": "q", "data": {"title": "\\u0000"}}',
        b'{"documentId": "q", "data": "{\\"title\\": \\"\\\\u0000\\"}"}',
        b'{"documentId": "q", "data": {"likes": 1e400, "title": "T"}}',
        b'{"documentId": "q", "data": {"likes": NaN, "title": "T"}}',
        b'{"documentId": "q", "data": {"likes": ' + b"9" * 5000 + b', "title": "T"}}',
    ],
)
def test_malformed_bodies_are_refused(key: ApiClient, body: bytes) -> None:
    for method, path in (("POST", DOCUMENTS), ("PATCH", f"{DOCUMENTS}/p"), ("PUT", f"{ROWS}/q")):
        reply = key.call(method, path, body)
        check(reply)
        assert reply.status == 400
