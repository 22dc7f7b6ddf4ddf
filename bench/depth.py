"""Whether a page of a long collection is quick, however little of it the caller may read."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import connection, transaction

from bench import load, processes, statements
from bench.api import Api
from bench.data import (
    BUILD_SECONDS,
    DATABASE,
    PAGE,
    PROJECT,
    Stage,
    make_collection,
    make_index,
)
from bench.plan import Plan, RefusedError
from bench.requests import Request, Workload, queries
from documents import partitions
from documents.models import Collection
from documents.services import promote_collection
from kernel.ids import unique_id

LONG = "long"
BASE = f"/databases/{DATABASE}/collections"
#: Each user may read one document in so many.
READERS = {"every": 1, "tenth": 10, "thousandth": 1000}
#: How many documents there are for each that the run was told to make.
TIMES = 10
MOST_MILLISECONDS = 10.0
WARM_UP_SECONDS = 1

# The API writes one document for each set of readers; these copy it, with its grants, as the API
# would have written it, and only vary the values that are filtered and ordered by.
_COPY = """
    INSERT INTO document
        (place, collection_id, uid, data, permissions, read_roles, created_at, updated_at)
    SELECT t.place, t.collection_id, 'd' || n,
        t.data || jsonb_build_object('score', floor(random() * 1000000000)::int),
        t.permissions, t.read_roles, t.created_at, t.updated_at
    FROM generate_series(1, %(count)s) AS n
    JOIN document t ON t.collection_id = %(collection)s AND t.uid =
        CASE WHEN n %% 1000 = 0 THEN 't3' WHEN n %% 10 = 0 THEN 't2' ELSE 't1' END
    ORDER BY n
"""
_COPY_GRANTS = """
    INSERT INTO document_group_grant (content_object_id, collection_id, group_id, permission_id)
    SELECT d.id, d.collection_id, g.group_id, g.permission_id
    FROM document d
    JOIN document t ON t.collection_id = d.collection_id
        AND t.uid = 't' || cardinality(d.read_roles)
    JOIN document_group_grant g ON g.content_object_id = t.id
    WHERE d.collection_id = %(collection)s AND d.uid LIKE 'd%%'
    ORDER BY d.id, g.id
"""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Depth:
    """CPU time of a page, in milliseconds, by who asks and how."""

    documents: int
    pages: Sequence[tuple[str, float]]

    @property
    def is_quick(self) -> bool:
        return all(spent < MOST_MILLISECONDS for _, spent in self.pages)

    def as_text(self) -> str:
        told = "; ".join(f"{name} {spent:.2f} ms" for name, spent in self.pages)
        verdict = "all" if self.is_quick else "not all"
        return (
            f"{self.documents:,} documents, pages of {PAGE}: {told}."
            f" {verdict.capitalize()} are below {MOST_MILLISECONDS:.0f} ms."
        )


def run(prepared: Stage, plan: Plan, say: Say) -> Depth:
    """Make a long collection, or find it, and ask for pages of it; `say` is told the plans.

    Raises: RefusedError when wrk is missing.
    """
    if not load.is_available():
        raise RefusedError("wrk is not installed (Debian: apt install wrk).")
    count = TIMES * plan.documents
    with Api(plan.url, dict(prepared.key)) as api:
        _make(api, count, say)
        sessions = {name: _session(api, name) for name in READERS}
    found = []
    for workload in workloads(sessions, count):
        say(f"measuring: {workload.name}")
        say(_plan(workload, plan))
        found.append((workload.name, _cost(workload, plan)))
    return Depth(documents=count, pages=found)


def workloads(sessions: dict[str, str], count: int) -> list[Workload]:
    """Return what each reader asks for: both ways through an index, its middle, and no order."""
    middles = random.Random(1).sample(range(1000, count + 1, 1000), min(count // 1000, 100))
    rising: dict[str, object] = {"method": "orderAsc", "attribute": "score"}
    falling: dict[str, object] = {"method": "orderDesc", "attribute": "score"}
    page: dict[str, object] = {"method": "limit", "values": [PAGE]}
    forms: dict[str, list[list[dict[str, object]]]] = {
        "first": [[rising, page]],
        "last": [[falling, page]],
        "after": [[rising, page, _cursor(each)] for each in middles],
        "before": [[falling, page, _cursor(each)] for each in middles],
        "unordered": [[page]],
    }
    return [
        Workload(
            f"{reader}, {form}",
            [
                Request(
                    "GET",
                    f"{BASE}/{LONG}/documents?{queries(*each)}&total=false",
                    {"X-Appwrite-Project": PROJECT, "X-Appwrite-Session": session},
                )
                for each in variants
            ],
        )
        for reader, session in sessions.items()
        for form, variants in forms.items()
    ]


def _cursor(number: int) -> dict[str, object]:
    return {"method": "cursorAfter", "values": [f"d{number}"]}


def _make(api: Api, count: int, say: Say) -> None:
    for name in READERS:
        if not api.has(f"/users/{name}"):
            api.post(
                "/users", {"userId": name, "email": f"{name}@example.com", "password": unique_id()}
            )
    if api.has(f"{BASE}/{LONG}"):
        if api.has(f"{BASE}/{LONG}/documents/d{count}"):
            return
        api.delete(f"{BASE}/{LONG}")
    say(f"writing {count:,} documents")
    make_collection(api, LONG)
    for number in range(1, len(READERS) + 1):
        readers = list(READERS)[:number]
        body = {
            "documentId": f"t{number}",
            "data": {"title": "Title", "category": "c", "score": 0, "body": "Body " * 20},
            "permissions": [f'read("user:{each}")' for each in readers],
        }
        api.post(f"{BASE}/{LONG}/documents", body)
    _copy(count)
    say("building the index")
    make_index(api, LONG, {"score": "ASC"}, seconds=5 * BUILD_SECONDS)
    _count()


def _session(api: Api, user: str) -> str:
    return str(api.post(f"/users/{user}/sessions", {})["secret"])


def _copy(count: int) -> None:
    promote_collection(collection_id=_collection().id)
    values = {"collection": _collection().id, "count": count}
    with transaction.atomic(), connection.cursor() as cursor:
        # The grants of the copies are compiled already: the triggers have nothing to do.
        cursor.execute("SELECT set_config('appwrite.compiled', 'on', true), setseed(0.5)")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_COPY, values)
        cursor.execute(_COPY_GRANTS, values)


def _count() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"VACUUM ANALYZE {partitions.name(_collection().id)}, document_group_grant")


def _collection() -> Collection:
    return Collection.objects.get(project__uid=PROJECT, uid=LONG, deleted_at=None)


def _plan(workload: Workload, plan: Plan) -> str:
    """Return how PostgreSQL reads the page, as far as it scans."""
    traffic = statements.watch(workload.variants[0], plan.prefix)
    (text,) = (each for each in traffic.sql if "AS MATERIALIZED" in each)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, SUMMARY OFF) {text.replace('%', '%%')}", [])
        return "\n".join(row[0] for row in cursor.fetchall() if " Scan " in row[0])


def _cost(workload: Workload, plan: Plan) -> float:
    load.run(workload, plan.for_seconds(WARM_UP_SECONDS))
    web = processes.CpuMeter(partial(processes.listeners, plan.port))
    database = processes.CpuMeter(processes.database_processes)
    found = load.run(workload, plan)
    if found.failed:
        raise RefusedError(f"{found.failed} requests failed.")
    return (web.seconds() + database.seconds()) * 1000 / found.requests
