"""Collections that get a partition of their own while they are used: nobody sees them move."""

import itertools
import threading
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from guardian.shortcuts import assign_perm

from accounts.models import User
from documents import partitions, store
from documents.models import Collection, Document, StagedOperation
from documents.store import versions
from kernel import jobs as kernel_jobs
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import sign_up
from tests.documents.blog import DOCUMENTS, make_collection, query
from tests.documents.moving import create, key
from tests.documents.related import COLLECTIONS, put, relate
from tests.documents.schema import own_partition
from tests.documents.test_document_races import WAIT_SECONDS, at_once
from tests.documents.transactions import begin
from tests.documents.transfers import jsonl, send

__all__ = ["key"]  # a key to the collection that moves

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

COLLECTIONS_USED = 4


def test_documents_are_used_while_they_move(key: ApiClient, project: ProjectContext) -> None:
    uids = [f"used{number}" for number in range(COLLECTIONS_USED)]
    paths = [DOCUMENTS.replace("posts", uid) for uid in uids]
    for uid, path in zip(uids, paths, strict=True):
        make_collection(project, uid, document_security=True)
        create(key, "kept", path, likes=0)
    done = threading.Event()
    outcomes: set[tuple[str, int, str]] = set()
    created: set[tuple[str, str]] = set()
    steps: Counter[str] = Counter()

    def use(worker: int) -> None:
        for number in itertools.count():
            if done.is_set():
                return
            path, uid = paths[number % COLLECTIONS_USED], f"w{worker}-{number}"
            if (reply := key.post(path, {"documentId": uid, "data": {"title": "T"}})).status == 201:
                created.add((path, uid))
            outcomes.add(("create", reply.status, reply.error))
            reply = key.patch(f"{path}/kept/likes/increment")
            steps[path] += reply.status == 200
            outcomes.add(("step", reply.status, reply.error))
            reply = key.patch(
                path, {"data": {"content": uid}, "queries": [query("equal", "$id", uid)]}
            )
            outcomes.add(("update many", reply.status, str(reply.json.get("total"))))
            reply = key.get(f"{path}/{uid}")
            outcomes.add(("get", reply.status, str(reply.json.get("content") == uid)))
            reply = key.get(path, {"queries": [query("equal", "$id", uid, "kept")]})
            outcomes.add(("list", reply.status, str(reply.json.get("total"))))

    def promote() -> bool:
        try:
            for uid in uids:
                own_partition(uid)
        finally:
            done.set()
        return True

    *_, is_done = at_once(*[partial(use, worker) for worker in range(4)], promote)

    assert is_done
    assert outcomes == {
        ("create", 201, ""),
        ("step", 200, ""),
        ("update many", 200, "1"),
        ("get", 200, "True"),
        ("list", 200, "2"),
    }
    assert created
    for path, collection in zip(paths, map(own_partition, uids), strict=True):
        assert key.get(f"{path}/kept").json["likes"] == steps[path]
        found = Document.objects.filter(collection=collection).values_list("uid", "place")
        assert {place for _, place in found} == {collection.id}
        mine = sorted(uid for where, uid in created if where == path)
        assert sorted(uid for uid, _ in found) == ["kept", *mine]


class Moving:
    """A move that has happened and is not committed."""

    def __init__(self) -> None:
        self._moved, self._go_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._move)

    def _move(self) -> None:
        try:
            with transaction.atomic():
                own_partition()
                self._moved.set()
                self._go_on.wait(WAIT_SECONDS)
        finally:
            connection.close()

    def __enter__(self) -> None:
        self._thread.start()
        assert self._moved.wait(WAIT_SECONDS)

    def finish_soon(self) -> None:
        threading.Timer(0.3, self._go_on.set).start()

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        self._thread.join(WAIT_SECONDS)


def test_readers_do_not_wait_and_writers_do(key: ApiClient) -> None:
    for uid in ("a", "b", "c"):
        create(key, uid, likes=1)
    moving = Moving()
    with moving:
        assert key.get(f"{DOCUMENTS}/a").status == 200
        assert key.get(DOCUMENTS).json["total"] == 3
        moving.finish_soon()
        statuses = at_once(
            lambda: key.patch(f"{DOCUMENTS}/a", {"data": {"title": "new"}}).status,
            lambda: key.delete(f"{DOCUMENTS}/b").status,
            lambda: key.patch(f"{DOCUMENTS}/c", {"permissions": ['read("any")']}).status,
            lambda: key.post(DOCUMENTS, {"documentId": "c", "data": {"title": "T"}}).status,
            lambda: key.put(DOCUMENTS, {"documents": [{"$id": "c", "likes": 5}]}).status,
        )

    assert statuses == [200, 204, 200, 409, 200]
    assert key.get(f"{DOCUMENTS}/a").json["title"] == "new"
    assert key.get(f"{DOCUMENTS}/b").status == 404
    moved = key.get(f"{DOCUMENTS}/c").json
    assert (moved["likes"], moved["$permissions"]) == (5, ['read("any")'])


