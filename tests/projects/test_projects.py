"""Projects over REST: who makes, sees, changes and deletes which."""

from functools import partial

import pytest

from accounts.models import Team
from documents.models import Database
from kernel.errors import ApiError, ErrorKind
from kernel.models import Job, OutboxEvent
from projects.models import Key, Project
from projects.removal import clears
from projects.services import create_project, operator, update_team
from tests.projects.conftest import admin_mode
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_owner_creates_a_project(owen):
    reply = owen.post("/projects", {"projectId": "demo", "name": "Demo", "teamId": "crew"})
    assert reply.status == 201
    assert_model("Project", reply.json)
    assert (reply.json["$id"], reply.json["name"], reply.json["teamId"]) == ("demo", "Demo", "crew")
    event = OutboxEvent.objects.get(name="projects.demo.create")
    assert event.payload == reply.json
    assert event.roles == ["team:crew"]
    assert Project.objects.get(uid="demo").id == event.project_id


def test_every_project_begins_with_a_database_called_default(owen):
    owen.post("/projects", {"projectId": "demo", "name": "Demo", "teamId": "crew"})
    assert Database.objects.filter(project__uid="demo", uid="default").exists()


def test_the_server_makes_an_id_on_request(owen):
    body = {"projectId": "unique()", "name": "Demo", "teamId": "crew"}
    ids = {owen.post("/projects", body).json["$id"] for _ in range(2)}
    assert len(ids) == 2
    assert "unique()" not in ids


@pytest.mark.parametrize("team", ["rivals", "nobody"])
def test_nobody_makes_projects_for_a_team_they_are_no_member_of(owen, eve, team):
    reply = owen.post("/projects", {"projectId": "demo", "name": "Demo", "teamId": team})
    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert not Project.objects.filter(uid="demo").exists()


def test_operator_gives_no_project_to_a_team_that_is_not_there(console_project, join, site):
    for call in (
        partial(create_project, project_id="demo", name="Demo", team_id="nobody"),
        partial(update_team, project_id="site", team_id="nobody"),
    ):
        with pytest.raises(ApiError) as refusal:
            call(caller=operator())
        assert refusal.value.kind is ErrorKind.TEAM_NOT_FOUND
    assert not Project.objects.filter(uid="demo").exists()
    assert Project.objects.get(uid="site").team_uid == "crew"


def test_teams_of_projects_own_no_projects(project):
    Team.objects.create(project_id=project.id, uid="inner", name="Inner")
    with pytest.raises(ApiError) as refusal:
        create_project(caller=operator(), project_id="demo", name="Demo", team_id="inner")
    assert refusal.value.kind is ErrorKind.TEAM_NOT_FOUND


def test_viewers_make_no_projects(vera):
    reply = vera.post("/projects", {"projectId": "demo", "name": "Demo", "teamId": "crew"})
    assert (reply.status, reply.error) == (401, "user_unauthorized")


def test_guests_make_no_projects(console_project, client_for):
    body = {"projectId": "demo", "name": "Demo", "teamId": "crew"}
    reply = client_for(console_project).post("/projects", body)
    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")


def test_a_taken_id_is_refused(owen, site):
    reply = owen.post("/projects", {"projectId": "site", "name": "Demo", "teamId": "crew"})
    assert (reply.status, reply.error) == (409, "project_already_exists")


def test_the_consoles_id_is_reserved(owen):
    reply = owen.post("/projects", {"projectId": "console", "name": "Demo", "teamId": "crew"})
    assert (reply.status, reply.error) == (400, "project_reserved_project")


@pytest.mark.parametrize(
    "change", [{"projectId": "a b"}, {"name": ""}, {"name": "x" * 129}, {"teamId": None}]
)
def test_malformed_projects_are_refused(owen, change):
    body = {"projectId": "demo", "name": "Demo", "teamId": "crew"} | change
    reply = owen.post("/projects", body)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_members_list_their_teams_projects(owen, vera, eve, site, project):
    for client in (owen, vera):
        reply = client.get("/projects")
        assert_model("ProjectList", reply.json)
        assert (reply.json["total"], [each["$id"] for each in reply.json["projects"]]) == (
            1,
            ["site"],
        )
    assert eve.get("/projects").json == {"total": 0, "projects": []}


