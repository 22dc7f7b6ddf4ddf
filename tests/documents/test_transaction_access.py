"""Who may use a transaction, and by whose rights its operations are done."""

from collections.abc import Callable

import pytest

from accounts.models import User
from documents.models import Document, DocumentTransaction
from documents.services.collections import update_collection
from documents.vocabulary import COLLECTIONS
from kernel import limits
from kernel.caller import ProjectContext
from projects import services as projects
from tests.client import ApiClient
from tests.conftest import ClientFor, Events, Person
from tests.documents.blog import DOCUMENTS, ids, operator, query
from tests.documents.conftest import MakeKey
from tests.documents.transactions import SCOPES, TRANSACTIONS, Staging, begin, key, operation

__all__ = ["key"]  # a fixture

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def client_of(key: ApiClient, project: ProjectContext, client_for: ClientFor):
    return lambda person: client_for(project, session=person.session)


@pytest.fixture
def mine(client_of: Callable[[Person], ApiClient], alice: Person) -> Staging:
    return begin(client_of(alice))


def set_permissions(project: ProjectContext, permissions: list[str]) -> None:
    update_collection(
        caller=operator(project),
        names=COLLECTIONS,
        database_id="main",
        collection_id="posts",
        name="Posts",
        permissions=permissions,
        document_security=True,
        enabled=True,
        description=None,
    )


def test_users_own_their_transactions(
    mine: Staging, key: ApiClient, client_of: Callable[[Person], ApiClient], bob: Person
) -> None:
    theirs = Staging(client_of(bob), mine.id)

    replies = [
        theirs.post(DOCUMENTS, documentId="p", data={"title": "T"}),
        theirs.stage(operation("create", "p", {"title": "T"})),
        theirs.get(DOCUMENTS),
        theirs.commit(),
        theirs.roll_back(),
        bob_get := theirs.client.get(theirs.here),
        theirs.client.delete(theirs.here),
    ]

    assert {(each.status, each.error) for each in replies} == {(404, "transaction_not_found")}
    assert bob_get.json["message"]
    assert ids(theirs.client.get(TRANSACTIONS), "transactions") == []
    assert ids(mine.client.get(TRANSACTIONS), "transactions") == [mine.id]
    assert ids(key.get(TRANSACTIONS), "transactions") == [mine.id]


def test_users_see_none_of_the_keys_transactions(
    key: ApiClient, client_of: Callable[[Person], ApiClient], alice: Person
) -> None:
    staging = begin(key)

    reply = Staging(client_of(alice), staging.id).commit()

    assert (reply.status, reply.error) == (404, "transaction_not_found")


def test_guests_have_no_transactions(
    mine: Staging, key: ApiClient, project: ProjectContext, client_for: ClientFor
) -> None:
    guest = client_for(project)

    begun = guest.post(TRANSACTIONS)
    replies = [Staging(guest, each).commit() for each in (mine.id, begin(key).id)]

    assert (begun.status, begun.error) == (401, "user_unauthorized")
    assert [each.error for each in replies] == ["transaction_not_found"] * 2
    assert guest.get(TRANSACTIONS).status == 200
    assert ids(guest.get(TRANSACTIONS), "transactions") == []


def test_other_projects_know_nothing_of_it(
    mine: Staging,
    key: ApiClient,
    other_project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
) -> None:
    stranger = client_for(other_project, key=make_key(other_project, SCOPES))

    reply = Staging(stranger, mine.id).commit()

    assert (reply.status, reply.error) == (404, "transaction_not_found")
    assert ids(stranger.get(TRANSACTIONS), "transactions") == []


def test_scopes_are_needed(project: ProjectContext, client_for: ClientFor, make_key: MakeKey):
    reader = client_for(project, key=make_key(project, ["documents.read", "rows.read"]))
    writer = client_for(project, key=make_key(project, ["rows.write"]))

    refused = [reader.post(TRANSACTIONS), writer.post(TRANSACTIONS), writer.get(TRANSACTIONS)]

    assert {each.error for each in refused} == {"general_unauthorized_scope"}
    assert reader.get(TRANSACTIONS).status == 200
    assert writer.post("/tablesdb/transactions").status == 201


