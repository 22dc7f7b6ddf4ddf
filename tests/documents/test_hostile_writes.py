"""Whatever operators, steps and writes of many hold, the answer is never a failure of ours."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.operators import CONDITIONS
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import DOCUMENTS, POST, ROWS, make_collection
from tests.documents.conftest import MakeKey
from tests.documents.test_hostile_documents import JSON, QUERIES, RELAXED, SCALARS, check, dumped
from tests.documents.transactions import begin, operation

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db]

METHODS = [
    *("increment", "decrement", "multiply", "divide", "modulo", "power"),
    *("stringConcat", "stringReplace", "toggle", "dateAddDays", "dateSubDays", "dateSetNow"),
    *("arrayAppend", "arrayPrepend", "arrayInsert", "arrayRemove", "arrayUnique"),
    *("arrayIntersect", "arrayDiff", "arrayFilter"),
]
VALUES = st.lists(
    st.one_of(
        SCALARS,
        st.sampled_from([*CONDITIONS, 0, 1, -1, 2, 0.5, -0.5, 1e308, -1e308, 5e-324, 2**63 - 1]),
    ),
    max_size=3,
)
OPERATORS = st.fixed_dictionaries(
    {"method": st.sampled_from(METHODS), "values": st.one_of(VALUES, VALUES, JSON)}
).map(dumped)
NUMBERS = st.one_of(st.integers(-(2**65), 2**65), st.floats(allow_nan=False), SCALARS)


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    make_collection(project)
    client = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    data = {"title": "T", "likes": 1, "rating": 0.5, "published": "9999-12-31T23:59:59.999+00:00"}
    lists = {"tags": ["a", "b"], "scores": [1, 2**53]}
    assert client.post(DOCUMENTS, {"documentId": "p", "data": data | lists}).status == 201
    return client


def test_no_operator_breaks_a_write(key: ApiClient) -> None:
    @RELAXED
    @given(st.dictionaries(st.sampled_from(list(POST)), OPERATORS, min_size=1, max_size=2))
    def send(data: dict[str, str]) -> None:
        check(key.patch(f"{DOCUMENTS}/p", {"data": data}))
        check(key.put(f"{ROWS}/q", {"data": {"title": "T"} | data}))
        check(key.patch(DOCUMENTS, {"data": data}))
        check(key.get(f"{DOCUMENTS}/p"))
        key.delete(f"{DOCUMENTS}/q")

    send()


@pytest.mark.parametrize("attribute", ["likes", "rating"])
def test_no_number_breaks_an_operator(key: ApiClient, attribute: str) -> None:
    @RELAXED
    @given(st.sampled_from(METHODS[:6]), NUMBERS, NUMBERS)
    def send(method: str, by: Any, bound: Any) -> None:
        text = dumped({"method": method, "values": [by, bound]})
        check(key.patch(f"{DOCUMENTS}/p", {"data": {attribute: text}}))
        check(key.get(f"{DOCUMENTS}/p"))

    send()


def test_no_step_breaks_a_number(key: ApiClient) -> None:
    @RELAXED
    @given(st.sampled_from([*POST, "nothing"]), NUMBERS, NUMBERS)
    def send(attribute: str, by: Any, bound: Any) -> None:
        body = dumped({"value": by, "max": bound, "min": bound}).encode()
        check(key.patch(f"{DOCUMENTS}/p/{attribute}/increment", body))
        check(key.patch(f"{ROWS}/p/{attribute}/decrement", body))

    send()


def test_no_list_breaks_a_write_of_many(key: ApiClient) -> None:
    names = [*POST, "$id", "$permissions", "$createdAt", "$updatedAt"]
    document = st.dictionaries(st.sampled_from(names), st.one_of(JSON, OPERATORS), max_size=4)

    @RELAXED
    @given(
        st.lists(st.one_of(document.map(lambda each: {"title": "T"} | each), JSON), max_size=4),
        document,
        st.lists(QUERIES, max_size=2),
    )
    def send(documents: list[Any], data: dict[str, Any], queries: list[str]) -> None:
        many = dumped({"documents": documents, "rows": documents}).encode()
        check(key.post(DOCUMENTS, many))
        check(key.put(ROWS, many))
        check(key.patch(DOCUMENTS, dumped({"data": data, "queries": queries}).encode()))
        check(key.delete(ROWS, dumped({"queries": queries}).encode()))

    send()


def test_no_operation_breaks_a_transaction(key: ApiClient) -> None:
    staging = begin(key)
    actions = ["create", "update", "upsert", "delete", "increment", "decrement"]
    actions += ["bulkCreate", "bulkUpdate", "bulkUpsert", "bulkDelete"]
    data = st.one_of(
        JSON,
        st.dictionaries(st.sampled_from(list(POST)), st.one_of(SCALARS, OPERATORS), max_size=3),
        st.fixed_dictionaries({"attribute": st.sampled_from(list(POST)), "value": NUMBERS}),
        st.fixed_dictionaries({"queries": st.lists(QUERIES, max_size=2), "data": JSON}),
    )

    @RELAXED
    @given(st.sampled_from(actions), st.sampled_from(["p", "q", "", "\x00", "unique()"]), data)
    def send(action: str, uid: str, sent: Any) -> None:
        body = dumped({"operations": [operation(action, uid, sent)]}).encode()
        check(key.post(f"{staging.here}/operations", body))
        check(staging.get(DOCUMENTS))

    send()
    check(staging.commit())


def test_no_operations_break_their_parser(key: ApiClient) -> None:
    staging = begin(key)

    @RELAXED
    @given(JSON)
    def send(sent: Any) -> None:
        check(key.post(f"{staging.here}/operations", dumped({"operations": sent}).encode()))
        check(key.patch(staging.here, dumped({"commit": sent, "rollback": sent}).encode()))
        check(key.post("/databases/transactions", dumped({"ttl": sent}).encode()))

    send()
