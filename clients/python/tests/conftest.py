from collections.abc import Callable, Iterator
from typing import Any

import pytest
from appwrite.client import Client

from appwrite_realtime import Realtime
from realtime_server import QUICK, RealtimeServer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[RealtimeServer]:
    server = RealtimeServer()
    yield server
    server.stop()


@pytest.fixture
def client(server: RealtimeServer) -> Client:
    return Client().set_endpoint(server.endpoint).set_project("blog")


@pytest.fixture
def errors() -> list[Exception]:
    """What went to `on_error` of the `realtime` fixture."""
    return []


@pytest.fixture
def realtime(client: Client, errors: list[Exception]) -> Iterator[Realtime]:
    with Realtime(client, on_error=errors.append, timing=QUICK) as realtime:
        yield realtime


@pytest.fixture
def realtime_for(errors: list[Exception]) -> Iterator[Callable[..., Realtime]]:
    """Make further connections, with other clients or other timing, closed at the end."""
    made: list[Realtime] = []

    def make(client: Client, **options: Any) -> Realtime:
        made.append(Realtime(client, **{"on_error": errors.append, "timing": QUICK, **options}))
        return made[-1]

    yield make
    for realtime in made:
        realtime.close()
