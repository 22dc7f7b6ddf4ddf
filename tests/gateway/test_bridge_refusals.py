"""Refusals that take no more than a glance at the request, spoken in raw bytes."""

import re
import socket
import time

import pytest

from appwrite_clone.bridge import Bridge, Limits, protocol
from tests.gateway.test_bridge_busy import NO_ROOM, usual
from tests.gateway.test_bridge_live import Live, head

__all__ = ["usual"]  # after each test threads take turns as usual

PATH = "/v1/account"
PLAIN = head("GET", PATH)
PAGE = b"https://app.example.org"
BUSY = b"HTTP/1.1 503 Service Unavailable"


class Line:
    """A connection to a server, on which one answer after the other is read."""

    def __init__(self, server):
        self._connection = server.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    @property
    def port(self):
        return self._connection.getsockname()[1]

    def is_closed(self):
        return self._connection.recv(1) == b""

    def send(self, piece):
        self._connection.sendall(piece)

    def ask(self, request_):
        """Return the lines of the answer's head, and its body."""
        self.send(request_)
        return self.answer(has_body=not request_.startswith(b"HEAD"))

    def answer(self, *, has_body=True):
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += self._connection.recv(1) or pytest.fail(f"no answer, but {received!r}")
        length = re.search(rb"content-length: (\d+)", received) if has_body else None
        body = self._connection.recv(int(length[1]), socket.MSG_WAITALL) if length else b""
        return received.split(b"\r\n"), body


def of_origin(environ):
    return [("X-Request-Id", "first"), ("X-Origin", environ.get("HTTP_ORIGIN", "none"))]


def without_id(answer):
    lines, body = answer
    return sorted(each for each in lines if not each.startswith((b"x-request-id", b"date"))), body


@pytest.fixture(scope="module")
def full():
    """A server that has no room for anybody, and has told somebody so."""
    with Live(is_direct=True, limits=NO_ROOM, refusal_headers=of_origin) as server:
        with Line(server) as line:
            line.ask(PLAIN)
            line.ask(PLAIN)
        yield server


@pytest.fixture
def line(full):
    with Line(full) as line:
        yield line


@pytest.fixture
def looks(monkeypatch):
    """Paths of requests whose refusals were put together from what they say."""
    seen = []
    refusal = Bridge.refusal

    def look(self, scope, error):
        seen.append(scope["path"])
        return refusal(self, scope, error)

    monkeypatch.setattr(Bridge, "refusal", look)
    return seen


def test_a_glance_is_enough_for_plain_requests(full, line, looks):
    requests = [
        PLAIN,
        head("POST", f"{PATH}?a=%20", "Content-Length: 300", "Connection: keep-alive") + b"x" * 300,
        head("PUT", PATH, "Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n",
    ]
    answers = [line.ask(each) for each in requests]
    assert looks == []
    assert full.calls == []
    usual_answer = line.ask(head("GET", "/elsewhere"))
    assert looks == ["/elsewhere"]
    for answer in answers:
        assert without_id(answer) == without_id(usual_answer)


def test_each_refusal_has_an_id_of_its_own(line):
    heads = [line.ask(PLAIN)[0] for _ in range(3)]
    ids = {each for lines in heads for each in lines if each.startswith(b"x-request-id: ")}
    assert len(ids) == 3
    assert b"x-request-id: first" not in ids


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        (head("GET", PATH, "ORIGIN: https://app.example.org"), 1),
        (head("POST", PATH, "Referer: https://app.example.org/a", "Cookie: a=b"), 1),
        (head("GET", PATH, "X-Request-Id: mine"), 1),
        (head("HEAD", PATH), 1),
        (head("GET", PATH, "Connection: close"), 1),
        (head("GET", PATH, "Connection: Upgrade", "Upgrade: h2c"), 1),
        (head("GET", PATH).replace(b"1.1", b"1.0"), 1),
        (head("GET", "/v1/acc%6Funt"), 1),
        (head("POST", PATH, "Content-Length: 20000") + b"a" * 20_000, 1),
        (PLAIN + PLAIN, 2),
        (PLAIN + PLAIN[:20], 1),
    ],
)
def test_all_others_are_looked_at(line, looks, request_, count):
    answers = [line.ask(request_)] + [line.answer() for _ in range(count - 1)]
    assert len(looks) == count
    for lines, body in answers:
        assert lines[0] == BUSY
        assert (b"x-origin: " + PAGE in lines) is (b"ORIGIN" in request_)
        assert bool(body) is not request_.startswith(b"HEAD")
        assert (b"connection: close" in lines) is (b"close" in request_ or b"1.0" in request_)


def test_a_body_that_looks_like_a_request_is_none(line):
    line.ask(PLAIN)
    line.send(head("POST", PATH, f"Content-Length: {len(PLAIN)}"))
    assert line.ask(PLAIN)[0][0] == BUSY
    lines, _ = line.ask(head("GET", "/last", "Connection: close"))
    assert b"connection: close" in lines


def test_a_header_that_looks_like_a_request_is_none(line):
    line.ask(PLAIN)
    line.send(PLAIN[:-2] + b"X-Rest: ")
    lines, _ = line.ask(PLAIN[:-2] + b"Origin: " + PAGE + b"\r\n\r\n")
    assert b"x-origin: " + PAGE in lines


def test_what_is_no_request_is_told_so(line, looks):
    line.ask(PLAIN)
    line.send(b"GET " + PLAIN)
    assert line.answer()[0][0].startswith(b"HTTP/1.1 400")
    assert looks == []


def test_requests_in_pieces_and_whole_ones_take_turns(line):
    late = head("POST", PATH, "Content-Length: 6")
    for pieces in ([PLAIN], [late, b"bod", b"ies"], [PLAIN], [late[:9], late[9:] + b"bodies"]):
        for piece in pieces[:-1]:
            line.send(piece)
        assert line.ask(pieces[-1])[0][0] == BUSY


def test_who_was_refused_may_be_silent_for_a_while(full, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.4)
    with Line(full) as line:
        line.ask(PLAIN)
        time.sleep(0.6)
        assert line.ask(PLAIN)[0][0] == BUSY


def test_only_who_is_silent_is_given_up(full, line):
    line.ask(PLAIN)
    (protocol_,) = (each for each in full.protocols() if each.client[1] == line.port)
    first = protocol_.timeout_keep_alive_task
    for _ in range(2):
        assert line.ask(PLAIN)[0][0] == BUSY
        assert protocol_.timeout_keep_alive_task is first
    protocol_.loop.call_soon_threadsafe(protocol_.timeout_keep_alive_handler)
    assert line.ask(PLAIN)[0][0] == BUSY
    assert protocol_.timeout_keep_alive_task is not first
    protocol_.timeout_keep_alive = 0
    protocol_.loop.call_soon_threadsafe(protocol_.timeout_keep_alive_handler)
    assert line.is_closed()


def test_slow_requests_are_not_refused_for_want_of_room_elsewhere(full):
    limits = Limits(threads=0, slow_threads=1, usual_pending=1)
    with (
        Live(is_direct=True, limits=limits, is_slow=lambda scope: scope["path"] == PATH) as server,
        Line(server) as line,
    ):
        for _ in range(2):
            assert line.ask(head("GET", "/v1/other"))[0][0] == BUSY
            assert line.ask(PLAIN)[0][0] == b"HTTP/1.1 200 OK"
