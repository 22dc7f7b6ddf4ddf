"""Indexes at work: which ones listings use, and what they refuse."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from psycopg import Cursor
from psycopg import sql as psql

from documents.definitions import IndexRequest
from documents.services import get_document, list_documents
from documents.store import statistics
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, ProjectContext
from tests.conftest import ClientFor
from tests.documents.blog import (
    DATABASE,
    DOCUMENTS,
    POST,
    ROWS,
    make_collection,
    operator,
    query,
    user,
)
from tests.documents.conftest import MakeKey
from tests.documents.schema import own_partition

pytestmark = pytest.mark.db

DOCUMENT_COUNT = 4000
#: One document in a thousand is zoe's, all the others are the team's.
COMMON_READERS = "CASE WHEN n %% 1000 = 0 THEN '{user:zoe}'::text[] ELSE '{team:t}' END"
WHERE: dict[str, Any] = {"names": COLLECTIONS, "database_id": DATABASE, "collection_id": "posts"}


def index(*attributes: str, type_: str = "key", orders: Sequence[str] = ()) -> IndexRequest:
    return IndexRequest(
        key="by_" + "_".join(attributes),
        type=type_,
        attributes=list(attributes),
        orders=list(orders),
        lengths=[],
    )


def fill(
    project: ProjectContext,
    *indexes: IndexRequest,
    readers: str = COMMON_READERS,
    attributes: Mapping[str, Mapping[str, Any]] = POST,
    count: int = DOCUMENT_COUNT,
) -> int:
    """Make a collection of many documents, whose read roles the SQL `readers` gives."""
    make_collection(project, attributes=attributes, indexes=indexes, document_security=True)
    number = own_partition().id
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO document_{number:d} (collection_id, uid, data, permissions, read_roles)"
            " SELECT %s, 'd' || n, jsonb_build_object('title', 't' || n, 'likes', n %% 1000),"
            f" '{{}}', {readers}"
            " FROM generate_series(1, %s) n",
            [number, count],
        )
        cursor.execute(f"ANALYZE document_{number:d}")
    statistics.forget_statistics()
    return number


@contextmanager
def explained() -> Iterator[list[str]]:
    """Collect the plans of the statements on documents that the body runs."""
    plans: list[str] = []

    def explain(execute: Callable[..., Any], statement: Any, params: Any, *rest: Any) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string(None)
        if "LEFT JOIN page" in text or 'LEFT JOIN "document_' in text:
            with Cursor(connection.connection) as cursor:
                rows = cursor.execute(psql.SQL("EXPLAIN ") + psql.SQL(text), params).fetchall()
            plans.append("\n".join(row[0] for row in rows))
        return execute(statement, params, *rest)

    with connection.execute_wrapper(explain):
        yield plans


def plan_of_listing(caller: Caller, *queries: str) -> str:
    with explained() as plans:
        list_documents(caller=caller, **WHERE, queries=list(queries), total=False)
    (plan,) = plans
    return plan


def test_get_finds_the_document_by_its_key(project: ProjectContext) -> None:
    number = fill(project)

    with explained() as plans:
        get_document(caller=operator(project), **WHERE, document_id="d7", queries=[])

    assert f"Index Scan using document_{number}_collection_id_uid_key" in plans[0]
    assert "Seq Scan" not in plans[0].replace("Seq Scan on document_collection", "")


@pytest.mark.parametrize(
    "queries",
    [
        [query("equal", "likes", 7)],
        [query("greaterThan", "likes", 990)],
        [query("between", "likes", 5, 6), query("orderAsc", "likes")],
        [query("orderAsc", "likes")],
        [query("orderDesc", "likes")],
        [query("orderAsc", "likes"), query("cursorAfter", "", "d990")],
        [query("orderAsc", "likes"), query("cursorBefore", "", "d990")],
        [query("orderDesc", "likes"), query("cursorAfter", "", "d990")],
        [query("orderDesc", "likes"), query("cursorBefore", "", "d990")],
    ],
)
def test_filter_and_order_use_the_index(project: ProjectContext, queries: list[str]) -> None:
    number = fill(project, index("likes"))

    plan = plan_of_listing(operator(project), *queries)

    assert f"ix_{number}_" in plan
    assert f"Seq Scan on document_{number}" not in plan


def test_plain_listing_walks_the_primary_key(project: ProjectContext) -> None:
    number = fill(project)

    assert f"using document_{number}_pkey" in plan_of_listing(operator(project))


def test_what_an_index_of_roles_has_yet_to_take_in_is_kept_short(project: ProjectContext) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW gin_pending_list_limit")
        assert cursor.fetchone() == ("64kB",)


def test_page_after_a_value_reads_on_to_documents_without_one(project: ProjectContext) -> None:
    number = fill(project, index("likes"))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE document_{number:d} SET data = data - 'likes' WHERE uid > 'd2'")
    asked = [query("orderDesc", "likes"), query("limit", "", 1500)]

    first = list_documents(caller=operator(project), **WHERE, queries=asked, total=False)
    found = [each["$id"] for each in first["documents"]]
    after = [*asked, query("cursorAfter", "", found[500])]
    second = list_documents(caller=operator(project), **WHERE, queries=after, total=False)

    following = [each["$id"] for each in second["documents"]]
    assert following[:999] == found[501:]
    assert len(set(following)) == 1500
    assert first["documents"][-1]["likes"] is None


def test_rare_roles_are_found_by_the_index(project: ProjectContext) -> None:
    number = fill(project)

    plan = plan_of_listing(user(project, "zoe"))

    assert f"Bitmap Index Scan on document_{number}_read_roles_idx" in plan


def test_owners_of_single_documents_find_them_by_the_index(project: ProjectContext) -> None:
    number = fill(project, readers="ARRAY['user:u' || n]")

    plan = plan_of_listing(user(project, "u7"))

    assert f"Bitmap Index Scan on document_{number}_read_roles_idx" in plan


def test_common_roles_are_met_on_the_way(project: ProjectContext) -> None:
    number = fill(project)

    plan = plan_of_listing(user(project, "yann", "team:t"))

    assert "read_roles_idx" not in plan
    assert f"using document_{number}_pkey" in plan


def plans_kept(number: int) -> list[bool | None]:
    """Tell of the statements on a partition which are planned no more; None is left to values."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN statement ~ 'LIMIT [0-9]' THEN generic_plans > 0 END"
            " FROM pg_prepared_statements WHERE position(%s IN statement) > 0"
            " ORDER BY prepare_time",
            [f'"document_{number}"'],
        )
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("is_key", [False, True])
def test_page_that_one_index_gives_is_planned_once(project: ProjectContext, is_key: bool) -> None:
    number = fill(project, index("likes", "title", orders=["asc", "desc"]))
    caller = operator(project) if is_key else user(project, "yann", "team:t")
    by_likes = {likes: query("equal", "likes", likes) for likes in range(1, 17)}
    after, before = query("cursorAfter", "", "d2005"), query("cursorBefore", "", "d2005")
    one_plan = ["title down", "title up", "likes", "number", "after", "before"]
    shapes: dict[str, Callable[[str], list[str]]] = {
        "title down": lambda test: [test, query("orderDesc", "title")],
        "title up": lambda test: [test, query("orderAsc", "title")],
        "likes": lambda _: [query("orderAsc", "likes")],
        "number": lambda _: [],
        "after": lambda _: [query("orderDesc", "likes"), after],
        "before": lambda _: [query("orderDesc", "likes"), before],
        "no order": lambda test: [test],
        "another order": lambda test: [test, query("orderAsc", "$updatedAt")],
        "two orders": lambda _: [query("orderAsc", "likes"), query("orderAsc", "title")],
        "a range": lambda _: [query("greaterThan", "likes", 9), query("orderAsc", "title")],
        "offset": lambda test: [test, query("orderDesc", "title"), query("offset", "", 1)],
    }

    for shape in shapes.values():
        for likes, test in by_likes.items():
            page = list_documents(caller=caller, **WHERE, queries=shape(test), total=False)
            shown = [each["likes"] for each in page["documents"]]
            assert shown == [likes] * len(shown) or test not in shape(test)

    assert plans_kept(number) == [name in one_plan or None for name in shapes]


