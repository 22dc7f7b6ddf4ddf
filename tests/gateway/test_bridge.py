"""The bridge: WSGI under ASGI, driven by hand."""

import asyncio
import contextvars
import io
import json
import threading
import time

import pytest

from appwrite_clone.bridge import Bridge, Limits
from appwrite_clone.bridge.environ import build_environ
from tests.gateway.exchanges import PATIENCE_SECONDS, Exchange, drive, echo, scope_for, until


def test_an_answer_carries_status_headers_body_and_length():
    done = drive(
        echo, lambda: Exchange(scope_for("POST", headers=[("content-length", "5")]), b"hello")
    )
    assert done.status == 200
    assert done.body == b"hello"
    assert done.headers == {"content-type": "text/plain", "x-length": "5", "content-length": "5"}


def test_the_environment_tells_what_the_scope_says():
    scope = scope_for(
        path="/v1/caf%C3%A9%FF",
        query=b"a=1&b=%20",
        headers=[
            ("host", "api.example.com"),
            ("content-type", "application/json"),
            ("x-appwrite-project", "p"),
            ("x_appwrite_project", "forged"),
            ("accept", "a/b"),
            ("accept", "c/d"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
        ],
        scheme="https",
    )
    environ = build_environ(scope, io.BytesIO(), object)
    assert environ["PATH_INFO"].encode("latin-1") == b"/v1/caf\xc3\xa9\xff"
    assert environ["QUERY_STRING"] == "a=1&b=%20"
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["HTTP_X_APPWRITE_PROJECT"] == "p"
    assert environ["HTTP_ACCEPT"] == "a/b,c/d"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["REMOTE_ADDR"] == "10.0.0.1"
    assert environ["SERVER_PORT"] == "5000"
    assert environ["wsgi.url_scheme"] == "https"


def test_a_root_path_moves_into_the_script_name():
    environ = build_environ(scope_for(path="/base/v1", root_path="/base"), io.BytesIO(), object)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/base", "/v1")


@pytest.mark.parametrize("sizes", [(10,), (600, 600), (900, 900, 900, 900)])
def test_a_body_in_pieces_arrives_whole(sizes):
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    headers = [("transfer-encoding", "chunked")]
    done = drive(echo, lambda: Exchange(scope_for("POST", headers=headers), *pieces))
    assert done.body == b"".join(pieces)


def test_a_chunked_body_gets_a_length_that_applications_can_trust():
    def lengths(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['CONTENT_LENGTH']} {'HTTP_TRANSFER_ENCODING' in environ}".encode()]

    headers = [("transfer-encoding", "chunked")]
    done = drive(lengths, lambda: Exchange(scope_for("POST", headers=headers), b"abc", b"de"))
    assert done.body == b"5 False"


def test_a_declared_length_over_the_maximum_is_refused_in_the_envelope():
    scope = scope_for("POST", headers=[("content-length", "5001")])
    done = drive(echo, lambda: Exchange(scope, b"x" * 100))
    assert done.status == 413
    assert done.headers["connection"] == "close"
    assert done.headers["content-type"].startswith("application/json")
    envelope = json.loads(done.body)
    assert envelope["type"] == "general_payload_too_large"
    assert (envelope["code"], envelope["version"]) == (413, "9.9")


def test_a_chunked_body_over_the_maximum_is_refused_on_the_way():
    scope = scope_for("POST", headers=[("transfer-encoding", "chunked")])
    done = drive(echo, lambda: Exchange(scope, *[b"x" * 1000] * 6))
    assert done.status == 413


@pytest.mark.parametrize("sizes", [(10,), (900, 900)])
def test_a_truncated_body_never_reaches_the_application(sizes):
    calls = []
    scope = scope_for("POST", headers=[("content-length", "4000")])
    pieces = [b"x" * size for size in sizes]

    def application(environ, start_response):
        calls.append(environ)
        return echo(environ, start_response)

    done = drive(application, lambda: Exchange(scope, *pieces, ends="disconnect"))
    assert (calls, done.sent) == ([], [])


def test_a_client_that_falls_silent_is_given_up():
    scope = scope_for("POST", headers=[("content-length", "4000")])

    class Silent(Exchange):
        async def receive(self):
            await asyncio.sleep(60)

    started = time.monotonic()
    done = drive(echo, lambda: Silent(scope), limits=Limits(threads=1, body_idle_seconds=0.05))
    assert done.sent == []
    assert time.monotonic() - started < PATIENCE_SECONDS


def test_head_has_headers_but_no_body_and_closes_the_answer():
    closed = []

    class Source:
        def __iter__(self):
            raise AssertionError("nobody may ask for the body")

        def close(self):
            closed.append(True)

    def application(_environ, start_response):
        start_response("200 OK", [("Content-Length", "1000")])
        return Source()

    done = drive(application, lambda: Exchange(scope_for("HEAD")))
    assert (done.status, done.body, closed) == (200, b"", [True])
    assert done.headers["content-length"] == "1000"


def test_no_content_has_no_length():
    def application(_environ, start_response):
        start_response("204 No Content", [("Content-Type", "application/json")])
        return []

    assert "content-length" not in drive(application, lambda: Exchange(scope_for())).headers


def test_an_error_of_the_application_is_a_500_without_its_text(caplog):
    def application(_environ, _start_response):
        raise RuntimeError("secret detail")

    done = drive(application, lambda: Exchange(scope_for()))
    assert done.status == 500
    assert json.loads(done.body)["type"] == "general_server_error"
    assert b"secret" not in done.body
    assert "secret detail" in caplog.text


def test_requests_over_the_bound_are_refused_at_once():
    busy = threading.Event()

    def application(_environ, start_response):
        busy.wait(PATIENCE_SECONDS)
        start_response("200 OK", [])
        return [b"done"]

    bridge = Bridge(application, limits=Limits(threads=1, max_pending=2))

    async def main():
        exchanges = [Exchange(scope_for()) for _ in range(3)]
        tasks = [
            asyncio.create_task(bridge(each.scope, each.receive, each.send)) for each in exchanges
        ]
        refused = exchanges[2]
        await until(lambda: len(refused.sent) == 2)
        assert refused.status == 503
        assert refused.headers["retry-after"] == "1"
        assert json.loads(refused.body)["type"] == "general_service_unavailable"
        busy.set()
        await asyncio.gather(*tasks)
        assert [each.status for each in exchanges] == [200, 200, 503]

    asyncio.run(main())
    bridge.stop()


def test_a_request_whose_thread_hangs_is_told_to_come_again():
    released = threading.Event()
    ran = []

    def application(environ, start_response):
        released.wait(PATIENCE_SECONDS)
        ran.append((environ["PATH_INFO"], environ["wsgi.input"].read()))
        return echo(environ, start_response)

    bridge = Bridge(
        application, limits=Limits(threads=1, max_answer_seconds=0.1, linger_seconds=0.1)
    )

    async def main():
        headers = [("content-length", "4")]
        exchanges = [
            Exchange(scope_for("POST", path, headers), b"body") for path in ("/hangs", "/waits")
        ]
        await asyncio.gather(*(bridge(e.scope, e.receive, e.send) for e in exchanges))
        released.set()
        return exchanges

    done = asyncio.run(main())
    bridge.stop()
    assert [each.status for each in done] == [503, 503]
    assert [each.headers["retry-after"] for each in done] == ["1", "1"]
    assert ran == [("/hangs", b"body")]  # its thread goes on as if nothing had happened


def test_too_many_headers_are_refused():
    headers = [(f"x-{number}", "1") for number in range(21)]
    done = drive(echo, lambda: Exchange(scope_for(headers=headers)))
    assert (done.status, json.loads(done.body)["type"]) == (400, "general_bad_request")


def test_what_one_request_leaves_in_its_context_the_next_one_does_not_see():
    current_user = contextvars.ContextVar("current_user", default="nobody")

    def application(_environ, start_response):
        seen = current_user.get()
        current_user.set("alice")
        start_response("200 OK", [])
        return [seen.encode()]

    limits = Limits(threads=1)
    done = drive(application, *[lambda: Exchange(scope_for())] * 3, limits=limits)
    assert [each.body for each in done] == [b"nobody"] * 3


def test_threads_say_goodbye_when_they_end():
    names = []
    bridge = Bridge(
        echo,
        limits=Limits(threads=2, stream_threads=1),
        on_thread_exit=lambda: names.append(threading.current_thread().name),
    )

    async def main():
        one = Exchange(scope_for())
        await bridge(one.scope, one.receive, one.send)

    asyncio.run(main())
    bridge.stop()
    assert sorted(names) == ["request-0", "request-1", "stream-0_0"]
