"""Geographic attributes: what they hold, how they lie to each other, how far apart they are."""

from typing import Any

import orjson
import pytest
from django.db import connection

from documents.definitions import IndexRequest
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import (
    DOCUMENTS,
    ROWS,
    both_vocabularies,
    ids,
    make_collection,
    operator,
    query,
)
from tests.documents.conftest import MakeKey
from tests.documents.shapes import BY_NAME, MAP, METHODS, RELATED, SHAPES
from tests.documents.test_document_indexes import fill, index, plan_of_listing

pytestmark = pytest.mark.db
RELATED["equals"] = {name: name for name in BY_NAME}


@pytest.fixture
def shapes(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    """Make a document of each shape; returns a client that may read and change them."""
    indexes = [index(key, type_="spatial") for key in SHAPES]
    make_collection(project, attributes=MAP, indexes=indexes)
    client = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    for key, named in SHAPES.items():
        for name, shape in named.items():
            body = {"documentId": name, "data": {key: shape, "name": name}}
            assert client.post(DOCUMENTS, body).status == 201
    return client


def found(client: ApiClient, method: str, key: str, value: Any) -> list[str]:
    return ids(client.get(DOCUMENTS, {"queries": [query(method, key, value)]}))


@pytest.mark.parametrize("relation", METHODS)
def test_shapes_are_found_by_how_they_lie_to_another(shapes: ApiClient, relation: str) -> None:
    method, contrary = METHODS[relation]
    for name, shape in BY_NAME.items():
        related = RELATED[relation].get(name, "").split()
        for key, named in SHAPES.items():
            wanted = [each for each in named if each in related]
            assert found(shapes, method, key, shape) == wanted, (method, name)
            others = [each for each in named if each not in related]
            assert found(shapes, contrary, key, shape) == others, (contrary, name)


def test_equal_and_not_equal_compare_shapes_and_not_how_they_are_written(
    shapes: ApiClient,
) -> None:
    turned = [[[4, 4], [0, 4], [0, 0], [4, 0], [4, 4]]]

    assert found(shapes, "equal", "area", turned) == ["square"]
    assert found(shapes, "equal", "place", [2.0, 2.0]) == ["inside"]
    assert found(shapes, "notEqual", "place", [2, 2]) == ["corner", "away"]
    assert found(shapes, "equal", "way", [[5, 2], [-1, 2]]) == ["chord"]


def test_bare_ring_is_a_polygon_when_it_is_stored(shapes: ApiClient) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]

    reply = shapes.patch(f"{DOCUMENTS}/small", {"data": {"area": ring}})

    assert reply.json["area"] == [ring]


@pytest.mark.parametrize(
    ("method", "key", "value", "wanted"),
    [
        ("distanceLessThan", "place", [[0, 1], 1.5, False], ["corner"]),
        ("distanceLessThan", "place", [[0, 1], 1, False], []),
        ("distanceEqual", "place", [[0, 1], 1, False], ["corner"]),
        ("distanceNotEqual", "place", [[0, 1], 1, False], ["inside", "away"]),
        ("distanceGreaterThan", "place", [[0, 1], 3, False], ["away"]),
        ("distanceLessThan", "place", [[0, 1], 111_196, True], ["corner"]),
        ("distanceLessThan", "place", [[0, 1], 111_195, True], []),
        ("distanceGreaterThan", "place", [[0, 1], 1_000_000, True], ["away"]),
        ("distanceEqual", "place", [[2, 2], 0, True], ["inside"]),
        ("distanceLessThan", "way", [[2, 1.9], 0.08, False], ["rising", "falling"]),
        ("distanceLessThan", "way", [[2, 1.9], 9_000, True], ["rising", "falling"]),
        ("distanceLessThan", "area", [[7, 2], 1.5, False], ["beside", "across"]),
        ("distanceLessThan", "area", [[7, 2], 112_000, True], ["beside", "across"]),
        ("distanceEqual", "area", [[2, 2], 0, False], ["square", "across", "small"]),
        ("distanceLessThan", "place", [[[0, 1], [5, 1]], 1.1, False], ["inside", "corner"]),
        ("distanceLessThan", "place", [[[[9, -9], [9, -7], [11, -8], [9, -9]]], 1, True], ["away"]),
    ],
)
def test_shapes_are_found_by_their_distance(
    shapes: ApiClient, method: str, key: str, value: Any, wanted: list[str]
) -> None:
    assert found(shapes, method, key, value) == wanted


