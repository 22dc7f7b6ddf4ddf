"""Management commands: what they print is read by programs."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.services import create_console_admin
from kernel.diagnosis import ProblemError, check
from kernel.scopes import PROJECT_KEY_SCOPES
from projects import diagnosis, signing
from projects.models import Key, Project, SigningKey
from tests.projects.conftest import found
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def run(*arguments):
    output = StringIO()
    call_command(*arguments, stdout=output)
    return json.loads(output.getvalue())


def test_create_project_prints_the_project(crew):
    project = run("create_project", "demo", "--name", "Demo", "--team", "crew")
    assert_model("Project", project)
    assert (project["$id"], project["name"], project["teamId"]) == ("demo", "Demo", "crew")
    assert Project.objects.filter(uid="demo").exists()


def test_create_project_knows_no_team_that_is_not_there(console_project):
    with pytest.raises(CommandError, match="no team"):
        run("create_project", "demo", "--name", "Demo", "--team", "nobody")
    assert not Project.objects.filter(uid="demo").exists()


def test_a_project_without_a_team_belongs_to_the_first_console_user(console_project):
    assert run("create_project", "early", "--name", "Demo")["teamId"] == ""
    create_console_admin(email="ada@example.com", password="correct horse")
    create_console_admin(email="bo@example.com", password="correct horse")
    adopted = Project.objects.get(uid="early").team_uid
    assert adopted
    assert run("create_project", "late", "--name", "Demo")["teamId"] == adopted


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("site", "--name", "Demo"), "taken"),
        (("console", "--name", "Demo"), "reserved"),
        (("a b", "--name", "Demo"), "projectId"),
        (("demo", "--name", ""), "name"),
        (("demo", "--name", "Demo", "--team", "a b"), "teamId"),
    ],
)
def test_create_project_refuses_in_one_line(site, arguments, reason):
    with pytest.raises(CommandError, match=reason) as caught:
        run("create_project", *arguments)
    assert "\n" not in str(caught.value)


def test_create_key_prints_the_secret(site, client_for):
    key = run("create_key", "site", "--name", "Cron", "--scopes", "teams.read, users.read")
    assert_model("Key", key)
    assert key["scopes"] == ["teams.read", "users.read"]
    assert client_for(site, key=key["secret"]).get("/teams").status == 200
    stored = Key.objects.get(project_id=site.id, uid=key["$id"])
    assert key["secret"].encode() not in bytes(stored.digest)


def test_create_key_refuses_a_misspelt_scope(site):
    with pytest.raises(CommandError, match=r"no scope 'user\.read'"):
        run("create_key", "site", "--name", "Cron", "--scopes", "teams.read,user.read")
    assert not Key.objects.filter(name="Cron").exists()


def test_create_key_knows_all_scopes(site):
    key = run("create_key", "site", "--name", "Cron", "--scopes", "all")
    assert key["scopes"] == list(PROJECT_KEY_SCOPES)


@pytest.mark.parametrize("project", ["nope", "console"])
def test_create_key_needs_a_project(console_project, project):
    with pytest.raises(CommandError, match="no project"):
        run("create_key", project, "--name", "Cron", "--scopes", "all")


def test_quickstart_prints_all_that_a_first_program_needs(console_project, client_for, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:5000"
    start = run("quickstart")
    assert start["endpoint"] == "http://127.0.0.1:5000/v1"
    assert start["project"] == "quickstart"
    assert start["console_url"].startswith("http://127.0.0.1:5000/console/")
    client = client_for(found("quickstart"), key=start["key"])
    assert client.get("/users").status == 200
    again = run("quickstart")
    assert again["key"] != start["key"]
    assert client.get("/users").status == 200


def test_rotating_secrets_logs_nobody_out(console_project):
    token = signing.sign({}, "blog", "session")
    kid = run("rotate_secrets")["kid"]
    assert SigningKey.objects.filter(kid=kid).exists()
    signing.verify(token, "blog", "session")


def examined(monkeypatch, **findings):
    monkeypatch.setattr("kernel.diagnosis._checks", {})
    for name, finding in findings.items():
        check(name)(finding)
    output = StringIO()
    try:
        call_command("doctor", stdout=output)
    except SystemExit as ended:
        return ended.code, output.getvalue()
    return 0, output.getvalue()


def test_the_doctor_finds_a_healthy_installation_well(console_project, monkeypatch):
    code, text = examined(
        monkeypatch,
        database=diagnosis.find_database,
        migrations=diagnosis.find_migrations,
        projects=diagnosis.find_projects,
    )
    assert code == 0
    assert "ok   database: PostgreSQL" in text
    assert "ok   migrations: all applied" in text
    assert "ok   projects: 1 in all" in text


def test_one_problem_hides_no_other(console_project, monkeypatch):
    def fail():
        raise ProblemError("it is broken: mend it")

    code, text = examined(monkeypatch, first=fail, second=diagnosis.find_database, third=fail)
    assert code == 1
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "BAD  first",
        "ok   second",
        "BAD  third",
    ]


def test_the_doctor_misses_a_worker(console_project, monkeypatch):
    monkeypatch.setattr(diagnosis, "KNOCK_SECONDS", 0.2)
    code, text = examined(monkeypatch, worker=diagnosis.find_worker)
    assert code == 1
    assert "is the worker running" in text


def test_the_doctor_meets_a_worker(console_project, monkeypatch, jobs):
    monkeypatch.setattr("time.sleep", lambda _seconds: jobs())
    code, text = examined(monkeypatch, worker=diagnosis.find_worker)
    assert (code, text.startswith("ok   worker: answered in")) == (0, True)


def test_the_doctor_sees_a_removal_that_is_stuck(owen, site, monkeypatch):
    owen.delete("/projects/site")
    assert examined(monkeypatch, projects=diagnosis.find_projects)[0] == 0
    Project.objects.filter(uid="site").update(deleted_at="2020-01-01T00:00:00Z")
    code, text = examined(monkeypatch, projects=diagnosis.find_projects)
    assert code == 1
    assert "1 deleted projects" in text
