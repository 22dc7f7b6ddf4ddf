"""Transactions: they begin, are listed, and end; their writes happen together or not at all."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from documents.models import Document, DocumentTransaction, StagedOperation
from documents.services import sweep_transactions
from kernel import clock, limits
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Events, Person
from tests.documents.blog import DOCUMENTS, ids, query
from tests.documents.transactions import TRANSACTIONS, Staging, begin, key, operation, staging
from tests.reference import assert_model

__all__ = ["key", "staging"]  # fixtures

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def user(key: ApiClient, project: ProjectContext, alice: Person, client_for: ClientFor):
    return client_for(project, session=alice.session)


# Beginning and ending


@pytest.mark.parametrize("path", [TRANSACTIONS, "/tablesdb/transactions"])
def test_transaction_begins_pending_and_ends_committed(key: ApiClient, path: str) -> None:
    staging = begin(key, path)

    begun = staging.state
    committed = staging.commit()

    assert_model("Transaction", begun)
    assert (begun["status"], begun["operations"]) == ("pending", 0)
    assert (committed.status, committed.json["status"]) == (200, "committed")
    assert staging.state["status"] == "committed"


def test_time_to_live_is_kept_within_limits(key: ApiClient) -> None:
    with time_machine.travel("2030-01-01T00:00:00Z", tick=False):
        usual, long = begin(key).state, begin(key, ttl=3600).state
        refused = [key.post(TRANSACTIONS, {"ttl": ttl}).status for ttl in (59, 3601, "x", 1.5)]

    assert usual["expiresAt"] == "2030-01-01T00:05:00.000+00:00"
    assert long["expiresAt"] == "2030-01-01T01:00:00.000+00:00"
    assert refused == [400] * 4


def test_rolled_back_transaction_leaves_nothing(staging: Staging, events: Events) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})

    reply = staging.roll_back()

    assert (reply.status, reply.json["status"]) == (200, "failed")
    assert staging.client.get(staging.here).error == "transaction_not_found"
    assert not Document.objects.exists()
    assert not StagedOperation.objects.exists()
    assert events.names() == []


def test_deleted_transaction_leaves_nothing(staging: Staging) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})

    assert staging.client.delete(staging.here).status == 204

    assert staging.client.delete(staging.here).error == "transaction_not_found"
    assert not StagedOperation.objects.exists()


@pytest.mark.parametrize("body", [{}, {"commit": True, "rollback": True}, {"commit": False}])
def test_ending_must_say_which_way(staging: Staging, body: dict[str, Any]) -> None:
    reply = staging.client.patch(staging.here, body)

    assert (reply.status, reply.error) == (400, "general_bad_request")
    assert staging.state["status"] == "pending"


def test_ended_transaction_takes_nothing_more(staging: Staging) -> None:
    staging.commit()

    replies = [
        staging.commit(),
        staging.roll_back(),
        staging.post(DOCUMENTS, documentId="p", data={"title": "T"}),
        staging.stage(operation("delete", "p")),
        staging.get(DOCUMENTS),
    ]

    assert [(each.status, each.error) for each in replies] == [(400, "transaction_not_ready")] * 5


def test_expired_transaction_takes_nothing_more(staging: Staging) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})

    with time_machine.travel(clock.now() + timedelta(seconds=301)):
        replies = [
            staging.commit(),
            staging.post(DOCUMENTS, documentId="q", data={"title": "T"}),
            staging.get(f"{DOCUMENTS}/p"),
        ]

    assert [(each.status, each.error) for each in replies] == [(410, "transaction_expired")] * 3
    assert not Document.objects.exists()


def test_sweep_takes_what_expired_long_ago(staging: Staging) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})
    begin(staging.client, ttl=3600)

    assert sweep_transactions() == 0
    with time_machine.travel(
        clock.now() + timedelta(seconds=limits.TRANSACTION_RETENTION_SECONDS + 301)
    ):
        assert sweep_transactions() == 2

    assert DocumentTransaction.objects.count() == 1
    assert not StagedOperation.objects.exists()


def test_listing_pages_and_filters(key: ApiClient) -> None:
    first, second, third = begin(key), begin(key), begin(key)
    second.commit()

    everything = key.get(TRANSACTIONS)
    pending = key.get("/tablesdb/transactions", {"queries": [query("equal", "status", "pending")]})
    after = key.get(
        TRANSACTIONS, {"queries": [query("cursorAfter", "", second.id)], "total": False}
    )

    assert_model("TransactionList", everything.json)
    assert ids(everything, "transactions") == [first.id, second.id, third.id]
    assert (pending.json["total"], ids(pending, "transactions")) == (2, [first.id, third.id])
    assert (after.json["total"], ids(after, "transactions")) == (0, [third.id])
    wrong = key.get(TRANSACTIONS, {"queries": [query("equal", "user_uid", "alice")]})
    assert (wrong.status, wrong.error) == (400, "general_argument_invalid")
