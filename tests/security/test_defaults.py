"""What is safe without anybody setting it: names we answer to, headers, limits of the database."""

import pytest
from django.db import connection
from django.test import Client

from appwrite_clone.celery import app as celery_app
from kernel.limits import JOB_MAX_SECONDS
from tests.client import ApiClient
from tests.security.world import World, check, routes

pytestmark = pytest.mark.django_db

STRANGE = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil@localhost"]


@pytest.mark.parametrize("host", STRANGE)
def test_class_07_api_answers_to_no_strange_name(world: World, host: str) -> None:
    stranger = ApiClient({**world.user.headers, "Host": host})
    for verb, path in (("GET", "/account"), ("POST", "/account"), ("OPTIONS", "/account")):
        reply = check(stranger.call(verb, path, {} if verb == "POST" else None))
        assert (reply.status, reply.error) == (400, "general_bad_request")
        assert b"evil" not in reply.content
        assert "Access-Control-Allow-Origin" not in reply.headers
        assert not reply.cookies


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host"])
def test_class_07_no_header_renames_the_server(world: World, name: str) -> None:
    for route in routes():
        if route.is_read or route.operation.id.startswith("account.create"):
            reply = check(
                world.client(route).call(
                    route.verb,
                    world.path(route),
                    world.body(route),
                    headers={name: "evil.example", "Origin": "http://localhost"},
                )
            )
            assert b"evil.example" not in reply.content, str(route)
            assert "evil.example" not in str(reply.headers), str(route)


def test_every_answer_of_the_api_is_guarded(world: World) -> None:
    for path in ("/ping", "/account", "/nowhere", "/users"):
        for sender in (world.guest, world.user, world.server):
            headers = sender.get(path).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert (
                headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
            )
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_answers_to_somebody_are_kept_by_no_cache(world: World) -> None:
    for route in routes():
        if route.is_read:
            reply = world.client(route).get(world.path(route))
            assert "public" not in reply.headers.get("Cache-Control", ""), str(route)


def test_no_framework_speaks_of_itself(world: World) -> None:
    browser = Client()
    for path in ("/v1/ping", "/console/login/", "/nowhere"):
        headers = {name.lower() for name in browser.get(path).headers}
        assert headers.isdisjoint({"server", "x-powered-by", "via"})


@pytest.mark.parametrize(
    ("name", "most_milliseconds"),
    [
        ("statement_timeout", 10_000),
        ("lock_timeout", 2_000),
        ("idle_in_transaction_session_timeout", 10_000),
    ],
)
def test_the_database_ends_what_takes_too_long(name: str, most_milliseconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = %s", [name])
        (milliseconds,) = cursor.fetchone() or (0,)
    assert 0 < milliseconds <= most_milliseconds


def test_class_43_the_worker_reads_json_alone_and_gives_up_in_the_end() -> None:
    conf = celery_app.conf
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == conf.result_serializer == "json"
    assert conf.result_accept_content in (None, ["json"])
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_soft_time_limit == JOB_MAX_SECONDS < conf.task_time_limit
