"""What the faults did: as JSON, and as tables to read."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from bench.faults.caches import CacheFault
from bench.faults.disks import FullDisk
from bench.faults.kills import GOALS, Kills
from bench.faults.mails import MailFault
from bench.faults.outages import Outage


@dataclass
class Report:
    """All that was run; what was not says why."""

    seed: int
    kills: Kills | None = None
    outages: list[Outage] = field(default_factory=list)
    disk: FullDisk | None = None
    caches: list[CacheFault] = field(default_factory=list)
    mails: list[MailFault] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return all(each.is_clean for each in self._found())

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def as_text(self) -> str:
        parts = [f"seed {self.seed}"]
        if self.kills:
            parts += [_kills(self.kills), _recovery(self.kills)]
        if self.outages or self.disk or self.caches:
            parts.append(_others(self))
        if self.mails:
            parts.append(_mails(self.mails))
        parts += [f"not run: {reason}" for reason in self.not_run]
        parts += [f"BROKEN: {text}" for text in self._broken()]
        return "\n\n".join(parts)

    def _broken(self) -> list[str]:
        return [text for each in self._found() for text in each.broken]

    def _found(self) -> "list[Kills | Outage | FullDisk | CacheFault | MailFault]":
        single = [each for each in (self.kills, self.disk) if each is not None]
        return [*single, *self.outages, *self.caches, *self.mails]


def bound(count: int, of: int) -> str:
    """Write a count, and beside a zero how large its share may be, with 95 % certainty."""
    return f"{count} of {of:,} (< {3 / of:.1g})" if not count and of else f"{count} of {of:,}"


def _kills(kills: Kills) -> str:
    audit, of = kills.audit, kills.audit.acknowledged
    rows = [
        ("acknowledged writes lost", bound(audit.lost, of)),
        ("documents twice", bound(audit.duplicated, of)),
        ("documents damaged", bound(audit.damaged, of)),
        ("documents nobody asked for", bound(audit.unasked, of)),
        ("documents without their event", bound(audit.events_missing, of)),
        ("documents with two events", bound(audit.events_repeated, of)),
        (
            "wrong answers (500, hang, 503 without Retry-After)",
            bound(audit.broken_answers, sum(kills.outcomes.values())),
        ),
        ("builds never finished", bound(kills.unfinished_builds, kills.builds)),
        ("slowest answer", f"{kills.slowest_seconds:.2f} s"),
    ]
    return _table((f"{kills.rounds} kills", "found"), rows)


def _recovery(kills: Kills) -> str:
    rows = [
        (kind, str(len(found)), f"{median(found):.2f}", f"{max(found):.2f}", f"{GOALS[kind]:.0f}")
        for kind, found in sorted(kills.recovery.items())
    ]
    return _table(("killed", "rounds", "median s", "max s", "goal s"), rows)


def _others(report: Report) -> str:
    rows = [_row(f"PostgreSQL {each.name}", each, each.recovery_seconds) for each in report.outages]
    if report.disk:
        rows.append(_row("disk full", report.disk, report.disk.recovery_seconds))
    rows += [_row(f"Redis {each.name}", each, each.job_seconds) for each in report.caches]
    head = ("fault", "s", "answers meanwhile", "slowest s", "back after s", "failed then", "lost")
    return _table(head, rows)


def _mails(found: Iterable[MailFault]) -> str:
    head = ("mail server", "s", "slowest answer s", "a job beside s", "all left after s")
    rows = [
        (
            each.name,
            f"{each.seconds:.0f}",
            f"{each.slowest_seconds:.2f}",
            f"{each.job_seconds:.2f}",
            f"{each.mail_seconds:.2f}",
            bound(each.lost, each.asked),
            bound(each.repeated, each.asked),
        )
        for each in found
    ]
    return _table((*head, "lost", "twice"), rows)


def _row(name: str, found: Outage | FullDisk | CacheFault, back_after: float) -> Sequence[str]:
    outcomes = ", ".join(f"{each}: {count}" for each, count in sorted(found.outcomes.items()))
    return (
        name,
        f"{found.seconds:.0f}",
        outcomes,
        f"{found.slowest_seconds:.2f}",
        f"{back_after:.2f}",
        bound(found.poisoned, found.checked),
        bound(found.audit.lost, found.audit.acknowledged),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
