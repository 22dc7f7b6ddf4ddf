from typing import Any

import pytest

from documents.models import Document, DocumentGroupObjectPermission
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Events, Person
from tests.documents.blog import DOCUMENTS, Words, both_vocabularies, make_collection
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db

EVERYONE_MAY_CREATE = ['create("any")']


@pytest.fixture
def writer(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    """Return a client whose key may write documents."""
    return client_for(project, key=make_key(project, ["documents.write"]))


def stored(uid: str) -> Document:
    return Document.objects.get(uid=uid)


@both_vocabularies
def test_user_creates_document_and_owns_it(
    project: ProjectContext, alice: Person, client_for: ClientFor, events: Events, words: Words
) -> None:
    make_collection(project, permissions=['create("users")'], document_security=True)
    events.clear()
    client = client_for(project, session=alice.session)

    reply = client.post(
        words.path,
        {f"{words.noun}Id": "first", "data": {"title": "Hello", "tags": ["a"], "likes": 3}},
    )

    row = stored("first")
    owner = ['read("user:alice")', 'update("user:alice")', 'delete("user:alice")']
    assert reply.status == 201
    assert reply.json == {
        "$id": "first",
        "$sequence": str(row.id),
        "$databaseId": "main",
        words.collection_key: "posts",
        "$createdAt": reply.json["$createdAt"],
        "$updatedAt": reply.json["$createdAt"],
        "$permissions": owner,
        "title": "Hello",
        "content": None,
        "likes": 3,
        "rating": None,
        "pinned": False,
        "published": None,
        "contact": None,
        "tags": ["a"],
        "scores": [],
    }
    assert row.data == {"title": "Hello", "tags": ["a"], "likes": 3, "pinned": False}
    assert row.permissions == owner
    assert row.read_roles == ["user:alice"]
    assert events.names() == [words.event("first", "create")]
    (event,) = events.all()
    assert event.payload == reply.json
    assert event.roles == ["user:alice"]
    assert event.actor == "alice"


def test_grants_are_rows_of_guardian_in_their_order(
    project: ProjectContext, writer: ApiClient
) -> None:
    make_collection(project)
    permissions = ['update("team:x/owner")', 'read("any")', 'write("user:zoe")']

    reply = writer.post(
        DOCUMENTS, {"documentId": "p", "data": {"title": "T"}, "permissions": permissions}
    )

    spelled_out = [*permissions[:2], 'update("user:zoe")', 'delete("user:zoe")']
    assert reply.json["$permissions"] == spelled_out
    rows = DocumentGroupObjectPermission.objects.order_by("id").select_related(
        "group__role", "permission"
    )
    assert [
        f'{row.permission.codename.partition("_")[0]}("{row.group.role.role}")' for row in rows
    ] == spelled_out
    assert {row.collection_id for row in rows} == {stored("p").collection_id}


def test_key_grants_nothing_unless_told(project: ProjectContext, writer: ApiClient) -> None:
    make_collection(project)

    reply = writer.post(DOCUMENTS, {"documentId": "p", "data": {"title": "T"}})

    assert reply.status == 201
    assert reply.json["$permissions"] == []
    assert not DocumentGroupObjectPermission.objects.exists()


def test_empty_permissions_mean_none(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, permissions=EVERYONE_MAY_CREATE, document_security=True)
    client = client_for(project, session=alice.session)

    body = {"documentId": "p", "data": {"title": "T"}, "permissions": []}
    assert client.post(DOCUMENTS, body).json["$permissions"] == []
    assert client.get(f"{DOCUMENTS}/p").status == 404


def test_guest_creates_where_anyone_may(project: ProjectContext, client_for: ClientFor) -> None:
    make_collection(project, permissions=EVERYONE_MAY_CREATE)

    reply = client_for(project).post(DOCUMENTS, {"documentId": "p", "data": {"title": "T"}})

    assert reply.status == 201
    assert reply.json["$permissions"] == []


@both_vocabularies
def test_user_without_the_grant_creates_nothing(
    project: ProjectContext, alice: Person, client_for: ClientFor, events: Events, words: Words
) -> None:
    make_collection(project, permissions=['create("user:bob")', 'read("any")'])
    events.clear()

    reply = client_for(project, session=alice.session).post(
        words.path, {f"{words.noun}Id": "p", "data": {"title": "T"}}
    )

    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert not Document.objects.exists()
    assert events.names() == []


def test_user_cannot_grant_roles_of_others(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, permissions=EVERYONE_MAY_CREATE)
    client = client_for(project, session=alice.session)

    for role in ("user:bob", "team:x", "guests", "label:vip", "users/verified"):
        body = {"documentId": "p", "data": {"title": "T"}, "permissions": [f'read("{role}")']}
        reply = client.post(DOCUMENTS, body)
        assert (reply.status, reply.error) == (401, "user_unauthorized")
        assert reply.json["message"].startswith("Permissions must be one of: (any, ")
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    "permissions",
    [
        ['create("any")'],
        ["read"],
        ['read("nobody")'],
        ['read("user:")'],
        ['fly("any")'],
        "read",
        [1],
        ['read("any")'] * 101,
        {"a": 'read("any")'},
    ],
)
def test_malformed_permissions_are_refused(
    project: ProjectContext, writer: ApiClient, permissions: Any
) -> None:
    make_collection(project)

    reply = writer.post(
        DOCUMENTS, {"documentId": "p", "data": {"title": "T"}, "permissions": permissions}
    )

    assert (reply.status, reply.error) == (400, "general_argument_invalid")


