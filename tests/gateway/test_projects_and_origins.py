"""The first step of a request: its project, its origin, its id and the headers of every answer."""

import logging
import time
from contextlib import contextmanager

import pytest
from django.db import connection

from gateway.logs import RequestIdFilter, request_id
from kernel.limits import PROJECT_CACHE_SECONDS
from projects.models import Platform
from projects.services import find_project
from projects.services.directory import announce_change

pytestmark = [pytest.mark.db, pytest.mark.django_db]

EVIL = "https://evil.example"


@pytest.fixture
def page(project):
    """The origin of a registered page."""
    Platform.objects.create(
        project_id=project.id, uid="p1", type="web", name="Site", hostname="app.example.com"
    )
    announce_change(project.uid)
    return "https://app.example.com"


@pytest.fixture
def lookups(db):
    """Count statements, the lookup of the project included."""

    @contextmanager
    def collect():
        seen = []

        def note(execute, sql, *rest):
            seen.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            yield seen

    return collect


# Projects


def test_the_header_names_the_project(project, client_for):
    assert client_for(project).get("/ping").status == 200
    reply = client_for(project).get("/ping", X_Appwrite_Project="nope")
    assert (reply.status, reply.error) == (404, "project_not_found")


def test_the_query_names_the_project_when_no_header_does(console_project, project, client_for):
    client = client_for(console_project, headers={"X-Appwrite-Project": ""})
    assert client.get("/ping", {"project": "blog"}).status == 200
    assert client.get("/ping", {"project": "nope"}).error == "project_not_found"
    reply = client_for(project).get("/ping", {"project": "nope"})
    assert reply.status == 200


def test_the_body_names_the_project_when_nothing_else_does(console_project, client_for):
    client = client_for(console_project, headers={"X-Appwrite-Project": ""})
    assert client.post("/account", {"project": "nope"}).error == "project_not_found"
    assert client.post("/account", {"project": 5}).error == "general_argument_invalid"


def test_without_a_name_it_is_the_console(console_project, client_for):
    reply = client_for(console_project, headers={"X-Appwrite-Project": ""}).get("/project/keys")
    assert reply.error in ("general_unauthorized_scope", "general_access_forbidden")


@pytest.mark.parametrize("uid", ["a b", "é", "x" * 500, "'; --", "a\u2028b"])
def test_no_project_id_makes_the_server_fail(console_project, client_for, uid):
    client = client_for(console_project, headers={"X-Appwrite-Project": ""})
    assert client.get("/ping", {"project": uid}).error == "project_not_found"


def test_a_nul_in_the_project_id_is_refused(console_project, client_for):
    client = client_for(console_project, headers={"X-Appwrite-Project": ""})
    reply = client.get("/ping", {"project": "a\x00b"})
    assert (reply.status, reply.error) in (
        (404, "project_not_found"),
        (400, "general_bad_request"),
    )


def test_projects_are_read_once_a_second_at_most(project, client_for, lookups, monkeypatch):
    client = client_for(project)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    announce_change(project.uid)
    with lookups() as seen:
        for _ in range(5):
            client.get("/ping")
    assert len(seen) == 1
    monkeypatch.setattr(time, "monotonic", lambda: now + PROJECT_CACHE_SECONDS)
    with lookups() as seen:
        client.get("/ping")
    assert len(seen) == 1


def test_a_change_is_seen_at_once(project, client_for):
    assert find_project("blog") is find_project("blog")
    before = find_project("blog")
    announce_change("blog")
    assert find_project("blog") is not before


def test_unknown_projects_are_not_remembered(project, lookups):
    with lookups() as seen:
        for _ in range(3):
            assert find_project("nope") is None
    assert len(seen) == 3


# Origins


def test_a_registered_page_may_read_the_answer(project, page, client_for):
    reply = client_for(project, headers={"Origin": page}).get("/ping")
    assert reply.status == 200
    assert reply.headers["Access-Control-Allow-Origin"] == page
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert reply.headers["Access-Control-Expose-Headers"] == (
        "X-Appwrite-Session, X-Fallback-Cookies"
    )
    assert "Origin" in reply.headers["Vary"]


@pytest.mark.parametrize("path", ["/nope", "/project/keys", "/projects/x"])
def test_a_registered_page_may_read_errors(project, page, client_for, path):
    reply = client_for(project, headers={"Origin": page}).get(path)
    assert reply.status >= 400
    assert reply.headers["Access-Control-Allow-Origin"] == page


@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", "https://app.example.com.evil.example", "https://xapp.example.com", "//", "x",
     "https://", "http://[::1", "https://app.example.com@evil.example", "file://", "data:",
     "https://sub.app.example.com"],
)  # fmt: skip
def test_other_pages_are_refused_and_read_nothing(project, page, client_for, origin):
    reply = client_for(project, headers={"Origin": origin}).get("/ping")
    assert (reply.status, reply.error) == (403, "general_unknown_origin")
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert "Origin" in reply.headers["Vary"]


def test_pages_of_the_server_itself_may_call(project, client_for, settings):
    settings.PUBLIC_URL = "https://api.example.com"
    client = client_for(project, headers={"Origin": "https://api.example.com"})
    assert client.get("/ping").status == 200
    settings.ALLOWED_HOSTS = ["evil.example"]
    forged = client_for(project, headers={"Origin": EVIL, "Host": "evil.example"})
    assert forged.get("/ping").error == "general_unknown_origin"


def test_names_of_this_machine_are_one_host(project, client_for, settings):
    settings.PUBLIC_URL = "http://localhost:5000"
    for origin in ("http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"):
        assert client_for(project, headers={"Origin": origin}).get("/ping").status == 200
    settings.PUBLIC_URL = "https://api.example.com"
    reply = client_for(project, headers={"Origin": "http://localhost:3000"}).get("/ping")
    assert reply.error == "general_unknown_origin"


