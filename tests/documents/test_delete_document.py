import pytest

from documents.models import Document, DocumentGroupObjectPermission
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Events, Person
from tests.documents.blog import DOCUMENTS, Words, both_vocabularies, make_collection
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    return client_for(project, key=make_key(project, ["documents.read", "documents.write"]))


@both_vocabularies
def test_deleted_document_is_gone_with_its_grants(
    project: ProjectContext, key: ApiClient, events: Events, words: Words
) -> None:
    make_collection(project, permissions=['read("users")'], document_security=True)
    for uid in ("p", "q"):
        body = {"documentId": uid, "data": {"title": uid}, "permissions": ['read("any")']}
        assert key.post(DOCUMENTS, body).status == 201
    last = key.get(f"{words.path}/p").json
    events.clear()

    reply = key.delete(f"{words.path}/p")

    assert (reply.status, reply.content) == (204, b"")
    assert key.get(f"{words.path}/p").error == f"{words.noun}_not_found"
    assert [row.uid for row in Document.objects.all()] == ["q"]
    assert DocumentGroupObjectPermission.objects.count() == 1
    (event,) = events.all()
    assert event.name == words.event("p", "delete")
    assert event.payload == last
    assert event.roles == ["users", "any"]


@both_vocabularies
def test_absent_document_cannot_be_deleted(
    project: ProjectContext, key: ApiClient, words: Words
) -> None:
    make_collection(project)

    reply = key.delete(f"{words.path}/p")

    assert (reply.status, reply.error) == (404, f"{words.noun}_not_found")


@pytest.mark.parametrize(
    ("collection", "item", "is_secured", "status"),
    [
        (['delete("users")'], [], False, 204),
        ([], ['delete("user:alice")'], True, 204),
        ([], ['delete("user:alice")'], False, 401),
        (['read("any")', 'update("any")'], ['read("any")', 'update("any")'], True, 401),
    ],
)
def test_user_deletes_what_is_granted(
    project: ProjectContext,
    key: ApiClient,
    alice: Person,
    client_for: ClientFor,
    events: Events,
    collection: list[str],
    item: list[str],
    *,
    is_secured: bool,
    status: int,
) -> None:
    make_collection(project, permissions=collection, document_security=is_secured)
    key.post(DOCUMENTS, {"documentId": "p", "data": {"title": "T"}, "permissions": item})
    events.clear()

    reply = client_for(project, session=alice.session).delete(f"{DOCUMENTS}/p")

    assert reply.status == status
    assert Document.objects.exists() == (status != 204)
    assert len(events.names()) == (1 if status == 204 else 0)
