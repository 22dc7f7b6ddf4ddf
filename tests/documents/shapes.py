"""Points, lines and polygons for tests of geometry, and how they lie to each other."""

from typing import Any

#: By the attribute that holds them. All lie on and around a square of four degrees.
SHAPES: dict[str, dict[str, Any]] = {
    "place": {"inside": [2, 2], "corner": [0, 0], "away": [9.5, -8]},
    "way": {
        "chord": [[-1, 2], [5, 2]],
        "edge": [[0, 0], [4, 0]],
        "rising": [[1, 1], [3, 3]],
        "falling": [[1, 3], [3, 1]],
        "rise": [[2, 2], [4, 4]],
    },
    "area": {
        "square": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]],
        "beside": [[[4, 0], [6, 0], [6, 4], [4, 4], [4, 0]]],
        "across": [[[2, 1], [6, 1], [6, 3], [2, 3], [2, 1]]],
        "small": [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]],
        "frame": [
            [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]],
            [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]],
        ],
    },
}
BY_NAME = {name: shape for shapes in SHAPES.values() for name, shape in shapes.items()}
#: By relation and shape: the shapes that stand in this relation to it, as GEOS has it.
RELATED: dict[str, dict[str, str]] = {
    "intersects": {
        "inside": "inside chord rising falling rise square across small",
        "corner": "corner edge square frame",
        "away": "away",
        "chord": "inside chord rising falling rise square beside across small frame",
        "edge": "corner edge square beside frame",
        "rising": "inside chord rising falling rise square across small frame",
        "falling": "inside chord rising falling rise square across small frame",
        "rise": "inside chord rising falling rise square beside across small frame",
        "square": "inside corner chord edge rising falling rise square beside across small frame",
        "beside": "chord edge rise square beside across frame",
        "across": "inside chord rising falling rise square beside across small frame",
        "small": "inside chord rising falling rise square across small frame",
        "frame": "corner chord edge rising falling rise square beside across small frame",
    },
    "crosses": {
        "chord": "rising falling square beside across small frame",
        "rising": "chord falling across",
        "falling": "chord rising across",
        "rise": "across small frame",
        "square": "chord",
        "beside": "chord",
        "across": "chord rising falling rise",
        "small": "chord rise",
        "frame": "chord rise",
    },
    "overlaps": {
        "rising": "rise",
        "rise": "rising",
        "square": "across",
        "beside": "across",
        "across": "square beside small frame",
        "small": "across",
        "frame": "across",
    },
    "touches": {
        "inside": "rise across",
        "corner": "edge square frame",
        "chord": "rise",
        "edge": "corner square beside frame",
        "rising": "frame",
        "falling": "rise frame",
        "rise": "inside chord falling beside",
        "square": "corner edge beside",
        "beside": "edge rise square frame",
        "across": "inside",
        "small": "frame",
        "frame": "corner edge rising falling beside small",
    },
    "contains": {
        "inside": "inside chord rising falling square small",
        "corner": "corner",
        "away": "away",
        "chord": "chord",
        "edge": "edge",
        "rising": "rising square small",
        "falling": "falling square small",
        "rise": "rise square",
        "square": "square",
        "beside": "beside",
        "across": "across",
        "small": "square small",
        "frame": "square frame",
    },
    "covers": {
        "inside": "inside chord rising falling rise square across small",
        "corner": "corner edge square frame",
        "away": "away",
        "chord": "chord",
        "edge": "edge square frame",
        "rising": "rising square small",
        "falling": "falling square small",
        "rise": "rise square",
        "square": "square",
        "beside": "beside",
        "across": "across",
        "small": "square small",
        "frame": "square frame",
    },
}
#: By relation: the query methods that ask for it, and for its contrary.
METHODS = {
    "intersects": ("intersects", "notIntersects"),
    "crosses": ("crosses", "notCrosses"),
    "overlaps": ("overlaps", "notOverlaps"),
    "touches": ("touches", "notTouches"),
    "contains": ("contains", "notContains"),
    "covers": ("covers", "notCovers"),
    "equals": ("spatialEquals", "notSpatialEquals"),
}
MAP: dict[str, dict[str, Any]] = {
    "place": {"type": "point"},
    "way": {"type": "line"},
    "area": {"type": "polygon"},
    "name": {"type": "string", "size": 20},
}
