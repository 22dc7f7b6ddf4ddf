"""The project that is measured: users, collections, and many documents of theirs."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from bench.api import Api
from bench.fanout import PLACE
from bench.plan import Plan
from bench.report import CREATE, CREATE_MANY
from bench.requests import FRESH, Request, Workload, json_body, queries
from documents import partitions
from documents.models import Collection
from documents.services import promote_collection
from kernel.ids import unique_id
from kernel.limits import MAX_BULK_DOCUMENTS
from kernel.scopes import PROJECT_KEY_SCOPES
from projects.services import create_key, create_project, delete_key, find_project, operator

PROJECT = "bench"
DATABASE = "default"
READ, MADE, NEWS = "read", "made", "news"  # collections
USERS = 10
CATEGORIES = 10
PAGE = 25
MOST_VARIANTS = 5_000
BUILD_SECONDS = 120

_ATTRIBUTES = {
    "title": ("string", {"size": 255}),
    "category": ("string", {"size": 32}),
    "score": ("integer", {}),
    "body": ("string", {"size": 2000}),
    "is_open": ("boolean", {}),
}
_BODY = "The quick brown fox jumps over the lazy dog, and no one minds. " * 2

# The API writes one document per user; these copy it, with its grants, as the API would have
# written it, and only vary the values that are filtered and ordered by.
_COPY = """
    INSERT INTO document
        (place, collection_id, uid, data, permissions, read_roles, created_at, updated_at)
    SELECT t.place, t.collection_id, 'd' || n, t.data || jsonb_build_object(
            'category', 'c' || floor(random() * %(categories)s)::int,
            'score', floor(random() * 1000000)::int
        ), t.permissions, t.read_roles, t.created_at, t.updated_at
    FROM generate_series(0, %(count)s - 1) AS n
    JOIN document t ON t.collection_id = %(collection)s AND t.uid = 't' || n %% %(users)s
    ORDER BY n
"""
_COPY_GRANTS = """
    INSERT INTO document_group_grant (content_object_id, collection_id, group_id, permission_id)
    SELECT d.id, d.collection_id, g.group_id, g.permission_id
    FROM document d
    JOIN document t ON t.collection_id = d.collection_id
        AND t.uid = 't' || substr(d.uid, 2)::int %% %(users)s
    JOIN document_group_grant g ON g.content_object_id = t.id
    WHERE d.collection_id = %(collection)s AND d.uid LIKE 'd%%'
    ORDER BY d.id, g.id
"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is needed to send the measured requests."""

    key: dict[str, str]
    user: dict[str, str]
    documents: int

    def workloads(self) -> list[Workload]:
        items = f"/databases/{DATABASE}/collections/{READ}/documents"
        own = range(0, self.documents, USERS)
        chosen = random.Random(1).sample(own, min(len(own), MOST_VARIANTS))
        own_id = f"'d' || (:n::int * {USERS})"
        listing = f"{items}?{_listing()}"
        body = json_body({"data": {"title": f"T {FRESH.decode()}"}})
        changes = (Request("PATCH", f"{items}/d{n}", self.key, body) for n in chosen)
        return [
            Workload(CREATE, [self._creation()], "gen_random_uuid()::text"),
            Workload(CREATE_MANY, [self._creations()], documents=MAX_BULK_DOCUMENTS),
            Workload(
                "get as key", [Request("GET", f"{items}/d{n}", self.key) for n in chosen], own_id
            ),
            Workload(
                "get as user", [Request("GET", f"{items}/d{n}", self.user) for n in chosen], own_id
            ),
            Workload("list as user", [Request("GET", f"{listing}&total=false", self.user)]),
            Workload("list with total", [Request("GET", listing, self.user)]),
            Workload("update", list(changes), own_id),
        ]

    def _creation(self) -> Request:
        body = {"documentId": "unique()", "data": _values(0), "permissions": _permissions(0)}
        path = f"/databases/{DATABASE}/collections/{MADE}/documents"
        return Request("POST", path, self.key, json_body(body))

    def _creations(self) -> Request:
        document = {"$id": "unique()", "$permissions": _permissions(0), **_values(0)}
        path = f"/databases/{DATABASE}/collections/{MADE}/documents"
        return Request(
            "POST", path, self.key, json_body({"documents": [document] * MAX_BULK_DOCUMENTS})
        )

    def publication(self) -> Request:
        body = {
            "documentId": "unique()",
            "data": {"stamp": PLACE.decode(), "text": "news"},
            "permissions": ['read("any")'],
        }
        path = f"/databases/{DATABASE}/collections/{NEWS}/documents"
        return Request("POST", path, self.key, json_body(body))

    @staticmethod
    def socket_path() -> str:
        channel = f"databases.{DATABASE}.collections.{NEWS}.documents"
        return f"/realtime?project={PROJECT}&channels[]={channel}"


