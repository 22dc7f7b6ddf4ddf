"""Drives wrk, a load generator whose own cost is small beside the server's."""

import json
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.plan import Plan, RefusedError
from bench.requests import Workload

PROGRAM = "wrk"
SEEDS = 2**31
TIMEOUT_SECONDS = 10
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of a load: times in milliseconds, `failed` counts errors and statuses over 399."""

    requests: int
    seconds: float
    failed: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def is_available() -> bool:
    return shutil.which(PROGRAM) is not None


def run(workload: Workload, plan: Plan) -> Load:
    """Keep `plan.connections` requests under way for `plan.seconds`.

    Raises: RefusedError when wrk cannot.
    """
    with tempfile.NamedTemporaryFile(prefix="bench-", suffix=".requests") as file:
        host = f"{plan.host}:{plan.port}"
        file.write(b"\0".join(each.raw(host, plan.prefix) for each in workload.variants))
        file.flush()
        done = subprocess.run(
            [
                *(PROGRAM, "--threads=1", f"--connections={plan.connections}"),
                *(f"--duration={plan.seconds}s", f"--timeout={TIMEOUT_SECONDS}s"),
                *(
                    f"--script={_SCRIPT}",
                    f"http://{host}",
                    "--",
                    file.name,
                    str(secrets.randbelow(SEEDS)),
                ),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=plan.seconds + 3 * TIMEOUT_SECONDS,
        )
    if done.returncode != 0:
        raise RefusedError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    return Load(**json.loads(done.stdout.splitlines()[-1]))