def test_pages_of_a_long_collection_are_walked_or_looked_up(project: ProjectContext) -> None:
    """What `bench --trial million` measures. Only the walk ends with the page, however long all is.

    A thousandth of the documents is zoe's, a tenth also yann's, and all are the team's.
    """
    readers = (
        "ARRAY['team:t'] || CASE WHEN n %% 10 = 0 THEN '{user:yann}'::text[] ELSE '{}' END"
        " || CASE WHEN n %% 1000 = 0 THEN '{user:zoe}'::text[] ELSE '{}' END"
    )
    number = fill(project, index("likes"), readers=readers, count=20_000)
    after = query("cursorAfter", "", "d10000")
    pages = {
        f"ix_{number}_": [
            [query("orderAsc", "likes")],
            [query("orderDesc", "likes")],
            [query("orderAsc", "likes"), after],
            [query("orderDesc", "likes"), after],
        ],
        f"document_{number}_pkey": [[], [after], [query("orderDesc", "$sequence")]],
    }
    by_roles = f"Bitmap Index Scan on document_{number}_read_roles_idx"

    for walked, asked in pages.items():
        for queries in asked:
            rare = plan_of_listing(user(project, "zoe"), *queries)
            assert by_roles in rare, rare
            if after not in queries:  # beyond a value, those without one are looked up
                assert f"using {walked}" not in rare, rare
            for caller in (user(project, "yann"), user(project, "x", "team:t")):
                walk = plan_of_listing(caller, *queries)
                assert walked in walk, walk
                assert "read_roles_idx" not in walk, walk
                assert f"Seq Scan on document_{number}" not in walk, walk