@both_vocabularies
def test_taken_id_is_refused(
    project: ProjectContext, writer: ApiClient, events: Events, words: Words
) -> None:
    make_collection(project)
    body = {f"{words.noun}Id": "p", "data": {"title": "T"}, "permissions": ['read("any")']}
    assert writer.post(words.path, body).status == 201
    events.clear()

    reply = writer.post(words.path, body)

    assert (reply.status, reply.error) == (409, f"{words.noun}_already_exists")
    assert DocumentGroupObjectPermission.objects.count() == 1
    assert events.names() == []


def test_unique_means_a_generated_id(project: ProjectContext, writer: ApiClient) -> None:
    make_collection(project)

    reply = writer.post(DOCUMENTS, {"documentId": "unique()", "data": {"title": "T"}})

    assert reply.status == 201
    assert len(reply.json["$id"]) == 20
    assert stored(reply.json["$id"]).data["title"] == "T"


@pytest.mark.parametrize("uid", ["", "_x", ".x", "a b", "x" * 37, "é", 'a"b', 7, None, {}])
def test_malformed_ids_are_refused(project: ProjectContext, writer: ApiClient, uid: Any) -> None:
    make_collection(project)

    reply = writer.post(DOCUMENTS, {"documentId": uid, "data": {"title": "T"}})

    wanted = "document_missing_data" if uid is None else "general_argument_invalid"
    assert (reply.status, reply.error) == (400, wanted)


@both_vocabularies
def test_missing_data_has_an_error_of_its_own(
    project: ProjectContext, writer: ApiClient, words: Words
) -> None:
    make_collection(project, attributes={})
    for body in (
        {f"{words.noun}Id": "p"},
        {f"{words.noun}Id": "p", "data": {}},
        {"data": {"a": 1}},
    ):
        reply = writer.post(words.path, body)
        assert (reply.status, reply.error) == (400, f"{words.noun}_missing_data")


