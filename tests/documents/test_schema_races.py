"""Schemas that change during writes: nothing acknowledged is lost, no failure of ours is met."""

import itertools
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from documents import partitions
from documents.models import Collection, Document
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor
from tests.database import own_connection
from tests.documents.blog import DOCUMENTS, ids, make_collection, query
from tests.documents.conftest import MakeKey
from tests.documents.schema import SCHEMA_SCOPES, drop_partitions, index_names
from tests.documents.test_document_races import at_once

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

POSTS = DOCUMENTS.removesuffix("/documents")
WRITERS = 4

Outcomes = set[tuple[int, str]]


@pytest.fixture
def key(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> Iterator[ApiClient]:
    make_collection(project)
    yield client_for(project, key=make_key(project, SCHEMA_SCOPES))
    drop_partitions()


def writing(
    key: ApiClient, work: Callable[[str, int], Reply], change: Callable[[], Any]
) -> tuple[Outcomes, dict[str, int]]:
    """Write new documents in threads until a change is done, and a little longer.

    Returns what came of it, and the numbers of the documents that were acknowledged, by their ids.
    """
    done = threading.Event()
    acknowledged: dict[str, int] = {}
    outcomes: Outcomes = set()

    def write(place: int) -> None:
        for number in itertools.count():
            if done.is_set() and number > 3:
                return
            uid = f"w{place}-{number}"
            reply = work(uid, number)
            outcomes.add((reply.status, reply.error))
            if reply.status < 300:
                acknowledged[uid] = number

    def changing() -> bool:
        try:
            change()
        finally:
            done.set()
        return True

    *_, is_changed = at_once(*[partial(write, place) for place in range(WRITERS)], changing)
    assert is_changed
    return outcomes, acknowledged


def test_rename_waits_for_a_write_of_fields_under_way(key: ApiClient) -> None:
    key.put(POSTS, {"name": "Posts", "schemaless": True})
    key.post(DOCUMENTS, {"documentId": "a", "data": {"title": "T"}})
    collection = Collection.objects.get(uid="posts")
    table = partitions.name(collection.place)
    is_over = threading.Event()

    def rename() -> Reply:
        changes = {"required": False, "default": None, "newKey": "code"}
        try:
            return key.patch(f"{POSTS}/attributes/integer/likes", changes)
        finally:
            is_over.set()

    with own_connection() as writer:
        writer.execute("BEGIN")
        writer.execute(f"""UPDATE {table} SET data = data || '{{":code": 5}}'""")

        def commit() -> None:
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
            while not is_over.wait(0.01) and not writer.execute(waiting, (table,)).fetchone():
                pass
            writer.execute("COMMIT")

        renamed, _ = at_once(rename, commit)

    assert (renamed.status, renamed.error) == (409, "attribute_already_exists")
    assert key.get(f"{DOCUMENTS}/a").json["code"] == 5


def test_collection_is_dropped_during_writes(key: ApiClient, jobs: Callable[[], int]) -> None:
    def work(uid: str, number: int) -> Reply:
        body = {"documentId": uid, "data": {"title": uid}}
        if number % 4 == 1:
            return key.patch(DOCUMENTS, {"data": {"likes": number}})
        if number % 4 == 2:
            return key.get(DOCUMENTS, {"queries": [query("equal", "likes", 1)]})
        if number % 4 == 3:
            return key.delete(DOCUMENTS, {"queries": [query("limit", "", 1)]})
        return key.post(DOCUMENTS, body)

    def drop() -> None:
        assert key.delete(POSTS).status == 204
        jobs()

    outcomes, _ = writing(key, work, drop)

    assert outcomes <= {(201, ""), (200, ""), (404, "collection_not_found")}
    assert (404, "collection_not_found") in outcomes
    assert not Document.objects.exists()
    assert not Collection.objects.exists()


def test_attribute_is_renamed_during_writes(key: ApiClient) -> None:
    name = ["likes"]

    def work(uid: str, number: int) -> Reply:
        body = {"documentId": uid, "data": {"title": uid, name[0]: number}}
        return key.post(DOCUMENTS, body)

    def rename() -> None:
        for new in ("points", "score", "stars"):
            body = {"required": False, "default": None, "min": 0, "max": 10**6, "newKey": new}
            reply = key.patch(f"{POSTS}/attributes/integer/{name[0]}", body)
            assert reply.status == 200, reply.json
            name[0] = new

    outcomes, acknowledged = writing(key, work, rename)

    assert outcomes <= {(201, ""), (400, "document_invalid_structure")}
    found: dict[str, int] = {}
    for start in range(0, len(acknowledged), 100):
        asked = [query("limit", "", 100), query("offset", "", start)]
        page = key.get(DOCUMENTS, {"queries": asked}).json["documents"]
        found |= {each["$id"]: each["stars"] for each in page}
    assert found == acknowledged


def test_indexes_are_built_and_dropped_during_writes(
    key: ApiClient, jobs: Callable[[], int]
) -> None:
    def work(uid: str, number: int) -> Reply:
        return key.post(DOCUMENTS, {"documentId": uid, "data": {"title": uid, "likes": number}})

    def build() -> None:
        for kind, attribute in (("key", "likes"), ("unique", "title"), ("fulltext", "content")):
            body = {"key": kind, "type": kind, "attributes": [attribute]}
            assert key.post(f"{POSTS}/indexes", body).status == 202
            jobs()
            assert key.get(f"{POSTS}/indexes/{kind}").json["status"] == "available"
        assert key.delete(f"{POSTS}/indexes/key").status == 204
        jobs()

    outcomes, acknowledged = writing(key, work, build)

    assert outcomes == {(201, "")}
    assert Document.objects.count() == len(acknowledged)
    assert len(index_names(Collection.objects.get().id)) == 2
    one = next(iter(acknowledged))
    assert ids(key.get(DOCUMENTS, {"queries": [query("equal", "title", one)]})) == [one]
    again = key.post(DOCUMENTS, {"documentId": "again", "data": {"title": one}})
    assert again.error == "document_unique_constraint_violation"
