"""What an endpoint checks, in which order, and how it says no."""

import logging

import pytest
from django.db import InternalError, OperationalError
from psycopg import errors as pg_errors

from gateway import views
from gateway.exceptions import error_response, to_api_error
from kernel import sql
from kernel.errors import ApiError, ErrorKind
from projects import services
from projects.models import Project
from projects.services.directory import announce_change

pytestmark = [pytest.mark.db, pytest.mark.django_db]

BAD_BODY = b"{"


@pytest.fixture
def switched_off(project):
    """Switch everything off, so that each check has something to refuse."""

    def switch(services_off=(), protocols_off=()):
        Project.objects.filter(id=project.id).update(
            disabled_services=list(services_off), disabled_protocols=list(protocols_off)
        )
        announce_change(project.uid)

    return switch


def test_the_project_comes_first(client_for, project):
    client = client_for(project, headers={"X-Appwrite-Project": "nope", "Origin": "https://x.y"})
    assert client.post("/project/keys", BAD_BODY).error == "project_not_found"


def test_the_origin_comes_before_the_key(client_for, project):
    client = client_for(project, headers={"Origin": "https://x.y"}, jwt="junk")
    assert client.post("/project/keys", BAD_BODY).error == "general_unknown_origin"


def test_the_key_comes_before_the_switches(
    client_for, project, other_project, make_key, switched_off
):
    switched_off(["project"], ["rest"])
    client = client_for(project, key=make_key(other_project, []))
    assert client.post("/project/keys", BAD_BODY).error == "project_id_missing"


def test_switches_come_before_the_scope(client_for, project, switched_off):
    guest = client_for(project)
    switched_off(["project"], ["rest"])
    assert guest.post("/project/keys", BAD_BODY).error == "general_service_disabled"
    switched_off([], ["rest"])
    assert guest.post("/project/keys", BAD_BODY).error == "general_api_disabled"
    switched_off()
    assert guest.post("/project/keys", BAD_BODY).error == "general_unauthorized_scope"


def test_both_vocabularies_have_a_switch_of_their_own(client_for, project, switched_off):
    switched_off(["tablesdb"])
    guest = client_for(project)
    assert guest.get("/tablesdb/d/tables/t/rows").error == "general_service_disabled"
    assert guest.get("/databases/d/collections/c/documents").error != "general_service_disabled"


def test_the_scope_comes_before_the_body(client_for, project, make_key):
    client = client_for(project, key=make_key(project, ["keys.read"]))
    assert client.post("/project/keys", BAD_BODY).error == "general_unauthorized_scope"
    client = client_for(project, key=make_key(project, ["keys.write"]))
    assert client.post("/project/keys", BAD_BODY).error == "general_bad_request"


def test_blocked_users_are_told_after_the_scope(client_for, project, make_key, alice):
    key = client_for(project, key=make_key(project, ["users.write"]))
    client = client_for(project, session=alice.session)
    assert client.get("/account").status == 200
    assert key.patch("/users/alice/status", {"status": False}).status == 200
    assert client.get("/users").error in ("general_unauthorized_scope", "user_blocked")
    assert client.get("/account").error in ("user_blocked", "general_unauthorized_scope")


def test_the_rate_limit_comes_before_the_parameters(client_for, project, limits):
    guest = client_for(project)
    replies = [guest.post("/account", {}) for _ in range(11)]
    assert {reply.error for reply in replies[:10]} == {"general_argument_invalid"}
    assert replies[10].error == "general_rate_limit_exceeded"


def test_the_console_is_no_project(console_project, client_for):
    client = client_for(console_project)
    reply = client.post("/project/platforms/web", BAD_BODY)
    assert (reply.status, reply.error) == (401, "general_access_forbidden")


# How it says no


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nope", 404, "general_route_not_found"),
        ("GET", "/", 404, "general_route_not_found"),
        ("POST", "/ping", 404, "general_route_not_found"),
        ("TRACE", "/ping", 404, "general_route_not_found"),
        ("GET", "/ping/", 404, "general_route_not_found"),
        ("GET", "/project/keys", 401, "general_unauthorized_scope"),
    ],
)
def test_every_refusal_is_an_envelope(client_for, project, settings, method, path, status, kind):
    reply = client_for(project).call(method, path)
    assert reply.status == status
    assert set(reply.json) == {"message", "code", "type", "version"}
    assert (reply.json["code"], reply.json["type"]) == (status, kind)
    assert reply.json["version"] == settings.APPWRITE_VERSION
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert "no-store" in reply.headers["Cache-Control"]


