"""The application itself: the API's short way through it, and Django's for all else."""

import gc
import io
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from rest_framework.views import APIView

from gateway.wsgi import Handler
from kernel import sql
from tests.client import browser

pytestmark = [pytest.mark.db, pytest.mark.django_db]

VERSION = "/v1/health/version"


def environ(path, method="GET", body=b"", **headers):
    made = {"PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_HOST": "localhost", **headers}
    made |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    setup_testing_defaults(made)
    return made


def ask(handler, *args, **headers):
    begun = []
    answer = handler(environ(*args, **headers), lambda *start: begun.append(start))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    (status, sent) = begun[0]
    return status, dict(sent), body


@pytest.fixture
def handler():
    return Handler()


@pytest.fixture
def signals():
    """The signals that a request sends."""
    seen = []

    def note(signal, **_values):
        seen.append(signal)

    for signal in (request_started, request_finished):
        signal.connect(note)
    yield seen
    for signal in (request_started, request_finished):
        signal.disconnect(note)


def test_nothing_of_a_request_waits_for_the_garbage_collector(handler, console_project):
    ask(handler, VERSION)
    gc.collect()
    gc.disable()
    try:
        before = requests_in_memory()
        for method in ("GET", "POST"):
            ask(handler, VERSION, method, b"{}", CONTENT_TYPE="application/json")
        left = [each for each in requests_in_memory() if all(each is not one for one in before)]
    finally:
        gc.enable()
    assert left == []


def requests_in_memory():
    return [each for each in gc.get_objects() if isinstance(each, APIView | HttpRequest)]


def test_the_api_answers_on_its_short_way(handler, signals, console_project):
    status, headers, body = ask(handler, VERSION)

    assert (status, headers["Content-Type"]) == ("200 OK", "application/json; charset=UTF-8")
    assert b"version" in body
    assert headers["X-Request-Id"]
    assert signals == []


def test_other_paths_go_the_way_of_django(handler, signals):
    status, headers, _ = ask(handler, "/")

    assert (status, headers["Location"]) == ("302 Found", "/console/")
    assert headers["X-Frame-Options"] == "DENY"
    assert request_started in signals


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/health/version/", "/v1/", "/v1//health"])
def test_unknown_paths_are_refused_in_the_envelope(handler, console_project, path):
    status, _, body = ask(handler, path)

    assert status == "404 Not Found"
    assert b"general_route_not_found" in body


@pytest.mark.parametrize("path", ["/v1", "/v2/health", "/nothing"])
def test_paths_beside_the_api_are_refused_in_the_envelope_too(handler, path):
    status, _, body = ask(handler, path)

    assert status == "404 Not Found"
    assert b"general_route_not_found" in body


@pytest.mark.parametrize("part", ["find_project", "origins.allow"])
def test_what_nobody_foresaw_leaves_in_the_envelope(handler, monkeypatch, caplog, part):
    def fail(*_):
        raise RuntimeError("a secret")

    monkeypatch.setattr(f"projects.middleware.{part}", fail)
    status, _, body = ask(handler, VERSION)

    assert status == "500 Internal Server Error"
    assert b"general_server_error" in body
    assert b"secret" not in body
    assert "unhandled error in GET /v1/health/version" in caplog.text


def test_cookies_leave_in_a_header_each(handler, monkeypatch):
    def answer(_request):
        response = HttpResponse()
        response.set_cookie("a", "1")
        response.set_cookie("b", "2", httponly=True)
        return response

    monkeypatch.setattr(handler, "_api", answer)
    begun = []
    handler(environ(VERSION), lambda *start: begun.append(start))

    cookies = [value for name, value in begun[0][1] if name == "Set-Cookie"]
    assert cookies == [" a=1; Path=/", " b=2; HttpOnly; Path=/"]


def test_uploads_of_a_streamed_answer_are_closed_after_it(handler, monkeypatch):
    upload = io.BytesIO(b"bytes")

    def stream(request):
        request._files = type("Files", (), {"lists": lambda _: [("file", [upload])]})()
        return StreamingHttpResponse(iter([upload.getvalue()]))

    monkeypatch.setattr(handler, "_api", stream)
    answer = handler(environ("/v1/files"), lambda *_: None)

    assert b"".join(answer) == b"bytes"
    assert not upload.closed
    answer.close()
    assert upload.closed


@pytest.mark.django_db(transaction=True)
def test_a_request_after_a_lost_connection_finds_a_fresh_one(console_project):
    sql.fetch_one("SELECT 1")
    with connection.copy().cursor() as other:
        backend = connection.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        other.connection.close()

    assert browser().get(VERSION).status_code == 200
    assert sql.fetch_one("SELECT pg_backend_pid()") != (backend,)


@pytest.mark.django_db(transaction=True)
def test_a_request_after_a_transaction_left_open_begins_afresh(console_project):
    connection.set_autocommit(False)
    before = connection.connection

    assert browser().get(VERSION).status_code == 200
    assert before.closed
    assert connection.get_autocommit()
