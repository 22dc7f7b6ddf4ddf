"""The embedded PostgreSQL for real: made, stopped, killed, and found again with all its rows."""

import contextlib
import os
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded import environment, home
from appwrite_clone.embedded.cluster import SOCKET_NAME, Cluster
from appwrite_clone.embedded.processes import servers_in

pytestmark = [pytest.mark.real, pytest.mark.slow]

GONE_SECONDS = 60


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A running cluster in a directory that only its owner may enter."""
    with tempfile.TemporaryDirectory(prefix="appwrite-house-", dir="/tmp") as path:
        home.prepare(Path(path))
        made = Cluster(Path(path))
        with environment.running(made):
            yield made


def ask(cluster: Cluster, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        done = connection.execute(statement)
        return done.fetchall() if done.description else []


def test_server_is_durable_and_private(cluster: Cluster):
    names = ("fsync", "full_page_writes", "synchronous_commit", "listen_addresses", "jit")
    shown = {name: ask(cluster, f"SHOW {name}")[0][0] for name in names}

    assert shown == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "jit": "off",
    }
    assert ask(cluster, "SHOW max_connections") == [("200",)]
    assert int(str(ask(cluster, "SHOW max_locks_per_transaction")[0][0])) >= 1024


def test_role_of_the_server_is_no_superuser_and_owns_its_database(cluster: Cluster):
    assert ask(
        cluster, "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
    ) == [("appwrite", False)]
    ask(cluster, "CREATE TABLE note (text text)")
    ask(cluster, "CREATE DATABASE another")


def test_wrong_password_is_refused(cluster: Cluster):
    password = cluster.password_file.read_text().strip()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(cluster.url().replace(password, "wrong"))


def test_text_sorts_by_code_point_and_folds_beyond_ascii(cluster: Cluster):
    ask(cluster, "CREATE TABLE word (text text)")
    ask(cluster, "INSERT INTO word VALUES ('b'), ('B'), ('é'), ('a')")

    ordered = [row[0] for row in ask(cluster, "SELECT text FROM word ORDER BY text")]
    assert ordered == ["B", "a", "b", "é"]
    if cluster.programs.major >= 17:
        assert ask(cluster, "SELECT upper('é')") == [("É",)]


def test_socket_is_in_a_directory_of_the_servers_user_alone(cluster: Cluster):
    directory = cluster.socket_directory()

    assert (directory / SOCKET_NAME).is_socket()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert len(str(directory / SOCKET_NAME)) < 104
    assert cluster.is_running()


def test_server_does_not_run_as_root(cluster: Cluster):
    process = cluster.process
    assert process is not None
    assert Path(f"/proc/{process.pid}").stat().st_uid != 0


def test_stop_leaves_no_process_and_no_socket(cluster: Cluster):
    directory = cluster.socket_directory()
    cluster.stop()

    assert servers_in(cluster.data) == []
    assert not directory.exists()
    assert not cluster.is_running()


def test_rows_outlive_a_restart(cluster: Cluster):
    ask(cluster, "CREATE TABLE note AS SELECT 1 AS number")
    cluster.stop()
    cluster.prepare()
    cluster.start()

    assert ask(cluster, "SELECT number FROM note") == [(1,)]


def test_rows_outlive_a_killed_server(cluster: Cluster):
    ask(cluster, "CREATE TABLE note AS SELECT 1 AS number")
    for process_id in servers_in(cluster.data):
        with contextlib.suppress(ProcessLookupError):  # it died with the one before
            os.kill(process_id, signal.SIGKILL)
    # As after a restart of the machine: the pid file is there, and its number is somebody else's.
    lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    (cluster.data / "postmaster.pid").write_text("\n".join([str(os.getppid()), *lines[1:]]))
    url = cluster.url()

    cluster.start()

    assert cluster.url() == url
    assert ask(cluster, "SELECT number FROM note") == [(1,)]


def test_server_of_a_killed_holder_gives_way_to_the_next(cluster: Cluster):
    ask(cluster, "CREATE TABLE note AS SELECT 1 AS number")
    left_behind = cluster.process
    assert left_behind is not None
    cluster.start()

    assert left_behind.wait(GONE_SECONDS) == 0
    assert ask(cluster, "SELECT number FROM note") == [(1,)]


def test_server_ends_with_the_process_that_started_it(cluster: Cluster):
    cluster.stop()
    cluster.prepare()
    child = os.fork()
    if child == 0:
        cluster.start()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)

    deadline = time.monotonic() + GONE_SECONDS
    while servers_in(cluster.data) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert servers_in(cluster.data) == []


def test_data_of_another_major_version_is_refused(cluster: Cluster):
    cluster.stop()
    (cluster.data / "PG_VERSION").write_text("14\n")

    with pytest.raises(StartError, match="was written by PostgreSQL 14 and this is"):
        cluster.prepare()


def test_reason_of_a_failed_start_is_postgresqls_own(cluster: Cluster):
    cluster.stop()
    cluster.prepare()
    with (cluster.data / "postgresql.conf").open("a") as file:
        file.write("max_connections = none\n")

    with pytest.raises(StartError, match=r"does not start: configuration file .* contains errors"):
        cluster.start()


def test_half_made_cluster_is_made_again(cluster: Cluster):
    cluster.stop()
    unfinished = cluster.data.with_name("postgres.new")
    cluster.data.rename(unfinished)
    cluster.prepare()
    cluster.start()

    assert not unfinished.exists()
    assert ask(cluster, "SELECT 1") == [(1,)]


def test_tests_get_a_database_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DATABASE_URL")
    with environment.database_for_tests() as variables:
        directory = Path(variables["APPWRITE_DATA_DIR"])
        with psycopg.connect(variables["DATABASE_URL"]) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert len(variables["APPWRITE_SECRET"]) >= 32

    assert not directory.exists()


def test_tests_use_the_server_they_are_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://ci@127.0.0.1:1/postgres")
    with environment.database_for_tests() as variables:
        assert "DATABASE_URL" not in variables
