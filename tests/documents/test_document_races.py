"""Writes at the same time: nothing acknowledged is lost, nothing happens twice."""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from appwrite.operator import Operator
from django.db import connection, transaction
from guardian.shortcuts import assign_perm

from accounts.models import User
from documents.definitions import IndexRequest
from documents.models import Document, DocumentGroupObjectPermission, DocumentUserObjectPermission
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, sign_up
from tests.documents.blog import DOCUMENTS, ids, make_collection, query
from tests.documents.conftest import MakeKey

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WAIT_SECONDS = 60
WRITERS = 16
ANEW = DOCUMENTS.replace("posts", "anew")


@pytest.fixture
def key(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> ApiClient:
    make_collection(project, document_security=True)
    return client_for(project, key=make_key(project, ["documents.read", "documents.write"]))


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run functions in threads that start together; return what they returned."""
    start = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            start.wait(WAIT_SECONDS)
            results[place] = work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    return results


def test_updates_of_different_attributes_all_count(key: ApiClient) -> None:
    key.post(DOCUMENTS, {"documentId": "p", "data": {"title": "T", "likes": 0}})

    def change(name: str, values: list[Any]) -> list[int]:
        return [key.patch(f"{DOCUMENTS}/p", {"data": {name: value}}).status for value in values]

    statuses = at_once(
        lambda: change("likes", list(range(1, 16))),
        lambda: change("content", [f"c{number}" for number in range(15)]),
        lambda: change("rating", [float(number) for number in range(15)]),
    )

    assert statuses == [[200] * 15] * 3
    final = key.get(f"{DOCUMENTS}/p").json
    assert (final["likes"], final["content"], final["rating"]) == (15, "c14", 14.0)


def test_sixteen_writers_count_one_attribute_up_and_down(key: ApiClient) -> None:
    key.post(DOCUMENTS, {"documentId": "p", "data": {"title": "T", "likes": 1000}})

    def count(place: int) -> set[int]:
        up, down = f"{DOCUMENTS}/p/likes/increment", f"{DOCUMENTS}/p/likes/decrement"
        steps = [(up, 3), (down, 1)] if place % 2 else [(up, 1), (up, 1)]
        return {key.patch(path, {"value": by}).status for path, by in steps * 3}

    statuses = at_once(*[partial(count, place) for place in range(WRITERS)])

    assert statuses == [{200}] * WRITERS
    assert key.get(f"{DOCUMENTS}/p").json["likes"] == 1000 + WRITERS * 2 * 3


def test_one_of_many_takes_a_unique_value(key: ApiClient, project: ProjectContext) -> None:
    unique = IndexRequest(key="u", type="unique", attributes=["title"], orders=[], lengths=[])
    make_collection(project, "anew", indexes=[unique])
    for place in range(4):
        key.post(ANEW, {"documentId": f"old{place}", "data": {"title": f"old{place}"}})
    new, many = {"title": "same"}, {"documents": [{"$id": "many", "title": "same"}]}
    works = [
        *[partial(key.post, ANEW, {"documentId": f"new{each}", "data": new}) for each in range(4)],
        *[partial(key.patch, f"{ANEW}/old{each}", {"data": new}) for each in range(4)],
        *[partial(key.put, f"{ANEW}/put{each}", {"data": new}) for each in range(4)],
        partial(key.post, ANEW, many),
    ]

    found = Counter((reply.status < 300, reply.error) for reply in at_once(*works))

    assert found == {(True, ""): 1, (False, "document_unique_constraint_violation"): 12}
    assert Document.objects.filter(data__title="same").count() == 1


def test_writes_of_many_that_cross_end_without_a_deadlock(key: ApiClient) -> None:
    for place in range(40):
        data = {"title": f"p{place}", "likes": 0}
        assert key.post(DOCUMENTS, {"documentId": f"p{place}", "data": data}).status == 201
    one_more = {"likes": Operator.increment(1)}

    def change(order: str) -> set[int]:
        ordered = {"data": one_more, "queries": [query(order, "$id")]}
        return {key.patch(DOCUMENTS, ordered).status for _ in range(4)}

    def change_named(uids: list[str]) -> set[int]:
        rows = [{"$id": uid, **one_more} for uid in uids]
        return {key.put(DOCUMENTS, {"documents": rows}).status for _ in range(4)}

    uids = [f"p{place}" for place in range(40)]
    statuses = at_once(
        partial(change, "orderAsc"),
        partial(change, "orderDesc"),
        partial(change_named, uids),
        partial(change_named, uids[::-1]),
    )

    assert statuses == [{200}] * 4
    assert {each.data["likes"] for each in Document.objects.all()} == {16}


def test_lists_go_on_while_documents_are_deleted(key: ApiClient) -> None:
    count = 45
    for place in range(count):
        assert (
            key.post(DOCUMENTS, {"documentId": f"p{place}", "data": {"title": "T"}}).status == 201
        )

    def delete() -> set[int]:
        return {key.delete(f"{DOCUMENTS}/p{place}").status for place in range(0, count, 2)}

    def delete_many() -> set[int]:
        text = query("startsWith", "$id", "p1")
        return {key.delete(DOCUMENTS, {"queries": [text, query("limit", "", 3)]}).status} | delete()

    def read() -> set[tuple[int, str]]:
        seen: set[tuple[int, str]] = set()
        for _ in range(4):
            queries = [query("limit", "", 10)]
            while queries:
                page = key.get(DOCUMENTS, {"queries": queries})
                seen.add((page.status, page.error))
                found = page.json.get("documents")
                last = [query("cursorAfter", "", found[-1]["$id"])] if found else []
                queries = last and [query("limit", "", 10), *last]
        return seen

    deleted, many, *read_by = at_once(delete, delete_many, read, read)

    assert deleted | many <= {200, 204, 404}
    assert set.union(*read_by) <= {(200, ""), (400, "general_cursor_not_found")}
    left = {f"p{place}" for place in range(1, count, 2)}
    assert set(ids(key.get(DOCUMENTS, {"queries": [query("limit", "", 100)]}))) <= left


def test_one_of_many_creations_wins(key: ApiClient) -> None:
    body = {"documentId": "p", "data": {"title": "T"}, "permissions": ['read("any")']}

    replies = at_once(*[lambda: key.post(DOCUMENTS, body).status] * 6)

    assert sorted(replies) == [201, 409, 409, 409, 409, 409]
    assert DocumentGroupObjectPermission.objects.count() == 1


def test_upserts_of_a_new_document_all_succeed(key: ApiClient) -> None:
    works = [
        lambda number=number: (
            key.put(f"{DOCUMENTS}/p", {"data": {"title": "T", "likes": number}}).status
        )
        for number in range(6)
    ]

    assert at_once(*works) == [200] * 6
    assert Document.objects.count() == 1


def test_one_of_many_deletions_wins(key: ApiClient) -> None:
    key.post(DOCUMENTS, {"documentId": "p", "data": {"title": "T"}})

    replies = at_once(*[lambda: key.delete(f"{DOCUMENTS}/p").status] * 4)

    assert sorted(replies) == [204, 404, 404, 404]


def test_replaced_permissions_leave_no_grant_made_meanwhile(
    key: ApiClient, project: ProjectContext
) -> None:
    sign_up(project, "zoe")
    body = {"documentId": "p", "data": {"title": "T"}, "permissions": ['read("users")']}
    key.post(DOCUMENTS, body)
    granted, finished = threading.Event(), threading.Event()

    def grant() -> None:
        with transaction.atomic():
            assign_perm(
                "documents.update_document",
                User.objects.get(uid="zoe"),
                Document.objects.get(uid="p"),
            )
            granted.set()
            finished.wait(0.5)

    def replace() -> int:
        granted.wait(WAIT_SECONDS)
        status = key.patch(f"{DOCUMENTS}/p", {"permissions": ['read("any")']}).status
        finished.set()
        return status

    assert at_once(grant, replace) == [None, 200]
    assert Document.objects.get().permissions == ['read("any")']
    assert DocumentGroupObjectPermission.objects.count() == 1
    assert not DocumentUserObjectPermission.objects.exists()
