"""Attribute types whose values are places and shapes, as lists of [longitude, latitude]."""

import math
from typing import Any

from documents.attributes.texts import OUT_OF_ROW_BYTES
from documents.attributes.types import (
    AttributeType,
    InvalidFormatError,
    InvalidTypeError,
    Limits,
)

MAX_LONGITUDE = 180
MAX_LATITUDE = 90
MAX_CORNERS = 10_000
_LEAST_CORNERS_OF_LINE = 2
_LEAST_CORNERS_OF_RING = 4


class GeometryType(AttributeType):
    """A geometry, kept as sent; `dimension` is 0 for points, 1 for lines and 2 for polygons."""

    cast = "jsonb"
    is_geometry = True
    dimension: int

    def row_bytes(self, limits: Limits) -> int:
        return OUT_OF_ROW_BYTES


class PointType(GeometryType):
    public_type = "point"
    dimension = 0

    def parse(self, value: Any) -> list[Any]:
        return _point(value)


class LineType(GeometryType):
    public_type = "linestring"
    dimension = 1

    def parse(self, value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) < _LEAST_CORNERS_OF_LINE:
            raise InvalidTypeError("Value must be a line: a list of at least two points")
        _check_corners(len(value))
        return [_point(point) for point in value]


class PolygonType(GeometryType):
    """Rings, the first one around the area, others around its holes. One alone may come bare."""

    public_type = "polygon"
    dimension = 2

    def parse(self, value: Any) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise InvalidTypeError("Value must be a polygon: a list of rings")
        rings = [value] if dimension_of(value) == LINE.dimension else value
        _check_corners(sum(len(ring) for ring in rings if isinstance(ring, list)))
        return [_ring(ring) for ring in rings]


POINT = PointType()
LINE = LineType()
POLYGON = PolygonType()
_BY_DIMENSION: dict[int, GeometryType] = {each.dimension: each for each in (POINT, LINE, POLYGON)}


def read_geometry(value: Any) -> tuple[int, list[Any]]:
    """Return the dimension of any geometry, told by how deep its lists are, and its stored form.

    Raises: InvalidTypeError, InvalidFormatError
    """
    dimension = dimension_of(value)
    if dimension not in _BY_DIMENSION:
        raise InvalidTypeError("Value must be a point, a line or a polygon")
    return dimension, _BY_DIMENSION[dimension].parse(value)


def dimension_of(value: Any) -> int:
    """Return how deep lists are nested below the first one, -1 where there is none."""
    depth = -1
    while isinstance(value, list) and value and depth <= POLYGON.dimension:
        value, depth = value[0], depth + 1
    return depth


def box_of(geometry: list[Any]) -> tuple[float, float, float, float]:
    """Return the least and the greatest longitude and latitude: west, south, east, north."""
    corners = geometry
    while isinstance(corners[0], list) and isinstance(corners[0][0], list):
        corners = [corner for part in corners for corner in part]
    if not isinstance(corners[0], list):
        corners = [corners]
    longitudes, latitudes = zip(*corners, strict=True)
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def _ring(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) < _LEAST_CORNERS_OF_RING:
        raise InvalidTypeError(
            "Value must be a polygon: each ring has at least four points, the last like the first"
        )
    points = [_point(point) for point in value]
    if points[0] != points[-1]:
        raise InvalidTypeError("Value must be a polygon: the last point of a ring is the first")
    return points


def _point(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        raise InvalidTypeError("Value must be a point: [longitude, latitude]")
    for number, most, name in zip(
        value, (MAX_LONGITUDE, MAX_LATITUDE), ("Longitude", "Latitude"), strict=True
    ):
        if not -most <= number <= most:
            raise InvalidFormatError(f"{name} must be between {-most} and {most}")
    return value


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _check_corners(count: int) -> None:
    if count > MAX_CORNERS:
        raise InvalidFormatError(f"A shape must have at most {MAX_CORNERS:,} points")
