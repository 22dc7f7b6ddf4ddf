"""Listings against plain Python: the same documents, the same queries, the same ids in order."""

import random
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.services import documents as services
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError, ErrorKind
from tests.documents.blog import DATABASE, make_collection, operator

pytestmark = pytest.mark.db

WORDS = ["", "a", "A", "ab", "b%", "_x", "\\", "é", "日本", "😀", "zz", "a b", "Zebra", "%", "10%"]
NUMBERS = [0, 1, 2, 3, 10, 999_999]
FLOATS = [-1.5, 0.0, 0.1, 2.0, 3.25, 1e10]
TIMES = [f"20{year}-0{month}-01T00:00:00.000+00:00" for year in (10, 24) for month in (1, 6)]
POOLS: Mapping[str, list[Any]] = {
    "title": WORDS,
    "content": WORDS,
    "likes": NUMBERS,
    "rating": FLOATS,
    "pinned": [True, False],
    "published": TIMES,
    "tags": WORDS,
    "scores": NUMBERS,
    "$id": [f"d{number}" for number in range(45)],
    "$sequence": list(range(1, 60)),
    "$createdAt": TIMES,
}
TEXTS = ["title", "content", "$id"]
ARRAYS = ["tags", "scores"]
SCALARS = ["title", "content", "likes", "rating", "pinned", "published"]
SYSTEM = ["$id", "$sequence", "$createdAt"]
DOCUMENT_COUNT = 40
EXAMPLES = 200

Document = Mapping[str, Any]
Query = dict[str, Any]


def seed_documents(project: ProjectContext, seed: int) -> list[Document]:
    """Fill the collection with documents whose values repeat, and are often missing."""
    choose = random.Random(seed)
    make_collection(project)
    documents: list[Document] = []
    for number in range(DOCUMENT_COUNT):
        data: dict[str, Any] = {"title": choose.choice(WORDS)}
        for key in ("content", "likes", "rating", "pinned", "published"):
            if choose.random() < 0.7:
                data[key] = choose.choice(POOLS[key])
        for key in ARRAYS:
            if choose.random() < 0.7:
                data[key] = choose.choices(POOLS[key], k=choose.randrange(4))
        data["$createdAt"] = choose.choice(TIMES)
        created = services.create_document(
            caller=operator(project),
            names=COLLECTIONS,
            database_id=DATABASE,
            collection_id="posts",
            document_id=f"d{number}",
            data=data,
            permissions=[],
        )
        documents.append(
            {
                **created,
                **{key: data.get(key) for key in ARRAYS},
                "$sequence": int(created["$sequence"]),
            }
        )
    return documents


# The oracle


def fits(document: Document, query: Query) -> bool:
    method, values = query["method"], query.get("values", [])
    if method == "and":
        return all(fits(document, each) for each in values)
    if method == "or":
        return any(fits(document, each) for each in values)
    value: Any = document[query["attribute"]]
    if method in ("isNull", "isNotNull"):
        return bool((value is None) == (method == "isNull"))
    if value is None:
        return False
    tests = {
        "equal": lambda: value in values,
        "notEqual": lambda: value != values[0],
        "lessThan": lambda: value < values[0],
        "lessThanEqual": lambda: value <= values[0],
        "greaterThan": lambda: value > values[0],
        "greaterThanEqual": lambda: value >= values[0],
        "between": lambda: values[0] <= value <= values[1],
        "notBetween": lambda: not values[0] <= value <= values[1],
        "regex": lambda: re.search(values[0], value) is not None,
        "startsWith": lambda: value.startswith(values[0]),
        "notStartsWith": lambda: not value.startswith(values[0]),
        "endsWith": lambda: value.endswith(values[0]),
        "notEndsWith": lambda: not value.endswith(values[0]),
        "contains": lambda: any(each in value for each in values),
        "containsAny": lambda: any(each in value for each in values),
        "containsAll": lambda: all(each in value for each in values),
        "notContains": lambda: not any(each in value for each in values),
    }
    return bool(tests[method]())


def sort_key(key: str, document: Document) -> tuple[bool, Any]:
    value = document[key]
    return (value is not None, 0 if value is None else value)


def ordered(documents: Sequence[Document], orders: Sequence[Query]) -> list[Document]:
    steps = [(each["attribute"], each["method"] == "orderDesc") for each in orders]
    follows_time = bool(steps) and steps[0][0] == "$createdAt" and steps[0][1]
    result = list(documents)
    for key, is_descending in reversed([*steps, ("$sequence", follows_time)]):
        result.sort(key=partial(sort_key, key), reverse=is_descending)
    return result


