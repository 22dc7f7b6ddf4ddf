"""How a collection moves while others write, wait, or die: in steps, and none is lost."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from guardian.shortcuts import assign_perm

from accounts.models import User
from documents import partitions
from documents.diagnosis import find_documents
from documents.models import Collection, Document
from documents.services import promote_collection, promotion
from documents.services.promotion import PROMOTE_COLLECTION
from documents.store import moves
from kernel import clock
from kernel import jobs as kernel_jobs
from kernel.caller import ProjectContext
from kernel.jobs import JobPostponedError
from kernel.models import Job
from tests.client import ApiClient
from tests.conftest import sign_up
from tests.database import own_connection
from tests.documents.blog import DOCUMENTS
from tests.documents.moving import create, key, posts
from tests.documents.schema import own_partition
from tests.documents.test_document_races import at_once
from tests.documents.transactions import begin

__all__ = ["key"]  # a key to the collection that moves

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_move_that_would_have_to_wait_is_put_off(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "PATIENCE_MILLISECONDS", (50, 50))
    monkeypatch.setattr(promotion, "PAUSE_SECONDS", 0.0)
    create(key, "a")
    kernel_jobs.enqueue(PROMOTE_COLLECTION, collection_id=posts().id)
    place = posts().place
    with own_connection() as writer, connection.cursor() as cursor:
        writer.execute("BEGIN")
        writer.execute(f"LOCK TABLE {partitions.name(place)} IN ROW EXCLUSIVE MODE")
        with pytest.raises(JobPostponedError):
            promote_collection(collection_id=posts().id)
        assert kernel_jobs.run_waiting() == 1
        assert posts().place == place
        assert not partitions.exists(posts().id)
        writer.execute("ROLLBACK")
        cursor.execute("UPDATE job SET run_after = now()")

    assert kernel_jobs.run_waiting() == 1
    assert posts().place == posts().id
    assert key.get(f"{DOCUMENTS}/a").status == 200


def test_move_lets_writers_go_on_while_others_work_on_all_tables(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "PATIENCE_MILLISECONDS", (50,))
    monkeypatch.setattr(promotion, "PAUSE_SECONDS", 0.0)
    create(key, "a")
    with own_connection() as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE ONLY document IN SHARE UPDATE EXCLUSIVE MODE")  # as ANALYZE does
        with pytest.raises(JobPostponedError):
            promote_collection(collection_id=posts().id)
        other.execute("ROLLBACK")
    assert partitions.is_shared(posts().place)


def test_move_gives_way_to_a_writer_that_waits_for_it(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "PATIENCE_MILLISECONDS", (200,) * 40)
    monkeypatch.setattr(promotion, "PAUSE_SECONDS", 0.1)
    create(key, "a")
    before = posts()
    with own_connection() as writer:
        writer.execute("BEGIN")
        writer.execute(f"LOCK TABLE {partitions.name(before.place)} IN ROW EXCLUSIVE MODE")

        def write() -> str:
            while not _waiters():
                time.sleep(0.01)
            writer.execute("SELECT 1 FROM document_collection FOR NO KEY UPDATE")
            writer.execute("ROLLBACK")
            return "written"

        assert at_once(own_partition, write)[1:] == ["written"]

    assert posts().place == before.id


def _waiters() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE NOT l.granted AND d.datname = current_database()"
        )
        return int(cursor.fetchone()[0])


class Meanwhile:
    """Does something else at a point of a move, before or after the step that is there."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, step: str, work: Callable[[], Any], *, is_after: bool
    ) -> None:
        self._own, self._work, self._is_after = getattr(moves, step), work, is_after
        monkeypatch.setattr(moves, step, self)

    def __call__(self, *args: Any) -> Any:
        if not self._is_after:
            at_once(self._work)
        result = self._own(*args)
        if self._is_after:
            at_once(self._work)
        return result


