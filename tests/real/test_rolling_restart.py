"""Web processes that end in turn, and then all of them, under load: no request is lost."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.compat import live
from tests.real import processes

pytestmark = [pytest.mark.real, pytest.mark.slow]

CLIENTS = 8
REQUEST_SECONDS = 30
RESTART_SECONDS = 90
PATH = "/v1/health/version"


class Client(threading.Thread):
    """Sends one request after the other, on a connection that it keeps as long as it may."""

    def __init__(self, port, ending):
        super().__init__(daemon=True)
        self._port = port
        self._ending = ending
        self.answers: Counter[int] = Counter()
        self.failures = []
        self.connections = 0

    def run(self):
        connection = self._connection()
        is_new = True
        while not self._ending.is_set():
            try:
                connection.request("GET", PATH)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((is_new, repr(error)))
                break
            self.answers[answer.status] += 1
            is_new = answer.will_close
            if is_new:
                connection.close()
                connection = self._connection()
        connection.close()

    def _connection(self):
        self.connections += 1
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=REQUEST_SECONDS)


@pytest.fixture
def server():
    started = live.start(web_processes=2)
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def loaded(server):
    ending = threading.Event()
    made = [Client(server.port, ending) for _ in range(CLIENTS)]
    for each in made:
        each.start()
    try:
        yield made
    finally:
        ending.set()
        for each in made:
            each.join(REQUEST_SECONDS)


def answered(clients):
    return [sum(each.answers.values()) for each in clients]


def wait_until(found, seconds=RESTART_SECONDS):
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def all_go_on(clients):
    """Wait until each client has had more answers."""
    before = answered(clients)
    wait_until(lambda: all(now > was for now, was in zip(answered(clients), before, strict=True)))


def are_two(server):
    return len(processes.web_processes(server.supervisor, server.port)) == 2


def test_no_request_is_lost_when_the_processes_end_in_turn_and_then_all(server):
    with loaded(server) as clients:
        all_go_on(clients)
        for old in processes.web_processes(server.supervisor, server.port):
            os.kill(old, signal.SIGTERM)
            wait_until(lambda old=old: old not in processes.children(server.supervisor))
            wait_until(lambda: are_two(server))
            all_go_on(clients)
        assert [each.failures for each in clients] == [[]] * CLIENTS
        assert all(each.connections > 1 for each in clients)  # the old processes said good-bye

        # Nobody is lost either who comes while no process is left at all.
        for old in processes.web_processes(server.supervisor, server.port):
            os.kill(old, signal.SIGTERM)
        wait_until(lambda: are_two(server))
        all_go_on(clients)
        assert [each.failures for each in clients] == [[]] * CLIENTS

        os.kill(server.supervisor, signal.SIGTERM)
        for each in clients:
            each.join(REQUEST_SECONDS)
    # At the very end newcomers find nobody; before it, or on a kept connection, nobody may.
    assert all(is_new for each in clients for is_new, _ in each.failures)
    assert set(sum((each.answers for each in clients), Counter())) == {200}
