"""Commits that others were faster than: refused as a whole, and nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest

from documents.definitions import IndexRequest
from documents.models import Document, StagedOperation
from kernel import clock
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import DOCUMENTS, make_collection
from tests.documents.conftest import MakeKey
from tests.documents.transactions import Staging, begin, key, put, staging

__all__ = ["key", "staging"]  # fixtures

pytestmark = [pytest.mark.db, pytest.mark.django_db]

BY_TITLE = IndexRequest(key="by_title", type="unique", attributes=["title"], orders=[], lengths=[])


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.patch(f"{DOCUMENTS}/p", {"data": {"content": "other"}}),
        lambda key: key.patch(f"{DOCUMENTS}/p", {"permissions": ['read("any")']}),
        lambda key: key.patch(f"{DOCUMENTS}/p/likes/increment"),
        lambda key: key.patch(DOCUMENTS, {"data": {"likes": 3}}),
        lambda key: key.delete(f"{DOCUMENTS}/p"),
    ],
    ids=["update", "permissions", "increment", "update of many", "delete"],
)
@pytest.mark.parametrize(
    "stage",
    [
        lambda staging: staging.patch(f"{DOCUMENTS}/p", data={"title": "mine"}),
        lambda staging: staging.patch(f"{DOCUMENTS}/p", data={"title": "p"}),
        lambda staging: staging.put(f"{DOCUMENTS}/p", data={"title": "mine"}),
        lambda staging: staging.delete(f"{DOCUMENTS}/p"),
        lambda staging: staging.patch(f"{DOCUMENTS}/p/likes/increment"),
        lambda staging: staging.patch(DOCUMENTS, data={"title": "mine"}),
        lambda staging: staging.delete(DOCUMENTS),
    ],
    ids=["update", "no change", "upsert", "delete", "step", "update of many", "delete of many"],
)
def test_commit_is_refused_where_a_touched_document_changed(
    key: ApiClient, staging: Staging, change: Any, stage: Any
) -> None:
    put(key, "p", likes=1)
    staging.post(DOCUMENTS, documentId="other", data={"title": "T"})
    assert stage(staging).status < 300
    assert change(key).status < 300
    left = list(Document.objects.values("uid", "data"))

    reply = staging.commit()

    assert (reply.status, reply.error) == (409, "transaction_conflict")
    assert staging.state["status"] == "failed"
    assert list(Document.objects.values("uid", "data")) == left
    assert staging.commit().error == "transaction_not_ready"
    assert not StagedOperation.objects.exists()


@pytest.mark.parametrize("method", ["post", "put"])
def test_commit_is_refused_where_an_id_was_taken(
    key: ApiClient, staging: Staging, method: str
) -> None:
    if method == "post":
        staging.post(DOCUMENTS, documentId="p", data={"title": "mine"})
    else:
        staging.put(f"{DOCUMENTS}/p", data={"title": "mine"})
    put(key, "p")

    reply = staging.commit()

    assert (reply.status, reply.error) == (409, "transaction_conflict")
    assert key.get(f"{DOCUMENTS}/p").json["title"] == "p"


def test_conflict_shows_to_those_who_go_on(key: ApiClient, staging: Staging) -> None:
    put(key, "p")
    staging.patch(f"{DOCUMENTS}/p", data={"likes": 1})
    key.delete(f"{DOCUMENTS}/p")

    replies = [
        staging.get(f"{DOCUMENTS}/p"),
        staging.post(DOCUMENTS, documentId="q", data={"title": "T"}),
    ]

    assert [(each.status, each.error) for each in replies] == [(409, "transaction_conflict")] * 2
    assert staging.state["status"] == "pending"


def test_changes_elsewhere_are_no_conflict(key: ApiClient, staging: Staging) -> None:
    put(key, "p")
    put(key, "q")
    staging.patch(f"{DOCUMENTS}/p", data={"likes": 1})
    staging.get(f"{DOCUMENTS}/q")
    key.patch(f"{DOCUMENTS}/q", {"data": {"likes": 2}})

    assert staging.commit().status == 200


def test_given_time_counts_when_a_write_is_staged(key: ApiClient, staging: Staging) -> None:
    put(key, "p")
    before = {"X-Appwrite-Timestamp": "2001-01-01T00:00:00Z"}
    now = {"X-Appwrite-Timestamp": clock.api_time(clock.now() + timedelta(seconds=1))}
    body = {"data": {"likes": 1}, "transactionId": staging.id}

    late = key.call("PATCH", f"{DOCUMENTS}/p", body, headers=before)
    fine = key.call("PATCH", f"{DOCUMENTS}/p", body, headers=now)

    assert (late.status, late.error) == (409, "document_update_conflict")
    assert fine.status == 200
    assert staging.commit().status == 200


def test_collection_that_went_away_fails_the_commit(
    key: ApiClient,
    staging: Staging,
    project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
) -> None:
    make_collection(project, "kept")
    kept = DOCUMENTS.replace("posts", "kept")
    staging.post(kept, documentId="k", data={"title": "T"})
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})
    admin = client_for(project, key=make_key(project, ["collections.write"]))
    assert admin.delete(DOCUMENTS.removesuffix("/documents")).status == 204

    reply = staging.commit()

    assert (reply.status, reply.error) == (404, "collection_not_found")
    assert staging.state["status"] == "failed"
    assert key.get(f"{kept}/k").error == "document_not_found"


def test_unique_values_are_compared_with_what_is_there_at_commit(
    key: ApiClient, project: ProjectContext
) -> None:
    make_collection(project, "tags", indexes=[BY_TITLE])
    tags = DOCUMENTS.replace("posts", "tags")
    first, second = begin(key), begin(key)
    taken = first.post(tags, documentId="a", data={"title": "same"})
    also = second.post(tags, documentId="b", data={"title": "same"})
    within = first.post(tags, documentId="c", data={"title": "same"})

    assert (taken.status, also.status) == (201, 201)
    assert (within.status, within.error) == (409, "document_unique_constraint_violation")
    assert first.commit().status == 200
    reply = second.commit()

    assert (reply.status, reply.error) == (409, "transaction_conflict")
    assert Document.objects.count() == 1


def test_value_that_moves_on_within_a_transaction_is_free(
    key: ApiClient, project: ProjectContext
) -> None:
    make_collection(project, "tags", indexes=[BY_TITLE])
    tags = DOCUMENTS.replace("posts", "tags")
    key.post(tags, {"documentId": "a", "data": {"title": "one"}})
    staging = begin(key)

    staging.delete(f"{tags}/a")
    assert staging.post(tags, documentId="b", data={"title": "one"}).status == 201
    assert staging.commit().status == 200

    assert [each.uid for each in Document.objects.all()] == ["b"]
