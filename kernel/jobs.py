"""Work after the transaction: job rows with leases, rung through Celery, never lost with it.

A row is the record; a message is only the doorbell. A runner must be idempotent: after a crash it
runs again.
"""

import logging
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import celery
import orjson
from django.db import Error, close_old_connections, connection, transaction

from kernel import events, ratelimit, sql
from kernel.limits import (
    JOB_LEASE_SECONDS,
    JOB_MAX_ATTEMPTS,
    JOB_RENEW_SECONDS,
    JOB_RETENTION_SECONDS,
)

TASK_NAME = "kernel.run_job"
RING_AGAIN_SECONDS = 10
LONGEST_BACKOFF_SECONDS = 300
REQUEUE_BATCH = 500
MAX_ERROR_LENGTH = 4000

Runner = Callable[..., None]
Sweeper = Callable[[], int]

_logger = logging.getLogger(__name__)
_runners: dict[str, Runner] = {}
_failure_hooks: dict[str, Runner] = {}
_sweepers: list[Sweeper] = []


class JobFailedError(Exception):
    """Raised by a runner whose work can never succeed: it is not tried again."""


class JobPostponedError(Exception):
    """Raised by a runner that has to wait for something: this was no attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds:g} s")
        self.seconds = seconds


def runner(name: str, *, on_failure: Runner | None = None) -> Callable[[Runner], Runner]:
    """Register the function that does jobs called `name`; its arguments are those enqueued.

    `on_failure` takes the same ones once such a job is given up, in the transaction that says so.
    """

    def register(function: Runner) -> Runner:
        _runners[name] = function
        if on_failure is not None:
            _failure_hooks[name] = on_failure
        return function

    return register


def enqueue(name: str, /, *, delay_seconds: float = 0.0, **arguments: Any) -> int:
    """Write a job in the current transaction and ring a worker after commit; return its id."""
    row = sql.fetch_one(
        "INSERT INTO job (name, arguments, status, attempts, error, run_after, rung_at)"
        " VALUES (%s, %s::jsonb, 'waiting', 0, '', now() + make_interval(secs => %s), now())"
        " RETURNING id",
        (name, orjson.dumps(arguments).decode(), delay_seconds),
    )
    if row is None:
        raise RuntimeError("INSERT returned no row")
    job_id = int(row[0])
    if delay_seconds <= 0:
        transaction.on_commit(lambda: ring(job_id))
    return job_id


def ring(job_id: int) -> None:
    """Tell a worker that a job waits. A broker out of reach is no loss: the sweep rings again."""
    try:
        celery.current_app.send_task(TASK_NAME, [job_id], ignore_result=True)
    except Exception as error:  # noqa: BLE001  # each broker raises errors of its own
        _logger.warning("broker not reached, job %s waits for the sweep: %s", job_id, error)


def run(job_id: int) -> bool:
    """Claim a job and do it; tell whether this call did."""
    token = uuid.uuid4()
    sql.drop_dead_connection()
    claimed = sql.fetch_one(_CLAIM, (token, JOB_LEASE_SECONDS, job_id))
    if claimed is None:
        return False
    name, arguments, attempts = claimed
    try:
        with _renewing(job_id, token):
            _runners[name](**orjson.loads(arguments))
    except JobFailedError as error:
        _give_up(job_id, _FAIL, (str(error)[-MAX_ERROR_LENGTH:], job_id, token))
    except JobPostponedError as wait:
        sql.execute(_POSTPONE_WAITING, (wait.seconds, job_id, token))
    except Exception:  # whatever a runner raises is recorded and tried again
        _logger.exception("job %s (%s) failed", job_id, name)
        _retry(job_id, token, attempts=attempts, error=traceback.format_exc())
    else:
        _finish(job_id, token)
    return True


def run_waiting() -> int:
    """Do every job that is due, in order; return how many. For commands and tests."""
    done = 0
    while row := sql.fetch_one(
        "SELECT id FROM job WHERE status = 'waiting' AND run_after <= now() ORDER BY id LIMIT 1"
    ):
        done += run(row[0])
    return done


def requeue_expired() -> int:
    """Give back jobs whose worker is gone and ring for those nobody took; return how many.

    A job that takes its workers with it again and again is given up.
    """
    for (job_id,) in sql.fetch_all(_HOPELESS, (JOB_MAX_ATTEMPTS, REQUEUE_BATCH)):
        _give_up(job_id, _FAIL_HOPELESS, (job_id, JOB_MAX_ATTEMPTS))
    rows = sql.fetch_all(_REQUEUE, (RING_AGAIN_SECONDS, REQUEUE_BATCH))
    for (job_id,) in rows:
        ring(job_id)
    return len(rows)


def hourly(function: Sweeper) -> Sweeper:
    """Register what deletes rows past their time, in small batches; it returns how many."""
    _sweepers.append(function)
    return function


def sweep() -> int:
    """Delete everything that is past its time; return how many rows."""
    return sum(_swept(function) for function in _sweepers)


def _swept(function: Sweeper) -> int:
    try:
        return function()
    except Exception:  # one app's must not stop those of the others
        _logger.exception("rows past their time could not be swept")
        return 0


@hourly
def _sweep_own() -> int:
    jobs = sql.execute(
        "DELETE FROM job WHERE status = 'done' AND finished_at < now() - make_interval(secs => %s)",
        (JOB_RETENTION_SECONDS,),
    )
    return jobs + events.sweep() + ratelimit.sweep()


_CLAIM = (
    "UPDATE job SET status = 'running', attempts = attempts + 1, lease_token = %s,"
    " leased_until = now() + make_interval(secs => %s)"
    " WHERE id = %s AND run_after <= now()"
    " AND (status = 'waiting' OR (status = 'running' AND leased_until < now()))"
    " RETURNING name, arguments, attempts"
)
_RENEW = (
    "UPDATE job SET leased_until = now() + make_interval(secs => %s)"
    " WHERE id = %s AND lease_token = %s AND status = 'running'"
)
_FINISH = (
    "UPDATE job SET status = 'done', error = '', finished_at = now(), leased_until = NULL"
    " WHERE id = %s AND lease_token = %s AND status = 'running'"
)
_FAIL = (
    "UPDATE job SET status = 'failed', error = %s, finished_at = now(), leased_until = NULL"
    " WHERE id = %s AND lease_token = %s AND status = 'running' RETURNING name, arguments"
)
_RETRY = (
    "UPDATE job SET status = 'waiting', error = %s, leased_until = NULL,"
    " run_after = now() + make_interval(secs => %s)"
    " WHERE id = %s AND lease_token = %s AND status = 'running'"
)
_POSTPONE_WAITING = (
    "UPDATE job SET status = 'waiting', attempts = attempts - 1, leased_until = NULL,"
    " run_after = now() + make_interval(secs => %s)"
    " WHERE id = %s AND lease_token = %s AND status = 'running'"
)
_HOPELESS = (
    "SELECT id FROM job WHERE status = 'running' AND leased_until < now() AND attempts >= %s"
    " ORDER BY leased_until LIMIT %s"
)
_FAIL_HOPELESS = (
    "UPDATE job SET status = 'failed', error = 'its worker died each time', finished_at = now(),"
    " leased_until = NULL"
    " WHERE id = %s AND status = 'running' AND leased_until < now() AND attempts >= %s"
    " RETURNING name, arguments"
)
_POSTPONE = (
    "UPDATE job SET leased_until = now() + make_interval(secs => %s)"
    " WHERE id = %s AND status = 'running'"
)
_REQUEUE = (
    "UPDATE job SET status = 'waiting', leased_until = NULL, rung_at = now() WHERE id IN ("
    " SELECT id FROM job WHERE (status = 'running' AND leased_until < now())"
    " OR (status = 'waiting' AND run_after <= now()"
    " AND (rung_at IS NULL OR rung_at < now() - make_interval(secs => %s)))"
    " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id"
)


def _finish(job_id: int, token: uuid.UUID) -> None:
    if not sql.execute(_FINISH, (job_id, token)):
        _logger.warning("job %s lost its lease before it ended", job_id)


def _give_up(job_id: int, statement: str, parameters: tuple[Any, ...]) -> None:
    """Record that a job failed for good, and let its hook tell whom it concerns: both or neither.

    While the hook fails the job keeps a lease that nobody renews, so the sweep comes back to it.
    """
    try:
        with transaction.atomic():
            given_up = sql.fetch_one(statement, parameters)
            if given_up is None:
                _logger.warning("job %s lost its lease before it failed", job_id)
                return
            name, arguments = given_up
            if hook := _failure_hooks.get(name):
                hook(**orjson.loads(arguments))
    except Exception:  # one job's hook must not stop the sweep of the others
        _logger.exception("job %s failed, and so did telling of it", job_id)
        sql.execute(_POSTPONE, (LONGEST_BACKOFF_SECONDS, job_id))


def _retry(job_id: int, token: uuid.UUID, *, attempts: int, error: str) -> None:
    if attempts >= JOB_MAX_ATTEMPTS:
        _give_up(job_id, _FAIL, (error[-MAX_ERROR_LENGTH:], job_id, token))
        return
    backoff = min(2 ** (attempts - 1), LONGEST_BACKOFF_SECONDS)
    sql.execute(_RETRY, (error[-MAX_ERROR_LENGTH:], backoff, job_id, token))


@contextmanager
def _renewing(job_id: int, token: uuid.UUID) -> Iterator[None]:
    """Renew the lease from a thread of its own while the body runs."""
    ended = threading.Event()

    def renew() -> None:
        try:
            while not ended.wait(JOB_RENEW_SECONDS):
                close_old_connections()
                _renew(job_id, token)
        finally:
            connection.close()

    thread = threading.Thread(target=renew, name=f"lease-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _renew(job_id: int, token: uuid.UUID) -> None:
    try:
        sql.execute(_RENEW, (JOB_LEASE_SECONDS, job_id, token))
    except Error as error:  # the lease outlasts two such failures
        _logger.warning("lease of job %s could not be renewed: %s", job_id, error)
