import asyncio
import time

import pytest

from bench.fanout import PLACE, STAMP, Fanout, Inbox, Socket

HELLO = b'HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x0e{"connected"}'


class Wire(asyncio.Transport):
    """What a socket has written."""

    def __init__(self):
        super().__init__()
        self.sent = b""

    def write(self, data):
        self.sent += data


def stamp(milliseconds_ago):
    return STAMP % (time.time_ns() - int(milliseconds_ago * 1e6))


def opened(*chunks):
    async def play():
        inbox = Inbox(1)
        socket, wire = Socket(inbox, b"hello"), Wire()
        socket.connection_made(wire)
        for chunk in (HELLO, *chunks):
            socket.data_received(chunk)
        return inbox, wire, socket.opened

    return asyncio.run(play())


def test_place_is_as_long_as_a_stamp():
    assert len(PLACE) == len(stamp(0))


def test_each_event_is_seen_once():
    inbox, _, _ = opened(b"\x81\x20" + stamp(500) + b"--" + stamp(300))
    assert [round(delay / 1e8) for delay in inbox.delays] == [5, 3]


@pytest.mark.parametrize("cut", range(1, len(PLACE)))
def test_an_event_cut_in_two_is_seen_once(cut):
    first, second = stamp(5), stamp(3)
    inbox, _, _ = opened(b"a" + first + b"b" + second[:cut], second[cut:] + b"c")
    assert len(inbox.delays) == 2


def test_the_last_event_ends_the_measurement():
    inbox, _, _ = opened(STAMP % 0)
    assert inbox.is_complete.is_set()
    assert not inbox.delays


def test_pings_are_answered():
    _, wire, _ = opened(b"\x89\x04beat")
    assert wire.sent == b"hello" + b"\x8a\x84\0\0\0\0beat"


def test_refused_socket_says_why():
    async def play():
        socket = Socket(Inbox(1), b"")
        socket.connection_made(Wire())
        socket.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        await socket.opened

    with pytest.raises(ConnectionError, match="403 Forbidden"):
        asyncio.run(play())


def test_rate_counts_to_the_last_delivery():
    found = Fanout(published=2, due=4, delays=[1.0, 2.0, 3.0, 9.0], seconds=2.0)
    assert (found.rate, found.delay(0.5), found.delay(1)) == (2.0, 2.0, 9.0)


def test_nothing_delivered_is_no_rate():
    found = Fanout(published=2, due=4, delays=[], seconds=0.0)
    assert (found.rate, found.delay(0.5)) == (0.0, 0.0)
