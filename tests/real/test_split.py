"""A split installation: a gateway, two services and a realtime process, each its own process."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.compat import live
from tests.compat.live import PROJECT, Installation
from tests.compat.parts import ROOT
from tests.ports import free_port
from tests.real.hours import in_one_hour

pytestmark = [pytest.mark.real, pytest.mark.slow]

START_SECONDS = 60
REQUEST_SECONDS = 30
PASSWORD = "a long enough password"
PLACE = "/databases/default/collections/posts"


class Part:
    """One web process with its share of the services."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.log = log
        self._environment = environment
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "appwrite_clone.asgi:application"]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(START_SECONDS)


@dataclass(frozen=True)
class Site:
    """All the processes of one split installation, and a key of its project."""

    gateway: Part
    documents: Part
    accounts: Part
    realtime: Part
    key: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Call as clients do: at the gateway."""
        return call(self.gateway, method, path, body, **headers)

    def as_key(self) -> dict[str, str]:
        return {"X-Appwrite-Key": self.key}


def _environment(base: Installation, **variables: str) -> dict[str, str]:
    secret = (base.data_directory / "secrets" / "master").read_text().strip()
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": base.database_url,
        "APPWRITE_SECRET": secret,
        "APPWRITE_PUBLIC_URL": "http://localhost:5000",
        **variables,
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("split")
    base = live.start(web_processes=1)
    parts: list[Part] = []

    def start(name: str, **variables: str) -> Part:
        parts.append(Part(_environment(base, **variables), directory / f"{name}.log"))
        return parts[-1]

    try:
        key = base.prepared().key
        documents = start("documents", SERVICES="documents", IDENTITY="required")
        accounts = start("accounts", SERVICES="accounts", IDENTITY="required")
        urls = f"documents={documents.url},accounts={accounts.url}"
        gateway = start("gateway", SERVICE_URLS=urls, SERVICES="projects,console")
        realtime = start("realtime", SERVICES="realtime")
        for part in parts:
            part.wait_until_ready()
        yield Site(gateway, documents, accounts, realtime, key)
    finally:
        for part in parts:
            part.stop()
        base.stop()


@pytest.fixture(scope="module")
def alice(site: Site) -> str:
    """The session of a user who may write posts, all made through the gateway."""
    account = {"userId": "alice", "email": "alice@example.com", "password": PASSWORD}
    assert site.call("POST", "/account", account).status_code == 201
    collection = {
        "collectionId": "posts",
        "name": "Posts",
        "permissions": ['create("users")'],
        "documentSecurity": True,
    }
    made = site.call("POST", "/databases/default/collections", collection, **site.as_key())
    assert made.status_code == 201, made.text
    attribute = {"key": "title", "size": 50_000, "required": False}
    made = site.call("POST", f"{PLACE}/attributes/string", attribute, **site.as_key())
    assert made.status_code == 202, made.text
    deadline = time.monotonic() + START_SECONDS
    path = f"{PLACE}/attributes/title"
    while site.call("GET", path, **site.as_key()).json()["status"] != "available":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    credentials = {"email": account["email"], "password": PASSWORD}
    session = site.call("POST", "/account/sessions/email", credentials)
    assert session.status_code == 201
    assert {f"a_session_{PROJECT}", f"a_session_{PROJECT}_legacy"} <= set(session.cookies.keys())
    return str(session.cookies[f"a_session_{PROJECT}"])


def call(part: Part, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    sent = {"X-Appwrite-Project": PROJECT, **headers}
    return requests.request(
        method, f"{part.url}/v1{path}", json=body, headers=sent, timeout=REQUEST_SECONDS
    )


def as_user(session: str) -> dict[str, str]:
    return {"Cookie": f"a_session_{PROJECT}={session}"}


def write(site: Site, session: str, document_id: str, **data: Any) -> requests.Response:
    body = {"documentId": document_id, "data": data, "permissions": ['read("user:alice")']}
    return site.call("POST", f"{PLACE}/documents", body, **as_user(session))


def test_a_user_lives_on_three_processes(site: Site, alice: str):
    assert site.call("GET", "/account", **as_user(alice)).json()["$id"] == "alice"
    assert write(site, alice, "first", title="Über").status_code == 201
    mine = site.call("GET", f"{PLACE}/documents/first", **as_user(alice))
    assert mine.json()["title"] == "Über"
    assert site.call("GET", f"{PLACE}/documents/first").status_code == 404
    queries = {"queries[0]": '{"method":"equal","attribute":"title","values":["Über"]}'}
    found = requests.get(
        f"{site.gateway.url}/v1{PLACE}/documents",
        params=queries,
        headers={"X-Appwrite-Project": PROJECT, **as_user(alice)},
        timeout=REQUEST_SECONDS,
    )
    assert [each["$id"] for each in found.json()["documents"]] == ["first"]


def test_long_bodies_and_answers_pass_whole(site: Site, alice: str):
    title = "x" * 49_000
    for number in range(12):
        assert write(site, alice, f"long{number}", title=title).status_code == 201
    listed = site.call("GET", f"{PLACE}/documents", **as_user(alice))
    long = [each for each in listed.json()["documents"] if each["$id"].startswith("long")]
    assert len(listed.content) > 12 * len(title)
    assert {each["title"] for each in long} == {title}
    body = {"documentId": "huge", "data": {"title": "x" * 400_000}}
    refused = site.call("POST", f"{PLACE}/documents", body, **as_user(alice))
    assert (refused.status_code, refused.json()["type"]) == (400, "document_invalid_structure")


def test_services_refuse_whoever_comes_past_the_gateway(site: Site, alice: str):
    for part, path in ((site.documents, f"{PLACE}/documents"), (site.accounts, "/account")):
        for headers in ({}, site.as_key(), as_user(alice), {"X-Appwrite-Identity": "a.b.c"}):
            refused = call(part, "GET", path, **headers)
            assert (refused.status_code, refused.json()["type"]) == (401, "user_unauthorized")
        assert requests.get(f"{part.url}/console/", timeout=REQUEST_SECONDS).status_code == 404


def test_each_process_has_only_its_paths(site: Site):
    for part, path in (
        (site.realtime, "/account"),
        (site.realtime, f"{PLACE}/documents"),
        (site.realtime, "/projects"),
    ):
        refused = call(part, "GET", path)
        assert (refused.status_code, refused.json()["type"]) == (404, "general_route_not_found")
    assert call(site.realtime, "GET", "/health/version").status_code == 200
    assert site.call("GET", "/health/version").status_code == 200
    url = f"ws://127.0.0.1:{site.gateway.port}/v1/realtime?project={PROJECT}&channels[]=documents"
    with pytest.raises(InvalidStatus), connect(url):
        pass


def test_the_limit_is_counted_once_and_at_the_gateway(site: Site, alice: str):
    in_one_hour()
    body = {"email": "nobody@example.com", "password": PASSWORD}
    answers = [site.call("POST", "/account/sessions/email", body) for _ in range(11)]
    assert [each.status_code for each in answers] == [401] * 10 + [429]
    left = [int(each.headers["X-RateLimit-Remaining"]) for each in answers]
    assert left == [*reversed(range(10)), 0]


def test_sockets_hear_what_the_documents_process_writes(site: Site, alice: str):
    port = site.realtime.port
    url = f"ws://127.0.0.1:{port}/v1/realtime?project={PROJECT}&channels[]=documents"
    with connect(url, additional_headers=as_user(alice)) as hers, connect(url) as guests:
        for each in (hers, guests):
            assert json.loads(each.recv(REQUEST_SECONDS))["type"] == "connected"
        written = write(site, alice, "heard", title="News").json()
        event = json.loads(hers.recv(REQUEST_SECONDS))
        assert event["data"]["payload"] == written
        with pytest.raises(TimeoutError):
            guests.recv(0.5)


def test_a_signed_out_session_ends_everywhere(site: Site):
    account = {"userId": "bob", "email": "bob@example.com", "password": PASSWORD}
    site.call("POST", "/account", account)
    credentials = {"email": account["email"], "password": PASSWORD}
    for _ in range(10):
        session = site.call("POST", "/account/sessions/email", credentials)
        bob = as_user(str(session.cookies[f"a_session_{PROJECT}"]))
        assert site.call("GET", "/account", **bob).status_code == 200
        gone = site.call("DELETE", "/account/sessions/current", **bob)
        assert gone.status_code == 204
        assert f"a_session_{PROJECT}=" in gone.headers["Set-Cookie"]
        assert site.call("GET", "/account", **bob).status_code == 401


def test_without_a_service_the_others_go_on_and_it_comes_back(site: Site, alice: str):
    site.documents.kill()
    refused = site.call("GET", f"{PLACE}/documents", **as_user(alice))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json()["type"] == "general_service_unavailable"
    assert refused.elapsed.total_seconds() < 8  # not given up, but refused
    assert site.call("GET", "/account", **as_user(alice)).status_code == 200
    site.documents.start()
    site.documents.wait_until_ready()
    assert site.call("GET", f"{PLACE}/documents", **as_user(alice)).status_code == 200
