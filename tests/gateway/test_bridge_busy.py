"""The bridge while more requests come than it has room for."""

import asyncio
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from appwrite_clone.bridge import Bridge, Limits, threads
from tests.gateway.exchanges import PATIENCE_SECONDS, Exchange, echo, scope_for, until
from tests.gateway.test_bridge_live import Live, head

NO_ROOM = Limits(threads=1, max_pending=0, max_body_bytes=300_000, linger_seconds=PATIENCE_SECONDS)


@pytest.fixture(scope="module", params=[True, False], ids=["direct", "asgi"])
def full(request):
    """A server that has no room for anybody."""
    with Live(is_direct=request.param, limits=NO_ROOM) as server:
        yield server


@pytest.fixture(autouse=True)
def usual():
    """How long a thread may go on; a bridge that is never empty again leaves it shorter."""
    yield threads.USUAL_SWITCH_SECONDS
    sys.setswitchinterval(threads.USUAL_SWITCH_SECONDS)


def test_threads_take_turns_faster_while_requests_are_refused(usual):
    busy = threading.Event()

    def application(environ, start_response):
        busy.wait(PATIENCE_SECONDS)
        return echo(environ, start_response)

    bridge = Bridge(application, limits=Limits(threads=1, max_pending=4))

    async def main():
        exchanges = [Exchange(scope_for()) for _ in range(5)]
        tasks = [asyncio.create_task(bridge(e.scope, e.receive, e.send)) for e in exchanges]
        await until(lambda: exchanges[4].sent)
        assert sys.getswitchinterval() < usual
        busy.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    bridge.stop()
    assert sys.getswitchinterval() == usual


@pytest.mark.parametrize(("size", "closes"), [(0, False), (4, False), (2_000_000, True)])
def test_a_refusal_ends_the_connection_only_where_a_large_body_would_come(size, closes):
    bridge = Bridge(echo, limits=Limits(threads=1, max_pending=0, linger_seconds=0.05))
    headers = [("content-length", str(size))] if size else []
    exchange = Exchange(scope_for("POST", "/", headers), b"x" * size)
    asyncio.run(bridge(exchange.scope, exchange.receive, exchange.send))
    bridge.stop()
    assert exchange.status == 503
    assert ("connection" in exchange.headers) is closes


def test_a_request_that_waited_too_long_is_refused_and_not_run(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: now))
    late = threading.Event()
    calls = []

    def application(_environ, start_response):
        calls.append(True)
        late.wait(PATIENCE_SECONDS)
        start_response("200 OK", [])
        return [b"done"]

    bridge = Bridge(application, limits=Limits(threads=1, max_wait_seconds=2))

    async def main():
        nonlocal now
        made = [Exchange(scope_for()) for _ in range(2)]
        tasks = [asyncio.create_task(bridge(e.scope, e.receive, e.send)) for e in made]
        await until(lambda: calls and bridge._threads.pending == 2)
        now += 3
        late.set()
        await asyncio.gather(*tasks)
        return [each.status for each in made]

    assert asyncio.run(main()) == [200, 503]
    bridge.stop()
    assert len(calls) == 1


def test_requests_that_would_wait_too_long_are_refused():
    def application(environ, start_response):
        time.sleep(0.05)
        return echo(environ, start_response)

    bridge = Bridge(application, limits=Limits(threads=1, usual_pending=1, max_queue_seconds=0.1))

    async def send(count):
        exchanges = [Exchange(scope_for()) for _ in range(count)]
        await asyncio.gather(*(bridge(e.scope, e.receive, e.send) for e in exchanges))
        return [each.status for each in exchanges]

    async def main():
        assert await send(1) == [200]  # which tells how long one takes
        statuses = await send(5)
        assert statuses[0] == 200
        assert statuses[2:] == [503] * 3
        assert await send(1) == [200]

    asyncio.run(main())
    bridge.stop()


@pytest.mark.parametrize(
    "request_", [head("GET", "/"), head("POST", "/", "Content-Length: 4") + b"body"]
)
def test_who_is_refused_may_stay_and_ask_again(full, request_):
    received = full.talk(request_, request_, request_ + request_, pause=0.05, answers=4)
    assert received.count(b"HTTP/1.1 503") == 4
    assert received.count(b"retry-after: 1") == 4
    assert received.count(b'"general_service_unavailable"') == 4
    assert b"connection: close" not in received
    assert full.calls == []


def test_who_is_refused_may_send_the_rest(full):
    late = head("POST", "/", "Content-Length: 6")
    received = full.talk(late, b"bod", b"ies" + head("GET", "/"), pause=0.05, answers=2)
    assert received.count(b"HTTP/1.1 503") == 2


@pytest.mark.parametrize(
    ("request_", "ends"),
    [
        (head("HEAD", "/"), b"\r\n\r\n"),
        (head("GET", "/", "Connection: close"), b"}"),
        (head("POST", "/", "Content-Length: 270000"), b"}"),
        (head("POST", "/", "Transfer-Encoding: chunked"), b"}"),
    ],
)
def test_odd_requests_are_refused_too(full, request_, ends):
    received = full.talk(request_)
    assert received.startswith(b"HTTP/1.1 503")
    assert received.endswith(ends)