def test_lists_can_be_filtered_searched_and_left_uncounted(owen):
    for uid in ("one", "two", "three"):
        owen.post("/projects", {"projectId": uid, "name": uid.title(), "teamId": "crew"})

    def ids(**query):
        return [each["$id"] for each in owen.get("/projects", query).json["projects"]]

    assert ids(queries=['{"method":"equal","attribute":"name","values":["Two"]}']) == ["two"]
    assert ids(queries=['{"method":"orderDesc","attribute":"name"}']) == ["two", "three", "one"]
    assert ids(search="thr") == ["three"]
    assert owen.get("/projects", {"total": "false"}).json["total"] == 0
    refused = owen.get(
        "/projects", {"queries": ['{"method":"equal","attribute":"deleted_at","values":["x"]}']}
    )
    assert (refused.status, refused.error) == (400, "general_argument_invalid")


def test_users_of_a_project_are_not_console_users(project, client_for, alice, site):
    client = client_for(project, session=alice.session)
    assert client.get("/projects").error == "user_unauthorized"
    assert client.get("/projects/site").error == "project_not_found"
    assert client.get("/projects/site/keys").error == "project_not_found"
    body = {"projectId": "demo", "name": "Demo", "teamId": "crew"}
    assert client.post("/projects", body).status == 401


def test_a_user_of_a_project_in_a_team_of_the_same_name_sees_nothing(project, client_for, alice):
    client = client_for(project, session=alice.session)
    assert client.post("/teams", {"teamId": "crew", "name": "Crew"}).status == 201
    assert client.get("/projects/site").error == "project_not_found"
    assert client.get("/projects").error == "user_unauthorized"


def test_members_see_a_project_and_others_do_not(owen, vera, eve, site):
    for client in (owen, vera):
        reply = client.get("/projects/site")
        assert reply.status == 200
        assert_model("Project", reply.json)
    assert (eve.get("/projects/site").status, eve.get("/projects/site").error) == (
        404,
        "project_not_found",
    )


@pytest.mark.parametrize(
    ("person", "status"), [("owen", 200), ("dana", 200), ("vera", 401), ("eve", 404)]
)
def test_who_may_rename_a_project(request, site, person, status):
    reply = request.getfixturevalue(person).patch("/projects/site", {"name": "New"})
    assert reply.status == status
    assert Project.objects.get(uid="site").name == ("New" if status == 200 else "Site")


def test_a_role_for_one_project_is_enough(console_client, site):
    client = console_client("paul", "crew", ("project-site-developer",))
    assert client.patch("/projects/site", {"name": "New"}).status == 200


@pytest.mark.parametrize(
    ("roles", "seen"),
    [
        (("project-site-viewer",), ["site"]),
        (("project-site-two-viewer",), ["site-two"]),
        (("project-site-viewer", "project-site-two-owner"), ["site", "site-two"]),
        (("project-other-viewer",), []),
        (("project-site-viewer", "viewer"), ["site", "site-two"]),
        ((), ["site", "site-two"]),
    ],
)
def test_members_with_roles_for_some_projects_see_those_alone(
    owen, console_client, site, roles, seen
):
    body = {"projectId": "site-two", "name": "Two", "teamId": "crew"}
    assert owen.post("/projects", body).status == 201
    client = console_client("paul", "crew", roles)

    listed = client.get("/projects").json
    assert sorted(each["$id"] for each in listed["projects"]) == seen
    assert listed["total"] == len(seen)
    for uid in ("site", "site-two"):
        reply = client.get(f"/projects/{uid}")
        assert (reply.status, reply.error) == (
            (200, "") if uid in seen else (404, "project_not_found")
        )


def test_a_role_for_a_project_counts_in_its_team_only(owen, console_client, site):
    client = console_client("paul", "second", ("project-site-owner",))
    assert client.get("/projects").json["total"] == 0
    assert client.get("/projects/site").error == "project_not_found"


def test_the_console_itself_is_no_project_of_anybodys(owen):
    assert owen.get("/projects/console").error == "project_not_found"
    assert owen.patch("/projects/console", {"name": "Mine"}).error == "project_not_found"
    assert owen.delete("/projects/console").error == "project_not_found"


def test_a_project_moves_between_the_teams_of_a_caller(owen, join, site):
    assert owen.patch("/projects/site/team", {"teamId": "second"}).error == "user_unauthorized"
    join("owen", "second", ["owner"])
    reply = owen.patch("/projects/site/team", {"teamId": "second"})
    assert (reply.status, reply.json["teamId"]) == (200, "second")


