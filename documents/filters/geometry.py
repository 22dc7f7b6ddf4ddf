"""Tests of geometries: how they lie to each other, and how far apart they are.

Boxes around geometries, which indexes hold, tell most documents off before anything is computed.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, LiteralString

from psycopg import sql as psql

from documents import attributes
from documents.attributes import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    InvalidFormatError,
    InvalidTypeError,
)
from documents.filters.columns import Column, Operand, refusal
from kernel.query import DISTANCES, NULL_TESTS, Filter

EARTH_RADIUS_METRES = 6_371_008.7714150598
#: What boxes are larger than they need to be, for rounding never to leave out a document.
_MARGIN_DEGREES = 1e-6
_DISTANCE_MEMBERS = 3

_RELATIONS: Mapping[str, LiteralString] = {
    "equal": "equals",
    "spatialEquals": "equals",
    "intersects": "intersects",
    "crosses": "crosses",
    "overlaps": "overlaps",
    "touches": "touches",
    "contains": "contains",
    "covers": "covers",
}
_NEGATIONS: Mapping[str, str] = {
    f"not{method[0].upper()}{method[1:]}": method for method in _RELATIONS
}
_COMPARISONS: Mapping[str, LiteralString] = {
    "distanceEqual": "=",
    "distanceNotEqual": "<>",
    "distanceLessThan": "<",
    "distanceGreaterThan": ">",
}
METHODS: Final = NULL_TESTS | DISTANCES | _RELATIONS.keys() | _NEGATIONS.keys()

Box = tuple[float, float, float, float]


def form(condition: Filter) -> Hashable:
    """Return what the SQL of a test depends on besides its method and attribute."""
    if condition.method not in DISTANCES:
        return None
    value = condition.values[0]
    if not isinstance(value, list) or len(value) != _DISTANCE_MEMBERS:
        return None
    return (value[2] is True, attributes.dimension_of(value[0]) == 0)


def operands(tested: Column, condition: Filter) -> list[Operand]:
    """Check a test of a geometry and return the values it binds.

    Raises: QUERY_INVALID
    """
    if condition.method in NULL_TESTS:
        return []
    try:
        if condition.method in DISTANCES:
            return _distance_operands(tested, condition)
        geometry = _geometry(*condition.values)
    except (InvalidTypeError, InvalidFormatError, TypeError) as error:
        raise refusal(f'Query value is invalid for attribute "{tested.name}". {error}') from None
    bound = [Operand(attributes.json_text(geometry), "jsonb")]
    if _is_bounded(tested, condition):
        bound.append(Operand(_box_text(attributes.box_of(geometry)), "box"))
    return bound


def test(tested: Column, condition: Filter, bound: Sequence[psql.Composable]) -> psql.Composable:
    """Return the SQL of a test, given that of its operands."""
    method = condition.method
    geometry, *rest = bound
    if method in DISTANCES:
        in_metres, distance, *rest = rest
        fits = psql.SQL("document_geometry_distance({}, {}, {}) {} {}").format(
            tested.expression, geometry, in_metres, psql.SQL(_COMPARISONS[method]), distance
        )
    else:
        negated = method in _NEGATIONS
        fits = psql.SQL("{}document_geometry_holds({}, {}, {})").format(
            psql.SQL("NOT " if negated else ""),
            psql.Literal(_RELATIONS[_NEGATIONS.get(method, method)]),
            tested.expression,
            geometry,
        )
    if not rest:
        return psql.SQL("({})").format(fits)
    return psql.SQL("({} && {} AND {})").format(attributes.box(tested.expression), rest[0], fits)


def _is_bounded(tested: Column, condition: Filter) -> bool:
    """Tell whether all documents that fit have a box that meets one known beforehand.

    Great circles leave the boxes of lines and areas, so in metres only points have such a box.
    """
    if condition.method in _RELATIONS:
        return True
    if condition.method not in ("distanceEqual", "distanceLessThan"):
        return False
    geometry, _, in_metres = condition.values[0]
    return not in_metres or (tested.is_point and attributes.dimension_of(geometry) == 0)


def _geometry(*values: Any) -> list[Any]:
    if len(values) != 1:
        raise InvalidTypeError("One geometry is needed")
    _, geometry = attributes.read_geometry(values[0])
    return geometry


def _distance_operands(tested: Column, condition: Filter) -> list[Operand]:
    value = condition.values[0]
    if not isinstance(value, list) or len(value) != _DISTANCE_MEMBERS:
        raise InvalidTypeError("Value must be [geometry, distance, whether it is in metres]")
    geometry, distance, in_metres = _geometry(value[0]), value[1], value[2]
    is_number = isinstance(distance, int | float) and not isinstance(distance, bool)
    if not is_number or not 0 <= distance < math.inf or not isinstance(in_metres, bool):
        raise InvalidTypeError("A distance is a number from 0 on, and a boolean says if in metres")
    bound = [
        Operand(attributes.json_text(geometry), "jsonb"),
        Operand(in_metres, "boolean"),
        Operand(float(distance), "double precision"),
    ]
    if _is_bounded(tested, condition):
        box = attributes.box_of(geometry)
        around = _around_in_metres if in_metres else _around
        bound.append(Operand(_box_text(around(box, float(distance))), "box"))
    return bound


def _around(box: Box, degrees: float) -> Box:
    west, south, east, north = box
    return west - degrees, south - degrees, east + degrees, north + degrees


def _around_in_metres(box: Box, metres: float) -> Box:
    """Return the box of all places so near a point: of all longitudes where it goes beyond one."""
    longitude, latitude, _, _ = box
    angle = metres / EARTH_RADIUS_METRES
    height = math.degrees(angle) + _MARGIN_DEGREES
    south, north = latitude - height, latitude + height
    if south <= -MAX_LATITUDE or north >= MAX_LATITUDE:
        return -MAX_LONGITUDE, south, MAX_LONGITUDE, north
    width = math.degrees(math.asin(math.sin(angle) / math.cos(math.radians(latitude))))
    west, east = longitude - width, longitude + width
    if west < -MAX_LONGITUDE or east > MAX_LONGITUDE:
        west, east = -MAX_LONGITUDE, MAX_LONGITUDE
    return west, south, east, north


def _box_text(box: Box) -> str:
    west, south, east, north = box
    margin = _MARGIN_DEGREES
    return f"(({east + margin},{north + margin}),({west - margin},{south - margin}))"
