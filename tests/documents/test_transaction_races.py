"""Transactions at the same time: nothing acknowledged is lost, no failure of ours is met."""

from collections import Counter
from typing import Any

import pytest

from documents.definitions import IndexRequest
from documents.models import Document, DocumentTransaction
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor
from tests.documents.blog import DOCUMENTS, ids, make_collection
from tests.documents.conftest import MakeKey
from tests.documents.test_document_races import at_once
from tests.documents.transactions import begin, operation, put

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SCOPES = ["documents.read", "documents.write", "rows.read", "collections.write"]
WRITERS = 16


@pytest.fixture
def key(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> ApiClient:
    unique = IndexRequest(key="u", type="unique", attributes=["contact"], orders=[], lengths=[])
    make_collection(project, document_security=True, indexes=[unique])
    return client_for(project, key=make_key(project, SCOPES))


def outcome(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.error


def test_one_of_two_transactions_on_a_document_wins(key: ApiClient) -> None:
    put(key, "p", likes=0)
    transactions = [begin(key) for _ in range(2)]
    for place, each in enumerate(transactions):
        assert each.patch(f"{DOCUMENTS}/p", data={"likes": place + 1}).status == 200

    replies = at_once(*[each.commit for each in transactions])

    found = Counter(outcome(each) for each in replies)
    assert found == {(200, ""): 1, (409, "transaction_conflict"): 1}
    winner = replies.index(next(each for each in replies if each.status == 200))
    assert key.get(f"{DOCUMENTS}/p").json["likes"] == winner + 1


def test_counted_up_by_many_transactions_and_plain_writers(key: ApiClient) -> None:
    put(key, "p", likes=0)

    def step() -> bool:
        """Count up, again and again where others were faster."""
        for _ in range(100):
            staging = begin(key)
            staged = staging.patch(f"{DOCUMENTS}/p/likes/increment")
            assert staged.status in (200, 409), staged.json
            reply = staging.commit()
            assert outcome(reply) in [(200, ""), (409, "transaction_conflict")]
            if reply.status == 200 and staged.status == 200:
                return True
        return False

    def plain() -> bool:
        return key.patch(f"{DOCUMENTS}/p/likes/increment").status == 200

    results = at_once(*[step] * (WRITERS // 2), *[plain] * (WRITERS // 2))

    assert results == [True] * WRITERS
    assert key.get(f"{DOCUMENTS}/p").json["likes"] == WRITERS


def test_one_of_many_commits_of_a_unique_value_wins(key: ApiClient) -> None:
    transactions = [begin(key) for _ in range(6)]
    for place, each in enumerate(transactions):
        data = {"title": "T", "contact": "a@b.example"}
        assert each.post(DOCUMENTS, documentId=f"p{place}", data=data).status == 201

    replies = at_once(*[each.commit for each in transactions])

    found = Counter(outcome(each) for each in replies)
    assert found == {(200, ""): 1, (409, "transaction_conflict"): 5}
    assert Document.objects.count() == 1


def test_transactions_that_cross_do_not_lock_each_other_up(key: ApiClient) -> None:
    for uid in ("a", "b"):
        put(key, uid, likes=0)

    def count(first: str, second: str) -> list[tuple[int, str]]:
        found = []
        for _ in range(5):
            staging = begin(key)
            staging.patch(f"{DOCUMENTS}/{first}/likes/increment")
            staging.patch(f"{DOCUMENTS}/{second}/likes/increment")
            staging.patch(DOCUMENTS, data={"pinned": first == "a"})
            found.append(outcome(staging.commit()))
        return found

    results = at_once(*[lambda: count("a", "b"), lambda: count("b", "a")] * 2)

    found = Counter(each for result in results for each in result)
    assert set(found) <= {(200, ""), (409, "transaction_conflict")}
    likes = [each["likes"] for each in key.get(DOCUMENTS).json["documents"]]
    assert likes[0] == likes[1] > 0


def test_many_stage_in_one_transaction(key: ApiClient) -> None:
    staging = begin(key)
    works = [
        lambda place=place: staging.post(DOCUMENTS, documentId=f"p{place}", data={"title": "T"})
        for place in range(8)
    ]

    assert [each.status for each in at_once(*works)] == [201] * 8

    assert staging.state["operations"] == 8
    assert staging.commit().status == 200
    assert Document.objects.count() == 8


def test_one_of_many_commits_of_a_transaction_wins(key: ApiClient, events: Any) -> None:
    staging = begin(key)
    staging.stage(*[operation("create", f"p{place}", {"title": "T"}) for place in range(20)])

    replies = at_once(*[staging.commit] * 4, staging.roll_back)

    found = Counter(each.status for each in replies)
    assert found[200] == 1
    assert set(found) <= {200, 400, 404}
    assert Document.objects.count() == len(events.names())
    assert Document.objects.count() in (0, 20)


def test_listing_goes_on_while_a_commit_deletes(key: ApiClient) -> None:
    for place in range(20):
        put(key, f"p{place}")
    staging = begin(key)
    staging.delete(DOCUMENTS)
    pages = []

    def read() -> None:
        for _ in range(10):
            pages.append(len(ids(key.get(DOCUMENTS))))
            assert ids(staging_of_reader.get(DOCUMENTS)) in ([], [f"p{n}" for n in range(20)])

    staging_of_reader = begin(key)
    results = at_once(staging.commit, read, read)

    assert results[0].status == 200
    assert len(pages) == 20
    assert set(pages) <= {0, 20}


def test_collection_dropped_during_a_commit(key: ApiClient, jobs: Any) -> None:
    collection = DOCUMENTS.removesuffix("/documents")
    staging = begin(key)
    staging.stage(*[operation("create", f"p{place}", {"title": "T"}) for place in range(50)])

    def drop() -> int:
        status = key.delete(collection).status
        jobs()
        return status

    committed, dropped = at_once(staging.commit, drop)

    assert dropped == 204
    assert outcome(committed) in [(200, ""), (404, "collection_not_found")]
    status = DocumentTransaction.objects.get().status
    assert status == ("committed" if committed.status == 200 else "failed")
    assert key.get(DOCUMENTS).error == "collection_not_found"
    assert not Document.objects.exists()
