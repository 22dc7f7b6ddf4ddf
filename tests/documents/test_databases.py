"""Databases: the outermost containers, in both vocabularies."""

import pytest

from documents.models import Collection, Database
from kernel import clock
from projects.models import Project
from projects.removal import remove_project
from tests.documents.schema import document_tables, own_partition
from tests.reference import assert_model

pytestmark = pytest.mark.django_db


def test_created_database_has_the_shape_of_its_model(admin, events):
    reply = admin.post("/databases", {"databaseId": "main", "name": "Main"})

    assert reply.status == 201
    assert_model("Database", reply.json)
    assert reply.json["$id"] == "main"
    assert reply.json["enabled"] is True
    assert reply.json["type"] == "legacy"
    assert events.names() == ["databases.main.create"]
    assert events.payloads() == [reply.json]


def test_database_made_with_tables_is_of_their_type(admin):
    reply = admin.post("/tablesdb", {"databaseId": "main", "name": "Main"})

    assert reply.status == 201
    assert reply.json["type"] == "tablesdb"
    assert admin.get("/databases/main").json == reply.json


def test_new_project_has_a_database(admin):
    reply = admin.get("/databases/default")

    assert reply.status == 200
    assert reply.json["$id"] == "default"


def test_server_makes_an_id_when_asked(admin):
    reply = admin.post("/databases", {"databaseId": "unique()", "name": "Main"})

    assert reply.status == 201
    assert len(reply.json["$id"]) == 20


def test_taken_id_is_refused(admin, events):
    reply = admin.post("/databases", {"databaseId": "default", "name": "Again"})

    assert (reply.status, reply.error) == (409, "database_already_exists")
    assert events.names() == []


def test_both_vocabularies_list_every_database(admin):
    admin.post("/databases", {"databaseId": "a", "name": "Apples"})
    admin.post("/tablesdb", {"databaseId": "b", "name": "Bananas"})

    for path in ("/databases", "/tablesdb"):
        reply = admin.get(path)
        assert_model("DatabaseList", reply.json)
        assert [each["$id"] for each in reply.json["databases"]] == ["default", "a", "b"]
        assert reply.json["total"] == 3


def test_list_takes_queries_search_and_total(admin):
    admin.post("/databases", {"databaseId": "a", "name": "Apples"})
    admin.post("/databases", {"databaseId": "b", "name": "Bananas"})

    named = admin.get(
        "/databases", {"queries": ['{"method":"equal","attribute":"name","values":["Apples"]}']}
    )
    found = admin.get("/databases", {"search": "banan"})
    uncounted = admin.get("/databases", {"total": False})

    assert [each["$id"] for each in named.json["databases"]] == ["a"]
    assert [each["$id"] for each in found.json["databases"]] == ["b"]
    assert uncounted.json["total"] == 0
    assert len(uncounted.json["databases"]) == 3


def test_unknown_attribute_in_a_query_is_refused(admin):
    reply = admin.get(
        "/databases", {"queries": ['{"method":"equal","attribute":"owner","values":["x"]}']}
    )

    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert "Attribute not found in schema: owner" in reply.json["message"]


def test_update_replaces_name_and_state(admin, events):
    reply = admin.put("/databases/default", {"name": "Renamed", "enabled": False})

    assert reply.status == 200
    assert (reply.json["name"], reply.json["enabled"]) == ("Renamed", False)
    assert events.names() == ["databases.default.update"]
    assert admin.get("/databases/default").json == reply.json


def test_update_without_a_name_keeps_it(admin):
    before = admin.get("/databases/default").json

    after = admin.put("/databases/default", {"enabled": False}).json

    assert after["name"] == before["name"]


def test_switching_a_database_is_a_change_of_its_collections(admin, posts):
    version = Collection.objects.get(uid="posts").version

    admin.put("/databases/default", {"enabled": False})

    assert Collection.objects.get(uid="posts").version > version


def test_deleted_database_is_gone_at_once_with_its_collections(admin, posts, events):
    reply = admin.delete("/databases/default")

    assert reply.status == 204
    assert events.names() == ["databases.default.delete"]
    assert admin.get("/databases/default").error == "database_not_found"
    assert admin.get("/databases/default/collections/posts").error == "database_not_found"
    assert admin.post("/databases", {"databaseId": "default", "name": "New"}).status == 201
    assert admin.get("/databases/default/collections").json["total"] == 0


def test_job_sweeps_what_a_deleted_database_held(admin, posts, jobs):
    collection = own_partition()
    admin.delete("/databases/default")

    jobs()

    assert not Database.objects.filter(uid="default").exists()
    assert not Collection.objects.filter(id=collection.id).exists()
    assert f"document_{collection.id}" not in document_tables()


@pytest.mark.parametrize("path", ["/databases/nothing", "/tablesdb/nothing"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_database_is_not_found(admin, path, method):
    reply = admin.call(method, path, {"name": "x"} if method == "PUT" else None)

    assert (reply.status, reply.error) == (404, "database_not_found")


def test_database_of_another_project_is_not_found(admin, other_admin):
    admin.post("/databases", {"databaseId": "mine", "name": "Mine"})

    for method in ("GET", "PUT", "DELETE"):
        reply = other_admin.call(method, "/databases/mine", {"name": "Stolen"})
        assert (reply.status, reply.error) == (404, "database_not_found")
    assert admin.get("/databases/mine").json["name"] == "Mine"


def test_user_without_the_scope_cannot_read_databases(project, client_for, alice):
    reply = client_for(project, session=alice.session).get("/databases")

    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")


def test_console_project_has_no_databases(console_project, client_for):
    reply = client_for(console_project).get("/databases")

    assert (reply.status, reply.error) == (401, "general_access_forbidden")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"databaseId": "a"},
        {"databaseId": "_a", "name": "x"},
        {"databaseId": "a" * 37, "name": "x"},
        {"databaseId": "a", "name": ""},
        {"databaseId": "a", "name": "x" * 129},
        {"databaseId": {"$ne": 1}, "name": "x"},
        {"databaseId": "a", "name": ["x"]},
        {"databaseId": "a", "name": "x", "enabled": "perhaps"},
        {"databaseId": "a", "name": "x\u0000"},
        {"databaseId": "a", "name": "x", "description": 7},
    ],
)
def test_malformed_database_is_refused(admin, body, events):
    reply = admin.post("/databases", body)

    assert reply.status == 400
    assert events.names() == []


def test_deleting_a_project_removes_its_databases(admin, project, posts, other_admin):
    collection = own_partition()
    Project.objects.filter(id=project.id).update(deleted_at=clock.now())

    remove_project(project.id)

    assert not Database.objects.filter(project_id=project.id).exists()
    assert f"document_{collection.id}" not in document_tables()
    assert other_admin.get("/databases/default").status == 200
