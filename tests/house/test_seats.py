"""Places at the port: who waits in a queue is served by whoever takes the place next."""

import os
import socket
import time

import pytest

from appwrite_clone.supervisor.forks import Child, held
from appwrite_clone.supervisor.seats import Seat


@pytest.fixture
def seat():
    made = Seat(("127.0.0.1", 0), socket.AF_INET)
    yield made
    os.close(made.descriptor)


def address(seat):
    with socket.socket(fileno=os.dup(seat.descriptor)) as copy:
        return copy.getsockname()


def listening(seat):
    """Listen as the process does that serves a seat, on its own copy of it."""
    listener = socket.socket(fileno=os.dup(seat.descriptor))
    listener.listen()
    return listener


def test_nobody_can_connect_before_it_is_served(seat):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(seat), timeout=30)


def test_who_connected_to_a_process_that_ended_is_served_by_the_next(seat):
    listening(seat).close()
    with socket.create_connection(address(seat), timeout=30) as client:
        with listening(seat) as listener:
            served, _ = listener.accept()
            with served:
                served.sendall(b"hello")
        assert client.recv(5) == b"hello"


def test_a_renewed_seat_sends_newcomers_away(seat):
    listening(seat).close()
    old = address(seat)
    seat._address = old
    seat.renew()
    assert address(seat) == old
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(old, timeout=30)


def test_a_child_that_stays_away_gives_its_queue_up(seat, monkeypatch):
    child = Child("web 1", lambda _ready: 0, process_id=1, seat=seat)
    renewals: list[int] = []
    monkeypatch.setattr(seat, "renew", lambda: renewals.append(1))
    monkeypatch.setattr(os, "waitpid", lambda *_: (1, 0))
    child.backoff.note_start(time.monotonic())
    for _ in range(3):
        child.reap()
        assert renewals == []  # it is back in a moment
        child.process_id = 1
    child.reap()
    assert renewals == [1]


def test_processes_hold_neither_pipes_nor_seats_of_others(seat):
    children = [Child("web 1", lambda _ready: 0, pipe=77, seat=seat), Child("beat", lambda _: 0)]
    assert held(children) == [77, seat.descriptor]
