"""Whatever the console lists with the right to change it is changed by its page, and only its own.

The schema of collections and the switches of projects have pages of their own kind.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from accounts.models import EmailTemplate, Membership, Team, User
from documents.models import Collection, Database, Document
from gateway.admin import ServiceAdmin, own_field
from kernel.caller import ProjectContext
from kernel.policies import policy
from projects.catalog import AUTH_METHODS
from projects.models import Key, OAuthProvider, Platform, Project, ProjectPolicies
from projects.services import create_project, find_oauth_client, find_project, operator
from tests.conftest import PASSWORD, ClientFor
from tests.console.editing import Schema, entered, signed_in, url
from tests.console.test_pages import ada, blog, console, posts

__all__ = ["ada", "blog", "console", "posts"]  # fixtures

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ADD = {
    Key: {"name": "CI", "scopes": "users.read"},
    Platform: {"type": "web", "name": "Site", "hostname": "example.com"},
    OAuthProvider: {"provider": "oidc"},
    User: {"uid": "eve", "name": "Eve", "email": "eve@example.com", "new_password": PASSWORD},
    Team: {"uid": "writers", "name": "Writers"},
    EmailTemplate: {"kind": "recovery", "locale": "de", "subject": "Neues Passwort"},
}
_SET: dict[str, dict[str, Any]] = {
    "password-history": {"total": 3},
    "password-strength": {"min": 12},
    "password-dictionary": {"enabled": True, "denyList": ["hunter2", "letmein"]},
    "session-invalidation": {"enabled": False},
    "passkey": {"rpId": "example.com"},
    "membership-privacy": {"userEmail": False},
    "mfa-factors": {"phone": False, "required": True},
}
CHANGED_POLICIES = {name: policy(_SET, name) for name in _SET}
#: What is entered on each page, and what its row then holds.
CHANGES: dict[type[Model], tuple[dict[str, Any], dict[str, Any]]] = {
    Project: (
        {
            "name": "Diary",
            "session_limit": 3,
            "is_read_only_until_verified": "on",
            "rate_limits": "account.create 5 60\r\n\r\naccount.get 9 1",
            "auth_methods": ["jwt"],
        },
        {
            "name": "Diary",
            "session_limit": 3,
            "is_read_only_until_verified": True,
            "rate_limits": {"account.create": [5, 60], "account.get": [9, 1]},
            "disabled_auth_methods": sorted(set(AUTH_METHODS) - {"jwt"}),
        },
    ),
    Key: ({"name": "CD", "scopes": "teams.read"}, {"name": "CD", "scopes": ["teams.read"]}),
    Platform: ({"hostname": "example.org"}, {"hostname": "example.org"}),
    OAuthProvider: (
        {
            "clientId": "c",
            "clientSecret": "s",
            "wellKnownURL": "https://id.example.com",
            "prompt": "login,consent",
            "maxAge": "60",
            "is_enabled": "on",
        },
        {"is_enabled": True},
    ),
    User: ({"name": "Eva", "phone": "+4915112345678"}, {"name": "Eva", "phone": "+4915112345678"}),
    ProjectPolicies: (
        {
            "password-history_total": "3",
            "password-strength_min": "12",
            "password-dictionary_enabled": "on",
            "password-dictionary_denyList": "hunter2\r\n\r\n letmein ",
            "session-invalidation_enabled": "",
            "passkey_rpId": "example.com",
            "membership-privacy_userEmail": "",
            "mfa-factors_phone": "",
            "mfa-factors_required": "on",
        },
        {"policies": CHANGED_POLICIES},
    ),
    EmailTemplate: (
        {"subject": "", "message": "<b>{{project}}</b>", "sender_email": "post@example.com"},
        {
            "subject": "Neues Passwort",
            "message": "<b>{{project}}</b>",
            "sender_email": "post@example.com",
        },
    ),
    Team: ({"name": "Readers"}, {"name": "Readers"}),
    Membership: ({"roles": "editor,owner"}, {"roles": ["editor", "owner"]}),
    Database: ({"name": "Main", "is_enabled": ""}, {"name": "Main", "is_enabled": False}),
    Collection: (
        {"name": "Notes", "permissions": 'read("users")'},
        {"name": "Notes", "permissions": ['read("users")']},
    ),
    Document: ({"permissions": 'read("any")'}, {"permissions": ['read("any")']}),
}


@pytest.fixture
def rows(
    console: Client, blog: Project, posts: Collection, jobs: Callable[[], int]
) -> dict[type[Model], Any]:
    """One row of everything the console edits, all made on its pages."""
    for model, values in ADD.items():
        assert console.post(url(model, "add"), {"project": blog.pk, **values}).status_code == 302
    team, user = Team.objects.get(uid="writers"), User.objects.get(uid="eve")
    console.post(url(Membership, "add"), {"team": team.pk, "user": user.pk, "roles": "owner"})
    Schema(console, posts).done("add_attribute", key="title", type="string", size="100")
    jobs()
    document = {"collection": posts.pk, "uid": "first", "content": '{"title": "Hello"}'}
    console.post(url(Document, "add"), document)
    return {
        Project: blog,
        Key: Key.objects.get(project=blog),
        Platform: Platform.objects.get(project=blog),
        OAuthProvider: OAuthProvider.objects.get(project=blog),
        User: user,
        Team: team,
        ProjectPolicies: ProjectPolicies.objects.get(pk=blog.pk),
        EmailTemplate: EmailTemplate.objects.get(project=blog),
        Membership: Membership.objects.get(team=team),
        Database: Database.objects.get(project=blog),
        Collection: posts,
        Document: Document.objects.get(collection=posts),
    }


def test_every_page_that_can_change_rows_is_tested_here():
    pages = {
        model
        for model, page in admin.site._registry.items()
        if isinstance(page, ServiceAdmin) and page.change is not None
    }
    assert pages == set(CHANGES)


@pytest.mark.parametrize("model", CHANGES, ids=lambda model: model.__name__)
def test_a_row_is_changed_on_its_page(
    console: Client, rows: dict[type[Model], Any], model: type[Model]
):
    page = url(model, f"{rows[model].pk}/change")
    changes, expected = CHANGES[model]
    answer = console.post(page, entered(console, page) | changes)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row = type(rows[model]).objects.filter(pk=rows[model].pk).get()
    assert {name: getattr(row, name) for name in expected} == expected


@pytest.mark.parametrize("model", CHANGES, ids=lambda model: model.__name__)
def test_a_stranger_changes_nothing_there(
    console: Client, rows: dict[type[Model], Any], model: type[Model]
):
    page = url(model, f"{rows[model].pk}/change")
    values = entered(console, page) | CHANGES[model][0]
    before = model._default_manager.filter(pk=rows[model].pk).values_list().get()
    stranger = signed_in("mallory@example.com")
    assert stranger.post(page, values).status_code in (302, 403, 404)
    assert model._default_manager.filter(pk=rows[model].pk).values_list().get() == before


def test_a_field_changed_for_one_request_is_not_seen_by_others():
    declared = admin.site._registry[Document].form

    class ForOneRequest(declared):  # type: ignore[misc, valid-type]  # a base known at run time
        pass

    own_field(ForOneRequest, "content").initial = {"secret": "of one project"}
    assert ForOneRequest().fields["content"].initial == {"secret": "of one project"}
    assert declared.base_fields["content"].initial is None


# Switches of a project


def test_services_and_interfaces_are_switched(console: Client, blog: Project):
    page = url(Project, f"{blog.pk}/change")
    values = entered(console, page)
    assert {"databases", "account"} <= set(values["services"])
    assert values["protocols"] == ["rest", "graphql", "websocket"]
    values["services"] = [name for name in values["services"] if name != "databases"]
    values["protocols"] = ["rest"]
    answer = console.post(page, values)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    blog.refresh_from_db()
    assert blog.disabled_services == ["databases"]
    assert set(blog.disabled_protocols) == {"graphql", "websocket"}
    again = entered(console, page)
    assert "databases" not in again["services"]
    again["services"].append("databases")
    console.post(page, again)
    blog.refresh_from_db()
    assert blog.disabled_services == []


def test_a_switch_works_at_once(console: Client, blog: Project, client_for: ClientFor):
    page = url(Project, f"{blog.pk}/change")
    values = entered(console, page)
    guest = client_for(ProjectContext(id=blog.pk, uid="blog", name="Blog"))
    documents = "/databases/default/collections/none/documents"
    assert guest.get(documents).error == "collection_not_found"
    values["services"].remove("databases")
    console.post(page, values)
    assert guest.get(documents).error == "general_service_disabled"


def test_a_provider_is_set_up_field_by_field_and_keeps_its_secret(
    console: Client, rows: dict[type[Model], Any]
):
    page = url(OAuthProvider, f"{rows[OAuthProvider].pk}/change")
    values = entered(console, page) | CHANGES[OAuthProvider][0]
    assert console.post(page, values).status_code == 302
    again = entered(console, page)
    assert "clientSecret" not in again
    assert (again["prompt"], again["maxAge"]) == ("login,consent", "60")
    assert console.post(page, again | {"clientId": "d", "maxAge": ""}).status_code == 302
    project = find_project("blog")
    assert project is not None
    client = find_oauth_client(project, "oidc")
    assert client is not None
    expected = {"clientId": "d", "clientSecret": "s", "maxAge": None}
    assert expected.items() <= client.settings.items()
    assert b"callback/oidc/blog" in console.get(page).content
    refused = console.post(page, again | {"wellKnownURL": "file:///etc/passwd"})
    assert refused.status_code == 200


@pytest.mark.parametrize(
    "text", ["account.create", "account.create 5", "none.such 5 60", "account.create 0 60",
             "account.create 5 86401", "account.create -1 60", "account.create x y"],
)  # fmt: skip
def test_rate_limits_that_are_none_are_refused(
    console: Client, rows: dict[type[Model], Any], text: str
):
    page = url(Project, f"{rows[Project].pk}/change")
    answer = console.post(page, entered(console, page) | {"rate_limits": text})
    assert answer.context["adminform"].form.errors["rate_limits"]


def test_member_with_a_role_for_one_project_works_on_that_one_alone(
    console: Client, rows: dict[type[Model], Any]
):
    blog = rows[Project]
    create_project(caller=operator(), project_id="shop", name="Shop", team_id=blog.team_uid)
    shop = Project.objects.get(uid="shop")
    Membership.objects.filter(team__uid=blog.team_uid).update(roles=["project-blog-developer"])
    listed = console.get("/console/projects/project/").content.decode()
    assert "Blog" in listed
    assert "Shop" not in listed
    assert "eve@example.com" in console.get("/console/accounts/user/").content.decode()
    page = url(Project, f"{blog.pk}/change")
    assert console.post(page, entered(console, page) | {"name": "Diary"}).status_code == 302
    assert Project.objects.get(pk=blog.pk).name == "Diary"
    assert console.get(url(Project, f"{shop.pk}/change")).status_code != 200
    Membership.objects.filter(team__uid=blog.team_uid).update(roles=["project-blog-viewer"])
    assert "eve@example.com" not in console.get("/console/accounts/user/").content.decode()
    assert console.get(page).status_code != 200