def test_a_deleted_project_is_gone_at_once_and_removed_by_a_job(owen, site, client_for, jobs):
    assert client_for(site).get("/ping").status == 200
    assert owen.delete("/projects/site").status == 204
    assert client_for(site).get("/ping").error == "project_not_found"
    assert owen.get("/projects/site").error == "project_not_found"
    assert owen.get("/projects").json["total"] == 0
    assert OutboxEvent.objects.filter(name="projects.site.delete").exists()
    assert Project.objects.filter(uid="site").exists()
    jobs()
    assert not Project.objects.filter(uid="site").exists()
    assert not Job.objects.exclude(status="done").exists()


def test_only_writers_delete_a_project(vera, eve, site):
    assert vera.delete("/projects/site").status == 401
    assert eve.delete("/projects/site").status == 404
    assert Project.objects.get(uid="site").deleted_at is None


def test_apps_remove_what_is_theirs_before_the_project_goes(owen, site, jobs, monkeypatch):
    removed = []
    monkeypatch.setattr("projects.removal._cleaners", [])
    clears(lambda number: removed.append(("lower", Project.objects.get(id=number).uid)))
    clears(lambda number: removed.append(("upper", Project.objects.get(id=number).uid)))
    owen.delete("/projects/site")
    jobs()
    assert removed == [("upper", "site"), ("lower", "site")]


def test_a_key_reads_and_deletes_its_own_project_only(site, project, client_for, make_key):
    client = client_for(site, key=make_key(site, ["project.read", "project.write"]))
    assert client.get("/project").json["$id"] == "site"
    assert client.get("/projects/site").json["$id"] == "site"
    assert client.get("/projects/blog").error == "project_not_found"
    assert client.get("/project", {"projectId": "blog"}).json["$id"] == "site"
    assert client.delete("/projects/blog").error == "project_not_found"
    assert client.delete("/project", {"projectId": "blog"}).status == 204
    assert Project.objects.get(uid="blog").deleted_at is None


def test_the_console_works_on_a_project_in_admin_mode(owen, eve, site, project):
    client = admin_mode(owen, "site")
    assert client.get("/project").json["$id"] == "site"
    assert client.get("/projects/blog").error == "project_not_found"
    assert admin_mode(eve, "site").get("/project").status == 401
    assert admin_mode(owen, "blog").get("/project").status == 401


def test_viewers_change_nothing_in_admin_mode(vera, site):
    client = admin_mode(vera, "site")
    assert client.get("/project").status == 200
    assert client.delete("/project").error == "general_unauthorized_scope"
    body = {"keyId": "k", "name": "K", "scopes": []}
    assert client.post("/project/keys", body).error == "general_unauthorized_scope"
    assert not Key.objects.filter(project_id=site.id).exists()


def test_a_service_is_switched_off_for_users_and_not_for_keys(site, client_for, make_key):
    client = client_for(site, key=make_key(site, ["project.write", "teams.read"]))
    reply = client.patch("/project/services/teams", {"enabled": False})
    assert_model("Project", reply.json)
    assert {"$id": "teams", "enabled": False} in reply.json["services"]
    assert OutboxEvent.objects.filter(name="services.teams.update").exists()
    guest = client_for(site).get("/teams")
    assert (guest.status, guest.error) == (403, "general_service_disabled")
    assert client.get("/teams").status == 200
    client.patch("/project/services/teams", {"enabled": True})
    assert client_for(site).get("/teams").error != "general_service_disabled"


def test_rest_is_switched_off_for_users_and_not_for_keys(site, client_for, make_key):
    client = client_for(site, key=make_key(site, ["project.write"]))
    assert client.patch("/project/protocols/rest", {"enabled": False}).status == 200
    guest = client_for(site).get("/ping")
    assert (guest.status, guest.error) == (403, "general_api_disabled")
    assert client.patch("/project/protocols/rest", {"enabled": True}).status == 200
    assert client_for(site).get("/ping").status == 200


@pytest.mark.parametrize("path", ["/project/services/nope", "/project/protocols/smtp"])
def test_unknown_switches_are_refused(site, client_for, make_key, path):
    client = client_for(site, key=make_key(site, ["project.write"]))
    assert client.patch(path, {"enabled": False}).error == "general_argument_invalid"


@pytest.mark.parametrize(
    ("path", "ceiling"), [("/projects", 3), ("/projects/site", 3), ("/projects/site/keys", 3)]
)
def test_reads_take_three_statements_at_most(owen, site, statements, path, ceiling):
    owen.get(path)
    with statements() as seen:
        assert owen.get(path).status == 200
    assert len(seen) <= ceiling, seen
