"""Two projects that use the same names: neither reads or changes anything of the other."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from documents.models import Document, DocumentGroupObjectPermission
from documents.services import create_document
from documents.vocabulary import COLLECTIONS
from kernel.caller import ProjectContext
from kernel.models import OutboxEvent
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor, Person, sign_up
from tests.documents.blog import DATABASE, DOCUMENTS, ROWS, make_collection, operator, query
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db

SCOPES = ["documents.read", "documents.write", "rows.read", "rows.write"]
DATA = {"title": "stolen"}
ROUTES: list[tuple[str, str, Any]] = [
    (method, path.replace("UID", uid), body)
    for base, noun in ((DOCUMENTS, "document"), (ROWS, "row"))
    for uid in ("p", "theirs")
    for method, path, body in (
        ("GET", base, None),
        ("POST", base, {f"{noun}Id": "new", "data": DATA, "permissions": []}),
        ("GET", f"{base}/UID", None),
        ("PUT", f"{base}/UID", {"data": DATA}),
        ("PATCH", f"{base}/UID", {"data": DATA}),
        ("DELETE", f"{base}/UID", None),
    )
]


@pytest.fixture
def blog(project: ProjectContext, alice: Person) -> ProjectContext:
    """Return a project with documents that its user alice, or anyone, may read and change."""
    make_collection(
        project,
        permissions=['create("users")', 'create("any")'],
        document_security=True,
    )
    for uid, role in (("p", "user:alice"), ("theirs", "any")):
        create_document(
            caller=operator(project),
            names=COLLECTIONS,
            database_id=DATABASE,
            collection_id="posts",
            document_id=uid,
            data={"title": "secret of the blog"},
            permissions=[f'{action}("{role}")' for action in ("read", "update", "delete")],
        )
    return project


def content() -> tuple[list[Any], int, int]:
    rows = Document.objects.order_by("id").values_list("uid", "data", "permissions", "updated_at")
    return list(rows), DocumentGroupObjectPermission.objects.count(), OutboxEvent.objects.count()


def jwt_of(client: ApiClient) -> str:
    reply = client.post("/account/jwts")
    assert reply.status == 201, reply.json
    return str(reply.json["jwt"])


def try_all(client: ApiClient, judge: Callable[[Reply], None]) -> None:
    before = content()
    for method, path, body in ROUTES:
        reply = client.call(method, path, body)
        assert b"secret of the blog" not in reply.content
        judge(reply)
    assert content() == before


def test_key_of_another_project_opens_nothing(
    blog: ProjectContext, other_project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> None:
    own_key = make_key(other_project, SCOPES)

    def is_refused(reply: Reply) -> None:
        assert reply.status in (401, 403), reply.json

    try_all(client_for(blog, key=own_key), is_refused)

    def is_unknown(reply: Reply) -> None:
        assert (reply.status, reply.error) == (404, "database_not_found")

    try_all(client_for(other_project, key=own_key), is_unknown)


def test_session_and_jwt_of_another_project_are_worth_nothing(
    blog: ProjectContext, other_project: ProjectContext, client_for: ClientFor
) -> None:
    Document.objects.filter(uid="theirs").delete()
    stranger = sign_up(other_project, "alice")
    by_session = client_for(blog, session=stranger.session)
    jwt = jwt_of(client_for(other_project, session=stranger.session))

    assert by_session.get(f"{DOCUMENTS}/p").error == "document_not_found"
    assert by_session.get(DOCUMENTS).json["documents"] == []
    for method, path, body in (
        ("PATCH", f"{DOCUMENTS}/p", {"data": DATA}),
        ("DELETE", f"{ROWS}/p", None),
        ("PUT", f"{ROWS}/p", {"data": DATA}),
    ):
        assert by_session.call(method, path, body).error == "user_unauthorized"

    def is_refused(reply: Reply) -> None:
        assert (reply.status, reply.error) == (401, "user_jwt_invalid")

    try_all(client_for(blog, jwt=jwt), is_refused)


def test_same_names_are_different_things(
    blog: ProjectContext,
    alice: Person,
    other_project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
) -> None:
    make_collection(other_project, permissions=['create("users")'], document_security=True)
    namesake = sign_up(other_project, "alice")
    theirs = client_for(blog, session=alice.session)
    ours = client_for(other_project, session=namesake.session)
    assert User.objects.filter(uid="alice").count() == 2
    assert ours.get(f"{DOCUMENTS}/p").error == "document_not_found"

    made = ours.post(DOCUMENTS, {"documentId": "p", "data": {"title": "of the shop"}})
    assert made.status == 201
    assert ours.patch(f"{DOCUMENTS}/p", {"data": {"likes": 5}}).status == 200
    assert theirs.get(f"{DOCUMENTS}/p").json["title"] == "secret of the blog"
    assert theirs.get(f"{DOCUMENTS}/p").json["likes"] is None
    assert ours.get(DOCUMENTS).json["total"] == 1
    cursor = ours.get(DOCUMENTS, {"queries": [query("cursorAfter", "", "theirs")]})
    assert cursor.error == "general_cursor_not_found"
    key = client_for(other_project, key=make_key(other_project, SCOPES))
    assert key.get(DOCUMENTS).json["total"] == 1

    assert ours.delete(f"{DOCUMENTS}/p").status == 204
    assert theirs.get(f"{DOCUMENTS}/p").status == 200


def test_collections_of_one_project_do_not_mix(
    blog: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> None:
    make_collection(blog, "drafts")
    key = client_for(blog, key=make_key(blog, SCOPES))
    drafts = DOCUMENTS.replace("posts", "drafts")

    assert key.get(f"{drafts}/p").error == "document_not_found"
    assert key.delete(f"{drafts}/p").error == "document_not_found"
    assert key.get(drafts).json["documents"] == []
    assert key.post(drafts, {"documentId": "p", "data": {"title": "draft"}}).status == 201
    assert key.get(f"{DOCUMENTS}/p").json["title"] == "secret of the blog"