@contextmanager
def stage(plan: Plan, say: Callable[[str], None]) -> Iterator[Stage]:
    """Make what a run needs, or find what an earlier one left; the key lives for one run."""
    operating = operator()
    if find_project(PROJECT) is None:
        create_project(caller=operating, project_id=PROJECT, name="Benchmark")
    key = create_key(caller=operating, project_id=PROJECT, name="bench", scopes=PROJECT_KEY_SCOPES)
    project = {"X-Appwrite-Project": PROJECT}
    headers = project | {"X-Appwrite-Key": key["secret"]}
    try:
        with Api(plan.url, headers) as api:
            _make_users(api)
            _make_collections(api, plan, say)
            session = api.post(f"/users/{_user(0)}/sessions", {})
            user = project | {"X-Appwrite-Session": session["secret"]}
            yield Stage(key=headers, user=user, documents=plan.documents)
    finally:
        delete_key(caller=operating, project_id=PROJECT, key_id=key["$id"])


def _make_users(api: Api) -> None:
    for number in range(USERS):
        if not api.has(f"/users/{_user(number)}"):
            email = f"{_user(number)}@example.com"
            api.post("/users", {"userId": _user(number), "email": email, "password": unique_id()})


def _make_collections(api: Api, plan: Plan, say: Callable[[str], None]) -> None:
    base = f"/databases/{DATABASE}/collections"
    for name in (MADE, NEWS):
        if api.has(f"{base}/{name}"):
            api.delete(f"{base}/{name}")
    make_collection(api, MADE)
    make_index(api, MADE, {"category": "ASC", "score": "DESC"})
    _make_news(api)
    if api.has(f"{base}/{READ}"):
        if api.has(f"{base}/{READ}/documents/d{plan.documents - 1}"):
            return
        api.delete(f"{base}/{READ}")
    say(f"writing {plan.documents:,} documents")
    make_collection(api, READ)
    for number in range(USERS):
        api.post(
            f"{base}/{READ}/documents",
            {
                "documentId": f"t{number}",
                "data": _values(number),
                "permissions": _permissions(number),
            },
        )
    _copy(plan.documents)
    make_index(api, READ, {"category": "ASC", "score": "DESC"})


def make_collection(api: Api, name: str) -> None:
    """Make a collection of five attributes, and wait until they are built."""
    base = f"/databases/{DATABASE}/collections"
    api.post(base, {"collectionId": name, "name": name, "documentSecurity": True})
    for key, (kind, options) in _ATTRIBUTES.items():
        body = {"key": key, "required": False, **options}
        api.post(f"{base}/{name}/attributes/{kind}", body)
    api.wait(f"{base}/{name}/attributes", "attributes", BUILD_SECONDS)


def _make_news(api: Api) -> None:
    base = f"/databases/{DATABASE}/collections"
    api.post(base, {"collectionId": NEWS, "name": NEWS, "documentSecurity": True})
    for key in ("stamp", "text"):
        api.post(f"{base}/{NEWS}/attributes/string", {"key": key, "size": 64, "required": False})
    api.wait(f"{base}/{NEWS}/attributes", "attributes", BUILD_SECONDS)


def make_index(
    api: Api, name: str, orders: dict[str, str], *, seconds: float = BUILD_SECONDS
) -> None:
    """Have a collection indexed, and wait until it is."""
    path = f"/databases/{DATABASE}/collections/{name}/indexes"
    body = {"key": "main", "type": "key", "attributes": list(orders)}
    api.post(path, body | {"orders": list(orders.values())})
    api.wait(path, "indexes", seconds)


def _copy(count: int) -> None:
    collection = Collection.objects.get(
        project__uid=PROJECT, database__uid=DATABASE, uid=READ, deleted_at=None
    )
    promote_collection(collection_id=collection.id)
    values = {
        "collection": collection.id,
        "count": count,
        "users": USERS,
        "categories": CATEGORIES,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # The grants of the copies are compiled already: the triggers have nothing to do.
        cursor.execute("SELECT set_config('appwrite.compiled', 'on', true), setseed(0.5)")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_COPY, values)
        cursor.execute(_COPY_GRANTS, values)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"VACUUM ANALYZE {partitions.name(collection.id)}, document_group_grant")


def _listing() -> str:
    return queries(
        {"method": "equal", "attribute": "category", "values": ["c3"]},
        {"method": "orderDesc", "attribute": "score"},
        {"method": "limit", "values": [PAGE]},
    )


def _values(number: int) -> dict[str, object]:
    return {
        "title": f"Document {number}",
        "category": f"c{number % CATEGORIES}",
        "score": number,
        "body": _BODY,
        "is_open": True,
    }


def _permissions(number: int) -> list[str]:
    return [f'{action}("user:{_user(number)}")' for action in ("read", "update")]


def _user(number: int) -> str:
    return f"user{number}"