def test_a_missing_scope_is_named(client_for, project):
    reply = client_for(project).get("/project/keys")
    assert reply.json["message"] == 'User (role: guests) missing scopes (["keys.read"])'


def test_ids_in_a_path_are_checked(client_for, project, make_key):
    client = client_for(project, key=make_key(project, ["keys.read"]))
    for bad in ("-x", "a%20b", "x" * 37, "a%00b", "%ff", "a%2Fb%20"):
        reply = client.get(f"/project/keys/{bad}")
        assert reply.status in (400, 404)
        assert reply.error in ("general_argument_invalid", "general_route_not_found")
    assert "`keyId`" in client.get("/project/keys/-x").json["message"]


def test_head_answers_like_get_without_a_body(client_for, project):
    reply = client_for(project).call("HEAD", "/ping")
    assert (reply.status, reply.content) == (200, b"")


def test_statuses_clients_do_not_know_become_500_and_keep_their_type():
    response = error_response(ApiError(ErrorKind.REALTIME_POLICY_VIOLATION))
    assert response.status_code == 500
    assert b'"message":"Server Error"' in response.content
    assert b'"type":"realtime_policy_violation"' in response.content


def fails(monkeypatch, error):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr("projects.health.version", fail)


def test_the_unexpected_is_logged_once_and_told_to_nobody(client_for, project, monkeypatch, caplog):
    fails(monkeypatch, RuntimeError("the secret cause"))
    with caplog.at_level(logging.INFO):
        reply = client_for(project).get("/health/version")
    assert (reply.status, reply.error) == (500, "general_server_error")
    assert b"secret" not in reply.content
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "secret" in caplog.text


def test_a_refusal_leaves_no_line_in_the_log(client_for, project, caplog):
    with caplog.at_level(logging.INFO):
        client_for(project).get("/project/keys")
        client_for(project).get("/nope")
    assert caplog.records == []


def test_a_database_out_of_reach_is_a_503(client_for, project, monkeypatch):
    fails(monkeypatch, OperationalError("server closed the connection"))
    reply = client_for(project).get("/health/version")
    assert (reply.status, reply.error) == (503, "general_service_unavailable")
    assert reply.headers["Retry-After"] == "1"
    assert b"connection" not in reply.content


def test_a_statement_that_takes_too_long_is_a_408(rf):
    error = OperationalError("canceling statement")
    error.__cause__ = pg_errors.QueryCanceled("canceling statement")
    assert to_api_error(error, rf.get("/v1/x")).kind is ErrorKind.DATABASE_TIMEOUT


def test_a_database_that_only_reads_is_a_503(rf):
    error = InternalError("read-only")
    error.__cause__ = pg_errors.ReadOnlySqlTransaction("read-only")
    refusal = to_api_error(error, rf.get("/v1/x"))
    assert refusal.kind is ErrorKind.SERVICE_UNAVAILABLE
    assert refusal.headers == {"Retry-After": "1"}


def test_a_real_statement_that_takes_too_long_is_a_408(client_for, project, monkeypatch):
    def slow():
        sql.execute("SET LOCAL statement_timeout = 50")
        sql.fetch_one("SELECT pg_sleep(5)")

    monkeypatch.setattr("projects.health._ask_database", slow)
    monkeypatch.setattr(views, "check_access", lambda *_args: None)
    reply = client_for(project).get("/health/db")
    assert (reply.status, reply.error) == (408, "database_timeout")


def test_services_raise_only_what_the_gateway_can_tell(project):
    with pytest.raises(ApiError) as caught:
        services.get_project(caller=services.operator(), project_id="nope")
    assert caught.value.body("1.0") == {
        "message": "There is no project with this id.",
        "code": 404,
        "type": "project_not_found",
        "version": "1.0",
    }
