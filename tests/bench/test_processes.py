import os
import socket
import subprocess
import sys

import pytest
from django.db import connection

from bench import processes
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="CPU times are read from /proc")


def test_who_listens_on_a_port_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert processes.listeners(server.getsockname()[1]) == {os.getpid()}


def test_a_process_that_holds_the_socket_of_its_child_serves_nobody():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.set_inheritable(True)
        command = [sys.executable, "-c", "input()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, close_fds=False) as child:
            assert processes.listeners(server.getsockname()[1]) == {child.pid}


def test_nobody_listens_on_a_free_port():
    assert processes.listeners(free_port()) == set()


def test_meter_counts_cpu_time():
    meter = processes.CpuMeter(lambda: [os.getpid()])
    before = os.times().user
    while os.times().user - before < 0.05:
        pass
    assert meter.seconds() >= 0.04


def test_processes_that_are_gone_count_nothing():
    assert processes.cpu_seconds(2**22 + 1) is None


@pytest.mark.db
@pytest.mark.django_db
def test_processes_of_the_database_are_found_but_not_our_own_connection():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (own,) = cursor.fetchone()
    found = processes.database_processes()
    assert found
    assert own not in found
