"""The bridge under a live server, spoken to in raw bytes."""

import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from appwrite_clone.bridge import Bridge, protocol
from appwrite_clone.bridge.protocol import BoundedHttpProtocol
from tests.gateway.test_bridge import SMALL


class Live:
    """A bridge under uvicorn, on a port of its own."""

    def __init__(self):
        self.calls = []
        bridge = Bridge(self.application, version="9.9", limits=SMALL)
        self._bridge = bridge

        async def app(scope, receive, send):
            if scope["type"] == "http":
                await bridge(scope, receive, send)

        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=BoundedHttpProtocol,
            log_level="critical",
            lifespan="off",
            access_log=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True
        )

    def application(self, environ, start_response):
        body = environ["wsgi.input"].read()
        self.calls.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], len(body)))
        if environ["PATH_INFO"] == "/stream":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return iter([b"one", b"two"])
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()
        self._bridge.stop()

    def talk(self, *pieces, pause=0.0):
        """Send raw bytes, read until the server has nothing more to say."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            return _read(connection)


def _read(connection):
    received = b""
    connection.settimeout(0.5)
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


@pytest.fixture(scope="module")
def live():
    with Live() as server:
        yield server


@pytest.fixture(autouse=True)
def _fresh_calls(request):
    if "live" in request.fixturenames:
        request.getfixturevalue("live").calls.clear()


def head(method, path, *lines):
    text = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""])
    return text.encode()


def test_live_keep_alive_serves_two_requests(live):
    received = live.talk(head("GET", "/a"), head("GET", "/b"), pause=0.1)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert [call[1] for call in live.calls] == ["/a", "/b"]


def test_live_head_sends_no_body(live):
    received = live.talk(head("HEAD", "/"))
    assert b"content-length: 5" in received
    assert received.endswith(b"\r\n\r\n")


def test_live_chunked_body_arrives_whole(live):
    received = live.talk(
        head("POST", "/", "Transfer-Encoding: chunked"),
        b"3\r\nabc\r\n",
        b"5dc\r\n" + b"x" * 1500 + b"\r\n",
        b"0\r\n\r\n",
        pause=0.05,
    )
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert live.calls == [("POST", "/", 1503)]


def test_live_stream_is_chunked_and_ends_properly(live):
    received = live.talk(head("GET", "/stream"))
    assert b"transfer-encoding: chunked" in received
    assert received.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_live_truncated_body_is_dropped_and_the_server_goes_on(live):
    with socket.create_connection(("127.0.0.1", live.port), timeout=5) as connection:
        connection.sendall(head("POST", "/", "Content-Length: 4000") + b"x" * 2000)
        time.sleep(0.1)
    time.sleep(0.1)
    assert live.calls == []
    assert live.talk(head("GET", "/")).startswith(b"HTTP/1.1 200 OK")


def test_live_too_large_body_gets_its_answer_before_the_connection_closes(live):
    received = live.talk(head("POST", "/", "Content-Length: 300000"), b"x" * 300000)
    assert received.startswith(b"HTTP/1.1 413")
    assert b"general_payload_too_large" in received
    assert b"connection: close" in received
    assert live.calls == []


def test_live_chunked_body_over_the_maximum_is_refused(live):
    pieces = [b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 6
    received = live.talk(head("POST", "/", "Transfer-Encoding: chunked"), *pieces, b"0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 413")


def test_live_expectation_is_not_met_for_a_body_that_is_too_large(live):
    received = live.talk(head("POST", "/", "Content-Length: 300000", "Expect: 100-continue"))
    assert received.startswith(b"HTTP/1.1 413")


def test_live_conflicting_lengths_are_a_400_with_one_answer(live):
    received = live.talk(
        head("POST", "/", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\nGET / "
    )
    assert received.startswith(b"HTTP/1.1 400")
    assert received.count(b"HTTP/1.1 ") == 1


def test_live_endless_header_is_refused(live):
    pieces = [b"x-endless: "] + [b"a" * 20_000] * 4
    received = live.talk(head("GET", "/")[:-2], *pieces, pause=0.05)
    assert received.startswith(b"HTTP/1.1 400")
    assert live.calls == []


def test_live_head_in_small_pieces_before_a_large_body_is_fine(live):
    first, rest = head("POST", "/", "Content-Length: 5000")[:20], b"x" * 5000
    received = live.talk(first, head("POST", "/", "Content-Length: 5000")[20:] + rest, pause=0.05)
    assert received.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: local"])
def test_live_head_that_never_ends_is_given_up(live, monkeypatch, sent):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", live.port), timeout=5) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_live_quiet_connections_between_requests_are_kept(live, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    received = live.talk(head("GET", "/a"), head("GET", "/b"), pause=0.3)
    assert received.count(b"HTTP/1.1 200 OK") == 2
