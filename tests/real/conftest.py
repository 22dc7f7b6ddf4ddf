"""The installation that tests of several processes share: on PostgreSQL alone, and with Redis."""

from collections.abc import Iterator

import pytest

from tests.compat import live, parts
from tests.compat.live import Installation
from tests.real.redis_server import RedisServer


@pytest.fixture(scope="session", params=["postgresql", "redis"])
def spread(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Start two web processes and two workers; what they share is in the one or the other."""
    if request.param == "postgresql":
        yield from _started("")
        return
    redis = RedisServer(parts.program("redis-server"), tmp_path_factory.mktemp("redis"))
    try:
        yield from _started(redis.url)
    finally:
        redis.kill()


def _started(redis_url: str) -> Iterator[Installation]:
    started = live.start(web_processes=2, WORKER_PROCESSES="2", REDIS_URL=redis_url)
    try:
        yield started.prepared()
    finally:
        started.stop()
