"""Realtime over a real Redis: delivery, large payloads, no duplicates, and what an outage does."""

import asyncio

import pytest

from kernel import notify
from realtime import pulse
from tests.compat import parts
from tests.real.redis_server import RedisServer
from tests.realtime.conversations import announce_event, hold

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

DOCUMENT = "databases.d.collections.c.documents.x"


@pytest.fixture
def redis(tmp_path, settings):
    server = RedisServer(parts.program("redis-server"), tmp_path)
    settings.REDIS_URL = server.url
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [server.url]},
        }
    }
    yield server
    server.kill()
    notify.stop()


def test_events_arrive_once_and_whole(redis, project):
    async def conversation(connections):
        one = await connections.open(project, channels=["documents"])
        await announce_event(project, f"{DOCUMENT}.create", "any", text="x" * 50_000)
        assert (await one.receive())["data"]["payload"] == {"text": "x" * 50_000}
        assert await one.is_silent()
        await announce_event(project, f"{DOCUMENT}.create", "users")
        assert await one.is_silent()

    hold(conversation)


def test_an_event_for_the_project_and_for_the_console_arrives_once_on_each(
    redis, project, console_project
):
    async def conversation(connections):
        own = await connections.open(project, channels=["executions", "console"])
        console = await connections.open(console_project, channels=["executions", "console"])
        await announce_event(project, "functions.f.executions.e.create", "any", number=1)
        assert (await own.receive())["data"]["payload"] == {"number": 1}
        assert await own.is_silent()
        assert await console.is_silent()

    hold(conversation)


def test_events_of_one_sender_keep_their_order(redis, project):
    async def conversation(connections):
        one = await connections.open(project, channels=["documents"])
        for number in range(50):
            await announce_event(project, f"{DOCUMENT}.update", "any", number=number)
        numbers = [(await one.receive())["data"]["payload"]["number"] for _ in range(50)]
        assert numbers == list(range(50))

    hold(conversation)


def test_after_an_outage_clients_are_told_to_come_again(redis, project, monkeypatch):
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.5)

    async def conversation(connections):
        one = await connections.open(project, channels=["documents"])
        await asyncio.sleep(0.5)
        redis.kill()
        await announce_event(project, f"{DOCUMENT}.create", "any", number=1)  # the write goes on
        await asyncio.sleep(1)
        redis.start()
        assert await one.closed_with() == 1012
        monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 30)
        again = await connections.open(project, channels=["documents"])
        await announce_event(project, f"{DOCUMENT}.create", "any", number=2)
        assert (await again.receive())["data"]["payload"] == {"number": 2}

    hold(conversation)
