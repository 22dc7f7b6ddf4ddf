"""The open-loop generator: what it makes of answers, in whichever pieces they come."""

import asyncio

import pytest

from bench.overload import Line, Overload, Pool, Tally
from bench.plan import Plan

OK = b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\nbody"
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """What a line has written, and whether it was closed."""

    def __init__(self):
        super().__init__()
        self.sent = b""
        self.is_closed = False

    def write(self, data):
        self.sent += data

    def close(self):
        self.is_closed = True


@pytest.fixture
def pool():
    return Pool(Plan(url="http://127.0.0.1:1/v1"))


@pytest.fixture
def line(pool):
    made = Line(pool)
    made.connection_made(Wire())
    pool.lines.add(made)
    pool.idle.append(made)
    return made


@pytest.mark.parametrize("cut", range(1, len(OK)))
def test_an_answer_in_two_pieces_counts_once(pool, line, cut):
    pool.send(b"request")
    line.data_received(OK[:cut])
    assert not pool.tally.seconds
    line.data_received(OK[cut:])
    assert {status: len(all_) for status, all_ in pool.tally.seconds.items()} == {201: 1}
    assert list(pool.idle) == [line]


def test_a_line_that_the_server_ends_is_not_used_again(pool, line):
    pool.send(b"request")
    line.data_received(REFUSED)
    assert list(pool.tally.seconds) == [503]
    assert line._transport.is_closed
    assert not pool.idle


def test_a_connection_that_breaks_amid_a_request_is_a_failure(pool, line):
    pool._is_open = False
    pool.send(b"request")
    line.connection_lost(None)
    assert list(pool.tally.seconds) == [0]
    assert not pool.lines


def test_a_connection_that_ends_idle_is_no_failure(pool, line):
    pool._is_open = False
    line.connection_lost(None)
    assert not pool.tally.seconds


def test_what_finds_no_line_free_is_not_sent(pool, line):
    pool.send(b"one")
    pool.send(b"two")
    assert (line._transport.sent, pool.tally.unsent) == (b"one", 1)


def test_times_come_in_order():
    tally = Tally()
    for seconds in (0.3, 0.1, 0.2):
        tally.add(503, seconds)
    tally.add(201, 0.05)
    assert tally.of(lambda status: status == 503) == [0.1, 0.2, 0.3]


def test_outcome_reads_as_a_sentence():
    found = Overload(
        peak=1000,
        offered=3000,
        goodput=930,
        refused=2000,
        refusal_p50=8,
        refusal_p99=40,
        answer_p99=600,
        other=0,
        unsent=0,
        recovery=1.0,
    )
    assert "answered 930/s (93% of the peak" in found.as_text()
    assert found.as_text().endswith("back to normal within 1 s")
