"""Jobs: claimed once, tried again, given back when their worker is gone."""

import time
import uuid
from datetime import timedelta

import celery
import pytest
from django.db import connection, transaction
from django.db.models import F

from kernel import clock, jobs
from kernel.limits import JOB_MAX_ATTEMPTS
from kernel.models import Job, OutboxEvent, RateCounter

PATIENCE_SECONDS = 30
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def done():
    return []


@pytest.fixture(autouse=True)
def _own_runners(monkeypatch, done):
    monkeypatch.setattr(jobs, "_runners", {})
    monkeypatch.setattr(jobs, "_failure_hooks", {})
    jobs.runner("test.note")(lambda **arguments: done.append(arguments))


@pytest.fixture
def rung(monkeypatch):
    numbers: list[int] = []
    monkeypatch.setattr(jobs, "ring", numbers.append)
    return numbers


def _enqueue_and_fail():
    with transaction.atomic():
        jobs.enqueue("test.note")
        raise RuntimeError


def expire(job_id):
    past = clock.now() - timedelta(seconds=1)
    Job.objects.filter(id=job_id).update(leased_until=past)


def test_a_job_is_done_once(done):
    job_id = jobs.enqueue("test.note", user="a", number=1)
    assert jobs.run(job_id)
    assert not jobs.run(job_id)
    assert done == [{"user": "a", "number": 1}]
    job = Job.objects.get(id=job_id)
    assert (job.status, job.attempts, job.error) == ("done", 1, "")
    assert job.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit(rung):
    with transaction.atomic():
        job_id = jobs.enqueue("test.note")
        assert rung == []
    assert rung == [job_id]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_job_does_not_exist(rung):
    with pytest.raises(RuntimeError):
        _enqueue_and_fail()
    assert rung == []
    assert not Job.objects.exists()


def test_a_delayed_job_waits(done):
    job_id = jobs.enqueue("test.note", delay_seconds=60)
    assert not jobs.run(job_id)
    assert jobs.run_waiting() == 0
    Job.objects.filter(id=job_id).update(run_after=F("run_after") - timedelta(seconds=61))
    assert jobs.run_waiting() == 1
    assert done == [{}]


def test_a_failed_job_is_tried_again_later(caplog):
    @jobs.runner("test.fail")
    def fail():
        raise RuntimeError("the reason")

    job_id = jobs.enqueue("test.fail")
    assert jobs.run(job_id)
    job = Job.objects.get(id=job_id)
    assert (job.status, job.attempts) == ("waiting", 1)
    assert "the reason" in job.error
    assert job.run_after > clock.now()
    assert not jobs.run(job_id)


def test_a_job_that_keeps_failing_is_given_up(caplog):
    @jobs.runner("test.fail")
    def fail():
        raise RuntimeError("the reason")

    job_id = jobs.enqueue("test.fail")
    Job.objects.filter(id=job_id).update(attempts=JOB_MAX_ATTEMPTS - 1)
    assert jobs.run(job_id)
    job = Job.objects.get(id=job_id)
    assert (job.status, job.attempts) == ("failed", JOB_MAX_ATTEMPTS)


def test_a_job_that_cannot_succeed_is_given_up_at_once():
    @jobs.runner("test.hopeless")
    def fail():
        raise jobs.JobFailedError("never")

    job_id = jobs.enqueue("test.hopeless")
    jobs.run(job_id)
    job = Job.objects.get(id=job_id)
    assert (job.status, job.error) == ("failed", "never")


def test_an_unknown_job_is_kept_for_a_process_that_knows_it(caplog):
    job_id = jobs.enqueue("test.of_a_newer_version")
    jobs.run(job_id)
    assert Job.objects.get(id=job_id).status == "waiting"


def test_a_running_job_is_not_taken_by_another(done):
    job_id = jobs.enqueue("test.note")

    @jobs.runner("test.outer")
    def outer():
        Job.objects.filter(id=job_id).update(
            status="running", leased_until=clock.now() + timedelta(seconds=30)
        )
        assert not jobs.run(job_id)

    assert jobs.run(jobs.enqueue("test.outer"))
    assert done == []


def test_a_job_of_a_dead_worker_is_given_back_and_done(done, rung):
    job_id = jobs.enqueue("test.note", x=1)
    Job.objects.filter(id=job_id).update(status="running", lease_token=uuid.uuid4(), attempts=1)
    assert jobs.requeue_expired() == 0
    expire(job_id)
    assert jobs.requeue_expired() == 1
    assert rung[-1] == job_id
    assert jobs.run(job_id)
    assert done == [{"x": 1}]
    assert Job.objects.get(id=job_id).attempts == 2


def test_a_job_that_kills_its_workers_is_given_up(done, rung):
    job_id = jobs.enqueue("test.note")
    Job.objects.filter(id=job_id).update(status="running", attempts=JOB_MAX_ATTEMPTS)
    expire(job_id)
    rung.clear()
    assert jobs.requeue_expired() == 0
    assert rung == []
    job = Job.objects.get(id=job_id)
    assert (job.status, job.error) == ("failed", "its worker died each time")
    assert not jobs.run(job_id)
    assert done == []


@pytest.fixture
def told():
    return []


@pytest.fixture
def failing(told):
    """Register a job that fails, and tells whom it concerns when it is given up."""

    @jobs.runner("test.fail", on_failure=lambda **arguments: told.append(arguments))
    def fail(user):
        raise jobs.JobFailedError(user) if user == "hopeless" else RuntimeError


