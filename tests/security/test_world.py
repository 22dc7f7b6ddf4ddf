"""The attacks of this folder start from calls that work: otherwise their failing proves nothing."""

import pytest

from tests.security.world import World, routes, undone

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


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
