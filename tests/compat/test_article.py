"""The first two examples of the article, step by step, and the repository's own scripts for them.

The article is "Appwrite 2.0: Open Source Firebase Alternative". Where one of its calls does not
exist in the official SDK, the test says so and takes what the SDK has instead.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.models.user import User
from appwrite.services.account import Account
from appwrite.services.databases import Databases
from appwrite_realtime import Event, Realtime

from tests.compat import sdk
from tests.compat.live import PROJECT, Installation
from tests.compat.parts import ROOT

PASSWORD = "SuperSecret123"
EXAMPLE_SECONDS = 60
CLIENT_SOURCE = ROOT / "clients" / "python" / "src"

pytestmark = pytest.mark.usefixtures("recwarn")


@pytest.fixture
def result(key: Client) -> User[Any]:
    """The user of "Register a New User"."""
    return Account(key).create(
        user_id="unique()", email=sdk.new_email(), password=PASSWORD, name="Alice"
    )


@pytest.fixture
def posts(key: Client) -> Iterator[str]:
    """The collection of "Create the Collection via Console", in the database that is there.

    The article's `write:owner` is what the documents' own permissions say, which therefore count.
    """
    databases, collection = Databases(key), ID.unique()
    databases.create_collection("default", collection, "posts", ['read("any")'], True)
    for name in ("title", "content", "authorId"):
        databases.create_string_attribute("default", collection, name, 1000, True)
    databases.create_datetime_attribute("default", collection, "createdAt", True)

    def statuses() -> set[str]:
        listed = databases.list_attributes("default", collection).attributes
        return {attribute.status.value for attribute in listed}

    sdk.wait_until(lambda: statuses() == {"available"})
    yield collection
    databases.delete_collection("default", collection)


def insert_a_document(client: Client, posts: str, author: str) -> Any:
    """Do "Insert a Document from Python"."""
    return Databases(client).create_document(
        database_id="default",
        collection_id=posts,
        document_id="unique()",
        data={
            "title": "Hello Appwrite!",
            "content": "This is my first post using Appwrite 2.0.",
            "authorId": author,
            # What `datetime.utcnow().isoformat()` gives: microseconds, and no zone.
            "createdAt": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        },
        permissions=['read("any")', 'write("user:' + author + '")'],
    )


def log_in(server: Installation, email: str, **headers: str) -> dict[str, Any]:
    """Do "Login and Retrieve a JWT" as the article's call would arrive, if the SDK sent it."""
    answer = requests.post(
        f"{server.endpoint}/account/sessions",
        json={"email": email, "password": PASSWORD},
        headers={"X-Appwrite-Project": PROJECT, **headers},
        timeout=10,
    )
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


def test_registered_user_has_an_id(result: User[Any]):
    assert len(result.id) == 20
    assert result.name == "Alice"


def test_articles_log_in_call_fails_in_the_sdk_itself(key: Client, result: User[Any]):
    with pytest.raises(TypeError):
        Account(key).create_session(email=result.email, password=PASSWORD)


def test_article_logs_in_with_email_and_password(
    server: Installation, guest: Client, result: User[Any]
):
    session = log_in(server, result.email, **{"X-Appwrite-Key": server.key})

    assert session["userId"] == result.id
    assert Account(guest.set_session(session["secret"])).get().id == result.id


def test_articles_log_in_hands_a_browser_a_cookie_instead(server: Installation, result: User[Any]):
    assert log_in(server, result.email)["secret"] == ""


def test_wrong_password_of_the_articles_log_in_is_refused(server: Installation, result: User[Any]):
    answer = requests.post(
        f"{server.endpoint}/account/sessions",
        json={"email": result.email, "password": "SuperSecret124"},
        headers={"X-Appwrite-Project": PROJECT},
        timeout=10,
    )

    assert answer.status_code == 401
    assert answer.json()["type"] == "user_invalid_credentials"


def test_session_gives_a_token_for_later_calls(
    server: Installation, guest: Client, result: User[Any]
):
    session = log_in(server, result.email, **{"X-Appwrite-Key": server.key})

    jwt = sdk.create_jwt(sdk.acting_as(guest, session["secret"]))

    assert Account(guest.set_jwt(jwt)).get().id == result.id


def test_post_is_inserted(key: Client, guest: Client, posts: str, result: User[Any]):
    doc = insert_a_document(key, posts, result.id)

    assert doc.data["title"] == "Hello Appwrite!"
    assert doc.data["authorId"] == result.id
    assert datetime.fromisoformat(doc.data["createdAt"]).tzinfo is not None
    owner = f"user:{result.id}"
    assert doc.permissions == ['read("any")', f'update("{owner}")', f'delete("{owner}")']
    assert Databases(guest).get_document("default", posts, doc.id).data == doc.data


