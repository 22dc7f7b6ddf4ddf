"""A whole run: prepare, load, count, compare, fan out."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Protocol

from django.conf import settings

from bench import fanout, load, pgbench, processes, profile, statements
from bench.data import Stage, stage
from bench.plan import Plan, RefusedError, checked, is_loopback
from bench.report import FanoutRow, HttpRow, Report
from bench.requests import Workload

FANOUT = "fan-out"
PROFILED = "get as user"
WARM_UP_SECONDS = 1
EVENTS_PER_SECOND = (5.0, 0.0)

Say = Callable[[str], None]


class Trial(Protocol):
    """The outcome of a trial."""

    def as_text(self) -> str: ...


RunTrial = Callable[[Stage, Plan, Say], Trial]


def run(plan: Plan, say: Say) -> Report:
    """Measure a running server; `say` is told what happens meanwhile.

    Raises: RefusedError when something is missing or elsewhere than on this machine.
    """
    checked(plan)
    _check_database()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its requests are no news here
    with stage(plan, say) as prepared:
        http = list(_measure_http(prepared, plan, say))
        sockets = list(_measure_fanout(prepared, plan, say)) if plan.wants(FANOUT) else []
        parts = _profile(prepared, plan, say) if plan.has_profile else {}
    return Report(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        connections=plan.connections,
        documents=plan.documents,
        http=http,
        fanout=sockets,
        profile=parts,
    )


def run_trial(trial: RunTrial, plan: Plan, say: Say) -> str:
    """Put a running server on trial; returns what came of it, in one line.

    Raises: RefusedError as `run` does.
    """
    checked(plan)
    _check_database()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with stage(plan, say) as prepared:
        return trial(prepared, plan, say).as_text()


def _check_database() -> None:
    host = str(settings.DATABASES["default"].get("HOST") or "")
    if host and not host.startswith("/") and not is_loopback(host):
        raise RefusedError(f"{host} is not this machine: its database is not to be loaded.")


def _measure_http(prepared: Stage, plan: Plan, say: Say) -> Iterator[HttpRow]:
    workloads = [each for each in prepared.workloads() if plan.wants(each.name)]
    if not workloads:
        return
    if not load.is_available():
        say("wrk is not installed, so no requests are measured (Debian: apt install wrk).")
        return
    alone = pgbench.program()
    if alone is None:
        say("pgbench is not installed, so nothing is compared with PostgreSQL alone.")
    for workload in workloads:
        say(f"measuring: {workload.name}")
        yield _measure(workload, plan, alone)


def _measure(workload: Workload, plan: Plan, alone: str | None) -> HttpRow:
    traffic = statements.watch(workload.variants[0], plan.prefix)
    load.run(workload, plan.for_seconds(WARM_UP_SECONDS))
    web = processes.CpuMeter(partial(processes.listeners, plan.port))
    database = processes.CpuMeter(processes.database_processes)
    found = load.run(workload, plan)
    web_seconds, database_seconds = web.seconds(), database.seconds()
    sql_rate = None
    if alone is not None and workload.documents == 1:
        sql_rate = pgbench.measure(alone, pgbench.script(workload, traffic), plan)
    return HttpRow(
        workload=workload.name,
        documents=workload.documents,
        rate=found.rate,
        failed=found.failed,
        p50=found.p50,
        p99=found.p99,
        web_cpu=_each(web_seconds, found.requests),
        database_cpu=_each(database_seconds, found.requests),
        statements=traffic.statements,
        round_trips=traffic.round_trips,
        sql_rate=sql_rate,
    )


def _measure_fanout(prepared: Stage, plan: Plan, say: Say) -> Iterator[FanoutRow]:
    say(f"opening {plan.sockets:,} sockets")
    with closing(fanout.Listeners(plan, prepared.socket_path())) as listeners:
        for per_second in EVENTS_PER_SECOND:
            say(f"publishing {f'{per_second:.0f} events a second' if per_second else 'at most'}")
            web = processes.CpuMeter(partial(processes.listeners, plan.port))
            found = listeners.measure(prepared.publication(), per_second=per_second)
            yield FanoutRow(
                sockets=plan.sockets,
                per_second=per_second,
                published=found.published,
                due=found.due,
                delivered=len(found.delays),
                rate=found.rate,
                p50=found.delay(0.5),
                p99=found.delay(0.99),
                web_cpu=_each(web.seconds(), len(found.delays)),
            )


def _profile(prepared: Stage, plan: Plan, say: Say) -> dict[str, float]:
    """Split a user's read into parts: inside the application, around it, and in PostgreSQL."""
    say("profiling a user's read")
    (workload,) = (each for each in prepared.workloads() if each.name == PROFILED)
    parts = profile.profile(workload.variants[0], plan.prefix)
    if load.is_available():
        row = _measure(workload, plan, None)
        if row.web_cpu and row.database_cpu:
            parts["HTTP server, bridge, threads"] = row.web_cpu * 1000 - sum(parts.values())
            parts["PostgreSQL"] = row.database_cpu * 1000
    return parts


def _each(seconds: float, count: int) -> float | None:
    """Return milliseconds per item, or None where the system does not tell CPU time."""
    return seconds * 1000 / count if seconds and count else None
