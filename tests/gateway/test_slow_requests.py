"""Requests that are known to be slow have threads of their own: the others wait for none."""

import asyncio
import threading

import pytest

from appwrite_clone.asgi import may_hash
from appwrite_clone.bridge import Bridge, Limits
from tests.gateway.exchanges import Exchange, scope_for

SLOW = "/slow"
WAIT_SECONDS = 30.0


def test_other_requests_are_answered_while_all_slow_ones_wait():
    free = threading.Event()

    def application(environ, start_response):
        if environ["PATH_INFO"] == SLOW:
            assert free.wait(WAIT_SECONDS)
        start_response("200 OK", [])
        return [b"done"]

    bridge = Bridge(
        application,
        limits=Limits(threads=1, slow_threads=2, max_pending=3),
        is_slow=lambda scope: scope["path"] == SLOW,
    )

    async def main():
        slow = [Exchange(scope_for(path=SLOW)) for _ in range(4)]
        tasks = [asyncio.create_task(bridge(each.scope, each.receive, each.send)) for each in slow]
        quick = Exchange(scope_for())
        await bridge(quick.scope, quick.receive, quick.send)
        assert quick.status == 200
        assert [each.status for each in slow if each.sent] == [503]  # the one over the bound
        free.set()
        await asyncio.gather(*tasks)
        assert sorted(each.status for each in slow) == [200, 200, 200, 503]

    asyncio.run(main())
    bridge.stop()


@pytest.mark.parametrize(
    ("method", "path", "is_slow"),
    [
        ("POST", "/v1/account/sessions/email", True),
        ("POST", "/v1/users/argon2", True),
        ("PATCH", "/v1/account/password", True),
        ("POST", "/console/login/", True),
        ("GET", "/v1/account", False),
        ("PATCH", "/v1/account/sessions/current", False),
        ("DELETE", "/v1/account/sessions/current", False),
        ("POST", "/v1/databases/blog/collections/posts/documents", False),
        ("GET", "/console/login/", False),
    ],
)
def test_slow_are_the_requests_that_may_hash_a_password(method, path, is_slow):
    assert may_hash(scope_for(method, path)) is is_slow
