"""Collections and tables: made with their partition, changed, hidden at once and swept."""

import json

import pytest

from documents import partitions
from documents.models import Collection, CollectionGroupObjectPermission, Document
from tests.documents.schema import document_tables, index_names, own_partition
from tests.reference import assert_model

pytestmark = pytest.mark.django_db

LIST = "/databases/default/collections"
TABLES = "/tablesdb/default/tables"


def create(admin, **more):
    return admin.post(LIST, {"collectionId": "posts", "name": "Posts", **more})


def test_created_collection_has_the_shape_of_its_model_and_no_table_of_its_own(admin, events):
    reply = create(admin, permissions=['read("any")', 'write("users")'], documentSecurity=True)

    assert reply.status == 201
    assert_model("Collection", reply.json)
    assert reply.json["$permissions"] == [
        'read("any")',
        'create("users")',
        'update("users")',
        'delete("users")',
    ]
    assert reply.json["documentSecurity"] is True
    assert reply.json["databaseId"] == "default"
    assert events.names() == ["databases.default.collections.posts.create"]
    assert events.payloads() == [reply.json]
    stored = Collection.objects.get(uid="posts")
    assert partitions.is_shared(stored.place)
    assert f"document_{stored.id}" not in document_tables()


def test_created_table_speaks_of_columns_and_rows(admin, events):
    reply = admin.post(TABLES, {"tableId": "posts", "name": "Posts", "rowSecurity": True})

    assert reply.status == 201
    assert_model("Table", reply.json)
    assert reply.json["rowSecurity"] is True
    assert "attributes" not in reply.json
    assert events.names() == ["databases.default.tables.posts.create"]


def test_both_vocabularies_show_the_same_thing(admin, posts):
    collection = admin.get(posts).json
    table = admin.get(f"{TABLES}/posts").json

    assert table["$id"] == collection["$id"]
    assert table["columns"] == collection["attributes"]
    assert_model("CollectionList", admin.get(LIST).json)
    assert_model("TableList", admin.get(TABLES).json)
    assert admin.get(TABLES).json["tables"] == [table]


def test_permissions_are_guardian_rows(admin):
    create(admin, permissions=['read("any")', 'create("users")'])

    rows = CollectionGroupObjectPermission.objects.order_by("id")
    assert [(row.permission.codename, row.group.role.role) for row in rows] == [
        ("read_collection", "any"),
        ("create_collection", "users"),
    ]


