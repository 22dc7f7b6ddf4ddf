"""Transactions by the newest official Python SDK, in both vocabularies."""

from typing import Any

import pytest
from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.permission import Permission
from appwrite.query import Query
from appwrite.role import Role

from tests.compat.sdk import Person
from tests.compat.vocabulary import ROW_WORDS, Collection, Vocabulary

pytestmark = pytest.mark.usefixtures("recwarn")


@pytest.fixture(scope="module", params=[{}, ROW_WORDS], ids=["databases", "tablesDB"])
def service(request: pytest.FixtureRequest, key: Client) -> Vocabulary:
    return Vocabulary(key, request.param)


@pytest.fixture
def notes(service: Vocabulary, database: str) -> Collection:
    return service.make_collection(
        database, permissions=[Permission.create(Role.users())], has_document_security=True
    )


class Staged:
    """Calls of a collection within a transaction."""

    def __init__(self, notes: Collection, service: Vocabulary) -> None:
        self.notes, self.service = notes, service
        self.id = service.create_transaction(120).id

    def __call__(self, method: str, *given: Any, **named: Any) -> Any:
        call = getattr(self.service, method)
        return call(*self.notes.place, *given, transaction_id=self.id, **named)

    def end(self, **how: bool) -> str:
        status = self.service.update_transaction(self.id, **how).status
        return str(getattr(status, "value", status))


def sizes(notes: Collection) -> dict[str, int]:
    page = notes.service.listed(notes("list_documents"), "documents")
    return {each.id: each.data["size"] for each in page}


def test_everything_staged_happens_at_commit(notes: Collection, service: Vocabulary):
    notes("create_document", "old", {"title": "old", "size": 10})
    notes("create_document", "gone", {"title": "gone"})
    staged = Staged(notes, service)

    made = staged("create_document", "new", {"title": "new", "size": 5})
    staged("update_document", "old", {"size": 11})
    counted = staged("increment_document_attribute", "old", "size", 4)
    staged("decrement_document_attribute", "old", "size", 1)
    staged("upsert_document", "put", {"title": "put", "size": 2})
    staged("delete_document", "gone")
    many = staged("create_documents", [{"$id": "one", "title": "one", "size": 20}])
    staged("upsert_documents", [{"$id": "one", "size": 21}])
    staged("update_documents", {"done": True}, [Query.equal("size", 21)])
    staged("delete_documents", [Query.equal("size", 2)])

    assert (made.id, made.data["size"]) == ("new", 5)
    assert counted.data["size"] == 15
    assert (many.total, service.listed(many, "documents")) == (0, [])
    assert staged("get_document", "old").data["size"] == 14
    assert staged("list_documents", [Query.equal("done", True)]).total == 1
    assert sizes(notes) == {"old": 10, "gone": 1}
    assert staged.end(commit=True) == "committed"
    assert sizes(notes) == {"old": 14, "new": 5, "one": 21}


def test_operations_are_staged_together(notes: Collection, service: Vocabulary, database: str):
    staged = Staged(notes, service)
    place = {"databaseId": database, service.word("collectionId"): "notes"}
    uid = service.word("documentId")
    created = {"action": "create", **place, uid: "a", "data": {"title": "a", "size": 1}}
    counted: dict[str, Any] = {"action": "increment", **place, uid: "a"}
    counted["data"] = {service.word("attribute"): "size", "value": 3}

    transaction = service.create_operations(staged.id, [created, counted])

    assert transaction.operations == 2
    assert service.get_transaction(staged.id).operations == 2
    assert staged.id in [each.id for each in service.list_transactions().transactions]
    assert staged.end(commit=True) == "committed"
    assert sizes(notes) == {"a": 4}


def test_rolled_back_and_deleted_transactions_do_nothing(notes: Collection, service: Vocabulary):
    first, second = Staged(notes, service), Staged(notes, service)
    for staged in (first, second):
        staged("create_document", "a", {"title": "a"})

    assert first.end(rollback=True) == "failed"
    service.delete_transaction(second.id)

    assert sizes(notes) == {}
    for staged in (first, second):
        with pytest.raises(AppwriteException) as missing:
            service.get_transaction(staged.id)
        assert (missing.value.code, missing.value.type) == (404, "transaction_not_found")


def test_commit_is_refused_after_a_change_elsewhere(notes: Collection, service: Vocabulary):
    notes("create_document", "a", {"title": "a", "size": 1})
    staged = Staged(notes, service)
    staged("update_document", "a", {"size": 2})
    notes("update_document", "a", {"size": 3})

    with pytest.raises(AppwriteException) as refused:
        staged.end(commit=True)

    assert (refused.value.code, refused.value.type) == (409, "transaction_conflict")
    assert sizes(notes) == {"a": 3}


def test_users_have_transactions_of_their_own(
    notes: Collection, service: Vocabulary, alice: Person, bob: Person
):
    hers, his = service.by(alice.client), service.by(bob.client)
    staged = Staged(notes, hers)
    staged("create_document", "a", {"title": "a"})

    with pytest.raises(AppwriteException) as missing:
        his.get_transaction(staged.id)

    assert missing.value.code == 404
    assert staged.end(commit=True) == "committed"
    assert notes.by(alice.client)("get_document", "a").data["title"] == "a"
