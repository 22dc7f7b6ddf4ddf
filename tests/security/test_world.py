"""The attacks of this folder start from calls that work: otherwise their failing proves nothing."""

import pytest

from gateway.operations import all_operations
from tests.security.world import World, all_routes, missing, routes, undone

#: Operations that a body tells from another one on the same path.
BY_BODY = {"databases.createDocuments", "tablesDB.createRows"}

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_every_operation_is_tried() -> None:
    """A new operation belongs into the tables of `tests/security/values.py`."""
    assert {str(route): missing(route) for route in all_routes() if missing(route)} == {}
    assert {route.operation.id for route in routes()} | BY_BODY == set(all_operations())


def test_every_route_works_as_it_is_called_here(world: World):
    refused = []
    for route in routes():
        if route.is_redeeming:
            continue
        with undone():
            reply = world.call(route)
            if reply.status >= 400:
                refused.append((str(route), reply.json["message"]))
    assert not refused, "\n".join(map(str, refused))