def test_grant_made_while_documents_move_is_compiled(
    key: ApiClient, project: ProjectContext
) -> None:
    create(key, "a")
    zoe = User.objects.get(uid=sign_up(project, "zoe").uid)
    document = Document.objects.get()
    moving = Moving()
    with moving:
        moving.finish_soon()
        assign_perm("documents.update_document", zoe, document)

    assert 'update("user:zoe")' in key.get(f"{DOCUMENTS}/a").json["$permissions"]


def test_transaction_is_committed_after_a_move(key: ApiClient) -> None:
    create(key, "a")
    create(key, "b")
    unharmed, outdated = begin(key), begin(key)
    assert unharmed.patch(f"{DOCUMENTS}/a", data={"title": "staged"}).status == 200
    assert unharmed.post(DOCUMENTS, documentId="c", data={"title": "c"}).status == 201
    assert outdated.patch(f"{DOCUMENTS}/b", data={"title": "staged"}).status == 200
    assert key.patch(f"{DOCUMENTS}/b", {"data": {"title": "changed"}}).status == 200
    staged = StagedOperation.objects.count()

    own_partition()

    assert StagedOperation.objects.count() == staged
    assert unharmed.get(f"{DOCUMENTS}/a").json["title"] == "staged"
    assert unharmed.commit().status == 200
    assert key.get(f"{DOCUMENTS}/a").json["title"] == "staged"
    assert outdated.commit().error == "transaction_conflict"


def test_transaction_is_committed_while_documents_move(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(key, "a")
    begun = begin(key)
    assert begun.patch(f"{DOCUMENTS}/a", data={"title": "staged"}).status == 200
    moved: list[Any] = []
    read = versions.versions

    def read_late(*args: Any, **options: Any) -> dict[str, str]:
        if not moved:
            moved.extend(at_once(own_partition))
        return read(*args, **options)

    monkeypatch.setattr(versions, "versions", read_late)

    assert begun.commit().status == 200
    assert moved
    assert key.get(f"{DOCUMENTS}/a").json["title"] == "staged"


def test_filter_by_related_documents_that_moved_is_asked_again(
    key: ApiClient, project: ProjectContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_collection(project, "authors", attributes={"name": {"type": "string", "size": 50}})
    make_collection(project, "books", attributes={"name": {"type": "string", "size": 50}})
    relate(key, "books", "authors", "manyToOne", key="author")
    put(key, "authors", "ann")
    put(key, "books", "one", author="ann")
    asked = {"queries": [query("equal", "author.name", "ann")]}
    path = f"{COLLECTIONS}/books/documents"
    assert key.get(path, asked).json["total"] == 1
    find, moves = store.find, iter(["authors"])

    def find_late(*args: Any, **options: Any) -> store.Page:
        for uid in moves:
            own_partition(uid)
        return find(*args, **options)

    monkeypatch.setattr(store, "find", find_late)

    assert key.get(path, asked).json["total"] == 1
    assert not partitions.is_shared(Collection.objects.get(uid="authors").place)


def test_import_of_many_goes_on_in_a_partition_of_its_own(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("documents.services.transfers.imports.BATCH_RECORDS", 2)
    monkeypatch.setattr("documents.services.transfers.imports.SHARED_MAX_DOCUMENTS", 4)
    for uid in ("a", "b", "c"):
        create(key, uid)

    def imported(name: str) -> Collection:
        rows = jsonl(*({"$id": f"{name}{number}", "title": "i"} for number in range(7)))
        assert send(key, rows, DOCUMENTS.removesuffix("/documents"))["created"] == 7
        return Collection.objects.get(uid="posts")

    with transaction.atomic():
        assert partitions.is_shared(imported("within").place)  # others would wait for all of it
    collection = imported("alone")

    assert Document.objects.filter(place=collection.id).count() == 3 + 7 + 7
    assert kernel_jobs.run_waiting() == 0
