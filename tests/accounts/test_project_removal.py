"""A project that is removed leaves nothing behind, and takes nothing of others with it."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from accounts.models import Role, Session, Team, User
from documents.models import Collection, Database
from documents.services import promote_collection
from projects import services
from projects.models import Key, Project
from tests.conftest import sign_up

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]

SCOPES = [
    "databases.write",
    "collections.write",
    "attributes.write",
    "documents.write",
    "teams.write",
]


def fill(project, client_for, make_key):
    """Put a user, a team, and a document with grants into a project."""
    person = sign_up(project, "alice")
    user = client_for(project, session=person.session)
    assert user.post("/teams", {"teamId": "crew", "name": "Crew"}).status == 201
    key = client_for(project, key=make_key(project, SCOPES))
    path = "/databases/default/collections"
    grants = ['read("users")', 'create("users")']
    body = {"collectionId": "posts", "name": "P", "documentSecurity": True, "permissions": grants}
    assert key.post(path, body).status == 201
    boolean = {"key": "done", "required": False}
    assert key.post(f"{path}/posts/attributes/boolean", boolean).status == 202


def counts(project_id):
    rows = {
        model.__name__: model._default_manager.filter(project_id=project_id).count()
        for model in (User, Team, Role, Key, Database, Collection)
    }
    return rows | {"Session": Session.objects.filter(user__project_id=project_id).count()}


def test_a_removed_project_leaves_nothing(project, other_project, client_for, make_key, jobs):
    for each in (project, other_project):
        fill(each, client_for, make_key)
    jobs()
    for collection_id in Collection.objects.values_list("id", flat=True):
        promote_collection(collection_id=collection_id)
    kept, groups = counts(other_project.id), Group.objects.count()
    assert all(counts(project.id).values())
    partitions = set(_partitions())
    services.delete_project(caller=services.operator(), project_id=project.uid)
    jobs()
    assert not Project.objects.filter(id=project.id).exists()
    assert not any(counts(project.id).values())
    assert counts(other_project.id) == kept
    assert Group.objects.count() == groups - kept["Role"]
    assert len(set(_partitions())) == len(partitions) - 1


def _partitions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'document'::regclass"
        )
        return [row[0] for row in cursor.fetchall()]
