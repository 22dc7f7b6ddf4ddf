"""Index builds outside transactions, as workers do them: concurrent, repeatable, crash-proof."""

import threading

import psycopg
import psycopg.sql
import pytest
from django.db import connection
from django.test import Client

from accounts.services import create_console_admin
from documents import indexes, partitions, services
from documents.models import Collection, Document
from documents.progress import progress
from documents.services.indexes import load_indexes
from documents.vocabulary import COLLECTIONS
from kernel.models import Job
from tests.database import own_connection
from tests.documents.schema import (
    POSTS,
    add_attribute,
    document_tables,
    drop_partitions,
    index_names,
    own_partition,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _no_partitions_left(transactional_db):
    yield
    drop_partitions()


@pytest.fixture
def letters(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    jobs()
    for number in range(20):
        Document.objects.create(
            collection=collection(), uid=f"d{number}", data={"title": f"title {number}"}
        )
    own_partition()
    return posts


def collection():
    return Collection.objects.get(uid="posts")


def ask(admin, type_="key"):
    body = {"key": "by_title", "type": type_, "attributes": ["title"]}
    assert admin.post(f"{POSTS}/indexes", body).status == 202
    return Job.objects.filter(name="documents.build_index").latest("id").arguments["name"]


def status(admin):
    return admin.get(f"{POSTS}/indexes/by_title").json["status"]


def build(name):
    services.build_index(collection_id=collection().id, name=name, names=COLLECTIONS)


def read(reader, of):
    statement = psycopg.sql.SQL("SELECT count(*) FROM {}")
    reader.execute(statement.format(partitions.identifier(of.id)))


def test_index_is_built_and_dropped_beside_the_traffic(admin, letters, jobs):
    name = ask(admin)
    with connection.execute_wrapper(refuse_transactions("INDEX")):
        jobs()

    assert status(admin) == "available"
    assert index_names(collection().id) == [name]

    admin.delete(f"{letters}/indexes/by_title")
    jobs()

    assert index_names(collection().id) == []


def refuse_transactions(word):
    def watch(execute, sql, params, many, context):
        text = sql if isinstance(sql, str) else sql.as_string()
        if text.startswith(("CREATE ", "DROP ")) and word in text:
            assert "CONCURRENTLY" in text
        return execute(sql, params, many, context)

    return watch


def test_invalid_index_of_a_killed_build_is_made_anew(admin, letters, jobs):
    name = ask(admin, "unique")
    twin = Document.objects.create(collection=collection(), uid="twin", data={"title": "title 1"})
    column = """((data ->> 'title') COLLATE "C")"""
    with own_connection() as killed, pytest.raises(psycopg.errors.UniqueViolation):
        killed.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON document_{collection().id} ({column})"
        )
    Document.objects.filter(id=twin.id, collection=collection()).delete()
    assert index_names(collection().id) == []

    jobs()

    assert status(admin) == "available"
    assert index_names(collection().id) == [name]


def test_finished_build_of_a_killed_worker_is_taken_over(admin, letters, jobs):
    name = ask(admin)
    loaded = services.indexes.load_indexes(collection())[0]
    indexes.build(collection().id, loaded, services.indexes.attributes_of(collection()))
    assert index_names(collection().id) == [name]

    jobs()

    assert status(admin) == "available"


def test_second_builder_gives_way_and_its_job_is_tried_again(admin, letters, jobs):
    ask(admin)
    lock = (indexes.LOCK_SPACE, collection().id)
    with own_connection() as other:
        other.execute("SELECT pg_advisory_lock(%s::int, %s::int)", lock)
        jobs()
        assert status(admin) == "processing"
        waiting = Job.objects.get(name="documents.build_index")
        assert (waiting.status, waiting.attempts) == ("waiting", 1)
        # Closing the connection would free it, too, but some time later.
        other.execute("SELECT pg_advisory_unlock(%s::int, %s::int)", lock)

    build(waiting.arguments["name"])

    assert status(admin) == "available"


def test_duplicates_leave_no_invalid_index_behind(admin, letters, jobs):
    name = ask(admin, "unique")
    Document.objects.create(collection=collection(), uid="twin", data={"title": "title 1"})

    jobs()

    assert status(admin) == "failed"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [name])
        assert cursor.fetchone() == (None,)


