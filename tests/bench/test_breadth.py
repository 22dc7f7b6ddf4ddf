"""Many collections: how they are made, what is read of them, and how it is told."""

import os

import pytest

from bench.breadth import BASE, Breadth, Cost, names, resident_mib, widen, workloads
from documents.models import Collection, Document
from kernel.caller import ProjectContext
from tests.conftest import ClientFor
from tests.documents.blog import DATABASE, make_collection
from tests.documents.conftest import MakeKey


@pytest.mark.db
@pytest.mark.django_db
def test_copies_are_read_like_their_template(
    project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> None:
    make_collection(project, "wide")
    key = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    documents = f"/databases/{DATABASE}/collections/wide/documents"
    key.post(documents, {"documentId": "only", "data": {"title": "T", "likes": 1}})
    said: list[str] = []

    for _ in range(2):
        widen(Collection.objects.get(uid="wide"), 3, said.append)

    assert said == ["making 3 collections"]
    assert Document.objects.count() == 4
    found = key.get(documents.replace("wide", "wide2") + "/only").json
    assert (found["title"], found["likes"], found["$collectionId"]) == ("T", 1, "wide2")


def test_every_collection_is_read() -> None:
    get, page = workloads({"X": "1"}, names(3))

    assert [each.path for each in get.variants] == [
        f"{BASE}/wide{number}/documents/only" for number in range(3)
    ]
    assert page.variants[2].path == f"{BASE}/wide2/documents?total=false"


def test_outcome_is_one_line() -> None:
    cost = Cost(alone=0.5, among=0.75)
    found = Breadth(
        collections=10_000,
        get=cost,
        page=cost,
        creation_milliseconds=45.4,
        before_mib=60.2,
        after_mib=80.0,
    )

    assert found.as_text() == (
        "10,000 collections: get 0.50 ms alone, 0.75 ms (1.50 times); list 0.50 ms alone, 0.75 ms"
        " (1.50 times); another one made in 45 ms; a web process holds 60 MiB before and 80 MiB"
        " after"
    )


def test_memory_is_that_of_the_largest() -> None:
    assert resident_mib([]) == 0
    assert resident_mib([os.getpid()]) > 1
