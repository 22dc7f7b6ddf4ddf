"""Make a collection of posts, write one as its author, and watch it change as a guest."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from time import monotonic, sleep

from appwrite.client import Client
from appwrite.enums.attribute_status import AttributeStatus
from appwrite.id import ID
from appwrite.permission import Permission
from appwrite.role import Role
from appwrite.services.account import Account
from appwrite.services.databases import Databases
from appwrite_realtime import Event, Realtime, RealtimeError
from backend import EMAIL, PASSWORD, kept_if_it_exists, new_client, run, server_client, sign_up

DATABASE = "default"  # every project has one
POSTS = "posts"
CHANNEL = f"databases.{DATABASE}.collections.{POSTS}.documents"
BUILD_TIMEOUT_SECONDS = 30
EVENT_TIMEOUT_SECONDS = 10


def main() -> None:
    # The newest SDK warns on each call that it prefers TablesDB, which is served as well.
    logging.captureWarnings(True)
    server = server_client()
    make_posts(Databases(server))
    sign_up(server)

    events: SimpleQueue[Event] = SimpleQueue()

    def on_message(event: Event) -> None:
        print("Realtime event:", event["event"])
        print("  Payload:", event["payload"])
        events.put(event)

    with Realtime(new_client()) as realtime:
        realtime.subscribe([CHANNEL], on_message)
        with logged_in(server) as author:
            post_id = write_post(author)
        wait_for_events(events, post_id, count=3)
    print("Post created, changed and deleted:", post_id)


def make_posts(databases: Databases) -> None:
    """Make the collection: anyone reads, users write posts and own what they wrote."""
    with kept_if_it_exists("The collection"):
        databases.create_collection(
            database_id=DATABASE,
            collection_id=POSTS,
            name="posts",
            permissions=[Permission.read(Role.any()), Permission.create(Role.users())],
            document_security=True,
        )
    for key, size in (("title", 200), ("content", 10_000), ("authorId", 36)):
        with kept_if_it_exists(f"The attribute {key}"):
            databases.create_string_attribute(DATABASE, POSTS, key, size, required=True)
    with kept_if_it_exists("The attribute createdAt"):
        databases.create_datetime_attribute(DATABASE, POSTS, "createdAt", required=True)
    wait_until_available(databases)


def wait_until_available(databases: Databases) -> None:
    """Poll, because attributes are built in the background."""
    deadline = monotonic() + BUILD_TIMEOUT_SECONDS
    while monotonic() < deadline:
        attributes = databases.list_attributes(DATABASE, POSTS).attributes
        failed = [it for it in attributes if it.status == AttributeStatus.FAILED]
        if failed:
            sys.exit(f"The attribute {failed[0].key} could not be built: {failed[0].error}")
        if all(it.status == AttributeStatus.AVAILABLE for it in attributes):
            return
        sleep(0.1)
    sys.exit(f"The attributes were not available within {BUILD_TIMEOUT_SECONDS} seconds")


@contextmanager
def logged_in(server: Client) -> Iterator[Client]:
    session = Account(server).create_email_password_session(email=EMAIL, password=PASSWORD)
    user = new_client().set_session(session.secret)
    try:
        yield user
    finally:
        Account(user).delete_session("current")


def write_post(author: Client) -> str:
    """Create, change and delete a post; return its id."""
    databases = Databases(author)
    author_id = Account(author).get().id
    post = databases.create_document(
        database_id=DATABASE,
        collection_id=POSTS,
        document_id=ID.unique(),
        data={
            "title": "Hello Appwrite!",
            "content": "This is my first post.",
            "authorId": author_id,
            "createdAt": datetime.now(UTC).isoformat(),
        },
        permissions=[Permission.read(Role.any()), Permission.write(Role.user(author_id))],
    )
    databases.update_document(DATABASE, POSTS, post.id, data={"title": "Hello again!"})
    databases.delete_document(DATABASE, POSTS, post.id)
    return str(post.id)


def wait_for_events(events: SimpleQueue[Event], post_id: str, *, count: int) -> None:
    """Wait for the events of one post; others may be written at the same time."""
    while count:
        try:
            event = events.get(timeout=EVENT_TIMEOUT_SECONDS)
        except Empty:
            sys.exit(f"No event arrived within {EVENT_TIMEOUT_SECONDS} seconds")
        count -= event["payload"]["$id"] == post_id


if __name__ == "__main__":
    try:
        run(main)
    except RealtimeError as error:
        sys.exit(f"Realtime: {error}")
