"""The data directory and the PostgreSQL in it, as far as it needs no server."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded import environment, home, processes, programs
from appwrite_clone.embedded.accounts import Account, closed_directory
from appwrite_clone.embedded.cluster import Cluster, shared_buffers_mb

STRANGER = Account("stranger", uid=54321, gid=54321)


def test_url_survives_odd_characters(tmp_path: Path):
    home.prepare(tmp_path)
    cluster = Cluster(tmp_path)
    cluster.password_file.write_text("p/w?&@\n")
    cluster.socket_record.write_text("/sockets/a b")

    assert cluster.url() == "postgresql://appwrite:p%2Fw%3F%26%40@/appwrite?host=%2Fsockets%2Fa%20b"


def test_secret_is_for_its_owner_alone_and_never_replaced(tmp_path: Path):
    path = tmp_path / "master"
    home.make_secret(path)
    first = path.read_text()
    home.make_secret(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first.strip()) >= 32
    assert path.read_text() == first
    assert list(tmp_path.iterdir()) == [path]


def test_secrets_differ(tmp_path: Path):
    home.make_secret(tmp_path / "one")
    home.make_secret(tmp_path / "two")

    assert (tmp_path / "one").read_text() != (tmp_path / "two").read_text()


def test_data_directory_keeps_its_secrets_closed(tmp_path: Path):
    home.prepare(tmp_path / "data")

    assert stat.S_IMODE((tmp_path / "data" / "secrets").stat().st_mode) == 0o700


def test_data_directory_below_a_file_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(StartError, match=r"cannot write to the data directory .*Not a directory"):
        home.prepare(tmp_path / "file" / "data")


def test_address_of_the_last_start_is_remembered(tmp_path: Path):
    assert home.remembered_address(tmp_path) is None
    home.remember_address(tmp_path, "http://127.0.0.1:8080")
    assert home.remembered_address(tmp_path) == "http://127.0.0.1:8080"
    home.remember_address(tmp_path, None)
    assert home.remembered_address(tmp_path) is None


def test_missing_master_secret_of_a_used_cluster_is_not_replaced(tmp_path: Path):
    home.prepare(tmp_path)
    cluster = Cluster(tmp_path)
    cluster.data.mkdir()
    (cluster.data / "PG_VERSION").write_text("18\n")

    with pytest.raises(StartError, match="secrets/master is missing"):
        environment.master_secret(cluster)


def test_second_holder_learns_who_holds_the_data_directory(tmp_path: Path):
    with (
        home.locked(tmp_path, home.SERVER),
        pytest.raises(home.DataDirectoryBusy) as raised,
        home.locked(tmp_path, home.COMMAND),
    ):
        pass

    assert raised.value.is_server()
    assert f"in use by another process (up {os.getpid()})" in str(raised.value)


def test_lock_is_free_again_afterwards(tmp_path: Path):
    for _ in range(2):
        with home.locked(tmp_path, home.SERVER):
            pass


def test_waiting_for_a_command_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(home, "COMMAND_WAIT_SECONDS", 0.3)
    with (
        home.locked(tmp_path, home.COMMAND),
        pytest.raises(home.DataDirectoryBusy) as raised,
        home.locked(tmp_path, home.SERVER),
    ):
        pass

    assert not raised.value.is_server()


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory everybody may enter, whatever pytest's own one is like."""
    with tempfile.TemporaryDirectory(prefix="appwrite-house-", dir="/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_directory_closed_to_a_user_is_found(reachable: Path):
    inner = reachable / "closed" / "open"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)

    assert closed_directory(inner, STRANGER) == inner.parent
    assert closed_directory(inner, Account("owner", os.getuid(), os.getgid())) is None


def test_group_may_enter_what_is_closed_to_others(reachable: Path):
    reachable.chmod(0o710)
    group = reachable.stat().st_gid

    assert closed_directory(reachable, Account("member", uid=54321, gid=group)) is None
    assert closed_directory(reachable, STRANGER) == reachable


def test_stale_pid_file_is_forgotten(tmp_path: Path):
    # The number of this very process: PostgreSQL by itself would believe the file.
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")

    assert processes.servers_in(tmp_path) == []
    processes.stop_servers_in(tmp_path)
    assert not (tmp_path / "postmaster.pid").exists()


def test_process_in_the_data_directory_that_is_no_server_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)

    assert processes.servers_in(tmp_path) == []


def test_chosen_programs_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POSTGRES_BIN", str(tmp_path))

    with pytest.raises(StartError, match="POSTGRES_BIN: there is no initdb and no postgres"):
        programs.find_programs(None)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("postgres (PostgreSQL) 14.9", "PostgreSQL 15 or newer is needed; .* has 14"),
        ("something else", "does not run"),
    ],
)
def test_unsuitable_programs_are_refused(tmp_path: Path, version: str, message: str):
    server = tmp_path / "postgres"
    server.write_text(f"#!/bin/sh\necho '{version}'\n")
    server.chmod(0o755)

    with pytest.raises(StartError, match=message):
        programs.major_version(tmp_path)


def test_version_of_a_packaged_server_is_read(tmp_path: Path):
    server = tmp_path / "postgres"
    server.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.6 (Debian 17.6-1.pgdg12+1)'\n")
    server.chmod(0o755)

    assert programs.major_version(tmp_path) == 17


def test_copied_programs_keep_their_libraries_and_lose_the_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = tmp_path / "site-packages" / "wheel" / "pginstall18"
    for name in ["bin/postgres", "include/server.h", "lib/libpq.a", "lib/libpq.so"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    libraries = tmp_path / "site-packages" / "wheel.libs"
    libraries.mkdir()
    (libraries / "libz.so").touch()
    monkeypatch.setattr(programs, "COPIES", tmp_path / "copies")

    copied = programs._copy(source / "bin")

    installation = copied.parent
    assert (copied / "postgres").read_text() == "bin/postgres"
    assert (installation / "lib" / "libpq.so").exists()
    assert not (installation / "lib" / "libpq.a").exists()
    assert not (installation / "include").exists()
    assert (installation.parent.parent / "wheel.libs" / "libz.so").exists()
    assert programs._copy(source / "bin") == copied


def test_own_database_asks_for_a_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("APPWRITE_SECRET", raising=False)
    monkeypatch.delenv("APPWRITE_SECRET_FILE", raising=False)

    with pytest.raises(StartError, match="APPWRITE_SECRET: is not set"):
        environment.require_secret()

    monkeypatch.setenv("APPWRITE_SECRET_FILE", "/run/secrets/master")
    environment.require_secret()


def test_chosen_secret_is_not_overruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APPWRITE_SECRET", "chosen")
    home.prepare(tmp_path)
    cluster = Cluster(tmp_path)
    cluster.password_file.write_text("password")
    cluster.socket_record.write_text("/sockets/x")

    assert environment.embedded_environment(cluster) == {
        "DATABASE_URL": "postgresql://appwrite:password@/appwrite?host=%2Fsockets%2Fx",
        "APPWRITE_DATA_DIR": str(tmp_path),
        "APPWRITE_EMBEDDED": "1",
    }


def test_shared_buffers_stay_within_bounds():
    assert 64 <= shared_buffers_mb() <= 512


def test_temporary_directory_for_sockets_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: f"/{'x' * 90}")

    assert home.temporary_directory() == Path("/tmp")  # noqa: S108  # as named