def test_too_long_values_make_a_build_fail_with_a_reason(admin, posts, jobs):
    add_attribute(admin, "string", "title", size=768)
    jobs()
    rare = "".join(chr(0x20000 + number * 53 % 40000) for number in range(768))
    Document.objects.create(collection=collection(), uid="long", data={"title": rare})
    ask(admin)

    jobs()

    assert status(admin) == "failed"
    assert "too long" in admin.get(f"{POSTS}/indexes/by_title").json["error"]


def test_limits_of_requests_hold_again_after_a_build(admin, letters, jobs):
    ask(admin)
    jobs()

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("9s",)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("2s",)


def page(number):
    """Return what reads the page of a collection."""
    client, path = Client(), f"/console/documents/collection/{number}/change/"
    ada = create_console_admin(email="ada@example.com", password="correct horse battery staple")
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")

    def read_page():
        return client.get(path).content.decode()

    return read_page


def test_writes_go_on_while_an_index_is_built_and_the_console_tells_how_far_it_is(admin, letters):
    name = ask(admin)
    shown = page(collection().id)
    assert "by_title: key, processing<" in shown()
    ended = threading.Event()
    with own_connection() as reader:
        # A snapshot that is still open holds the build up, and must hold up nobody else.
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        read(reader, collection())

        def work():
            try:
                build(name)
            finally:
                connection.close()
                ended.set()

        thread = threading.Thread(target=work)
        thread.start()
        assert not ended.wait(0.3)
        body = {"documentId": "new", "data": {"title": "written meanwhile"}}
        assert admin.post(f"{POSTS}/documents", body).status == 201
        while progress([load_indexes(collection())[0]]).get(name, 0) < 99 and thread.is_alive():
            ended.wait(0.02)
        assert "by_title: key, processing, 99 %" in shown()
        assert 'hx-trigger="every 3s"' in shown()
        reader.execute("ROLLBACK")
        thread.join(60)

    assert status(admin) == "available"
    assert "by_title: key, available<" in shown()
    assert 'hx-trigger="every 3s' not in shown()


def test_interrupted_sweep_of_a_collection_is_finished(admin, letters, jobs):
    swept = collection().id
    admin.delete(letters)
    partitions.detach(swept)

    jobs()

    assert f"document_{swept}" not in document_tables()
    assert not Collection.objects.filter(id=swept).exists()


def test_collections_are_made_while_a_sweep_waits_for_a_reader(admin, letters):
    swept = collection().id
    admin.delete(letters)

    def work():
        services.sweep_collection(collection_id=swept)
        connection.close()

    thread = threading.Thread(target=work)
    with own_connection() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM document")
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        body = {"collectionId": "notes", "name": "Notes"}
        assert admin.post("/databases/default/collections", body).status == 201
        reader.execute("ROLLBACK")
    thread.join(60)

    assert f"document_{swept}" not in document_tables()


def test_partition_left_half_detached_stops_no_other_sweep(admin, letters, jobs):
    stuck = collection().id
    body = {"collectionId": "notes", "name": "Notes"}
    assert admin.post("/databases/default/collections", body).status == 201
    notes = own_partition("notes").id
    admin.delete(letters)
    admin.delete("/databases/default/collections/notes")
    with own_connection() as reader, own_connection() as killed:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM document")
        killed.execute("SET statement_timeout = 200")
        with pytest.raises(psycopg.errors.QueryCanceled):
            killed.execute(f"ALTER TABLE document DETACH PARTITION document_{stuck} CONCURRENTLY")
        reader.execute("ROLLBACK")

    services.sweep_collection(collection_id=notes)
    services.sweep_collection(collection_id=stuck)

    assert not {f"document_{stuck}", f"document_{notes}"} & set(document_tables())


def test_sweep_does_not_stop_the_statements_of_others(admin, letters, jobs):
    swept = collection().id
    body = {"collectionId": "notes", "name": "Notes"}
    assert admin.post("/databases/default/collections", body).status == 201
    notes = own_partition("notes")
    admin.delete(letters)
    with own_connection() as reader:
        reader.execute("BEGIN")
        read(reader, notes)
        jobs()
        reader.execute("ROLLBACK")

    assert f"document_{swept}" not in document_tables()