def test_only_its_author_changes_a_post(
    server: Installation, key: Client, bob: sdk.Person, posts: str, result: User[Any]
):
    doc = insert_a_document(key, posts, result.id)
    session = log_in(server, result.email, **{"X-Appwrite-Key": server.key})
    author = Databases(sdk.acting_as(key, session["secret"]))

    changed = author.update_document("default", posts, doc.id, {"title": "Hello again!"})

    assert changed.data["title"] == "Hello again!"
    with pytest.raises(AppwriteException) as refused:
        Databases(bob.client).update_document("default", posts, doc.id, {"title": "Bob's"})
    assert (refused.value.code, refused.value.type) == (401, "user_unauthorized")


@pytest.mark.parametrize("listener", ["key", "guest", "bob"])
def test_subscriber_receives_every_change_in_full(
    request: pytest.FixtureRequest, key: Client, posts: str, result: User[Any], listener: str
):
    chosen = request.getfixturevalue(listener)
    client = chosen.client if isinstance(chosen, sdk.Person) else chosen
    events: list[Event] = []

    with Realtime(client) as realtime:
        realtime.subscribe([f"databases.default.collections.{posts}.documents"], events.append)
        doc = insert_a_document(key, posts, result.id)
        changed = Databases(key).update_document("default", posts, doc.id, {"title": "Changed"})
        Databases(key).delete_document("default", posts, doc.id)
        sdk.wait_until(lambda: len(events) == 3)

    name = f"databases.default.collections.{posts}.documents.{doc.id}"
    assert [event["event"] for event in events] == [
        f"{name}.create",
        f"{name}.update",
        f"{name}.delete",
    ]
    created, updated, deleted = (event["payload"] for event in events)
    assert created["$id"] == doc.id
    assert created["$permissions"] == doc.permissions
    assert created["$collectionId"] == posts
    assert {name: created[name] for name in doc.data} == doc.data
    assert updated["title"] == deleted["title"] == "Changed"
    assert updated == created | {"title": "Changed", "$updatedAt": changed.updatedat}
    assert deleted == updated


@pytest.fixture
def run_example(server: Installation, tmp_path: Path) -> Callable[[str], str]:
    """Run one of the repository's examples as its README says; return what it prints."""

    def run(name: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(ROOT / "examples" / name)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(CLIENT_SOURCE),
                "APPWRITE_ENDPOINT": server.endpoint,
                "APPWRITE_PROJECT": PROJECT,
                "APPWRITE_KEY": server.key,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=EXAMPLE_SECONDS,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_example_of_signing_up_runs_twice(run_example: Callable[[str], str]):
    first, second = run_example("01_sign_up_and_log_in.py"), run_example("01_sign_up_and_log_in.py")

    assert "The JWT acts as: Alice" in first
    assert "The user exists already" in second


def test_example_of_posts_runs_twice(run_example: Callable[[str], str]):
    for _ in range(2):
        printed = run_example("02_posts_and_realtime.py")

        for action in ("create", "update", "delete"):
            assert f".{action}\n" in printed
        assert "Post created, changed and deleted" in printed


def test_example_of_offline_sync_follows_what_changes(
    run_example: Callable[[str], str], key: Client
):
    run_example("02_posts_and_realtime.py")  # makes the collection
    run_example("03_offline_sync.py")
    databases = Databases(key)
    data = {"title": "T", "content": "C", "authorId": "a", "createdAt": "2026-01-02T03:04:05"}
    kept, gone = (
        databases.create_document("default", "posts", ID.unique(), data, ['read("any")']).id
        for _ in range(2)
    )

    assert {f"create {kept}", f"create {gone}"} <= set(
        run_example("03_offline_sync.py").split("\n")
    )
    databases.update_document("default", "posts", kept, {"title": "Changed"})
    databases.delete_document("default", "posts", gone)

    printed = run_example("03_offline_sync.py").split("\n")
    assert {f"update {kept}", f"delete {gone}"} <= set(printed)
    assert "Posts in the copy:" in printed[-2]
    databases.delete_document("default", "posts", kept)


def test_every_example_is_run_here():
    scripts = {path.name for path in (ROOT / "examples").glob("[0-9]*.py")}

    assert all(name in Path(__file__).read_text() for name in scripts)
