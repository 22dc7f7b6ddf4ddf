"""The bridge under a live server, spoken to in raw bytes."""

import contextlib
import re
import socket
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import uvicorn

from appwrite_clone.bridge import Bridge, Limits, protocol
from appwrite_clone.bridge.direct import DirectHttpProtocol
from appwrite_clone.bridge.protocol import BoundedHttpProtocol
from tests.gateway.exchanges import PATIENCE_SECONDS, SMALL

#: A client that is late still gets to send what it has to.
LIVE = replace(SMALL, linger_seconds=PATIENCE_SECONDS)
#: What nobody expects after an answer comes at once or not at all.
SURPLUS_SECONDS = 0.05
WAYS = pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "asgi"])


def head(method, path, *lines):
    text = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""])
    return text.encode()


class Live:
    """A bridge under uvicorn, on a port of its own."""

    def __init__(self, *, is_direct, limits=LIVE, **more):
        self.calls = []
        self.go_on = threading.Event()
        bridge = Bridge(self.application, version="9.9", limits=limits, **more)
        self._bridge = bridge

        async def app(scope, receive, send):
            if scope["type"] == "http":
                await bridge(scope, receive, send)

        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        protocol_class: Any = BoundedHttpProtocol
        if is_direct:
            protocol_class = partial(DirectHttpProtocol, bridge)
        config = uvicorn.Config(
            app,
            http=protocol_class,
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
        if environ["PATH_INFO"] == "/fails":
            raise RuntimeError("no words of this leave the server")
        if environ["PATH_INFO"] == "/splits":
            start_response("200 OK", [("X-Note", "one\r\nSet-Cookie: two")])
            return [b"hello"]
        if environ["PATH_INFO"] == "/waits":
            self.go_on.wait(PATIENCE_SECONDS)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self.end()
        self._thread.join(PATIENCE_SECONDS)
        self._listener.close()
        self._bridge.stop()

    def end(self):
        """Have the server stop once what is under way is done."""
        self._server.should_exit = True

    def protocols(self) -> list[Any]:
        return list(self._server.server_state.connections)

    def is_ending(self):
        """Tell whether every connection knows that it ends."""
        return all(each._is_leaving for each in self.protocols())

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)

    def talk(self, *pieces, pause=0.0, answers=1):
        """Send raw bytes, read so many answers and what comes after them."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            return _read(connection, answers, has_bodies=not pieces[0].startswith(b"HEAD "))


def _read(connection, answers, *, has_bodies=True):
    received = b""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
            if _count_whole(received, has_bodies=has_bodies) >= answers:
                connection.settimeout(SURPLUS_SECONDS)
    return received


def _count_whole(received, *, has_bodies):
    """Count the answers that came whole; one without a length ends with the connection."""
    count = 0
    while received:
        top, end, received = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", top.lower())
        if not has_bodies:
            pass
        elif b"transfer-encoding: chunked" in top.lower():
            _, end, received = received.partition(b"0\r\n\r\n")
        elif length is None or len(received) < int(length[1]):
            break
        else:
            received = received[int(length[1]) :]
        count += bool(end)
    return count


def _until(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module", params=[True, False], ids=["direct", "asgi"])
def live(request):
    with Live(is_direct=request.param) as server:
        yield server


@pytest.fixture(autouse=True)
def _fresh_calls(request):
    if "live" in request.fixturenames:
        request.getfixturevalue("live").calls.clear()


def test_live_keep_alive_serves_two_requests(live):
    received = live.talk(head("GET", "/a"), head("GET", "/b"), pause=0.1, answers=2)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert [call[1] for call in live.calls] == ["/a", "/b"]


def test_live_requests_sent_in_a_row_are_answered_in_their_order(live):
    paths = ["/a", "/stream", "/b", "/fails", "/c"]
    received = live.talk(b"".join(head("GET", path) for path in paths), answers=len(paths))
    assert [call[1] for call in live.calls] == paths
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"200", b"500", b"200"]
    assert received.endswith(b"hello")


def test_live_failure_keeps_the_connection_and_its_reason(live):
    received = live.talk(head("GET", "/fails"), head("GET", "/a"), pause=0.1, answers=2)
    assert b"general_server_error" in received
    assert b"no words" not in received
    assert received.endswith(b"hello")


def test_live_no_value_splits_a_head(live):
    received = live.talk(head("GET", "/splits"))
    assert b"hello" not in received
    assert b"set-cookie" not in received.lower()
    assert live.talk(head("GET", "/a")).endswith(b"hello")


@pytest.mark.parametrize("sent", [head("GET", "/waits"), head("GET", "/waits") * 2])
def test_live_client_that_leaves_before_its_answer_stops_nobody(live, sent):
    live.go_on.clear()
    with live.connect() as connection:
        connection.sendall(sent)
        _until(lambda: live.calls)
    live.go_on.set()
    assert live.talk(head("GET", "/a")).endswith(b"hello")


@WAYS
def test_live_request_too_many_is_refused_on_a_connection_that_stays(is_direct):
    with (
        Live(is_direct=is_direct, limits=Limits(threads=1, max_pending=1)) as server,
        server.connect() as busy,
    ):
        busy.sendall(head("GET", "/waits"))
        _until(lambda: server.calls)
        refused = server.talk(head("POST", "/a", "Content-Length: 2") + b"{}")
        server.go_on.set()
        assert b"200 OK" in busy.recv(1000)
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in refused
    assert b"connection: close" not in refused


@WAYS
def test_live_answer_that_is_under_way_at_the_end_says_so(is_direct):
    with Live(is_direct=is_direct) as server, server.connect() as connection:
        connection.sendall(head("GET", "/waits"))
        _until(lambda: server.calls)
        server.end()
        _until(server.is_ending)
        server.go_on.set()
        received = _read(connection, answers=1)
    assert received.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in received
    assert received.endswith(b"hello")


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
    with live.connect() as connection:
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
    with live.connect() as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_live_quiet_connections_between_requests_are_kept(live, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.4)
    with live.connect() as connection:
        connection.sendall(head("GET", "/a"))
        time.sleep(0.6)
        connection.sendall(head("GET", "/b"))
        received = _read(connection, answers=2)
    assert received.count(b"HTTP/1.1 200 OK") == 2
