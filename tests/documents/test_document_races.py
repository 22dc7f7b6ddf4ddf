"""Writes at the same time: nothing acknowledged is lost, nothing happens twice."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from guardian.shortcuts import assign_perm

from accounts.models import User
from documents.models import Document, DocumentGroupObjectPermission, DocumentUserObjectPermission
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, sign_up
from tests.documents.blog import DOCUMENTS, make_collection
from tests.documents.conftest import MakeKey

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WAIT_SECONDS = 10


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
