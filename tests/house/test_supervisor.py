"""The parts of `up` that decide without starting anything."""

import os
import socket
import time
from pathlib import Path

import pytest

from appwrite_clone.bootstrap import StartError
from appwrite_clone.supervisor import options as options_room
from appwrite_clone.supervisor.forks import Backoff, end_with_parent
from appwrite_clone.supervisor.options import Options, parse, process_count, reserved_address
from appwrite_clone.supervisor.watch import _ask_health
from tests.gateway.upstream import Upstream, plain
from tests.ports import free_port

DATA = Path("/data")


def options(host: str) -> Options:
    return Options(host=host, port=5000, data_directory=DATA, is_bare=False)


def test_defaults_are_those_of_the_contract():
    assert parse([], DATA) == Options("127.0.0.1", 5000, DATA, is_bare=False)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "22000000"])
def test_port_that_does_not_exist_is_refused(port: str):
    with pytest.raises(StartError, match="not between 1 and 65535"):
        parse([f"--port={port}"], DATA)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000"),
        ("localhost", "http://localhost:5000"),
        ("0.0.0.0", "http://127.0.0.1:5000"),
        ("::1", "http://[::1]:5000"),
        ("::", "http://[::1]:5000"),
    ],
)
def test_printed_address_can_be_opened(host: str, url: str):
    assert options(host).url == url


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "localhost", "::1"])
def test_loopback_hosts_get_a_first_project(host: str):
    assert options(host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com"])
def test_other_hosts_are_not_loopback(host: str):
    assert not options(host).is_loopback


def test_backoff_doubles_up_to_ten_seconds():
    backoff = Backoff()
    pauses = []
    for second in range(7):
        backoff.note_start(second)
        pauses.append(backoff.note_end(second + 0.5))

    assert pauses == [0.5, 1, 2, 4, 8, 10, 10]
    assert backoff.due_at == 16.5


def test_backoff_forgets_after_a_long_life():
    backoff = Backoff(seconds=8)
    backoff.note_start(100)

    assert backoff.note_end(131) == 0.5


def test_process_count_is_one_per_core_up_to_four(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WEB_PROCESSES", raising=False)
    for cores, expected in [(1, 1), (2, 2), (4, 4), (64, 4)]:
        monkeypatch.setattr(options_room, "_cores", lambda cores=cores: cores)
        assert process_count("WEB_PROCESSES") == expected


def test_process_count_can_be_chosen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEB_PROCESSES", "6")

    assert process_count("WEB_PROCESSES") == 6


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_process_count_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("WEB_PROCESSES", value)

    with pytest.raises(StartError, match="WEB_PROCESSES"):
        process_count("WEB_PROCESSES")


def test_port_shared_by_another_server_counts_as_in_use():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Options("127.0.0.1", other.getsockname()[1], DATA, is_bare=False)

        with (
            pytest.raises(StartError, match="Address already in use"),
            reserved_address(taken),
        ):
            pass


def test_reserved_port_refuses_connections_until_somebody_serves():
    port = free_port()
    with reserved_address(Options("127.0.0.1", port, DATA, is_bare=False)):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with socket.socket() as stranger, pytest.raises(OSError, match="already in use"):
            stranger.bind(("127.0.0.1", port))


def test_child_ends_with_its_parent_where_only_it_can_watch():
    """Fork a parent that forks a child and dies: the child's end of the pipe closes, too."""
    listening, speaking = os.pipe()
    parent = os.fork()
    if parent == 0:
        itself = os.getpid()
        if os.fork() == 0:
            end_with_parent(itself)
        time.sleep(0.2)
        os._exit(0)
    os.close(speaking)
    os.waitpid(parent, 0)

    with os.fdopen(listening, "rb") as pipe:
        assert pipe.read() == b""


@pytest.mark.parametrize(("status", "is_ready"), [(200, True), (401, True), (404, False)])
def test_server_is_ready_once_it_answers_even_where_it_takes_its_gateway_alone(
    monkeypatch: pytest.MonkeyPatch, status: int, *, is_ready: bool
):
    monkeypatch.setenv("APPWRITE_PUBLIC_URL", "https://api.example.com")
    upstream = Upstream()
    upstream.answer = plain(b"{}", status)
    port = int(upstream.url.rpartition(":")[2])
    try:
        if is_ready:
            _ask_health(Options("127.0.0.1", port, DATA, is_bare=False))
        else:
            with pytest.raises(StartError, match=f"answers {status}"):
                _ask_health(Options("127.0.0.1", port, DATA, is_bare=False))
    finally:
        upstream.stop()
