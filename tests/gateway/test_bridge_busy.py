"""The bridge while more requests come than it has room for."""

import asyncio
import sys
import threading

import pytest

from appwrite_clone.bridge import Bridge, Limits
from tests.gateway.test_bridge import Exchange, echo, scope_for


def test_threads_take_turns_faster_while_requests_are_refused():
    usual, busy = sys.getswitchinterval(), threading.Event()

    def application(environ, start_response):
        busy.wait(5)
        return echo(environ, start_response)

    bridge = Bridge(application, limits=Limits(threads=1, max_pending=4))

    async def main():
        exchanges = [Exchange(scope_for()) for _ in range(5)]
        tasks = [asyncio.create_task(bridge(e.scope, e.receive, e.send)) for e in exchanges]
        await asyncio.sleep(0.05)
        assert sys.getswitchinterval() < usual
        busy.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    bridge.stop()
    assert sys.getswitchinterval() == usual


@pytest.mark.parametrize(("size", "closes"), [(0, False), (4, False), (2_000_000, True)])
def test_a_refusal_ends_the_connection_only_where_a_large_body_would_come(size, closes):
    usual = sys.getswitchinterval()
    bridge = Bridge(echo, limits=Limits(threads=1, max_pending=0, linger_seconds=0.05))
    headers = [("content-length", str(size))] if size else []
    exchange = Exchange(scope_for("POST", "/", headers), b"x" * size)
    asyncio.run(bridge(exchange.scope, exchange.receive, exchange.send))
    bridge.stop()
    sys.setswitchinterval(usual)
    assert exchange.status == 503
    assert ("connection" in exchange.headers) is closes
