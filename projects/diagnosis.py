"""Checks of the installation as a whole: its database, its worker, its projects."""

import time

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from kernel import geoip, jobs, sql
from kernel.diagnosis import ProblemError, check
from projects import checks
from projects.models import Project

KNOCK_JOB = "projects.knock"
KNOCK_SECONDS = 10.0
POLL_SECONDS = 0.1
REMOVAL_HOURS = 1

_STATUS = "SELECT status FROM job WHERE id = %s"
_FORGET = "DELETE FROM job WHERE id = %s"
_STUCK = (
    "SELECT count(*) FROM project"
    " WHERE deleted_at < statement_timestamp() - make_interval(hours => %s)"
)


@check("database")
def find_database() -> str:
    row = sql.fetch_one("SELECT current_setting('server_version')")
    return f"PostgreSQL {row[0] if row else '?'} answers"


@check("durability")
def find_durability() -> str:
    row = sql.fetch_one("SELECT current_setting('fsync'), current_setting('full_page_writes')")
    if row != ("on", "on"):
        raise ProblemError("fsync or full_page_writes is off: a power cut loses data; turn them on")
    return "fsync and full_page_writes are on"


@check("production")
def find_production() -> str:
    """Tell what the start guard would refuse."""
    if not settings.IS_PRODUCTION:
        return "not asked for: own database, and for this machine alone"
    problems = checks.findings()
    if problems:
        raise ProblemError(" ".join(problems))
    return "nothing is in the way"


@check("migrations")
def find_migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise ProblemError(f"{len(missing)} migrations are not applied: run manage.py migrate")
    return "all applied"


@check("worker")
def find_worker() -> str:
    """Have a worker do a job that does nothing, and wait for it."""
    started_at = time.monotonic()
    job_id = jobs.enqueue(KNOCK_JOB)
    try:
        while time.monotonic() - started_at < KNOCK_SECONDS:
            if sql.fetch_one(_STATUS, (job_id,)) == ("done",):
                return f"answered in {time.monotonic() - started_at:.1f} s"
            time.sleep(POLL_SECONDS)
    finally:
        sql.execute(_FORGET, (job_id,))
    raise ProblemError(
        f"none did a job within {KNOCK_SECONDS:.0f} s: is the worker running?"
        " `python3 manage.py up` starts it"
    )


@check("addresses")
def find_addresses() -> str:
    """Tell whether countries are found."""
    if not settings.GEOIP_DATABASE:
        return "no GEOIP_DATABASE: sessions have no country"
    try:
        geoip.probe()
    except geoip.NoDatabaseError as error:
        raise ProblemError(f"GEOIP_DATABASE: {error}") from None
    return "countries are found"


@check("projects")
def find_projects() -> str:
    if not Project.objects.filter(uid="console").exists():
        raise ProblemError("the project console is missing: run manage.py migrate")
    row = sql.fetch_one(_STUCK, (REMOVAL_HOURS,))
    stuck = int(row[0]) if row else 0
    if stuck:
        raise ProblemError(f"{stuck} deleted projects wait for their removal: see the failed jobs")
    return f"{Project.objects.alive().count()} in all"
