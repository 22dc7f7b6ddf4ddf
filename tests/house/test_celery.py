"""The broker on PostgreSQL: messages are taken once, quickly, and leave no row behind."""

import time
from collections.abc import Iterator
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from kombu import Connection
from kombu.transport.virtual import base

from appwrite_clone import celery
from appwrite_clone.celery import PostgresChannel, app, broker_url, transport_options

# Kombu's own table definitions.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload``:sqlalchemy.exc.SADeprecationWarning")

WAIT_SECONDS = 30
SOCKET_DATABASE = {
    "NAME": "appwrite",
    "USER": "app",
    "PASSWORD": "p/w@",
    "HOST": "/sockets",
    "PORT": "",
    "OPTIONS": {"prepare_threshold": 5, "sslmode": "require", "connect_timeout": "5"},
}


@pytest.fixture
def broker(transactional_db: None) -> Iterator[Connection]:
    """A connection to the broker that the installation has when there is no Redis."""
    with Connection(broker_url(), transport_options=transport_options()) as opened:
        yield opened
    for engine, _ in PostgresChannel._engines.values():
        with engine.begin() as used:
            used.exec_driver_sql("DROP TABLE kombu_message, kombu_queue")
            used.exec_driver_sql("DROP SEQUENCE message_id_sequence, queue_id_sequence")
        engine.dispose()
    PostgresChannel._engines.clear()


def stored_messages() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kombu_message")
        return int(cursor.fetchone()[0])


@pytest.mark.db
def test_delivered_message_leaves_no_row(broker: Connection):
    queue = broker.SimpleQueue("house")
    queue.put({"job": 7})
    assert stored_messages() == 1

    message = queue.get(timeout=WAIT_SECONDS)
    message.ack()

    assert message.payload == {"job": 7}
    assert stored_messages() == 0
    queue.close()


@pytest.mark.db
def test_messages_arrive_once_and_in_order(broker: Connection):
    with broker.clone() as other:
        first, second = broker.SimpleQueue("house"), other.SimpleQueue("house")
        for number in range(4):
            first.put(number)
        taken = [
            queue.get(timeout=WAIT_SECONDS).payload for queue in (first, second, first, second)
        ]
        with pytest.raises(Empty):
            second.get(timeout=0.3)
        first.close()
        second.close()

    assert taken == [0, 1, 2, 3]


@pytest.mark.db
def test_waiting_message_is_noticed_within_the_poll_interval(
    broker: Connection, monkeypatch: pytest.MonkeyPatch
):
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(seconds)

    monkeypatch.setattr(base, "sleep", pause)
    queue = broker.SimpleQueue("house")
    with pytest.raises(Empty):
        queue.get(timeout=1.1)
    queue.put("rings")

    queue.get(timeout=WAIT_SECONDS)
    queue.close()

    assert 0 < max(pauses) < 1  # kombu's own interval, which ours replaces


def test_broker_is_the_database_without_redis(monkeypatch: pytest.MonkeyPatch):
    chosen = SimpleNamespace(REDIS_URL="", DATABASES={"default": SOCKET_DATABASE})
    monkeypatch.setattr(celery, "settings", chosen)

    assert broker_url() == (
        "sqla+postgresql+psycopg://app:p%2Fw%40@/appwrite"
        "?connect_timeout=5&host=%2Fsockets&sslmode=require"
    )


def test_broker_is_redis_when_there_is_one(settings: Any):
    settings.REDIS_URL = "redis://cache:6379/0"

    assert broker_url() == "redis://cache:6379/0"
    assert "pool_pre_ping" not in transport_options()


def test_only_json_is_accepted():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"


def test_task_that_jobs_ring_is_registered():
    assert celery.run_job.name == "kernel.run_job"
    assert "kernel.run_job" in app.tasks