def test_value_too_long_for_its_index_is_refused(
    project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> None:
    make_collection(project)
    number = own_partition().id
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX ON document_{number:d} ((data ->> 'content'))")
    client = client_for(project, key=make_key(project, ["documents.write"]))
    content = "".join(chr(0x4E00 + (place * 7919) % 20000) for place in range(9000))

    for method, path in (("POST", DOCUMENTS), ("PUT", f"{DOCUMENTS}/q")):
        body = {"documentId": "q", "data": {"title": "T", "content": content}}
        reply = client.call(method, path, body)
        assert (reply.status, reply.error) == (400, "document_invalid_structure")


def test_unique_index_refuses_a_second_value(
    project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> None:
    make_collection(project, indexes=[index("likes", type_="unique")])
    client = client_for(project, key=make_key(project, ["documents.write"]))
    for uid, likes in (("a", 1), ("b", 2), ("c", None), ("d", None)):
        body = {"documentId": uid, "data": {"title": "T", "likes": likes}}
        assert client.post(DOCUMENTS, body).status == 201

    second = client.post(DOCUMENTS, {"documentId": "e", "data": {"title": "T", "likes": 1}})
    changed = client.patch(f"{DOCUMENTS}/b", {"data": {"likes": 1}})
    row = client.put(f"{ROWS}/f", {"data": {"title": "T", "likes": 2}})
    own = client.put(f"{ROWS}/b", {"data": {"title": "New", "likes": 2}})

    assert (second.status, second.error) == (409, "document_unique_constraint_violation")
    assert (changed.status, changed.error) == (409, "document_unique_constraint_violation")
    assert (row.status, row.error) == (409, "row_unique_constraint_violation")
    assert own.status == 200