@both_vocabularies
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"likes": 1}, 'Missing required attribute "title"'),
        ({"title": None}, 'Missing required attribute "title"'),
        ({"title": "T", "unknown": 1}, 'Unknown attribute: "unknown"'),
        ({"title": "T", "$unknown": 1}, 'Unknown attribute: "$unknown"'),
        ({"title": "x" * 256}, 'Attribute "title" has invalid type.'),
        ({"title": 5}, 'Attribute "title" has invalid type.'),
        ({"title": "T", "likes": -1}, "Value must be a valid range between 0 and 1,000,000"),
        ({"title": "T", "likes": "1"}, 'Attribute "likes" has invalid type.'),
        ({"title": "T", "likes": 1.5}, 'Attribute "likes" has invalid type.'),
        ({"title": "T", "pinned": "yes"}, 'Attribute "pinned" has invalid type.'),
        ({"title": "T", "rating": "x"}, 'Attribute "rating" has invalid type.'),
        ({"title": "T", "published": "soon"}, 'Attribute "published" has invalid type.'),
        ({"title": "T", "contact": "nobody"}, "Value must be a valid email address"),
        ({"title": "T", "tags": "a"}, 'Attribute "tags" must be an array'),
        ({"title": "T", "tags": ["a", 1]}, "Attribute \"tags['1']\" has invalid type."),
    ],
)
def test_data_must_fit_the_collection(
    project: ProjectContext, writer: ApiClient, words: Words, data: dict[str, Any], message: str
) -> None:
    make_collection(project)

    reply = writer.post(words.path, {f"{words.noun}Id": "p", "data": data})

    assert (reply.status, reply.error) == (400, f"{words.noun}_invalid_structure")
    assert reply.json["message"].startswith("Invalid document structure: ")
    assert message in reply.json["message"]
    assert not Document.objects.exists()


def test_data_may_be_json_text(project: ProjectContext, writer: ApiClient) -> None:
    make_collection(project)

    reply = writer.post(DOCUMENTS, {"documentId": "p", "data": '{"title": "T", "likes": 4}'})

    assert reply.status == 201
    assert (reply.json["title"], reply.json["likes"]) == ("T", 4)


def test_datetimes_are_kept_in_utc(project: ProjectContext, writer: ApiClient) -> None:
    make_collection(project)

    data = {"title": "T", "published": "2024-05-01T12:00:00+02:00"}
    reply = writer.post(DOCUMENTS, {"documentId": "p", "data": data})

    assert reply.json["published"] == "2024-05-01T10:00:00.000+00:00"


def test_user_cannot_set_what_the_server_sets(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, permissions=EVERYONE_MAY_CREATE, document_security=True)
    forged = {
        "$id": "other",
        "$sequence": "999",
        "$createdAt": "2001-01-01T00:00:00.000+00:00",
        "$updatedAt": "2001-01-01T00:00:00.000+00:00",
        "$permissions": ['read("any")'],
        "$databaseId": "elsewhere",
        "$collectionId": "elsewhere",
        "$tableId": "elsewhere",
    }

    reply = client_for(project, session=alice.session).post(
        DOCUMENTS, {"documentId": "p", "data": {"title": "T", **forged}}
    )

    assert reply.status == 201
    assert {key: reply.json.get(key) for key in forged} != forged
    for key, value in forged.items():
        assert reply.json.get(key) != value
    assert stored("p").data == {"title": "T", "pinned": False}


def test_key_may_set_the_times(project: ProjectContext, writer: ApiClient) -> None:
    make_collection(project)
    times = {"$createdAt": "2001-01-01T00:00:00Z", "$updatedAt": "2002-02-02T00:00:00.5+01:00"}

    reply = writer.post(DOCUMENTS, {"documentId": "p", "data": {"title": "T", **times}})

    assert reply.json["$createdAt"] == "2001-01-01T00:00:00.000+00:00"
    assert reply.json["$updatedAt"] == "2002-02-01T23:00:00.500+00:00"
    late = {"title": "T", "$createdAt": "whenever"}
    refused = writer.post(DOCUMENTS, {"documentId": "q", "data": late})
    assert (refused.status, refused.error) == (400, "document_invalid_structure")


@both_vocabularies
def test_unknown_containers_have_names(
    project: ProjectContext, writer: ApiClient, words: Words
) -> None:
    make_collection(project)
    body = {f"{words.noun}Id": "p", "data": {"title": "T"}}

    reply = writer.post(words.path.replace("posts", "nothing"), body)
    assert (reply.status, reply.error) == (404, f"{words.collection_key[1:-2]}_not_found")
    reply = writer.post(words.path.replace("main", "nothing"), body)
    assert (reply.status, reply.error) == (404, "database_not_found")


def test_scope_is_needed(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> None:
    make_collection(project)
    reader = client_for(project, key=make_key(project, ["documents.read", "rows.read"]))

    reply = reader.post(DOCUMENTS, {"documentId": "p", "data": {"title": "T"}})

    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")
    assert not Document.objects.exists()
