"""A long mixed load: does the server's memory keep growing?"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, mean

from bench import load, processes
from bench.data import Stage
from bench.plan import Plan, RefusedError

SAMPLE_SECONDS = 5.0
#: The first part of a run fills caches and pools, which is no growth.
WARM_UP_SHARE = 0.2
LEAST_SAMPLES = 10

Say = Callable[[str], None]
Sample = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Soak:
    """What came of it: mebibytes of memory, requests of all kinds, and what failed of them."""

    seconds: int
    requests: int
    failed: int
    first_mib: float
    last_mib: float
    #: Growth over the whole time as a line through the samples has it, of their mean.
    slope: float

    def as_text(self) -> str:
        return (
            f"{self.seconds:,} s of mixed load: {self.requests:,} requests, {self.failed:,} failed;"
            f" web processes {self.first_mib:.1f} to {self.last_mib:.1f} MiB, slope"
            f" {self.slope:+.2%}"
        )


def run(stage: Stage, plan: Plan, say: Say) -> Soak:
    """Load with all workloads at once, and watch the memory of the web processes.

    Raises: RefusedError where wrk is missing or the system does not tell memory.
    """
    if not load.is_available():
        raise RefusedError("wrk is not installed, so nothing can be loaded (apt install wrk).")
    workloads = stage.workloads()
    share = Plan(url=plan.url, connections=max(plan.connections // len(workloads), 1))
    ending = threading.Event()
    with ThreadPoolExecutor(len(workloads) + 1) as pool:
        watching = pool.submit(_watch, plan.port, ending)
        say(f"loading for {plan.seconds:,} s")
        loads: list[Future[load.Load]] = [
            pool.submit(load.run, each, share.for_seconds(plan.seconds)) for each in workloads
        ]
        try:
            found = [each.result() for each in loads]
        finally:
            ending.set()
        samples = watching.result()
    return Soak(
        seconds=plan.seconds,
        requests=sum(each.requests for each in found),
        failed=sum(each.failed for each in found),
        **_growth(samples),
    )


def _watch(port: int, ending: threading.Event) -> list[Sample]:
    samples: list[Sample] = []
    begin = time.monotonic()
    while not ending.wait(SAMPLE_SECONDS):
        memory = sum(map(memory_mib, processes.listeners(port)))
        samples.append((time.monotonic() - begin, memory))
    return samples


def _growth(samples: Sequence[Sample]) -> dict[str, float]:
    settled = samples[int(len(samples) * WARM_UP_SHARE) :]
    if len(settled) < LEAST_SAMPLES:
        raise RefusedError("A line needs more samples: load for longer.")
    times, sizes = zip(*settled, strict=True)
    slope = linear_regression(times, sizes).slope * (times[-1] - times[0]) / mean(sizes)
    return {"first_mib": sizes[0], "last_mib": sizes[-1], "slope": slope}


def memory_mib(pid: int) -> float:
    """Return a process's memory, its part of shared pages included (PSS)."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError as error:
        raise RefusedError(f"This system does not tell memory: {error}.") from error
    lines = (line.split() for line in text.splitlines())
    return next(int(line[1]) for line in lines if line[0] == "Pss:") / 1024
