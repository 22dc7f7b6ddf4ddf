"""Totals are kept as long as nothing changed, and never longer: every write is seen at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from guardian.shortcuts import assign_perm, remove_perm

from accounts.roles import role_group_ids
from documents import partitions
from documents.models import Collection, Document
from documents.store import totals
from tests.client import ApiClient
from tests.database import own_connection
from tests.documents.schema import add_attribute, drop_partitions, own_partition

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

FALSE = 77
LIMIT = '{"method":"limit","values":[1]}'


@pytest.fixture(autouse=True)
def _fresh(transactional_db):
    totals.forget_totals()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM document_change")
    totals.sweep()  # draws its line where every snapshot to come sees it
    yield
    totals.forget_totals()
    drop_partitions()


@dataclass
class Letters:
    """A collection of three documents, each of which the caller may read."""

    admin: ApiClient
    documents: str

    def total(self, *queries):
        answer = self.admin.get(self.documents, query={"queries": [LIMIT, *queries]})
        assert answer.status == 200, answer.json
        return answer.json["total"]

    def create(self, uid, title="new"):
        body = {"documentId": uid, "data": {"title": title}}
        assert self.admin.post(self.documents, body).status == 201


@pytest.fixture
def letters(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    jobs()
    made = Letters(admin, f"{posts}/documents")
    for number in range(3):
        made.create(f"d{number}", title="old")
    return made


def collection():
    return Collection.objects.get(uid="posts")


def falsify():
    """Put a false number in place of each kept total, so that using one shows."""
    for key, kept in totals._kept.items():
        totals._kept[key] = kept._replace(total=FALSE)


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement.format(partitions.name(collection().place)))


def test_total_is_kept_while_nothing_changes(letters):
    assert letters.total() == 3
    falsify()
    assert letters.total() == FALSE


def test_pages_of_one_query_share_a_total(letters):
    letters.total()
    falsify()
    assert letters.total('{"method":"offset","values":[1]}') == FALSE
    assert letters.total('{"method":"cursorAfter","values":["d0"]}') == FALSE
    assert letters.total('{"method":"orderDesc","attribute":"title"}') == FALSE


def test_other_filters_have_another_total(letters):
    letters.total()
    falsify()
    old = '{"method":"equal","attribute":"title","values":["old"]}'
    new = '{"method":"equal","attribute":"title","values":["new"]}'
    assert letters.total(old) == 3
    assert letters.total(new) == 0
    assert letters.total(old) == 3


def grant_outside(letters):
    group = Group.objects.get(id=role_group_ids(collection().project_id, ["any"])[0])
    assign_perm("documents.read_document", group, Document.objects.get(uid="d0"))


def take_outside(letters):
    grant_outside(letters)
    totals.forget_totals()
    letters.total()
    falsify()
    group = Group.objects.get(id=role_group_ids(collection().project_id, ["any"])[0])
    remove_perm("documents.read_document", group, Document.objects.get(uid="d0"))


WRITES = {
    "create": lambda letters: letters.create("new"),
    "update": lambda letters: letters.admin.patch(
        f"{letters.documents}/d0", {"data": {"title": "new"}}
    ),
    "delete": lambda letters: letters.admin.delete(f"{letters.documents}/d0"),
    "create many": lambda letters: letters.admin.post(
        letters.documents, {"documents": [{"$id": "x"}, {"$id": "y"}]}
    ),
    "delete many": lambda letters: letters.admin.delete(letters.documents),
    "grant": grant_outside,
    "revocation": take_outside,
    "statement on the partition": lambda _: execute("DELETE FROM {} WHERE uid = 'd1'"),
    "move to another partition": lambda _: own_partition(),
    "statement on the table": lambda _: execute("DELETE FROM document WHERE uid = 'd1'"),
}


@pytest.mark.parametrize("write", WRITES)
def test_every_write_ends_a_total(letters, write):
    letters.total()
    falsify()
    WRITES[write](letters)
    assert letters.total() == Document.objects.filter(collection=collection()).count()


def test_write_that_was_under_way_while_counting_is_seen_once_it_commits(letters):
    with own_connection() as writer:
        writer.autocommit = False
        writer.execute("DELETE FROM document WHERE uid = 'd2'")
        letters.create("later", title="old")  # so that the writer is not the newest
        assert letters.total() == 4
        assert letters.total() == 4
        writer.commit()
    assert letters.total() == 3


def test_write_that_fails_changes_nothing(letters):
    letters.total()
    with own_connection() as writer:
        writer.autocommit = False
        writer.execute("DELETE FROM document")
        writer.rollback()
    falsify()
    assert letters.total() == FALSE


def test_total_of_another_collection_stays(letters, admin):
    letters.total()
    falsify()
    admin.post("/databases/default/collections", {"collectionId": "notes", "name": "Notes"})
    Document.objects.create(collection=Collection.objects.get(uid="notes"), uid="n1")
    assert letters.total() == FALSE


def test_nothing_is_kept_inside_a_transaction(letters):
    with transaction.atomic():
        Document.objects.filter(uid="d0").delete()
        assert letters.total() == 2
        transaction.set_rollback(True)
    assert not totals._kept
    assert letters.total() == 3


def changes(where="true"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM document_change WHERE {where}")
        return cursor.fetchone()[0]


def test_sweep_takes_the_changes_that_every_snapshot_sees(letters):
    execute("INSERT INTO document_change VALUES (987654321, '3'), (987654321, '4')")
    assert totals.sweep() >= 2
    assert changes("collection_id = 987654321") == 0
    assert changes("collection_id = 0") == 1


def test_total_counted_before_a_sweep_of_later_changes_is_counted_anew(letters):
    letters.total()
    falsify()
    letters.create("e1")
    letters.create("e2")
    # As a sweep leaves it once no snapshot is left that lacks these two.
    execute("DELETE FROM document_change")
    execute("INSERT INTO document_change VALUES (0, pg_current_xact_id())")
    assert letters.total() == 5


def test_changes_of_another_server_are_swept(letters):
    execute("INSERT INTO document_change VALUES (0, '9000000000000000000')")
    totals.sweep()
    assert changes("xid > '8000000000000000000'") == 0


def test_without_any_record_all_is_counted(letters):
    letters.total()
    falsify()
    execute("DELETE FROM document_change")
    assert letters.total() == 3


def test_kept_totals_are_bounded(letters, monkeypatch):
    monkeypatch.setattr(totals, "CACHED_TOTALS", 3)
    for number in range(10):
        letters.total(f'{{"method":"equal","attribute":"title","values":["{number}"]}}')
    assert len(totals._kept) == 3
    assert all(len(key) == 16 for key in totals._kept)


def test_old_totals_are_counted_anew(letters, monkeypatch):
    monkeypatch.setattr(totals, "KEPT_SECONDS", 0.0)
    letters.total()
    falsify()
    assert letters.total() == 3


def test_no_total_is_ever_behind_what_was_acknowledged(letters):
    """Many write while one reads: each total lies between what was done and what was begun."""
    begun, done, ends = [3], [3], threading.Event()
    lock = threading.Lock()

    def write(name):
        for number in range(20):
            with lock:
                begun[0] += 1
            letters.create(f"{name}{number}")
            with lock:
                done[0] += 1
        connections.close_all()

    def read():
        faults = []
        while not ends.is_set():
            least = done[0]
            total = letters.total()
            if not least <= total <= begun[0]:
                faults.append((least, total, begun[0]))
        connections.close_all()
        return faults

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for writer in [pool.submit(write, name) for name in "ab"]:
                writer.result()
        finally:
            ends.set()
        assert [fault for reader in readers for fault in reader.result()] == []
    assert letters.total() == 43