def test_collection_without_permissions_has_none(admin, posts):
    assert admin.get(posts).json["$permissions"] == []


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        (LIST, {"collectionId": "posts", "name": "Again"}, "collection_already_exists"),
        (TABLES, {"tableId": "posts", "name": "Again"}, "table_already_exists"),
    ],
)
def test_taken_id_is_refused_in_the_words_of_the_caller(admin, posts, path, body, error):
    reply = admin.post(path, body)

    assert (reply.status, reply.error) == (409, error)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (f"{LIST}/nothing", "collection_not_found"),
        (f"{TABLES}/nothing", "table_not_found"),
        ("/databases/nothing/collections/posts", "database_not_found"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_collection_is_not_found(admin, posts, method, path, error):
    reply = admin.call(method, path, {"name": "x"} if method == "PUT" else None)

    assert (reply.status, reply.error) == (404, error)


def test_inline_attributes_and_indexes_are_ready_at_once(admin, jobs):
    reply = create(
        admin,
        attributes=[
            {"key": "title", "type": "string", "size": 64, "required": True},
            {"key": "likes", "type": "integer", "min": 0, "default": 0},
            {"key": "rating", "type": "double"},
            {"key": "contact", "type": "string", "format": "email"},
            {"key": "tags", "type": "string", "size": 16, "array": True},
        ],
        indexes=[
            {"key": "by_title", "type": "key", "attributes": ["title"], "orders": ["DESC"]},
            {"key": "one", "type": "unique", "attributes": ["likes", "$createdAt"]},
        ],
    )

    assert reply.status == 201
    assert_model("Collection", reply.json)
    assert {each["status"] for each in reply.json["attributes"]} == {"available"}
    assert [each["type"] for each in reply.json["attributes"]] == [
        "string",
        "integer",
        "double",
        "string",
        "string",
    ]
    assert {each["status"] for each in reply.json["indexes"]} == {"available"}
    assert len(index_names(Collection.objects.get(uid="posts").id)) == 2
    assert jobs() == 0


@pytest.mark.parametrize(
    ("list_name", "entry"),
    [
        ("attributes", {"key": "title", "type": "string", "size": 64}),
        ("indexes", {"key": "by_id", "type": "key", "attributes": ["$id"]}),
    ],
)
def test_inline_text_with_a_nul_is_refused(admin, list_name, entry):
    text = json.dumps(entry | {"description": "\x00"})
    reply = create(admin, **{list_name: [text]})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_inline_columns_may_be_named_in_indexes(admin):
    reply = admin.post(
        TABLES,
        {
            "tableId": "posts",
            "name": "Posts",
            "columns": [{"key": "title", "type": "string", "size": 64, "required": False}],
            "indexes": [{"key": "i", "type": "key", "columns": ["title"]}],
        },
    )

    assert reply.status == 201
    assert_model("Table", reply.json)
    assert reply.json["indexes"][0]["columns"] == ["title"]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"attributes": [{"key": "a", "type": "shape"}]}, "general_argument_invalid"),
        ({"attributes": [{"key": "a", "type": "string"}]}, "general_argument_invalid"),
        ({"attributes": [{"type": "integer"}]}, "general_argument_invalid"),
        ({"attributes": ["{"]}, "general_argument_invalid"),
        ({"attributes": [{"key": "a", "type": ["string"]}]}, "general_argument_invalid"),
        ({"attributes": {"key": "a"}}, "general_argument_invalid"),
        (
            {"attributes": [{"key": "a", "type": "integer"}, {"key": "a", "type": "float"}]},
            "attribute_already_exists",
        ),
        (
            {"attributes": [{"key": "a", "type": "integer", "required": True, "default": 1}]},
            "attribute_default_unsupported",
        ),
        ({"indexes": [{"key": "i", "type": "key", "attributes": ["a"]}]}, "attribute_unknown"),
        ({"permissions": ["read(any)"]}, "general_argument_invalid"),
        ({"permissions": ['read("nobody")']}, "general_argument_invalid"),
        ({"permissions": 'read("any")'}, "general_argument_invalid"),
        ({"permissions": ['read("any")'] * 101}, "general_argument_invalid"),
        ({"documentSecurity": "sometimes"}, "general_argument_invalid"),
    ],
)
def test_malformed_collection_leaves_nothing_behind(admin, events, more, error):
    before = document_tables()

    reply = create(admin, **more)

    assert (reply.status // 100, reply.error) == (4, error)
    assert admin.get(LIST).json["total"] == 0
    assert document_tables() == before
    assert events.names() == []


def test_bytes_used_grow_with_the_attributes(admin):
    empty = create(admin, collectionId="empty").json
    full = create(admin, attributes=[{"key": "a", "type": "string", "size": 1000}]).json

    assert empty["bytesMax"] == 65535
    assert full["bytesUsed"] > empty["bytesUsed"] + 1000


def test_too_wide_a_row_is_refused(admin):
    wide = [{"key": f"a{place}", "type": "string", "size": 9000} for place in range(2)]

    reply = create(admin, attributes=wide)

    assert (reply.status, reply.error) == (400, "attribute_limit_exceeded")


def test_update_replaces_what_a_client_may_set(admin, posts, events):
    version = Collection.objects.get(uid="posts").version

    reply = admin.put(
        posts,
        {
            "name": "Letters",
            "permissions": ['update("user:bob")', 'read("users")'],
            "documentSecurity": True,
            "enabled": False,
        },
    )

    assert reply.status == 200
    assert_model("Collection", reply.json)
    assert reply.json["name"] == "Letters"
    assert reply.json["$permissions"] == ['update("user:bob")', 'read("users")']
    assert (reply.json["documentSecurity"], reply.json["enabled"]) == (True, False)
    assert events.names() == ["databases.default.collections.posts.update"]
    assert admin.get(posts).json == reply.json
    assert Collection.objects.get(uid="posts").version > version


def test_update_without_permissions_keeps_them(admin):
    create(admin, permissions=['read("any")'])

    reply = admin.put(f"{LIST}/posts", {"name": "Posts"})

    assert reply.json["$permissions"] == ['read("any")']


def test_update_to_no_permissions_removes_them(admin):
    create(admin, permissions=['read("any")'])

    reply = admin.put(f"{LIST}/posts", {"permissions": []})

    assert reply.json["$permissions"] == []
    assert not CollectionGroupObjectPermission.objects.exists()


def test_list_filters_by_state_and_security(admin):
    create(admin)
    create(admin, collectionId="notes", name="Notes", documentSecurity=True)
    create(admin, collectionId="old", name="Old", enabled=False)

    def listed(attribute, value):
        text = f'{{"method":"equal","attribute":"{attribute}","values":[{value}]}}'
        return [each["$id"] for each in admin.get(LIST, {"queries": [text]}).json["collections"]]

    assert listed("enabled", "false") == ["old"]
    assert listed("documentSecurity", "true") == ["notes"]
    assert listed("name", '"Posts"') == ["posts"]
    assert admin.get(LIST, {"search": "ote"}).json["total"] == 1


def test_deleted_collection_is_gone_at_once_and_its_id_is_free(admin, posts, events):
    old = Collection.objects.get(uid="posts")

    reply = admin.delete(posts)

    assert reply.status == 204
    assert events.names() == ["databases.default.collections.posts.delete"]
    assert admin.get(posts).error == "collection_not_found"
    assert create(admin).status == 201
    assert Collection.objects.get(uid="posts", deleted_at=None).id != old.id


@pytest.mark.parametrize("settle", [own_partition, lambda: None])
def test_job_sweeps_a_deleted_collection_and_only_that(admin, posts, jobs, settle):
    create(admin, collectionId="notes", permissions=['read("any")'])
    Collection.objects.update(place=-1)
    settle()
    gone, kept = Collection.objects.get(uid="posts"), Collection.objects.get(uid="notes")
    Document.objects.create(collection=gone, uid="one")
    Document.objects.create(collection=kept, uid="two")
    admin.delete(posts)

    jobs()

    assert not Collection.objects.filter(id=gone.id).exists()
    assert f"document_{gone.id}" not in document_tables()
    assert [each.uid for each in Document.objects.all()] == ["two"]
    assert admin.get(f"{LIST}/notes").json["$permissions"] == ['read("any")']


def test_collection_of_another_project_is_not_found(admin, other_admin, posts):
    for method in ("GET", "PUT", "DELETE"):
        reply = other_admin.call(method, posts, {"name": "Stolen"})
        assert (reply.status, reply.error) == (404, "collection_not_found")
    assert admin.get(posts).json["name"] == "Posts"
    assert other_admin.get(LIST).json["total"] == 0


def test_one_projects_roles_are_not_anothers(admin, other_admin, posts):
    body = {"collectionId": "posts", "name": "Posts", "permissions": ['read("user:bob")']}
    other_admin.post(LIST, body)
    admin.put(posts, {"permissions": ['read("user:bob")']})

    groups = set(CollectionGroupObjectPermission.objects.values_list("group", flat=True))
    assert len(groups) == 2


def test_table_scopes_are_enough_for_tables_only(project, client_for, make_key, posts):
    client = client_for(project, key=make_key(project, ["tables.read"]))

    assert client.get(f"{TABLES}/posts").status == 200
    assert client.get(posts).error == "general_unauthorized_scope"
    assert client.put(f"{TABLES}/posts", {"name": "x"}).error == "general_unauthorized_scope"