@pytest.mark.parametrize(
    ("near", "place"),
    [([179.95, 0], [-179.95, 0]), ([10, 89.95], [-170, 89.95]), ([0, -90], [77, -89.95])],
)
def test_metres_go_across_the_date_line_and_the_poles(
    shapes: ApiClient, near: list[float], place: list[float]
) -> None:
    assert shapes.patch(f"{DOCUMENTS}/away", {"data": {"place": place}}).status == 200

    assert found(shapes, "distanceLessThan", "place", [near, 12_000, True]) == ["away"]


def test_metres_follow_great_circles_out_of_the_box_of_a_line(shapes: ApiClient) -> None:
    edge = {"way": [[-60, 60], [60, 60]]}
    assert shapes.patch(f"{DOCUMENTS}/edge", {"data": edge}).status == 200

    assert found(shapes, "distanceLessThan", "way", [[0, 73.9], 20_000, True]) == ["edge"]


def test_documents_without_a_shape_fit_no_test_but_that_of_its_absence(shapes: ApiClient) -> None:
    assert found(shapes, "notIntersects", "place", [100, 50]) == list(SHAPES["place"])
    assert found(shapes, "distanceGreaterThan", "area", [[100, 50], 1, True]) == list(
        SHAPES["area"]
    )
    present = shapes.get(DOCUMENTS, {"queries": [query("isNotNull", "way")]})
    assert ids(present) == list(SHAPES["way"])
    absent = shapes.get(DOCUMENTS, {"queries": [query("isNull", "way")]})
    assert ids(absent) == [*SHAPES["place"], *SHAPES["area"]]


def test_bulk_writes_pick_by_shape_and_distance(shapes: ApiClient) -> None:
    near = query("distanceLessThan", "place", [[2, 2], 1, False])

    changed = shapes.patch(ROWS, {"queries": [near], "data": {"name": "here"}})

    assert [each["$id"] for each in changed.json["rows"]] == ["inside"]


@both_vocabularies
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (query("intersects", "name", [1, 2]), "because it is not a point, a line or a polygon."),
        (query("distanceEqual", "$id", [[1, 2], 1, True]), "because it is not a point"),
        (query("lessThan", "place", 3), "because it is a point, a line or a polygon."),
        (query("startsWith", "way", "x"), "because it is a point, a line or a polygon."),
        (query("search", "way", "x"), "because it is a point, a line or a polygon."),
        (query("between", "area", 1, 2), "because it is a point, a line or a polygon."),
        (query("containsAny", "area", 1), "because it is a point, a line or a polygon."),
        (query("orderAsc", "place"), "Cannot order by attribute"),
        (query("intersects", "place", 5), "Value must be a point, a line or a polygon"),
        (query("intersects", "place", "x"), "Value must be a point, a line or a polygon"),
        (query("equal", "place", "x"), "Value must be a point, a line or a polygon"),
        (query("intersects", "place", []), "Value must be a point, a line or a polygon"),
        (query("intersects", "place", [[[[1]]]]), "Value must be a point, a line or a polygon"),
        (query("equal", "place", [1, 2], [3, 4]), "One geometry is needed"),
        (query("contains", "area", 1, 2), "One geometry is needed"),
        (query("intersects", "place", [1, 2, 3]), "[longitude, latitude]"),
        (query("intersects", "place", [1, True]), "[longitude, latitude]"),
        (query("intersects", "place", [[1, 2]]), "at least two points"),
        (query("intersects", "place", [[1, 2], 3]), "[longitude, latitude]"),
        (query("intersects", "place", [[[1, 2], [3, 4], [1, 2]]]), "at least four points"),
        (query("intersects", "place", [[[1, 2], [3, 4], [5, 6], [7, 8]]]), "the last point"),
        (query("intersects", "place", [180.5, 0]), "Longitude must be between -180 and 180"),
        (query("intersects", "place", [0, -91]), "Latitude must be between -90 and 90"),
        (query("intersects", "place", [1, 2], [3, 4]), "takes exactly one value"),
        (query("distanceEqual", "place", [1, 2], 5), "takes exactly one value"),
        (query("distanceEqual", "place", [[1, 2], 5]), "whether it is in metres"),
        (query("distanceLessThan", "place", "x"), "whether it is in metres"),
        (query("distanceLessThan", "place", [[1, 2], -5, True]), "A distance is a number from 0"),
        (query("distanceLessThan", "place", [[1, 2], "5", True]), "A distance is a number from 0"),
        (query("distanceLessThan", "place", [[1, 2], True, True]), "A distance is a number from 0"),
        (query("distanceLessThan", "place", [[1, 2], 5, "yes"]), "a boolean says if in metres"),
        (query("distanceLessThan", "place", [3, 5, True]), "Value must be a point, a line"),
        (query("equal", "name", ["x"]), 'Query value is invalid for attribute "name"'),
    ],
)
def test_unsuitable_test_is_refused_with_its_reason(
    shapes: ApiClient, words: Any, asked: str, reason: str
) -> None:
    reply = shapes.get(words.path, {"queries": [asked]})

    assert (reply.status, reply.error) == (400, "general_query_invalid")
    assert reason in reply.json["message"]


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("place", "1,2", "Value must be a point"),
        ("place", [1], "Value must be a point"),
        ("place", [1, "2"], "Value must be a point"),
        ("place", [[1, 2]], "Value must be a point"),
        ("place", [181, 0], "Longitude must be between -180 and 180"),
        ("way", [1, 2], "Value must be a point"),
        ("way", [[1, 2]], "at least two points"),
        ("way", {}, "Value must be a line"),
        ("way", [[0, 0]] * 10_001, "at most 10,000 points"),
        ("area", [], "Value must be a polygon"),
        ("area", [[]], "at least four points"),
        ("area", [[[0, 0], [1, 0], [1, 1], [0, 1]]], "the last point of a ring is the first"),
        ("area", [[[0, 0]] * 5001, [[0, 0]] * 5001], "at most 10,000 points"),
        ("area", [[[[0, 0]]]], "at least four points"),
    ],
)
def test_values_that_are_no_such_shape_are_refused(
    shapes: ApiClient, key: str, value: Any, reason: str
) -> None:
    reply = shapes.post(DOCUMENTS, {"documentId": "new", "data": {key: value}})

    assert (reply.status, reply.error) == (400, "document_invalid_structure")
    assert reason in reply.json["message"]