def test_what_is_written_during_the_copy_moves_along(
    key: ApiClient, project: ProjectContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uid in ("kept", "changed", "gone", "again", "shown"):
        create(key, uid, likes=1)
    zoe = User.objects.get(uid=sign_up(project, "zoe").uid)
    begun = begin(key)
    assert begun.patch(f"{DOCUMENTS}/kept", data={"title": "staged"}).status == 200
    assert begun.patch(f"{DOCUMENTS}/changed", data={"content": "staged"}).status == 200
    monkeypatch.setattr(moves, "BATCH", 2)

    def write() -> None:
        path = f"{DOCUMENTS}/changed"
        assert key.patch(path, {"data": {"title": "new"}}).status == 200
        assert key.patch(f"{path}/likes/increment").json["likes"] == 2
        assert key.delete(f"{DOCUMENTS}/gone").status == 204
        assert key.delete(f"{DOCUMENTS}/again").status == 204
        create(key, "again", likes=7)
        create(key, "added")
        assign_perm("documents.update_document", zoe, Document.objects.get(uid="shown"))

    Meanwhile(monkeypatch, "copy", write, is_after=True)
    own = own_partition()

    found = {each["$id"]: each for each in key.get(DOCUMENTS).json["documents"]}
    assert {uid: each["likes"] for uid, each in found.items()} == {
        "kept": 1,
        "changed": 2,
        "again": 7,
        "shown": 1,
        "added": None,
    }
    assert found["changed"]["title"] == "new"
    assert 'update("user:zoe")' in found["shown"]["$permissions"]
    assert set(Document.objects.values_list("place", flat=True)) == {own.id}
    assert begun.commit().error == "transaction_conflict"
    assert key.get(f"{DOCUMENTS}/kept").json["title"] == "kept"
    assert find_documents()


def test_collection_deleted_during_the_copy_leaves_nothing(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(key, "a")
    collection = posts()

    def delete() -> None:
        assert key.delete(DOCUMENTS.removesuffix("/documents")).status == 204

    Meanwhile(monkeypatch, "copy", delete, is_after=True)
    promote_collection(collection_id=collection.id)

    assert not partitions.exists(collection.id)
    partitions.create_table(collection.id)  # as a process leaves it that dies before it could look
    assert kernel_jobs.run_waiting() == 1
    assert not partitions.exists(collection.id)
    assert not Document.objects.exists()
    assert not Collection.objects.exists()


def test_one_process_at_a_time_moves_a_collection(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(key, "a")
    second: list[str] = []

    def promote() -> None:
        with pytest.raises(JobPostponedError):
            promote_collection(collection_id=posts().id)
        second.append("put off")

    Meanwhile(monkeypatch, "copy", promote, is_after=False)
    own_partition()

    assert second == ["put off"]


def test_interrupted_move_leaves_all_in_its_place(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(key, "a")
    place = posts().place
    with monkeypatch.context() as broken:
        broken.setattr(Collection, "save", _fail)
        with pytest.raises(RuntimeError):
            promote_collection(collection_id=posts().id)

    assert posts().place == place
    assert key.get(f"{DOCUMENTS}/a").status == 200
    own_partition()
    assert key.get(f"{DOCUMENTS}/a").status == 200


def test_what_a_move_left_behind_is_seen_by_nobody_and_cleared(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(key, "a")
    with monkeypatch.context() as broken:
        broken.setattr(moves, "clear", _fail)
        with pytest.raises(RuntimeError):
            promote_collection(collection_id=posts().id)
    assert Document.objects.count() == 2

    assert key.get(DOCUMENTS).json["total"] == 1
    assert key.patch(f"{DOCUMENTS}/a", {"data": {"title": "new"}}).status == 200
    assert key.patch(f"{DOCUMENTS}/a", {"permissions": ['read("any")']}).status == 200
    assert find_documents()
    Job.objects.filter(name=PROMOTE_COLLECTION).update(run_after=clock.now())
    assert kernel_jobs.run_waiting() == 1
    document = Document.objects.get()
    assert (document.place, document.data["title"]) == (posts().id, "new")
    assert document.permissions == ['read("any")']


def _fail(*_args: object, **_options: object) -> None:
    raise RuntimeError
