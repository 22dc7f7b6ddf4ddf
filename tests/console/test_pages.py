"""The console lists and edits what a console user owns, through the services."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.models import User
from accounts.services import create_console_admin
from documents.models import Collection, Database, Document
from kernel.caller import ProjectContext
from projects.models import Key, Platform, Project

PASSWORD = "correct horse battery staple"


@pytest.fixture
def ada(project: ProjectContext) -> User:
    """A console user whose team adopts the project `blog`."""
    user: User = create_console_admin(email="ada@example.com", password=PASSWORD)
    return user


@pytest.fixture
def console(ada: User) -> Client:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def blog(ada: User) -> Project:
    return Project.objects.get(uid="blog")


@pytest.fixture
def posts(console: Client, blog: Project) -> Collection:
    database = Database.objects.get(project=blog, uid="default")
    console.post(
        "/console/documents/collection/add/",
        {
            "database": database.pk,
            "uid": "posts",
            "name": "Posts",
            "is_enabled": "on",
            "has_document_security": "on",
            "permissions": 'read("any")\r\ncreate("users")',
        },
    )
    return Collection.objects.get(uid="posts")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "projects/project/",
        "projects/project/add/",
        "projects/key/",
        "projects/key/add/",
        "projects/platform/",
        "projects/platform/add/",
        "projects/oauthprovider/",
        "projects/oauthprovider/add/",
        "projects/projectpolicies/",
        "accounts/emailtemplate/",
        "accounts/emailtemplate/add/",
        "accounts/user/",
        "accounts/user/add/",
        "accounts/session/",
        "accounts/team/",
        "accounts/team/add/",
        "accounts/membership/",
        "accounts/membership/add/",
        "documents/database/",
        "documents/database/add/",
        "documents/collection/",
        "documents/collection/add/",
        "documents/document/",
        "documents/document/add/",
        "password_change/",
    ],
)
def test_page_opens(console: Client, path: str) -> None:
    assert console.get(f"/console/{path}").status_code == 200


def test_project_is_created_with_its_database(
    console: Client, ada: User, events: Callable[[], Any]
) -> None:
    team = ada.memberships.get().team.uid
    answer = console.post(
        "/console/projects/project/add/",
        {
            "uid": "shop",
            "name": "Shop",
            "team_uid": team,
            "session_seconds": 3600,
            "session_limit": 10,
            "user_limit": 0,
        },
    )

    assert answer.status_code == 302
    project = Project.objects.get(uid="shop")
    assert project.session_seconds == 3600
    assert Database.objects.filter(project=project, uid="default").exists()


def test_refusal_of_a_service_is_shown_not_raised(console: Client, ada: User) -> None:
    values = {
        "uid": "console",
        "name": "Mine",
        "team_uid": ada.memberships.get().team.uid,
        "session_seconds": 3600,
        "session_limit": 10,
        "user_limit": 0,
    }
    answer = console.post("/console/projects/project/add/", values, follow=True)

    assert answer.status_code == 200
    assert Project.objects.filter(name="Mine").count() == 0


def test_key_shows_its_secret_once(console: Client, blog: Project, client_for: Any) -> None:
    page = console.post(
        "/console/projects/key/add/",
        {"project": blog.pk, "name": "CI", "scopes": "users.read", "expires_at_0": ""},
        follow=True,
    )

    key = Key.objects.get(name="CI")
    shown = page.content.decode().split("shown only now: ")[1]
    secret = re.findall("standard_[0-9a-f]+", shown)[0]
    assert key.scopes == ["users.read"]
    assert secret not in console.get(f"/console/projects/key/{key.pk}/change/").content.decode()


def test_platform_is_added_and_removed(console: Client, blog: Project) -> None:
    console.post(
        "/console/projects/platform/add/",
        {"project": blog.pk, "type": "web", "name": "Site", "hostname": "example.com"},
    )
    platform = Platform.objects.get(project=blog)
    assert platform.hostname == "example.com"

    console.post(f"/console/projects/platform/{platform.pk}/delete/", {"post": "yes"})
    assert not Platform.objects.filter(project=blog).exists()


def test_user_is_created_blocked_and_deleted(console: Client, blog: Project) -> None:
    values = {
        "project": blog.pk,
        "uid": "alice",
        "name": "Alice",
        "email": "alice@example.com",
        "new_password": PASSWORD,
        "is_active": "on",
    }
    console.post("/console/accounts/user/add/", values)
    user = User.objects.get(uid="alice")
    assert user.email == "alice@example.com"

    del values["is_active"]
    console.post(
        f"/console/accounts/user/{user.pk}/change/", values | {"labels": "vip", "new_password": ""}
    )
    user.refresh_from_db()
    assert not user.is_active
    assert user.labels == ["vip"]

    console.post(f"/console/accounts/user/{user.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(uid="alice").exists()


def test_collection_and_document_are_edited(
    console: Client, blog: Project, posts: Collection, jobs: Any, client_for: Any, make_key: Any
) -> None:
    assert posts.permissions == ['read("any")', 'create("users")']
    key = make_key(ProjectContext(id=blog.pk, uid="blog", name="Blog"), ["collections.write"])
    path = "/databases/default/collections/posts/attributes/string"
    api = client_for(ProjectContext(id=blog.pk, uid="blog", name="Blog"), key=key)
    assert api.post(path, {"key": "title", "size": 100, "required": False}).status == 202
    jobs()

    added = console.post(
        "/console/documents/document/add/",
        {
            "collection": posts.pk,
            "uid": "first",
            "content": orjson.dumps({"title": "Hello"}).decode(),
            "permissions": 'update("users")',
        },
    )
    assert added.status_code == 302
    document = Document.objects.get(collection=posts, uid="first")
    assert document.permissions == ['update("users")']
    page = console.get(f"/console/documents/document/?collection__id__exact={posts.pk}")
    assert b"first" in page.content

    change = f"/console/documents/document/{document.pk}/change/"
    assert b"Hello" in console.get(change).content
    console.post(change, {"content": '{"title": "Changed"}', "permissions": ""})
    shown = client_for(ProjectContext(id=blog.pk, uid="blog", name="Blog")).get(
        "/databases/default/collections/posts/documents/first"
    )
    assert shown.json["title"] == "Changed"
    assert shown.json["$permissions"] == []

    console.post(f"/console/documents/document/{document.pk}/delete/", {"post": "yes"})
    assert not Document.objects.filter(collection=posts).exists()


def test_object_permission_pages_open(console: Client, posts: Collection) -> None:
    page = console.get(f"/console/documents/collection/{posts.pk}/permissions/")

    assert page.status_code == 200


def test_console_user_of_another_team_sees_nothing(console: Client, posts: Collection) -> None:
    mallory = create_console_admin(email="mallory@example.com", password=PASSWORD)
    other = Client()
    other.force_login(mallory, backend="django.contrib.auth.backends.ModelBackend")

    page = other.get("/console/projects/project/")
    assert b"Blog" not in page.content
    for path in (
        f"documents/collection/{posts.pk}/change/",
        f"documents/collection/{posts.pk}/permissions/",
        f"projects/project/{posts.project_id}/change/",
    ):
        assert other.get(f"/console/{path}").status_code in (302, 404)
    answer = other.post(f"/console/documents/collection/{posts.pk}/delete/", {"post": "yes"})
    assert answer.status_code in (302, 404)
    assert Collection.objects.filter(pk=posts.pk, deleted_at=None).exists()


def test_member_without_a_managing_role_sees_nothing(
    console: Client, posts: Collection, ada: User
) -> None:
    ada.memberships.update(roles=["viewer"])

    assert b"Blog" not in console.get("/console/projects/project/").content
    answer = console.get(f"/console/documents/collection/{posts.pk}/change/")
    assert answer.status_code in (302, 404)


@pytest.mark.parametrize("path", ["nowhere/", "projects/nothing/"])
def test_a_path_that_leads_nowhere_is_told_by_a_page(console: Client, path: str) -> None:
    answer = console.get(f"/console/{path}")
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (404, "text/html")
    assert b"No such page" in answer.content


def test_unknown_paths_outside_the_console_answer_as_the_api_does(console: Client) -> None:
    answer = console.get("/nowhere")
    assert (answer.status_code, answer.json()["type"]) == (404, "general_route_not_found")
