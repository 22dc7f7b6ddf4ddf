"""Requests refused before Django sees them: accepted pages can read why, and no others."""

import asyncio

import pytest

from appwrite_clone.asgi import http
from projects.services import create_platform, drop_project, find_project, operator

TOO_LONG = str(2**40)
PAGE = "https://app.example.org"

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def refuse(statements, *, path="/v1/account", query="", **headers):
    """Send a request that is too large; returns its status and headers."""
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    given = {"content-length": TOO_LONG, "host": "localhost:5000", **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "http_version": "1.1",
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in given.items()
        ],
        "server": ("127.0.0.1", 5000),
        "client": ("10.0.0.1", 1234),
    }
    with statements() as seen:
        asyncio.run(http(scope, receive, send))
    assert seen == []
    assert sent[0]["status"] == 413
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.fixture
def page(project):
    create_platform(
        caller=operator(),
        project_id=project.uid,
        platform_type="web",
        name="Web",
        hostname="app.example.org",
    )
    drop_project()
    find_project(project.uid)


def test_page_of_a_platform_may_read_why(page, statements):
    headers = refuse(statements, origin=PAGE, x_appwrite_project="blog")
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["vary"] == "Origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"]


def test_project_may_stand_in_the_query(page, statements):
    headers = refuse(statements, origin=PAGE, query="project=blog")
    assert headers["access-control-allow-origin"] == PAGE


def test_own_page_may_read_why_whatever_the_project(statements):
    headers = refuse(statements, origin="http://localhost:3000", x_appwrite_project="unheard-of")
    assert headers["access-control-allow-origin"] == "http://localhost:3000"


@pytest.mark.parametrize(
    ("origin", "project_id"),
    [
        ("https://evil.example", "blog"),
        ("null", "blog"),
        ("http://[", "blog"),
        (PAGE, "unheard-of"),
        (PAGE, ""),
        ("", "blog"),
    ],
)
def test_page_nobody_knows_reads_nothing(page, statements, origin, project_id):
    headers = refuse(statements, origin=origin, x_appwrite_project=project_id)
    assert "access-control-allow-origin" not in headers
    assert headers["vary"] == "Origin"


def test_page_is_unknown_while_its_project_is(page, statements):
    drop_project()
    headers = refuse(statements, origin=PAGE, x_appwrite_project="blog")
    assert "access-control-allow-origin" not in headers


def test_paths_beside_the_api_have_no_such_headers(page, statements):
    headers = refuse(statements, path="/console/", origin=PAGE, query="project=blog")
    assert "access-control-allow-origin" not in headers


def test_many_parameters_are_no_obstacle(page, statements):
    headers = refuse(statements, origin=PAGE, query="&".join(["a=1"] * 20_000))
    assert "access-control-allow-origin" not in headers
