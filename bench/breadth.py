"""Whether a collection gets slower because there are ten thousand others."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from django.db import connection, transaction
from psycopg import sql

from bench import load, processes
from bench.api import Api
from bench.data import DATABASE, PROJECT, Stage, make_collection
from bench.plan import Plan, RefusedError
from bench.requests import Request, Workload
from documents import partitions
from documents.models import Collection

TEMPLATE = "wide"
ONLY = "only"  # the one document that each of them holds
BASE = f"/databases/{DATABASE}/collections"
MADE_AT_ONCE = 100
TIMED_CREATIONS = 5
_PAGE_KIB = 4
_COPY = sql.SQL("""
    INSERT INTO {copy} (collection_id, uid, data, permissions, read_roles, created_at, updated_at)
    SELECT {number}, uid, data, permissions, read_roles, created_at, updated_at FROM {template}
    WHERE collection_id = {like}
""")

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU time of a request, in milliseconds, in web processes and PostgreSQL together."""

    alone: float
    among: float

    def as_text(self, name: str) -> str:
        return (
            f"{name} {self.alone:.2f} ms alone, {self.among:.2f} ms ({self.among / self.alone:.2f}"
            " times)"
        )


@dataclass(frozen=True, kw_only=True)
class Breadth:
    """How many collections there were, and what it costs to read, to make one more, in memory."""

    collections: int
    get: Cost
    page: Cost
    creation_milliseconds: float
    before_mib: float
    after_mib: float

    def as_text(self) -> str:
        return (
            f"{self.collections:,} collections: {self.get.as_text('get')};"
            f" {self.page.as_text('list')}; another one made in"
            f" {self.creation_milliseconds:.0f} ms; a web process holds {self.before_mib:.0f} MiB"
            f" before and {self.after_mib:.0f} MiB after"
        )


def run(prepared: Stage, plan: Plan, say: Say) -> Breadth:
    """Make collections, and read from one of them, then from all in random order.

    Raises: RefusedError when wrk is missing.
    """
    if not load.is_available():
        raise RefusedError("wrk is not installed (Debian: apt install wrk).")
    with Api(plan.url, dict(prepared.key)) as api:
        widen(_template(api), plan.collections, say)
        creation = _creation_milliseconds(api)
    web = partial(processes.listeners, plan.port)
    say("reading")
    alone = [_cost(each, plan) for each in workloads(prepared.key, [TEMPLATE])]
    before = resident_mib(web())
    among = [_cost(each, plan) for each in workloads(prepared.key, names(plan.collections))]
    return Breadth(
        collections=plan.collections,
        get=Cost(alone=alone[0], among=among[0]),
        page=Cost(alone=alone[1], among=among[1]),
        creation_milliseconds=creation,
        before_mib=before,
        after_mib=resident_mib(web()),
    )


def names(count: int) -> list[str]:
    return [f"{TEMPLATE}{number}" for number in range(count)]


def workloads(headers: dict[str, str], chosen: Sequence[str]) -> list[Workload]:
    """Return a read by id, and a list, of any of some collections."""
    return [
        Workload(word, [Request("GET", f"{BASE}/{each}{path}", headers) for each in chosen])
        for word, path in (("get", f"/documents/{ONLY}"), ("list", "/documents?total=false"))
    ]


def widen(template: Collection, count: int, say: Say) -> None:
    """Make collections like the template, each with its document, until there are enough.

    They are made as the service makes them, but many in one transaction.
    """
    like = Collection.objects.filter(database_id=template.database_id, deleted_at=None)
    known = set(like.filter(uid__startswith=TEMPLATE).values_list("uid", flat=True))
    missing = [name for name in names(count) if name not in known]
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    for start in range(0, len(missing), MADE_AT_ONCE):
        if start % (10 * MADE_AT_ONCE) == 0:
            say(f"making {len(missing) - start:,} collections")
        with transaction.atomic():
            for name in missing[start : start + MADE_AT_ONCE]:
                _copy(template, name)


def resident_mib(web: Iterable[int]) -> float:
    """Return the memory of the largest of some processes, as far as it is its own."""
    own = [0.0]
    for each in web:
        _, resident, shared = Path(f"/proc/{each}/statm").read_text().split()[:3]
        own.append((int(resident) - int(shared)) * _PAGE_KIB / 1024)
    return max(own)


def _template(api: Api) -> Collection:
    if not api.has(f"{BASE}/{TEMPLATE}"):
        make_collection(api, TEMPLATE)
        document = {"documentId": ONLY, "data": {"title": "T"}, "permissions": ['read("any")']}
        api.post(f"{BASE}/{TEMPLATE}/documents", document)
    return Collection.objects.get(project__uid=PROJECT, uid=TEMPLATE, deleted_at=None)


def _copy(template: Collection, name: str) -> None:
    made = Collection.objects.create(
        project_id=template.project_id,
        database_id=template.database_id,
        uid=name,
        name=name,
        attributes=template.attributes,
        version=template.version,
    )
    partitions.define(
        _COPY.format(
            copy=partitions.identifier(made.place),
            number=sql.Literal(made.id),
            template=partitions.identifier(template.place),
            like=sql.Literal(template.id),
        )
    )


def _creation_milliseconds(api: Api) -> float:
    """Return what it takes to make one more collection, with an attribute, through the API."""
    taken = []
    attribute = {"key": "title", "type": "string", "size": 255, "required": False}
    for number in range(TIMED_CREATIONS):
        name = f"one-more-{number}"
        if api.has(f"{BASE}/{name}"):
            api.delete(f"{BASE}/{name}")
        started = time.perf_counter()
        api.post(BASE, {"collectionId": name, "name": "More", "attributes": [attribute]})
        taken.append((time.perf_counter() - started) * 1000)
        api.delete(f"{BASE}/{name}")
    return median(taken)


def _cost(workload: Workload, plan: Plan) -> float:
    load.run(workload, plan)  # once before it counts: every process has read every schema then
    web = processes.CpuMeter(partial(processes.listeners, plan.port))
    database = processes.CpuMeter(processes.database_processes)
    found = load.run(workload, plan)
    if found.failed:
        raise RefusedError(f"{found.failed} requests failed.")
    return (web.seconds() + database.seconds()) * 1000 / found.requests
