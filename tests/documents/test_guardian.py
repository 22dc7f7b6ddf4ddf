"""Grants made with guardian's own interface count in the API, and the API's count in guardian."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from guardian.shortcuts import (
    assign_perm,
    get_objects_for_group,
    get_objects_for_user,
    get_perms,
    remove_perm,
)

from accounts.models import Role, User
from accounts.roles import role_group_ids
from documents.models import (
    Collection,
    Document,
    DocumentGroupObjectPermission,
    DocumentUserObjectPermission,
)
from tests.documents.schema import POSTS, drop_partitions

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(admin):
    """Make a collection with document security and three documents nobody may see."""
    body = {
        "collectionId": "posts",
        "name": "Posts",
        "documentSecurity": True,
        "attributes": [{"key": "title", "type": "string", "size": 100}],
    }
    assert admin.post("/databases/default/collections", body).status == 201
    for uid in ("one", "two", "three"):
        body = {"documentId": uid, "data": {"title": uid}}
        assert admin.post(f"{POSTS}/documents", body).status == 201
    return Collection.objects.get(uid="posts")


@pytest.fixture
def reader(project, client_for, alice):
    return client_for(project, session=alice.session)


def account(person):
    return User.objects.get(uid=person.uid)


def document(uid="one"):
    return Document.objects.get(uid=uid)


def group(project, role):
    return Group.objects.get(id=role_group_ids(project.id, [role])[0])


def seen(client):
    reply = client.get(f"{POSTS}/documents")
    return [each["$id"] for each in reply.json.get("documents", [])]


def test_grant_to_a_user_shows_in_the_next_read(secret, reader, alice):
    assert reader.get(f"{POSTS}/documents/one").status == 404

    assign_perm("documents.read_document", account(alice), document())

    assert reader.get(f"{POSTS}/documents/one").status == 200
    assert seen(reader) == ["one"]
    assert document().permissions == ['read("user:alice")']
    assert document().read_roles == ["user:alice"]


def test_removed_grant_ends_in_the_next_read(secret, reader, alice):
    assign_perm("documents.read_document", account(alice), document())

    remove_perm("documents.read_document", account(alice), document())

    assert reader.get(f"{POSTS}/documents/one").status == 404
    assert document().permissions == []


def test_grant_to_a_role_shows_for_its_holders(secret, reader, project):
    assign_perm("documents.read_document", group(project, "users"), document())

    assert seen(reader) == ["one"]


def test_grant_on_a_queryset_is_seen_as_well(secret, reader, alice):
    chosen: Any = Document.objects.filter(collection=secret, uid__in=["one", "three"])

    assign_perm("documents.read_document", account(alice), chosen)
    assert seen(reader) == ["one", "three"]

    remove_perm("documents.read_document", account(alice), chosen)
    assert seen(reader) == []


def test_grant_to_many_at_once_is_seen_as_well(secret, alice, bob):
    DocumentUserObjectPermission.objects.assign_perm_to_many(
        "read_document", [account(alice), account(bob)], document()
    )
    assert document().read_roles == ["user:alice", "user:bob"]

    DocumentUserObjectPermission.objects.remove_perm_from_many(
        "read_document", [account(alice)], document()
    )
    assert document().read_roles == ["user:bob"]


def test_grants_of_the_api_come_before_those_to_single_users(secret, admin, project, alice):
    admin.patch(f"{POSTS}/documents/one", {"permissions": ['read("any")', 'update("user:bob")']})

    assign_perm("documents.update_document", account(alice), document())
    assign_perm("documents.delete_document", group(project, "users"), document())

    assert admin.get(f"{POSTS}/documents/one").json["$permissions"] == [
        'read("any")',
        'update("user:bob")',
        'delete("users")',
        'update("user:alice")',
    ]


def test_grants_of_the_api_are_seen_by_guardian(secret, admin, project, alice, bob):
    role_group_ids(project.id, ["user:alice"])

    admin.patch(
        f"{POSTS}/documents/one",
        {"permissions": ['read("user:alice")', 'update("user:alice")', 'read("any")']},
    )

    assert account(alice).has_perm("documents.read_document", document())
    assert set(get_perms(account(alice), document())) == {"read_document", "update_document"}
    assert not account(bob).has_perm("documents.update_document", document())
    found = get_objects_for_user(account(alice), "documents.update_document", Document)
    assert [each.uid for each in found] == ["one"]
    found = get_objects_for_group(group(project, "any"), "documents.read_document", Document)
    assert [each.uid for each in found] == ["one"]


def test_new_document_of_a_user_is_theirs_in_guardian(secret, reader, admin, alice, bob):
    admin.put(POSTS, {"permissions": ['create("users")'], "documentSecurity": True})

    reply = reader.post(f"{POSTS}/documents", {"documentId": "mine", "data": {"title": "x"}})

    assert reply.status == 201
    assert account(alice).has_perm("documents.delete_document", document("mine"))
    assert not account(bob).has_perm("documents.read_document", document("mine"))


def test_grant_on_a_collection_shows_in_the_next_read(secret, reader, alice):
    version = secret.version
    assert seen(reader) == []

    assign_perm("documents.read_collection", account(alice), secret)

    assert seen(reader) == ["one", "two", "three"]
    secret.refresh_from_db()
    assert secret.permissions == ['read("user:alice")']
    assert secret.version > version
    assert account(alice).has_perm("documents.read_collection", secret)
    found = get_objects_for_user(account(alice), "documents.read_collection", Collection)
    assert list(found) == [secret]

    remove_perm("documents.read_collection", account(alice), secret)

    assert seen(reader) == []


def test_update_of_permissions_replaces_grants_to_single_users(secret, admin, alice):
    assign_perm("documents.read_collection", account(alice), secret)

    reply = admin.put(POSTS, {"permissions": ['read("users")'], "documentSecurity": True})

    assert reply.json["$permissions"] == ['read("users")']
    assert not account(alice).has_perm("documents.read_collection", secret)


def test_grant_twice_is_one(secret, alice):
    for _ in range(2):
        assign_perm("documents.read_document", account(alice), document())

    assert document().permissions == ['read("user:alice")']


def test_moved_grant_leaves_what_it_was_on(secret, alice):
    grant: Any = assign_perm("documents.read_document", account(alice), document())

    grant.content_object = document("two")
    grant.save()

    assert document().permissions == []
    assert document("two").permissions == ['read("user:alice")']


def test_users_and_roles_of_another_project_gain_nothing(
    secret, admin, project, other_project, alice
):
    foreign = User.objects.create(
        project_id=other_project.id, uid="alice", login=f"{other_project.id}:alice"
    )
    assign_perm("documents.read_document", foreign, document())
    assign_perm("documents.read_document", group(other_project, "any"), document())
    assign_perm("documents.read_collection", group(other_project, "any"), secret)

    assert document().permissions == []
    secret.refresh_from_db()
    assert secret.permissions == []


def test_group_that_is_no_role_grants_nothing_in_the_api(secret):
    assign_perm("documents.read_document", Group.objects.create(name="editors"), document())

    assert document().permissions == []


def test_deleting_a_user_takes_their_grants_out(secret, alice):
    assign_perm("documents.read_document", account(alice), document())

    account(alice).delete()

    assert document().permissions == []


def test_deleting_a_role_takes_its_grants_out(secret, admin, project):
    admin.patch(f"{POSTS}/documents/one", {"permissions": ['read("label:vip")']})

    Role.objects.get(project_id=project.id, role="label:vip").group.delete()

    assert document().permissions == []


def test_grants_know_their_collection(secret, project, alice):
    assign_perm("documents.read_document", account(alice), document())
    chosen: Any = Document.objects.filter(uid="two")
    assign_perm("documents.read_document", group(project, "any"), chosen)

    assert DocumentUserObjectPermission.objects.get().collection_id == secret.id
    assert DocumentGroupObjectPermission.objects.get().collection_id == secret.id


def test_announcement_of_compiled_grants_holds_for_one_statement(secret, alice):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('appwrite.compiled', 'on', true)")

    assign_perm("documents.read_document", account(alice), document())
    assert document().permissions == []

    assign_perm("documents.update_document", account(alice), document())
    assert document().permissions == ['read("user:alice")', 'update("user:alice")']


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_grants_made_at_the_same_time_all_count(secret, alice, bob):
    people = [account(alice), account(bob)]
    first_is_in, second_waits = threading.Event(), threading.Event()

    def grant_first():
        with transaction.atomic():
            assign_perm("documents.read_document", people[0], document())
            first_is_in.set()
            second_waits.wait(0.5)
        connection.close()

    thread = threading.Thread(target=grant_first)
    thread.start()
    first_is_in.wait(60)
    assign_perm("documents.read_document", people[1], document())
    second_waits.set()
    thread.join(60)

    try:
        assert sorted(document().read_roles) == ["user:alice", "user:bob"]
    finally:
        drop_partitions()