def test_a_call_without_an_origin_is_no_page(project, client_for):
    reply = client_for(project).get("/ping")
    assert reply.status == 200
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert "Origin" in reply.headers["Vary"]


def test_a_key_excuses_the_origin(project, client_for, make_key):
    client = client_for(project, key=make_key(project, ["teams.read"]), headers={"Origin": EVIL})
    reply = client.get("/teams")
    assert reply.status == 200
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_a_junk_key_lends_no_page_the_cookies_of_its_visitor(project, client_for, alice):
    cookies = {f"a_session_{project.uid}": alice.session}
    assert client_for(project, cookies=cookies).get("/account").status == 200
    client = client_for(project, key="junk", cookies=cookies, headers={"Origin": EVIL})
    assert client.get("/account").error == "general_unauthorized_scope"
    assert client.delete("/account/sessions/current").error == "general_unauthorized_scope"


def test_a_write_with_cookies_is_judged_by_its_referer(project, page, client_for, alice):
    cookies = {f"a_session_{project.uid}": alice.session}
    for referer, refused in ((f"{page}/posts?x=1", False), (f"{EVIL}/x", True), ("x", True)):
        client = client_for(project, cookies=cookies, headers={"Referer": referer})
        reply = client.put("/account/prefs", {"prefs": {}})
        assert (reply.error == "general_unknown_origin") == refused
    assert client_for(project, cookies=cookies).patch("/account/prefs", {"prefs": {}}).status == 200


@pytest.mark.parametrize("path", ["/ping", "/nope", "/databases/x/collections"])
@pytest.mark.parametrize("origin", [EVIL, "https://app.example.com"])
def test_every_question_of_a_browser_is_answered(project, client_for, path, origin):
    reply = client_for(project, headers={"Origin": origin, "X-Appwrite-Project": "nope"}).call(
        "OPTIONS", path
    )
    assert (reply.status, reply.content) == (204, b"")
    assert reply.headers["Content-Type"]
    assert reply.headers["Access-Control-Allow-Origin"] == origin
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert reply.headers["Access-Control-Max-Age"] == "86400"
    assert set(reply.headers["Access-Control-Allow-Methods"].split(", ")) >= {
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
    }
    allowed = {name.lower() for name in reply.headers["Access-Control-Allow-Headers"].split(", ")}
    assert allowed >= {
        "content-type",
        "content-range",
        "x-appwrite-project",
        "x-appwrite-key",
        "x-appwrite-jwt",
        "x-appwrite-session",
        "x-appwrite-mode",
        "x-appwrite-locale",
        "x-appwrite-response-format",
        "x-appwrite-timestamp",
        "x-appwrite-id",
        "x-appwrite-dev-key",
        "x-fallback-cookies",
        "x-sdk-graphql",
        "x-sdk-name",
        "x-sdk-platform",
        "x-sdk-language",
        "x-sdk-version",
    }


def test_null_is_never_allowed_with_credentials(project, client_for):
    reply = client_for(project, headers={"Origin": "null"}).call("OPTIONS", "/ping")
    assert "Access-Control-Allow-Origin" not in reply.headers


# Every answer


@pytest.mark.parametrize("path", ["/ping", "/nope", "/project/keys"])
def test_every_answer_is_guarded(project, client_for, path):
    headers = client_for(project).get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in headers


def test_behind_https_browsers_are_told_to_stay_there(project, client_for, settings):
    settings.PUBLIC_URL = "https://api.example.com"
    assert (
        "max-age=63072000" in client_for(project).get("/ping").headers["Strict-Transport-Security"]
    )


@pytest.mark.parametrize(
    ("wanted", "is_warned"),
    [("2.5.0", False), ("1.9.5", False), ("2.5.1", True), ("10.0.0", True), ("x", False),
     ("99999.0.0", False), ("2.5", False), ("\u0662.5.1", False)],
)  # fmt: skip
def test_a_client_newer_than_the_server_is_warned(project, client_for, settings, wanted, is_warned):
    settings.APPWRITE_VERSION = "2.5.0"
    reply = client_for(project).get("/ping", X_Appwrite_Response_Format=wanted)
    assert reply.status == 200
    assert ("X-Appwrite-Warning" in reply.headers) == is_warned


def test_requests_have_ids_of_their_own(project, client_for):
    client = client_for(project)
    ids = {client.get("/ping").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


def test_clients_cannot_choose_the_id_of_a_request(project, client_for, settings):
    client = client_for(project, headers={"X-Request-Id": "mine"})
    assert client.get("/ping").headers["X-Request-Id"] != "mine"
    settings.TRUSTED_PROXIES = 1
    assert client.get("/ping").headers["X-Request-Id"] == "mine"
    odd = client_for(project, headers={"X-Request-Id": "a b"})
    assert odd.get("/ping").headers["X-Request-Id"] != "a b"


def test_log_lines_carry_the_id_of_their_request(project, client_for, monkeypatch):
    seen = []

    def fail(*_args, **_options):
        record = logging.LogRecord("x", logging.INFO, "x", 1, "x", (), None)
        RequestIdFilter().filter(record)
        seen.append(vars(record)["request_id"])
        raise RuntimeError("boom")

    monkeypatch.setattr("projects.views.health.HttpResponse", fail)
    reply = client_for(project).get("/ping")
    assert (reply.status, reply.error) == (500, "general_server_error")
    assert b"boom" not in reply.content
    assert seen == [reply.headers["X-Request-Id"]]
    assert request_id.get() == "-"


def test_paths_outside_the_api_are_left_alone(client):
    reply = client.get("/", headers={"Origin": EVIL})
    assert reply.status_code == 302
    assert "X-Request-Id" not in reply.headers