@pytest.mark.parametrize(
    "shape",
    [
        [[0, 0], [0, 0]],
        [[1e-300, 0], [0, 1e-300]],
        [[0, 0], [1e-9, 1e-9], [1e-320, 0]],
        [[[0, 0], [0, 0], [0, 0], [0, 0]]],
        [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]],
        [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]],
        [-180, 90],
    ],
)
def test_degenerate_shapes_are_compared_all_the_same(shapes: ApiClient, shape: Any) -> None:
    key = "place" if not isinstance(shape[0], list) else "way"
    key = "area" if isinstance(shape[0], list) and isinstance(shape[0][0], list) else key
    assert shapes.post(DOCUMENTS, {"documentId": "odd", "data": {key: shape}}).status == 201

    for method, contrary in METHODS.values():
        assert ("odd" in found(shapes, method, key, shape)) != (
            "odd" in found(shapes, contrary, key, shape)
        )
    for in_metres in (True, False):
        assert "odd" in found(shapes, "distanceEqual", key, [shape, 0, in_metres])
        for other in BY_NAME.values():
            found(shapes, "distanceLessThan", key, [other, 1, in_metres])


@pytest.mark.parametrize(
    "asked",
    [
        query("intersects", "place", [[0, 0], [1, 1]]),
        query("equal", "place", [7, 7]),
        query("distanceLessThan", "place", [[7, 7], 0.5, False]),
        query("distanceLessThan", "place", [[7, 7], 50_000, True]),
    ],
)
def test_spatial_index_finds_what_is_near(project: ProjectContext, asked: str) -> None:
    number = fill_places(project, index("place", type_="spatial"))

    assert f"ix_{number}_" in plan_of_listing(operator(project), asked)


def fill_places(project: ProjectContext, spatial: IndexRequest) -> int:
    number = fill(project, spatial, attributes={"place": {"type": "point"}})
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE document_{number:d} SET data = jsonb_build_object("
            "'place', jsonb_build_array(id %% 360 - 180, id %% 177 - 88))",
            [],
        )
        cursor.execute(f"ANALYZE document_{number:d}")
    return number


def test_all_that_can_compute_here_agrees(project: ProjectContext) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_available_extensions WHERE name = 'postgis'")
        installable = [name for (name,) in cursor.fetchall()]
        cursor.execute("DROP EXTENSION IF EXISTS postgis")
    plain = computed()
    assert plain

    for name in installable:  # PostGIS, where this PostgreSQL has it
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE EXTENSION {name}")
        assert computed() == plain
    assert computed() == plain


def computed() -> list[Any]:
    """Return every relation and distance between the shapes."""
    texts = [orjson.dumps(shape).decode() for shape in BY_NAME.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT one, other, document_geometry_relation(one::jsonb, other::jsonb),"
            " round(document_geometry_distance(one::jsonb, other::jsonb, false)::numeric, 6),"
            " round(document_geometry_distance(one::jsonb, other::jsonb, true)::numeric, 3)"
            " FROM unnest(%s::text[]) one, unnest(%s::text[]) other",
            [texts, texts],
        )
        rows: list[Any] = cursor.fetchall()
    return rows