def test_user_has_only_so_many_pending_transactions(
    mine: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("documents.services.transactions.rows.MAX_PENDING_TRANSACTIONS", 2)
    second = begin(mine.client)

    refused = mine.client.post(TRANSACTIONS)

    assert (refused.status, refused.error) == (400, "transaction_limit_exceeded")
    second.commit()
    assert mine.client.post(TRANSACTIONS).status == 201
    assert limits.MAX_PENDING_TRANSACTIONS == 100


# By whose rights


def test_permissions_are_checked_when_staged(
    mine: Staging, key: ApiClient, project: ProjectContext
) -> None:
    private = {"documentId": "p", "data": {"title": "T"}, "permissions": ['read("any")']}
    assert key.post(DOCUMENTS, private).status == 201

    replies = [
        mine.patch(f"{DOCUMENTS}/p", data={"title": "mine"}),
        mine.delete(f"{DOCUMENTS}/p"),
        mine.patch(f"{DOCUMENTS}/p/likes/increment"),
        mine.post(DOCUMENTS, documentId="q", data={"title": "T"}, permissions=['read("any")']),
        mine.stage(operation("create", "q", {"title": "T"}), operation("delete", "p")),
        mine.stage(operation("create", "q", {"title": "T", "$permissions": ['read("team:x")']})),
    ]

    assert [(each.status, each.error) for each in replies[:3]] == [(401, "user_unauthorized")] * 3
    assert replies[3].status == 201
    assert [each.error for each in replies[4:]] == ["document_already_exists", "user_unauthorized"]
    assert mine.state["operations"] == 1


@pytest.mark.parametrize("action", ["bulkCreate", "bulkUpdate", "bulkUpsert", "bulkDelete"])
def test_writes_of_many_are_for_keys(mine: Staging, action: str) -> None:
    data = {
        "bulkCreate": [{"title": "T"}],
        "bulkUpsert": [{"$id": "p", "title": "T"}],
        "bulkUpdate": {"queries": [], "data": {"title": "T"}},
        "bulkDelete": {"queries": []},
    }

    reply = mine.stage(operation(action, data=data[action]))

    assert reply.status == 401
    assert mine.post(DOCUMENTS, documents=[{"title": "T"}]).status == 401
    assert mine.state["operations"] == 0


def test_permissions_are_checked_again_at_commit(mine: Staging, project: ProjectContext) -> None:
    assert mine.post(DOCUMENTS, documentId="p", data={"title": "T"}).status == 201
    set_permissions(project, ['create("team:others")'])

    reply = mine.commit()

    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert mine.state["status"] == "failed"
    assert not Document.objects.exists()


def test_reads_show_what_the_reader_may_see(mine: Staging, key: ApiClient) -> None:
    key.post(DOCUMENTS, {"documentId": "hidden", "data": {"title": "T"}})
    mine.post(DOCUMENTS, documentId="own", data={"title": "T"})

    assert ids(mine.get(DOCUMENTS)) == ["own"]
    assert mine.get(f"{DOCUMENTS}/hidden").error == "document_not_found"
    assert ids(Staging(key, mine.id).get(DOCUMENTS)) == ["hidden", "own"]


def test_creator_keeps_their_rights_when_a_key_commits(
    mine: Staging, key: ApiClient, events: Events
) -> None:
    mine.post(DOCUMENTS, documentId="p", data={"title": "T"})
    mine.put(f"{DOCUMENTS}/q", data={"title": "T"})
    events.clear()

    assert Staging(key, mine.id).commit().status == 200

    own = [f'{action}("user:alice")' for action in ("read", "update", "delete")]
    for uid in ("p", "q"):
        assert mine.client.get(f"{DOCUMENTS}/{uid}").json["$permissions"] == own
    assert [each.actor for each in events.all()] == ["alice", "alice"]


def test_key_does_not_commit_what_its_user_may_no_longer_do(
    mine: Staging, key: ApiClient, project: ProjectContext
) -> None:
    mine.post(DOCUMENTS, documentId="p", data={"title": "T"})
    set_permissions(project, ['create("team:others")'])

    reply = Staging(key, mine.id).commit()

    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert not Document.objects.exists()


def test_nothing_is_done_for_a_user_who_is_blocked_meanwhile(mine: Staging, key: ApiClient) -> None:
    mine.post(DOCUMENTS, documentId="p", data={"title": "T"})
    User.objects.filter(uid="alice").update(is_active=False)

    reply = Staging(key, mine.id).commit()

    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert not Document.objects.exists()


def test_who_acted_as_the_user_answers_for_what_is_committed_later(
    mine: Staging, key: ApiClient, client_of: Callable[[Person], ApiClient], bob: Person,
    events: Events,
) -> None:  # fmt: skip
    User.objects.filter(uid="bob").update(is_impersonator=True)
    support = client_of(bob)
    as_alice = {**support.headers, "X-Appwrite-Impersonate-User-Id": "alice"}
    acting = ApiClient(as_alice, support.cookies)

    def stage(uid: str) -> Staging:
        begun = begin(mine.client)
        begun.post(DOCUMENTS, documentId=uid, data={"title": "T"})
        Staging(acting, begun.id).post(DOCUMENTS, documentId=f"{uid}2", data={"title": "T"})
        return begun

    for number, committer in enumerate((key, mine.client, acting)):
        staged = stage(f"p{number}")
        events.clear()
        assert Staging(committer, staged.id).commit().status == 200
        assert [each.actor for each in events.all()] == ["alice", "bob as alice"]

    staged = stage("late")
    User.objects.filter(uid="bob").update(is_impersonator=False)
    reply = Staging(key, staged.id).commit()
    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert not Document.objects.filter(uid__startswith="late").exists()


def test_what_a_key_staged_for_a_user_is_done_by_the_rights_of_a_key(
    mine: Staging, key: ApiClient, project: ProjectContext, events: Events
) -> None:
    helper = Staging(key, mine.id)
    helper.post(DOCUMENTS, documentId="p", data={"title": "T"}, permissions=['read("users")'])
    helper.patch(DOCUMENTS, data={"likes": 5}, queries=[query("equal", "$id", "p")])

    assert mine.get(f"{DOCUMENTS}/p").json["likes"] == 5
    assert mine.commit().status == 200

    found = mine.client.get(f"{DOCUMENTS}/p").json
    assert (found["likes"], found["$permissions"]) == (5, ['read("users")'])
    assert mine.client.patch(f"{DOCUMENTS}/p", {"data": {"likes": 6}}).status == 401


def test_roles_that_a_staged_write_names_first_are_there_after_all(
    mine: Staging, key: ApiClient
) -> None:
    granted = ['read("user:alice")', 'read("user:alice/unverified")']

    for uid in ("p", "q"):
        reply = mine.post(DOCUMENTS, documentId=uid, data={"title": "T"}, permissions=granted)
        assert reply.status == 201
    assert mine.commit().status == 200

    assert {tuple(each.permissions) for each in Document.objects.all()} == {tuple(granted)}


def test_transactions_go_with_their_project(
    mine: Staging, project: ProjectContext, jobs: Callable[[], int]
) -> None:
    mine.post(DOCUMENTS, documentId="p", data={"title": "T"})

    projects.delete_project(caller=projects.operator(), project_id=project.uid)
    jobs()

    assert not DocumentTransaction.objects.exists()
