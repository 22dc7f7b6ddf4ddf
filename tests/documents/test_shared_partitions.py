"""Collections of several projects in one partition: what is done to one, no other notices."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from guardian.shortcuts import assign_perm, remove_perm

from accounts.roles import role_group_ids
from documents import partitions
from documents.diagnosis import find_documents
from documents.models import Collection, Document, DocumentGroupObjectPermission
from documents.services import promote_collection
from kernel.caller import ProjectContext
from kernel.diagnosis import ProblemError
from kernel.models import Job, OutboxEvent
from tests.client import ApiClient
from tests.documents.blog import query
from tests.documents.test_document_indexes import explained
from tests.documents.transactions import begin
from tests.documents.transfers import fetch, jsonl, send

pytestmark = [pytest.mark.db, pytest.mark.django_db]

BASE = "/databases/default/collections"
POSTS = f"{BASE}/posts"
DOCUMENTS = f"{POSTS}/documents"
ATTRIBUTES: list[dict[str, Any]] = [
    {"key": "title", "type": "string", "size": 100},
    {"key": "likes", "type": "integer"},
    {"key": "hush", "type": "string", "size": 200, "encrypt": True},
]
#: The same names in another project, where they hold what is longer, and what no cast can read.
OTHERS: list[dict[str, Any]] = [
    {"key": "likes", "type": "string", "size": 100},
    {"key": "title", "type": "string", "size": 100},
    {"key": "hush", "type": "string", "size": 200, "encrypt": True},
]
OPTIONAL = {"required": False, "default": None}
ANYONE = ['read("any")', 'update("user:zoe")']


def fill(client: ApiClient, attributes: list[dict[str, Any]], likes: Any, times: int) -> None:
    body = {
        "collectionId": "posts",
        "name": "Posts",
        "attributes": attributes,
        "documentSecurity": True,
        "schemaless": True,
    }
    assert client.post(BASE, body).status == 201
    Collection.objects.update(place=-1)
    for uid in ("a", "b", "c"):
        data = {"title": uid * times, "likes": likes, "hush": "hush" * times, "free": likes}
        body = {"documentId": uid, "data": data, "permissions": ANYONE}
        reply = client.post(DOCUMENTS, body)
        assert reply.status == 201, reply.json


@pytest.fixture
def mine(admin: ApiClient, other_admin: ApiClient) -> ApiClient:
    """Fill a collection of either project; both are in the same partition."""
    fill(other_admin, OTHERS, "many", 50)
    fill(admin, ATTRIBUTES, 7, 1)
    assert set(Document.objects.values_list("place", flat=True)) == {-1}
    return admin


def kept_by(project: ProjectContext) -> list[Any]:
    """Return all that is kept of the documents of a project."""
    rows = Document.objects.filter(collection__project_id=project.id).order_by("id")
    grants = DocumentGroupObjectPermission.objects.filter(
        collection_id__in=Collection.objects.filter(project_id=project.id).values("id")
    )
    return [
        list(rows.values()),
        list(grants.order_by("id").values()),
        OutboxEvent.objects.filter(project_id=project.id).count(),
        list(Collection.objects.filter(project_id=project.id).values()),
    ]


def sent(client: ApiClient, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    reply = client.call(method, path, body)
    assert reply.status < 300, (method, path, reply.json)
    return reply.json


def put(client: ApiClient, uid: str) -> None:
    body = {"documentId": uid, "data": {"title": uid, "likes": 1}, "permissions": ANYONE}
    sent(client, "POST", DOCUMENTS, body)


def commit(client: ApiClient) -> None:
    staging = begin(client)
    assert staging.patch(f"{DOCUMENTS}/b", data={"title": "staged"}).status == 200
    assert staging.post(DOCUMENTS, documentId="d", data={"title": "d"}).status == 201
    assert staging.patch(DOCUMENTS, data={"likes": 8}).status == 200
    assert staging.delete(f"{DOCUMENTS}/d").status == 204
    assert staging.commit().status == 200


def grant(_client: ApiClient) -> None:
    collection = Collection.objects.get(uid="posts", project__uid="blog")
    group = Group.objects.get(id=role_group_ids(collection.project_id, ["users"])[0])
    document = Document.objects.get(collection=collection, uid="b")
    assign_perm("documents.read_document", group, document)
    document.refresh_from_db()
    assert 'read("users")' in document.permissions
    remove_perm("documents.read_document", group, document)


def adopted(client: ApiClient) -> None:
    assert client.get(f"{POSTS}/attributes/free").json["status"] == "available"
    assert client.get(f"{DOCUMENTS}/c").json["free"] == 7


#: What a client may do, in this order; each leaves the next one something to do.
WRITES: Mapping[str, Callable[[ApiClient], object]] = {
    "create": lambda mine: put(mine, "d"),
    "update": lambda mine: sent(mine, "PATCH", f"{DOCUMENTS}/a", {"data": {"title": "mine"}}),
    "grants": lambda mine: sent(mine, "PATCH", f"{DOCUMENTS}/a", {"permissions": ANYONE[:1]}),
    "upsert": lambda mine: sent(mine, "PUT", f"{DOCUMENTS}/e", {"data": {"title": "e"}}),
    "step": lambda mine: sent(mine, "PATCH", f"{DOCUMENTS}/a/likes/increment", {}),
    "delete": lambda mine: sent(mine, "DELETE", f"{DOCUMENTS}/d"),
    "create many": lambda mine: sent(
        mine, "POST", DOCUMENTS, {"documents": [{"$id": "x", "title": "x"}, {"$id": "y"}]}
    ),
    "upsert many": lambda mine: sent(
        mine, "PUT", DOCUMENTS, {"documents": [{"$id": "b", "title": "new"}, {"$id": "z"}]}
    ),
    "update all": lambda mine: sent(mine, "PATCH", DOCUMENTS, {"data": {"title": "all"}}),
    "delete some": lambda mine: sent(
        mine, "DELETE", DOCUMENTS, {"queries": [query("equal", "$id", "x")]}
    ),
    "transaction": commit,
    "grant of guardian's": grant,
    "smaller attribute": lambda mine: sent(
        mine, "PATCH", f"{POSTS}/attributes/string/title", {**OPTIONAL, "size": 10}
    ),
    "smaller sealed attribute": lambda mine: sent(
        mine, "PATCH", f"{POSTS}/attributes/string/hush", {**OPTIONAL, "size": 150}
    ),
    "adopted fields": lambda mine: sent(
        mine, "POST", f"{POSTS}/attributes/integer", {"key": "free", "required": False}
    ),
    "what was adopted": adopted,
    "deleted attribute": lambda mine: sent(mine, "DELETE", f"{POSTS}/attributes/likes"),
    "index": lambda mine: sent(
        mine, "POST", f"{POSTS}/indexes", {"key": "i", "type": "unique", "attributes": ["$id"]}
    ),
    "import": lambda mine: send(mine, jsonl({"$id": "i", "title": "i"}), POSTS),
    "delete all": lambda mine: sent(mine, "DELETE", DOCUMENTS),
    "deleted collection": lambda mine: sent(mine, "DELETE", POSTS),
}


def test_no_write_touches_a_neighbour(
    mine: ApiClient, other_project: ProjectContext, jobs: Callable[[], int]
) -> None:
    theirs = kept_by(other_project)

    for name, write in WRITES.items():
        write(mine)
        jobs()
        assert kept_by(other_project) == theirs, name

    assert not Document.objects.filter(collection__project__uid="blog").exists()


@pytest.mark.parametrize("path", [POSTS, "/databases/default"])
def test_sweeps_leave_the_neighbours(
    mine: ApiClient,
    other_project: ProjectContext,
    jobs: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    monkeypatch.setattr("documents.services.sweeps.SWEEP_BATCH", 2)
    theirs = kept_by(other_project)

    sent(mine, "DELETE", path)
    jobs()

    assert kept_by(other_project) == theirs
    assert Document.objects.count() == 3
    grants = DocumentGroupObjectPermission.objects.values_list("collection_id", flat=True)
    assert set(grants) == {Collection.objects.get().id}
    assert find_documents()


READS: Mapping[str, Any] = {
    "list": [],
    "filter": [query("equal", "likes", 7)],
    "range": [query("between", "likes", 1, 9), query("orderDesc", "likes")],
    "negation": [query("notEqual", "title", "none")],
    "free field": [query("greaterThan", "free", 1)],
    "no value": [query("isNotNull", "title"), query("orderAsc", "title")],
    "cursor": [query("cursorAfter", "", "a"), query("limit", "", 2)],
    "search": [query("contains", "title", "a")],
}


@pytest.mark.parametrize("scan", ["on", "off"])
def test_no_read_sees_a_neighbour(mine: ApiClient, other_admin: ApiClient, scan: str) -> None:
    with connection.cursor() as cursor:
        # Walking the whole table, a test must not meet values of neighbours: it may fail on them.
        for way in ("indexscan", "bitmapscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = {scan}")
    sent(other_admin, "PATCH", DOCUMENTS, {"data": {"title": "theirs"}})

    for name, queries in READS.items():
        found = mine.get(DOCUMENTS, {"queries": queries}).json
        assert {each["likes"] for each in found["documents"]} == {7}, name
        assert found["total"] in (1, 3), name
    groups = mine.get(DOCUMENTS, {"queries": [query("count"), query("sum", "likes")]}).json
    assert groups["documents"][0] | {"count": 3, "sum": 21} == groups["documents"][0]
    assert sorted(json.loads(line)["$id"] for line in fetch(mine, POSTS).splitlines()) == [*"abc"]
    assert other_admin.get(f"{DOCUMENTS}/a").json["title"] == "theirs"
    assert mine.get(f"{DOCUMENTS}/a").json["title"] == "a"


@pytest.mark.django_db(transaction=True)
def test_no_feed_tells_of_a_neighbour(mine: ApiClient, other_admin: ApiClient) -> None:
    place = mine.get(f"{DOCUMENTS}/changes").json["cursor"]
    sent(other_admin, "PATCH", DOCUMENTS, {"data": {"title": "theirs"}})
    sent(mine, "PATCH", f"{DOCUMENTS}/b", {"data": {"title": "mine"}})

    changes = mine.get(f"{DOCUMENTS}/changes", {"since": place}).json["changes"]
    assert [(each["type"], each["document"]["title"]) for each in changes] == [("update", "mine")]


def test_small_collections_are_found_by_their_keys(mine: ApiClient) -> None:
    neighbour = Collection.objects.create(
        project_id=1, database=Collection.objects.all()[0].database, uid="more", place=-1
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO document_shared_1 (collection_id, uid, read_roles)"
            " SELECT %s + n %% 50, 'n' || n, '{any}' FROM generate_series(0, 4999) n",
            [neighbour.id + 1],
        )
        cursor.execute("ANALYZE document_shared_1")

    with explained() as plans:
        mine.get(f"{DOCUMENTS}/a")
        mine.get(DOCUMENTS)
        mine.get(DOCUMENTS, {"queries": [query("equal", "likes", 7)]})

    get, *lists = plans
    assert "Index Scan using document_shared_1_collection_id_uid_key" in get
    assert len(lists) == 2
    for plan in lists:
        assert "document_shared_1_" in plan
        assert "Seq Scan on document_shared_1" not in plan


def test_a_crowd_asks_for_its_own_partition(mine: ApiClient, jobs: Callable[[], int]) -> None:
    crowd = Collection.objects.get(project__uid="blog")
    few = "INSERT INTO document_shared_1 (collection_id, uid) SELECT %s, 'n' || n"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{few} FROM generate_series(4, %s) n",
            [crowd.id, partitions.SHARED_MAX_DOCUMENTS],
        )
        assert not Job.objects.exists()
        # One of 256 has them counted.
        cursor.execute(f"{few} FROM generate_series(2000, 6000) n", [crowd.id])
    asked = Job.objects.values_list("name", "arguments", "rung_at")
    assert set(map(str, asked)) == {
        f"('documents.promote_collection', {{'collection_id': {crowd.id}}}, None)"
    }

    jobs()

    crowd.refresh_from_db()
    assert crowd.place == crowd.id
    assert Document.objects.filter(place=crowd.id).count() == 1000 + 4001
    assert Document.objects.filter(place=-1).count() == 3


def test_documents_made_in_bulk_ask_for_their_own_partition(
    mine: ApiClient, jobs: Callable[[], int]
) -> None:
    crowd = Collection.objects.get(project__uid="blog")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO document_shared_1 (collection_id, uid)"
            " SELECT %s, 'n' || n FROM generate_series(1, %s) n",
            [crowd.id, partitions.SHARED_MAX_DOCUMENTS],
        )
    for number in range(40):  # one document of 256 has them counted
        many = [{"$id": f"m{number}-{each}", "title": "m"} for each in range(100)]
        sent(mine, "POST", DOCUMENTS, {"documents": many})
        if Job.objects.exists():
            break

    jobs()

    crowd.refresh_from_db()
    assert crowd.place == crowd.id
    assert Document.objects.filter(place=crowd.id).count() == 3 + 1000 + 100 * (number + 1)


def test_as_many_are_shared_as_are_known(db: None) -> None:
    names = {partitions.name(-number) for number in range(1, partitions.SHARED + 1)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'document'::regclass"
        )
        assert {row[0] for row in cursor.fetchall()} == names
    assert {partitions.shared_place() for _ in range(1000)} <= set(range(-partitions.SHARED, 0))


def test_documents_that_are_nobodys_are_told(mine: ApiClient) -> None:
    assert find_documents()
    Collection.objects.filter(project__uid="blog").update(place=-2)

    with pytest.raises(ProblemError, match="documents of 1 collections are in a table"):
        find_documents()


def told_of_documents() -> list[Any]:
    columns = ("id", "uid", "data", "permissions", "read_roles", "created_at", "updated_at")
    return [
        list(Document.objects.order_by("id").values(*columns)),
        list(DocumentGroupObjectPermission.objects.order_by("id").values()),
        OutboxEvent.objects.count(),
        list(Collection.objects.order_by("id").values("id", "updated_at")),
    ]


def test_all_of_a_document_stays_as_it_was(mine: ApiClient) -> None:
    kept = told_of_documents()
    collection = Collection.objects.get(project__uid="blog")

    promote_collection(collection_id=collection.id)
    promote_collection(collection_id=collection.id)

    version = collection.version
    collection.refresh_from_db()
    assert (collection.place, collection.version) == (collection.id, version + 1)
    assert told_of_documents() == kept
    assert mine.post(DOCUMENTS, {"documentId": "a", "data": {"title": "T"}}).status == 409
    put(mine, "d")
