"""Indexes of the beginnings of texts: found by filters and orders, and never in their way."""

from collections.abc import Iterator
from itertools import product

import pytest
from django.db import connection

from documents import services
from documents.definitions import IndexRequest
from documents.models import Collection
from documents.services import list_documents
from documents.vocabulary import COLLECTIONS
from kernel import jobs
from kernel.caller import ProjectContext
from tests.documents.blog import DATABASE, TEXT, make_collection, operator, query
from tests.documents.test_document_indexes import WHERE, fill, plan_of_listing

METHODS = (
    "equal",
    "notEqual",
    "lessThan",
    "lessThanEqual",
    "greaterThan",
    "greaterThanEqual",
    "startsWith",
    "endsWith",
    "contains",
)
TEXTS = ["abc", "abcd", "ab", "éé", "x"]
pytestmark = pytest.mark.db

LENGTH = 3
#: Texts that share beginnings, one that is shorter, one of more bytes, and none.
TITLES = ["abc", "abcd", "abcde", "ab", "abd", "a", "", "xyz", "ééé1", "ééé2", "é", None]


def shortened(*attributes: str, length: int = LENGTH, order: str = "asc") -> IndexRequest:
    return IndexRequest(
        key="short",
        type="key",
        attributes=list(attributes),
        orders=[order] * len(attributes),
        lengths=[0] * (len(attributes) - 1) + [length],
    )


def test_filters_and_orders_use_the_index(project: ProjectContext) -> None:
    number = fill(project, shortened("title"))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE document_{number:d} SET data = data - 'title' WHERE id % 1000 = 1")
        cursor.execute(f"ANALYZE document_{number:d}")
    for queries in (
        [query("equal", "title", "t77")],
        [query("equal", "title", "t77", "t88")],
        [query("lessThan", "title", "t10")],
        [query("lessThanEqual", "title", "t10")],
        [query("greaterThan", "title", "t99")],
        [query("greaterThanEqual", "title", "t99")],
        [query("between", "title", "t50", "t501")],
        [query("isNull", "title")],
        [query("orderAsc", "title")],
        [query("orderDesc", "title")],
        [query("orderAsc", "title"), query("cursorAfter", "", "d990")],
        [query("orderAsc", "title"), query("cursorBefore", "", "d990")],
        [query("orderDesc", "title"), query("cursorAfter", "", "d990")],
        [query("orderDesc", "title"), query("cursorBefore", "", "d990")],
    ):
        plan = plan_of_listing(operator(project), *queries)
        assert f"ix_{number}_" in plan, (queries, plan)
        assert f"Seq Scan on document_{number}" not in plan, (queries, plan)


def test_order_behind_an_equal_uses_the_index(project: ProjectContext) -> None:
    number = fill(project, shortened("likes", "title"))

    plan = plan_of_listing(
        operator(project), query("equal", "likes", 7), query("orderAsc", "title")
    )

    assert f"ix_{number}_" in plan


def answers(project: ProjectContext) -> Iterator[tuple[str, list[str], int]]:
    """Return what every filter finds, in both orders, and after and before each document."""
    filters = [
        *(query(method, "title", text) for method, text in product(METHODS, TEXTS)),
        *(query("between", "title", *ends) for ends in product(TEXTS, TEXTS)),
        query("equal", "title", *TEXTS),
        query("isNull", "title"),
        query("isNotNull", "title"),
    ]
    ways = [
        [query(order, "title"), *edge]
        for order in ("orderAsc", "orderDesc")
        for edge in ([], [query("cursorAfter", "", "d4")], [query("cursorBefore", "", "d8")])
    ]
    asked = [[each] for each in filters] + ways + [[filters[0], *way] for way in ways]
    for queries in asked:
        page = list_documents(caller=operator(project), **WHERE, queries=queries, total=True)
        yield str(queries), [each["$id"] for each in page["documents"]], page["total"]


def test_answers_are_those_without_an_index(project: ProjectContext) -> None:
    make_collection(project, attributes={"title": TEXT})
    put_titles(project)
    expected = list(answers(project))

    collection = Collection.objects.get(uid="posts")
    services.create_index(
        caller=operator(project),
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id="posts",
        request=shortened("title"),
    )
    jobs.run_waiting()
    collection.refresh_from_db()
    assert collection.indexes[0]["status"] == "available"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert list(answers(project)) == expected
    assert ["d0"] in [found for _, found, _ in expected]


def put_titles(project: ProjectContext) -> None:
    for number, title in enumerate(TITLES):
        services.create_document(
            caller=operator(project),
            **WHERE,
            document_id=f"d{number}",
            data={"title": title},
            permissions=[],
        )