def expected(documents: Sequence[Document], queries: Sequence[Query]) -> tuple[list[str], int]:
    """Return the ids of the page and the total, or raise LookupError for a useless cursor."""
    paging = {"limit": 25, "offset": 0}
    paging |= {q["method"]: q["values"][0] for q in queries if q["method"] in paging}
    orders = [query for query in queries if query["method"] in ("orderAsc", "orderDesc")]
    cursor = next((query for query in queries if query["method"].startswith("cursor")), None)
    used = {"limit", "offset", "orderAsc", "orderDesc", "cursorAfter", "cursorBefore"}
    tests = [query for query in queries if query["method"] not in used]
    fitting = [each for each in documents if all(fits(each, test) for test in tests)]
    total, rest = len(fitting), ordered(fitting, orders)
    start, stop = paging["offset"], paging["offset"] + paging["limit"]
    if cursor is not None:
        everything = ordered(documents, orders)
        edge = next(each for each in everything if each["$id"] == cursor["values"][0])
        if any(edge[order["attribute"]] is None for order in orders):
            raise LookupError
        place = {each["$id"]: number for number, each in enumerate(everything)}
        is_before = cursor["method"] == "cursorBefore"
        rest = [each for each in rest if (place[each["$id"]] < place[edge["$id"]]) == is_before]
        rest = [each for each in rest if each is not edge]
        if is_before:
            return [each["$id"] for each in rest[::-1][start:stop][::-1]], total
    return [each["$id"] for each in rest[start:stop]], total


# Queries


def values_of(attribute: str, least: int, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(POOLS[attribute]), min_size=least, max_size=most)


def patterns() -> st.SearchStrategy[str]:
    """Make regular expressions that Python and PostgreSQL take alike."""
    parts = st.sampled_from(
        ["a", "b", "%", r"\\\\", ".", "^", "$", "z+", "(a|b)", "[^a]", "é?", "d1"]
    )
    return st.lists(parts, min_size=1, max_size=3).map("".join)


@st.composite
def single_conditions(draw: st.DrawFn) -> Query:
    attribute = draw(st.sampled_from([*SCALARS, *SYSTEM, *ARRAYS]))
    methods = ["isNull", "isNotNull"]
    if attribute in ARRAYS:
        methods += ["contains", "containsAny", "containsAll", "notContains"]
    else:
        methods += ["equal", "notEqual", "lessThan", "lessThanEqual", "greaterThan"]
        methods += ["greaterThanEqual", "between", "notBetween"]
    if attribute in TEXTS:
        methods += ["regex"]
        methods += ["startsWith", "notStartsWith", "endsWith", "notEndsWith"]
        methods += ["contains", "containsAny", "notContains"]
    method = draw(st.sampled_from(methods))
    if method in ("isNull", "isNotNull"):
        return {"method": method, "attribute": attribute}
    if method == "regex":
        return {"method": method, "attribute": attribute, "values": [draw(patterns())]}
    least = most = 2 if method in ("between", "notBetween") else 1
    if method == "equal" or "ontains" in method:
        most = 3
    values = draw(values_of(attribute, least, most))
    return {"method": method, "attribute": attribute, "values": values}


def conditions() -> st.SearchStrategy[Query]:
    return st.recursive(
        single_conditions(),
        lambda inner: st.fixed_dictionaries(
            {
                "method": st.sampled_from(["and", "or"]),
                "values": st.lists(inner, min_size=2, max_size=3),
            }
        ),
        max_leaves=5,
    )


def orders() -> st.SearchStrategy[Query]:
    return st.fixed_dictionaries(
        {
            "method": st.sampled_from(["orderAsc", "orderDesc"]),
            "attribute": st.sampled_from([*SCALARS, *SYSTEM]),
        }
    )


def paging() -> st.SearchStrategy[list[Query]]:
    def one(method: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Query]]:
        made = st.builds(lambda value: {"method": method, "values": [value]}, values)
        return st.lists(made, max_size=1)

    cursors = st.one_of(
        one("cursorAfter", st.sampled_from([f"d{n}" for n in range(DOCUMENT_COUNT)])),
        one("cursorBefore", st.sampled_from([f"d{n}" for n in range(DOCUMENT_COUNT)])),
    )
    parts = st.tuples(one("limit", st.integers(1, 12)), one("offset", st.integers(0, 12)), cursors)
    return parts.map(lambda lists: [query for part in lists for query in part])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_listing_agrees_with_plain_python(project: ProjectContext, seed: int) -> None:
    documents = seed_documents(project, seed)

    @settings(max_examples=EXAMPLES)
    @given(
        st.lists(conditions(), max_size=2),
        st.lists(orders(), max_size=3, unique_by=lambda order: order["attribute"]),
        paging(),
    )
    def check(wanted: list[Query], order: list[Query], page: list[Query]) -> None:
        queries = [*wanted, *order, *page]
        try:
            ids, total = expected(documents, queries)
        except LookupError:
            with pytest.raises(ApiError) as refused:
                listed(project, queries)
            assert refused.value.kind is ErrorKind.DATABASE_QUERY_ORDER_NULL
            return
        answer = listed(project, queries)
        assert [each["$id"] for each in answer["documents"]] == ids
        assert answer["total"] == total

    check()


def listed(
    project: ProjectContext, queries: Sequence[Query], *, caller: Caller | None = None
) -> dict[str, Any]:
    return services.list_documents(
        caller=caller or operator(project),
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id="posts",
        queries=[orjson.dumps(query).decode() for query in queries],
        total=True,
    )
