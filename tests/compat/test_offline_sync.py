"""The change feed, imports and exports on a running server, as an app's own code uses them."""

from typing import Any

import pytest
import requests
from appwrite.client import Client
from appwrite.id import ID
from appwrite.services.tables_db import TablesDB
from appwrite_realtime import Event, Realtime

from tests.compat import sdk
from tests.compat.live import PROJECT, Installation

pytestmark = pytest.mark.usefixtures("recwarn")


@pytest.fixture
def notes(key: Client, database: str) -> tuple[str, str]:
    """A table that anyone reads; returns its path in both vocabularies."""
    tables, table = TablesDB(key), ID.unique()
    tables.create_table(database, table, "Notes", ['read("any")'])
    tables.create_string_column(database, table, "title", 100, True)
    sdk.wait_until(lambda: tables.get_column(database, table, "title").status.value == "available")
    return f"/tablesdb/{database}/tables/{table}", f"/databases/{database}/collections/{table}"


def test_changes_are_told_in_both_vocabularies(key: Client, guest: Client, notes: tuple[str, str]):
    rows, documents = notes
    cursor = sdk.call(guest, "get", f"{rows}/rows/changes")["cursor"]
    sdk.call(key, "post", f"{documents}/documents", documentId="n", data={"title": "N"})

    by_row = sdk.call(guest, "get", f"{rows}/rows/changes", since=cursor)
    by_document = sdk.call(guest, "get", f"{documents}/documents/changes", since=cursor)

    assert [(each["type"], each["rowId"]) for each in by_row["changes"]] == [("create", "n")]
    assert by_row["changes"][0]["row"]["$tableId"] in rows
    assert by_document["changes"][0]["document"]["$collectionId"] in documents


def test_the_python_client_hears_what_it_missed(key: Client, guest: Client, notes: tuple[str, str]):
    rows, documents = notes
    cursor = sdk.call(guest, "get", f"{rows}/rows/changes")["cursor"]
    heard: list[str] = []

    def write(uid: str) -> None:
        sdk.call(key, "post", f"{rows}/rows", rowId=uid, data={"title": uid})

    def hear(event: Event) -> None:
        heard.append(event["payload"]["$id"])

    channel = f"{documents[1:].replace('/', '.')}.documents"
    write("missed")
    with Realtime(guest) as realtime:
        subscription = realtime.subscribe(channel, hear, since=cursor)
        write("live")
        sdk.wait_until(lambda: heard == ["missed", "live"])
        sdk.wait_until(lambda: subscription.cursor != cursor)
    write("later")
    with Realtime(guest) as realtime:
        realtime.subscribe(channel, hear, since=subscription.cursor)
        sdk.wait_until(lambda: heard[-1] == "later")


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_files_stream_in_and_out(server: Installation, notes: tuple[str, str], format_: str):
    headers = {"X-Appwrite-Project": PROJECT, "X-Appwrite-Key": server.key}
    rows, documents = (f"{server.endpoint}{path}" for path in notes)
    file = "".join(f'{{"title": "note {number}"}}\n' for number in range(5_000))

    def pieces() -> Any:  # sent in chunks, without a length
        for start in range(0, len(file), 10_000):
            yield file[start : start + 10_000].encode()

    answer = requests.post(f"{rows}/import", data=pieces(), headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["created"], answer.json()["isComplete"]) == (5_000, True)

    exported = requests.get(
        f"{documents}/export", {"format": format_}, headers=headers, timeout=30, stream=True
    )
    assert exported.status_code == 200
    lines = [line for line in exported.iter_lines() if b"note " in line]
    assert len(lines) == 5_000