def test_a_job_that_is_given_up_tells_so_once(failing, told, caplog):
    job_id = jobs.enqueue("test.fail", user="a")
    assert jobs.run(job_id)
    assert told == []
    due = clock.now() - timedelta(minutes=1)
    Job.objects.filter(id=job_id).update(attempts=JOB_MAX_ATTEMPTS - 1, run_after=due)
    assert jobs.run(job_id)
    assert told == [{"user": "a"}]
    assert not jobs.run(job_id)
    assert jobs.requeue_expired() == 0
    assert told == [{"user": "a"}]


def test_a_job_that_cannot_succeed_tells_so(failing, told):
    jobs.run(jobs.enqueue("test.fail", user="hopeless"))
    assert told == [{"user": "hopeless"}]


def test_a_job_that_kills_its_workers_tells_so(failing, told):
    job_id = jobs.enqueue("test.fail", user="a")
    Job.objects.filter(id=job_id).update(status="running", attempts=JOB_MAX_ATTEMPTS)
    expire(job_id)
    jobs.requeue_expired()
    assert told == [{"user": "a"}]


def test_telling_is_tried_again_and_stops_no_other_job(told, rung, caplog):
    def tell(number):
        if number == 1 and len(told) < 2:
            told.append("failed")
            raise RuntimeError
        told.append(number)

    jobs.runner("test.fail", on_failure=tell)(lambda number: None)
    ids = [jobs.enqueue("test.fail", number=number) for number in (1, 2)]
    for job_id in ids:
        Job.objects.filter(id=job_id).update(status="running", attempts=JOB_MAX_ATTEMPTS)
        expire(job_id)
    jobs.requeue_expired()
    assert told == ["failed", 2]
    assert [Job.objects.get(id=each).status for each in ids] == ["running", "failed"]
    jobs.requeue_expired()
    assert told == ["failed", 2]
    expire(ids[0])
    jobs.requeue_expired()
    assert told == ["failed", 2, 1]
    assert Job.objects.get(id=ids[0]).status == "failed"


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_after_a_lost_connection(monkeypatch, rung, caplog):
    monkeypatch.setattr(jobs, "JOB_RENEW_SECONDS", 0.05)

    @jobs.runner("test.long")
    def run_long():
        _wait_for_renewal(job_id)
        with connection.cursor() as cursor:
            cursor.execute(END_OTHERS)
        _wait_for_renewal(job_id)

    job_id = jobs.enqueue("test.long")
    assert jobs.run(job_id)
    assert Job.objects.get(id=job_id).status == "done"
    assert "could not be renewed" in caplog.text


def _wait_for_renewal(job_id):
    """Let the lease run out in a second unless somebody renews it, and wait for that."""
    soon = clock.now() + timedelta(seconds=1)
    Job.objects.filter(id=job_id).update(leased_until=soon)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Job.objects.get(id=job_id).leased_until == soon:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_late_result_of_a_lost_lease_is_refused(caplog):
    job_id = 0

    @jobs.runner("test.slow")
    def slow():
        # The lease runs out meanwhile and another worker takes the job.
        Job.objects.filter(id=job_id).update(lease_token=uuid.uuid4())

    job_id = jobs.enqueue("test.slow")
    assert jobs.run(job_id)
    assert Job.objects.get(id=job_id).status == "running"
    assert "lost its lease" in caplog.text


def test_a_job_nobody_heard_of_is_rung_again(rung):
    job_id = jobs.enqueue("test.note")
    rung.clear()
    assert jobs.requeue_expired() == 0
    Job.objects.filter(id=job_id).update(rung_at=clock.now() - timedelta(minutes=1))
    assert jobs.requeue_expired() == 1
    assert rung == [job_id]
    assert jobs.requeue_expired() == 0


def test_what_is_past_its_retention_is_swept(monkeypatch):
    monkeypatch.setattr(jobs, "_sweepers", [jobs._sweep_own])  # each app tests what it sweeps
    old = clock.now() - timedelta(days=8)
    for status in ("done", "failed", "waiting"):
        Job.objects.create(name="test.note", status=status, finished_at=old)
    Job.objects.create(name="test.note", status="done", finished_at=clock.now())
    for created_at in (old, clock.now()):
        OutboxEvent.objects.create(
            project_id=1, name="a.b.create", payload={}, roles=[], created_at=created_at
        )
    RateCounter.objects.create(key="k", window_start=0, hits=1)
    assert jobs.sweep() == 3
    assert sorted(Job.objects.values_list("status", flat=True)) == ["done", "failed", "waiting"]
    assert OutboxEvent.objects.count() == 1
    assert not RateCounter.objects.exists()


def test_sweeps_of_apps_are_counted_and_stop_each_other_not(monkeypatch, caplog):
    def fail():
        raise RuntimeError("the reason")

    monkeypatch.setattr(jobs, "_sweepers", [])
    jobs.hourly(fail)
    jobs.hourly(lambda: 2)
    assert jobs.sweep() == 2
    assert "the reason" in caplog.text


def test_a_broker_out_of_reach_loses_no_job(monkeypatch, caplog):
    def fail(*_args, **_options):
        raise OSError("no broker")

    monkeypatch.setattr(celery.current_app, "send_task", fail)
    with transaction.atomic():
        job_id = jobs.enqueue("test.note")
    assert Job.objects.get(id=job_id).status == "waiting"
    assert "broker not reached" in caplog.text
