"""Collections there and back: values of all types survive."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import records
from documents.attributes import ATTRIBUTE_TYPES, FREE
from kernel.caller import ProjectContext
from kernel.limits import MAX_INTEGER
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import make_collection
from tests.documents.conftest import MakeKey
from tests.documents.transfers import ANY, PLACE, fetch, jsonl, send

pytestmark = [pytest.mark.db, pytest.mark.django_db]

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[str, tuple[dict[str, Any], st.SearchStrategy[Any]]] = {
    "string": ({"size": 100}, TEXTS),
    "varchar": ({"size": 100}, TEXTS),
    "text": ({}, TEXTS),
    "mediumtext": ({}, TEXTS),
    "longtext": ({}, TEXTS),
    "email": ({}, st.sampled_from(["a@example.com", "b.c@example.org"])),
    "url": ({}, st.sampled_from(["https://example.com/a?b=c,d"])),
    "ip": ({}, st.sampled_from(["127.0.0.1", "2001:db8::1"])),
    "enum": ({"elements": ["a", "b,c", '"d"']}, st.sampled_from(["a", "b,c", '"d"'])),
    "integer": ({}, st.integers(-MAX_INTEGER - 1, MAX_INTEGER)),
    "bigint": ({}, st.integers(-MAX_INTEGER - 1, MAX_INTEGER)),
    "float": ({}, NUMBERS),
    "boolean": ({}, st.booleans()),
    "datetime": (
        {},
        st.datetimes()
        .filter(lambda each: each.year > 1000)
        .map(lambda each: f"{each.isoformat(timespec='milliseconds')}+00:00"),
    ),
}
# Shapes have no arrays.
PLACES = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "point": PLACES,
    "line": st.lists(PLACES, min_size=2, max_size=3, unique_by=tuple),
    "polygon": st.just([[[0.0, 0.0], [0.0, 5.5], [5.5, 5.5], [0.0, 0.0]]]),
}
ATTRIBUTES = {name: {"type": name, **options} for name, (options, _) in VALUES.items()} | {
    f"{name}_list": {"type": name, "array": True, **options}
    for name, (options, _) in VALUES.items()
}
ATTRIBUTES |= {name: {"type": name} for name in SHAPES}
DOCUMENTS_OF_ALL_TYPES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={name: values for name, (_, values) in VALUES.items()}
        | {f"{name}_list": st.lists(values, max_size=3) for name, (_, values) in VALUES.items()}
        | SHAPES
        | {"$permissions": st.just([ANY, 'update("team:t/writer")'])},
    ).filter(bool),
    min_size=1,
    max_size=4,
)


@pytest.fixture
def twins(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    make_collection(project, attributes=ATTRIBUTES)
    make_collection(project, "copies", attributes=ATTRIBUTES)
    return client_for(project, key=make_key(project, ["documents.read", "documents.write"]))


def test_all_types_are_tried():
    assert {*VALUES, *SHAPES, "relationship"} == set(ATTRIBUTE_TYPES) - {FREE}


@pytest.mark.slow
@pytest.mark.parametrize("format_", records.FORMATS)
def test_values_of_all_types_survive_the_way_there_and_back(
    twins: ApiClient, project: ProjectContext, format_: str
):
    copies = PLACE.replace("posts", "copies")

    @settings(max_examples=40)
    @given(documents=DOCUMENTS_OF_ALL_TYPES)
    def check(documents: list[dict[str, Any]]) -> None:
        twins.delete(f"{PLACE}/documents", {"queries": []})
        twins.delete(f"{copies}/documents", {"queries": []})
        report = send(twins, jsonl(*documents))
        assert report["created"] == len(documents), report
        report = send(twins, fetch(twins, format=format_), copies, format=format_)
        assert report["created"] == len(documents), report
        assert _without_places(fetch(twins)) == _without_places(fetch(twins, copies))

    check()


def _without_places(text: bytes) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in json.loads(line).items() if name != "$sequence"}
        for line in text.splitlines()
    ]
