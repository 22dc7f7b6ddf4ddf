"""The statements of a request once more, run by pgbench: what PostgreSQL alone does with them."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from django.conf import settings

from appwrite_clone.bootstrap import StartError
from appwrite_clone.embedded.programs import find_programs
from bench.plan import Plan, RefusedError
from bench.requests import Workload
from bench.statements import Traffic

_LITERAL = re.compile(r"(?P<escaped>\bE)?'(?P<text>(?:[^'\\]|''|\\.)*)'", re.DOTALL)
_RATE = re.compile(r"tps = ([\d.]+)")
_VARIABLES = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD",
              "NAME": "PGDATABASE"}  # fmt: skip


def program() -> str | None:
    """Return pgbench of the embedded database, else of the search path."""
    try:
        found = find_programs(None).path("pgbench")
    except StartError:
        found = ""
    return found if Path(found).is_file() else shutil.which("pgbench")


def script(workload: Workload, traffic: Traffic) -> str:
    """Return the statements as a pgbench script: a random document and a fresh value each time."""
    lines = [
        f"\\set n random(0, {max(len(workload.variants) - 1, 1)})",
        "\\set fresh random(100000000, 999999999)",
    ]
    for statement in traffic.sql:
        text = _plain(statement, traffic.value)
        if workload.sql_id:
            text = text.replace(f"'{traffic.document_id}'", f"({workload.sql_id})")
        lines.append(" ".join(text.split("\n")) + ";")
    return "\n".join(lines) + "\n"


def _plain(statement: str, value: str) -> str:
    """Put in the fresh value, hide colons that pgbench takes for its variables, wake nobody."""
    quiet = statement.replace("pg_notify('", "pg_notify('bench_")
    return _LITERAL.sub(lambda match: _rewritten(match, value), quiet)


def _rewritten(match: re.Match[str], value: str) -> str:
    text = match["text"]
    if ":" not in text and value not in text:
        return match[0]
    if not match["escaped"]:
        text = text.replace("\\", r"\\")
    parts = [f"E'{part}'" for part in text.replace(":", r"\x3A").split(value)]
    return parts[0] if len(parts) == 1 else "({})".format(" || :fresh::text || ".join(parts))


def measure(found: str, text: str, plan: Plan) -> float:
    """Run a script over the plan's connections; returns how often it ran in a second.

    Raises: RefusedError when pgbench cannot.
    """
    with tempfile.NamedTemporaryFile("w", prefix="bench-", suffix=".sql") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            [
                *(found, "--no-vacuum", "--protocol=prepared", "--jobs=1"),
                *(f"--client={plan.connections}", f"--time={plan.seconds}", f"--file={file.name}"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=plan.seconds + 60,
            env=os.environ | _connection(),
        )
    rate = _RATE.search(done.stdout)
    if done.returncode != 0 or rate is None:
        raise RefusedError(f"pgbench failed: {done.stderr.strip()}")
    return float(rate[1])


def _connection() -> dict[str, str]:
    database = settings.DATABASES["default"]
    found = {name: str(database.get(key) or "") for key, name in _VARIABLES.items()}
    found["PGOPTIONS"] = database.get("OPTIONS", {}).get("options", "")
    return {name: value for name, value in found.items() if value}
