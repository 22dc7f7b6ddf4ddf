"""What the supervisor forks: the web server, the worker, the beat, and single errands.

Everything heavy is imported here once, before the first fork, so that a child starts at once.
"""

import asyncio
import gc
import hashlib
import io
import json
import logging
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import setup_logging, worker_ready
from celery.worker import state as celery_state
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection

from accounts.devices import load_patterns
from appwrite_clone.asgi import application, http
from appwrite_clone.bridge.direct import DirectHttpProtocol
from appwrite_clone.bridge.sockets import DirectSocketProtocol
from appwrite_clone.celery import app as celery_app
from appwrite_clone.celery import open_broker
from appwrite_clone.supervisor.seats import Seat
from kernel import jobs
from projects import checks

OLDEST_SERVER_VERSION = 150000
HEALTH_PATH = "/v1/health/version"
# A service behind a gateway tells strangers nothing, not even its health.
READY_STATUSES = (httpx.codes.OK, httpx.codes.UNAUTHORIZED)
HEALTH_PAUSE_SECONDS = 0.1
DRAIN_SECONDS = 8  # less than what the supervisor waits before it kills
KEEP_ALIVE_SECONDS = 65  # longer than a proxy in front keeps one, usually 60
SOCKET_MESSAGE_BYTES = 1024 * 1024
LEASE_SWEEP_SECONDS = 2
RETENTION_SWEEP_SECONDS = 3600
# Advisory locks of the installation: any two numbers that nobody else uses.
BEAT_LOCK = 0x61707731
MIGRATION_LOCK = 0x61707732

Ready = Callable[[], None]


# Their news (each request made, each task taken) is no news here; warnings stay.
for name in ("httpx", "celery"):
    logging.getLogger(name).setLevel(logging.WARNING)


def freeze() -> None:
    """Keep the collector off what was loaded before the fork, so that children share its pages."""
    load_patterns()
    gc.collect()
    gc.freeze()


# The web server


def serve_web(seat: Seat, ready: Ready) -> None:
    """Serve HTTP and sockets on this process's place at the port."""
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=partial(DirectHttpProtocol, http),  # type: ignore[arg-type]  # it makes one, as a class would
        ws=DirectSocketProtocol,
        ws_max_size=SOCKET_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # a context per socket costs memory, and each delivery time
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # the gateway knows which proxies to believe
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    WebServer(config, ready).run(sockets=[seat.listener()])


class WebServer(uvicorn.Server):
    """Uvicorn, which says it is ready once the application answers."""

    def __init__(self, config: uvicorn.Config, ready: Ready) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announcement = asyncio.create_task(self._announce())

    async def _announce(self) -> None:
        await asyncio.to_thread(_open_broker)
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=settings.PUBLIC_URL) as client:
            while (await client.get(HEALTH_PATH)).status_code not in READY_STATUSES:
                await asyncio.sleep(HEALTH_PAUSE_SECONDS)
        self._ready()


def _open_broker() -> None:
    # The first job would otherwise wait for it. A broker out of reach stops no request.
    try:
        with celery_app.connection_for_write() as broker:
            open_broker(broker)
    except Exception as error:  # noqa: BLE001 - each broker raises errors of its own
        logging.getLogger(__name__).warning("the broker cannot be reached: %s", error)


# The worker


