"""Faults, one kind after the other: `python -m bench.faults --rounds 30 --seed 1`."""

import argparse
import json
import sys
from pathlib import Path

from bench.faults import caches, disks, kills, mails, outages
from bench.faults.report import Report
from bench.faults.site import running

KINDS = ("kill", "outage", "disk", "cache", "mail")
MOST_ROUNDS, MOST_WRITERS = 200, 32
LONGEST_OUTAGE_SECONDS = 120.0


def main() -> int:
    """Run what was asked for; 1 when a promise was broken."""
    asked = _arguments()
    wanted = set(asked.only.split(",")) if asked.only else set(KINDS)
    report = Report(seed=asked.seed)
    if "kill" in wanted:
        with running() as site:
            report.kills = kills.run(
                site, rounds=asked.rounds, seed=asked.seed, writers=asked.writers, say=_say
            )
    if "outage" in wanted:
        _outages(report, asked)
    if "disk" in wanted:
        _disk(report, asked)
    if "cache" in wanted:
        _caches(report, asked)
    if "mail" in wanted:
        _mails(report, asked)
    sys.stdout.write(report.as_text() + "\n")
    if asked.out:
        asked.out.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    return 0 if report.is_clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="kills")
    parser.add_argument("--seed", type=int, default=1, help="repeats a run's choices")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each outage")
    parser.add_argument("--writers", type=int, default=6)
    parser.add_argument("--only", default="", help=f"kinds, with commas: {', '.join(KINDS)}")
    parser.add_argument("--out", type=Path, help="file for the results as JSON")
    asked = parser.parse_args()
    unknown = set(filter(None, asked.only.split(","))) - set(KINDS)
    if unknown:
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}")
    if not 0 < asked.rounds <= MOST_ROUNDS or not 0 < asked.writers <= MOST_WRITERS:
        parser.error(f"at most {MOST_ROUNDS} rounds and {MOST_WRITERS} writers, at least one")
    if not 0 < asked.seconds <= LONGEST_OUTAGE_SECONDS:
        parser.error(f"--seconds: at most {LONGEST_OUTAGE_SECONDS:.0f}")
    return asked


def _outages(report: Report, asked: argparse.Namespace) -> None:
    with running() as site:
        for name in outages.FAULTS:
            _say(f"PostgreSQL {name} for {asked.seconds:.0f} s")
            report.outages.append(
                outages.run(
                    site, name, seconds=asked.seconds, writers=asked.writers, seed=asked.seed
                )
            )


def _disk(report: Report, asked: argparse.Namespace) -> None:
    if not disks.can_run():
        report.not_run.append("a full disk, which takes root to mount a small one")
        return
    _say(f"disk full for {asked.seconds:.0f} s")
    report.disk = disks.run(seconds=asked.seconds, writers=asked.writers, seed=asked.seed)


def _caches(report: Report, asked: argparse.Namespace) -> None:
    if caches.program() is None:
        report.not_run.append("Redis, which is not installed (Debian: apt install redis-server)")
        return
    with caches.site_with_redis() as (site, server):
        for name in caches.FAULTS:
            _say(f"Redis {name} for {asked.seconds:.0f} s")
            report.caches.append(
                caches.run(
                    site,
                    server,
                    name,
                    seconds=asked.seconds,
                    writers=asked.writers,
                    seed=asked.seed,
                )
            )


def _mails(report: Report, asked: argparse.Namespace) -> None:
    with mails.site_with_mails() as (site, server):
        for name in mails.FAULTS:
            _say(f"mail server {name} for {asked.seconds:.0f} s")
            report.mails.append(mails.run(site, server, name, seconds=asked.seconds))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
