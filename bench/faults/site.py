"""The server that is to be hurt: started for the run, prepared, thrown away afterwards."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from appwrite_clone.embedded.processes import servers_in
from bench.api import Api
from kernel.ids import unique_id
from tests.compat import live
from tests.compat.live import PROJECT, Installation
from tests.real import processes

DATABASE = "default"
WRITTEN, BUILT = "written", "built"  # collections
BUILD_SECONDS = 60
PASSWORD = "correct horse battery staple"
EMAIL = "writer@example.com"
# Backends of the server itself, told apart from those of this run's own connections.
_BACKENDS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid"
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running installation with a collection to write into; headers by kind of caller."""

    installation: Installation
    key: dict[str, str]
    user: dict[str, str]

    @property
    def url(self) -> str:
        return self.installation.endpoint

    @property
    def supervisor(self) -> int:
        return self.installation.supervisor

    @property
    def data(self) -> Path:
        """The directory of PostgreSQL's own files."""
        return self.installation.data_directory / "postgres"

    @property
    def documents(self) -> str:
        return f"/databases/{DATABASE}/collections/{WRITTEN}/documents"

    @property
    def built(self) -> str:
        return f"/databases/{DATABASE}/collections/{BUILT}"

    @contextlib.contextmanager
    def database(self) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
        with psycopg.connect(self.installation.database_url, autocommit=True) as opened:
            yield opened

    def web(self) -> list[int]:
        return sorted(processes.web_processes(self.supervisor, self.installation.port))

    def workers(self) -> list[int]:
        return sorted(processes.workers(self.supervisor))

    def postmaster(self) -> list[int]:
        servers = servers_in(self.data)
        return [each for each in processes.children(self.supervisor) if each in servers]

    def backends(self) -> list[int]:
        with self.database() as database:
            return [pid for (pid,) in database.execute(_BACKENDS).fetchall()]


@contextlib.contextmanager
def running(*, parent: Path | None = None, **variables: str) -> Iterator[Site]:
    """Start an installation with two web processes; `variables` go to its environment.

    Without rate limits, unless they say otherwise: the writers are many, and one user.
    """
    environment: dict[str, Any] = {"ABUSE_LIMITS": "off"} | variables
    installation = live.start(parent=parent, **environment)
    try:
        yield prepared(installation.prepared())
    finally:
        installation.stop()


def prepared(installation: Installation) -> Site:
    """Make a user, and collections to write into and to build in."""
    project = {"X-Appwrite-Project": PROJECT}
    key = project | {"X-Appwrite-Key": installation.key}
    with Api(installation.endpoint, key) as api:
        uid = unique_id()
        api.post("/users", {"userId": uid, "email": EMAIL, "password": PASSWORD})
        session = api.post(f"/users/{uid}/sessions", {})
        for name in (WRITTEN, BUILT):
            _make_collection(api, name)
    user = project | {"X-Appwrite-Session": session["secret"]}
    return Site(installation=installation, key=key, user=user)


def _make_collection(api: Api, name: str) -> None:
    collections = f"/databases/{DATABASE}/collections"
    rights = [f'{action}("users")' for action in ("create", "read", "update")]
    api.post(
        collections,
        {"collectionId": name, "name": name, "permissions": rights, "documentSecurity": True},
    )
    path = f"{collections}/{name}/attributes"
    api.post(f"{path}/string", {"key": "title", "size": 100, "required": False})
    api.wait(path, "attributes", BUILD_SECONDS)