def run_worker(ready: Ready) -> int:
    """Run jobs, one at a time, until told to stop; the one at work may end first.

    Each worker is a child of the supervisor: the processes of Celery's own pool share a lock,
    and one that is killed while it waits for work leaves the others waiting for ever.
    """
    # It runs whatever the installation itself enqueued, as JSON: being root adds nothing to that.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    setup_logging.connect(_keep_logging, weak=False)
    worker_ready.connect(partial(_say_ready, ready), weak=False)
    worker = celery_app.Worker(
        concurrency=1,
        pool="solo",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _keep_logging(**_: object) -> None:
    # A receiver of this signal, even one that does nothing, keeps Celery from its own set-up.
    pass


def _say_ready(ready: Ready, **_: object) -> None:
    # Celery, which tells of a choice about late tasks each time a connection is lost, wants every
    # such warning shown, and says so while it starts.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    # In place of Celery's own handler, which does the same and talks about it on the terminal.
    signal.signal(signal.SIGTERM, _stop_after_this_job)
    ready()


def _stop_after_this_job(*_: object) -> None:
    celery_state.should_stop = os.EX_OK  # type: ignore[assignment]  # typed as None alone


# The beat


def run_beat(ready: Ready) -> None:
    """Sweep job leases every 2 s and old rows every hour, while nobody else does."""
    ready()
    with _private_connection() as guard:
        while not _take_lock(guard):
            time.sleep(LEASE_SWEEP_SECONDS)
        retention_due_at = time.monotonic()
        while True:
            guard.execute("SELECT 1")  # the lock lives as long as this connection
            jobs.requeue_expired()
            if time.monotonic() >= retention_due_at:
                jobs.sweep()
                retention_due_at = time.monotonic() + RETENTION_SWEEP_SECONDS
            time.sleep(LEASE_SWEEP_SECONDS)


def _take_lock(guard: "psycopg.Connection[tuple[Any, ...]]") -> bool:
    row = guard.execute("SELECT pg_try_advisory_lock(%s)", [BEAT_LOCK]).fetchone()
    return bool(row and row[0])


def _private_connection() -> "psycopg.Connection[tuple[Any, ...]]":
    """Open a connection that Django neither closes nor replaces."""
    opened = connection.get_new_connection(connection.get_connection_params())
    opened.autocommit = True
    return opened  # type: ignore[no-any-return]  # Django does not say what it opens


# Errands before and after


def migrate(_: Ready) -> None:
    """Check the database and bring its tables up to date.

    Raises: SystemExit with one line when the database cannot be used.
    """
    try:
        with _private_connection() as guard:
            if guard.info.server_version < OLDEST_SERVER_VERSION:
                raise SystemExit("DATABASE_URL: PostgreSQL 15 or newer is needed.")
            _guard_production()
            _check_redis()
            # Whoever started a moment before may take longer for it than statements may take.
            guard.execute("SET lock_timeout = 0; SET statement_timeout = 0")
            guard.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            _migrate_if_changed()
            _make_broker_tables(guard)
    except (DatabaseError, psycopg.Error) as error:
        reason = str(error).strip().splitlines() or ["no reason given"]
        raise SystemExit(f"DATABASE_URL: cannot use the database: {reason[0]}") from error


def _guard_production() -> None:
    if settings.IS_PRODUCTION and (problems := checks.findings()):
        raise SystemExit("\nError: ".join(problems))  # a line each; the first gets its word later


def _check_redis() -> None:
    if not settings.REDIS_URL:
        return
    try:
        with celery_app.connection_for_write() as broker:
            open_broker(broker)
    except Exception as error:  # a URL kombu cannot read, a server out of reach, a wrong password
        raise SystemExit(f"REDIS_URL: cannot use Redis: {str(error).rstrip('.')}.") from error


def _migrate_if_changed() -> None:
    files = _digest_of_migrations()
    if _recorded_state() == f"{files} {_applied_migrations()}":
        return
    sys.stderr.write("Preparing the tables\n")
    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        state = f"{files} {_applied_migrations()}"
        cursor.execute(f"COMMENT ON TABLE django_migrations IS '{state}'")


def _make_broker_tables(guard: "psycopg.Connection[tuple[Any, ...]]") -> None:
    # Here, because processes that make them at the same time get in each other's way.
    row = guard.execute("SELECT to_regclass('kombu_message') IS NULL").fetchone()
    if row and row[0] and not settings.REDIS_URL:
        with celery_app.connection_for_write() as broker:
            open_broker(broker)


def _digest_of_migrations() -> str:
    digest = hashlib.sha256()
    for config in apps.get_app_configs():
        for path in sorted(Path(config.path, "migrations").glob("*.py")):
            digest.update(f"{config.label}/{path.name}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _recorded_state() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regclass('django_migrations'), 'pg_class')")
        row = cursor.fetchone()
    return row[0] if row else None


def _applied_migrations() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        row = cursor.fetchone()
        if not row or not row[0]:
            return "none"
        cursor.execute("SELECT count(*), max(id) FROM django_migrations")
        count, last = cursor.fetchone() or (0, 0)
    return f"{count} {last}"


def print_quickstart(ready: Ready) -> None:
    """Make the first project and show all that is needed to write its first document.

    It is `ready` once a further start need not do that again.
    """
    output = io.StringIO()
    call_command("quickstart", stdout=output)
    made = json.loads(output.getvalue())
    ready()
    entrance = NO_SIGNUP if settings.CONSOLE_SIGNUP == "closed" else LINK
    sys.stdout.write((QUICKSTART + entrance).format(table=TABLE, row=ROW, **made))


COLUMN = '{"key": "text", "type": "string", "size": 99, "required": False}'
TABLE = f'create_table("default", "unique()", "Notes", columns=[{COLUMN}])'
ROW = '{"text": "Hello"}'
QUICKSTART = """
Endpoint:   {endpoint}
Project:    {project}
API key:    {key}
            (shown only this once)

Write a first document (pip install appwrite):

    from appwrite.client import Client; from appwrite.services.tables_db import TablesDB
    db = TablesDB(Client().set_endpoint("{endpoint}").set_project("{project}").set_key("{key}"))
    print(db.create_row("default", db.{table}.id, "unique()", {row}).to_dict())

"""
LINK = """Open the console (works once):
    {console_url}
"""
NO_SIGNUP = """Make a user for the console, which is closed to sign-ups:
    python3 manage.py create_admin --email you@example.com --password ...
"""
