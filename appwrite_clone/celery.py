"""Celery: the engine that runs jobs, on Redis or on the PostgreSQL that is there anyway."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "appwrite_clone.settings")

from celery import Celery
from django.conf import settings
from django.utils.module_loading import import_string
from kombu.transport import TRANSPORT_ALIASES, sqlalchemy
from kombu.transport.virtual import Empty
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads
from sqlalchemy import URL, text

from kernel.limits import JOB_MAX_SECONDS

TASK_NAME = "kernel.run_job"
POLL_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 0.3
BROKER_CONNECT_SECONDS = 2
LONGEST_GOODBYE_SECONDS = 60
# Parameters of psycopg itself and of Django, which mean nothing in a libpq URL.
NOT_IN_URL = frozenset({"prepare_threshold", "pool", "server_side_binding", "isolation_level"})

# One statement takes a message and removes it. Nothing is kept for a worker that dies with it:
# the job's row is the record, and the sweep rings again when its lease has run out.
_TAKE = text(
    "DELETE FROM kombu_message WHERE id = ("
    " SELECT m.id FROM kombu_message m JOIN kombu_queue q ON q.id = m.queue_id"
    " WHERE q.name = :queue AND m.visible ORDER BY m.id LIMIT 1 FOR UPDATE OF m SKIP LOCKED"
    ") RETURNING payload"
)


class PostgresChannel(sqlalchemy.Channel):
    """Kombu's SQL channel, which by itself keeps delivered messages and lets takers wait."""

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        super()._new_queue(queue, **kwargs)
        # The look-up began a transaction, which would stay open until the next message.
        self.session.commit()

    def _size(self, queue: str) -> Any:
        size = super()._size(queue)
        self.session.commit()  # for the same reason
        return size

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            payload = self.session.execute(_TAKE, {"queue": queue}).scalar()
            self.session.commit()
        except Exception:
            # Without it a session that once lost its connection would fail for ever.
            self.session.rollback()
            raise
        if payload is None:
            raise Empty
        return loads(bytes_to_str(payload))


class PostgresTransport(sqlalchemy.Transport):
    """Kombu's SQL transport, asking ten times a second instead of once."""

    Channel = PostgresChannel
    # A class attribute: kombu hands every transport option to SQLAlchemy's create_engine.
    polling_interval = POLL_SECONDS

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        # The worker asks only between two waits whether it should stop.
        if timeout is not None:
            timeout = min(timeout, LONGEST_WAIT_SECONDS)
        super().drain_events(connection, timeout=timeout, **kwargs)


TRANSPORT_ALIASES["sqla"] = f"{__name__}:{PostgresTransport.__name__}"


def broker_url() -> str:
    """Return where messages go: REDIS_URL, or the database itself."""
    if settings.REDIS_URL:
        return str(settings.REDIS_URL)
    database = settings.DATABASES["default"]
    options = {k: str(v) for k, v in database["OPTIONS"].items() if k not in NOT_IN_URL}
    host, port = database["HOST"], database["PORT"]
    url = URL.create(
        "postgresql+psycopg",
        username=database["USER"] or None,
        password=database["PASSWORD"] or None,
        database=database["NAME"],
        query=options | {k: v for k, v in (("host", host), ("port", port)) if v},
    )
    return f"sqla+{url.render_as_string(hide_password=False)}"


def transport_options() -> dict[str, Any]:
    if settings.REDIS_URL:
        return {"socket_connect_timeout": BROKER_CONNECT_SECONDS, "socket_keepalive": True}
    return {"pool_pre_ping": True}  # a restarted PostgreSQL is met by a fresh connection


def open_broker(connection: Any) -> None:
    """Connect to the broker, making its queue and tables when they are not there."""
    connection.ensure_connection(max_retries=1)
    connection.default_channel.queue_declare(app.conf.task_default_queue)


app = Celery("appwrite_clone", set_as_current=True)
app.set_default()  # for threads other than the one that imported this
app.conf.update(
    broker_url=broker_url(),
    broker_transport_options=transport_options(),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    task_ignore_result=True,
    task_soft_time_limit=JOB_MAX_SECONDS,  # the job is then tried again like any that failed
    task_time_limit=JOB_MAX_SECONDS + LONGEST_GOODBYE_SECONDS,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_publish_retry=False,  # a doorbell that does not ring is rung again by the sweep
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    enable_utc=True,
    timezone="UTC",
)


@app.task(name=TASK_NAME)
def run_job(job_id: int) -> None:
    """Do one job by its id; what it is stands in its row."""
    import_string("kernel.jobs.run")(job_id)
