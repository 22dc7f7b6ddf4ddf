"""The console's pages: their headers, whose forms they accept, and by which name they answer."""

from typing import Any

import pytest
from django.test import Client

from console.middleware import content_policy

pytestmark = pytest.mark.usefixtures("console_project")
PUBLIC = "https://api.example.com"
PASSWORD = "correct horse battery staple"
ADMIN = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def public(settings: Any) -> Any:
    """Settings of a server behind a proxy that ends TLS."""
    settings.PUBLIC_URL = PUBLIC
    settings.CSRF_TRUSTED_ORIGINS = [PUBLIC]
    settings.ALLOWED_HOSTS = ["api.example.com"]
    return settings


@pytest.mark.parametrize("path", ["/console/setup/", "/static/unfold/js/app.js", "/", "/nowhere"])
def test_every_answer_outside_the_api_is_guarded(public: Any, path: str) -> None:
    answer = Client(headers={"Host": "api.example.com"}).get(path)
    answer.close()  # of a static file
    headers = answer.headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src ")
    assert headers["Strict-Transport-Security"] == "max-age=63072000"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_scripts_come_from_our_folders_alone(public: Any) -> None:
    policy = dict(part.split(" ", 1) for part in content_policy("inside:5000").split("; "))

    assert policy["script-src"].split() == [
        "inside:5000/static/",
        "inside:5000/console/jsi18n/",
        "api.example.com/static/",
        "api.example.com/console/jsi18n/",
        "'unsafe-eval'",
    ]
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


def test_plain_http_promises_no_tls() -> None:
    headers = Client(headers={"Host": "localhost:5000"}).get("/console/setup/").headers

    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", ["/console/setup/", "/console/login/", "/", "/static/x.js"])
def test_class_07_strange_names_are_refused(path: str) -> None:
    answer = Client(headers={"Host": "evil.example"}).get(path)

    assert answer.status_code == 400
    assert b"evil.example" not in answer.content


@pytest.mark.parametrize(
    ("headers", "is_accepted"),
    [
        ({"Origin": PUBLIC}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_forms_are_accepted_from_our_own_pages(
    public: Any, headers: dict[str, str], is_accepted: bool
) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"Host": "api.example.com", **headers})
    page = browser.get("/console/setup/")
    form = ADMIN | {"csrfmiddlewaretoken": page.context["csrf_token"]}

    assert browser.post("/console/setup/", form).status_code == (302 if is_accepted else 403)


def test_forms_without_a_token_are_refused(public: Any) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"Host": "api.example.com"})

    assert browser.post("/console/setup/", ADMIN, headers={"Origin": PUBLIC}).status_code == 403
