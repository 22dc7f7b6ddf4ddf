"""Preparing the tables where several machines start at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from appwrite_clone import children

PATIENCE_SECONDS = 60

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]


def test_who_starts_while_another_prepares_the_tables_waits(monkeypatch, settings):
    settings.IS_PRODUCTION = False
    opened = children._private_connection

    def impatient():
        guard = opened()
        guard.execute("SET lock_timeout = 1")
        return guard

    monkeypatch.setattr(children, "_private_connection", impatient)
    for part in ("_migrate_if_changed", "_make_broker_tables"):
        monkeypatch.setattr(children, part, lambda *_: None)
    with opened() as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT pg_advisory_lock(%s)", [children.MIGRATION_LOCK])
        starting = pool.submit(prepare)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not waits(other) and not starting.done():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.05)  # longer than the patience it came with
        other.execute("SELECT pg_advisory_unlock(%s)", [children.MIGRATION_LOCK])
        starting.result(PATIENCE_SECONDS)


def prepare():
    try:
        children.migrate(lambda: None)
    finally:
        connection.close()


def waits(observer):
    asked = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    ((count,),) = observer.execute(asked).fetchall()
    return count > 0
