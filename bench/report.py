"""What a run found: as rows of JSON, and as tables to read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

#: The workloads whose rates are compared by document.
CREATE, CREATE_MANY = "create", "create 100"


@dataclass(frozen=True, kw_only=True)
class HttpRow:
    """One workload. Rates are per second, times in milliseconds; None is what nobody could tell."""

    workload: str
    documents: int
    rate: float
    failed: int
    p50: float
    p99: float
    web_cpu: float | None
    database_cpu: float | None
    statements: int
    round_trips: int
    sql_rate: float | None

    @property
    def rate_per_core(self) -> float | None:
        """Requests that one core, busy with nothing else, would answer in a second."""
        if self.web_cpu is None or self.database_cpu is None:
            return None
        return 1000 / max(self.web_cpu + self.database_cpu, 0.001)

    @property
    def share_of_sql(self) -> float | None:
        return self.rate / self.sql_rate if self.sql_rate else None


@dataclass(frozen=True, kw_only=True)
class FanoutRow:
    """One fan-out; `per_second` 0 is as fast as one connection publishes. CPU is per delivery."""

    sockets: int
    per_second: float
    published: int
    due: int
    delivered: int
    rate: float
    p50: float
    p99: float
    web_cpu: float | None


@dataclass(frozen=True, kw_only=True)
class Report:
    cores: int
    connections: int
    documents: int
    http: Sequence[HttpRow]
    fanout: Sequence[FanoutRow]
    profile: Mapping[str, float]

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @property
    def gain_of_many(self) -> float | None:
        """How many times faster documents are created a hundred at once; None if not measured."""
        rates = {row.workload: row.rate * row.documents for row in self.http}
        if not {CREATE, CREATE_MANY} <= rates.keys():
            return None
        return rates[CREATE_MANY] / rates[CREATE]

    def as_text(self) -> str:
        head = (
            f"{self.cores} cores, {self.connections} connections, {self.documents:,} documents;"
            " times in ms, CPU in ms per request (fan-out: us per delivery)"
        )
        parts = [head]
        if self.http:
            parts.append(_table(_HTTP_HEAD, [_http_cells(row) for row in self.http]))
        if gain := self.gain_of_many:
            parts.append(
                f"Documents are created {gain:.1f} times as fast when a hundred are sent at once."
            )
        if self.fanout:
            parts.append(_table(_FANOUT_HEAD, [_fanout_cells(row) for row in self.fanout]))
        if self.profile:
            parts.append(self.profile_text())
        return "\n\n".join(parts)

    def profile_text(self) -> str:
        """Return where the time of a user's read goes, as a table, the dearest part first."""
        whole = sum(self.profile.values())
        rows = [
            (part, _number(spent, 0), f"{spent / whole:.0%}")
            for part, spent in sorted(self.profile.items(), key=lambda item: -item[1])
        ]
        return _table(("a user's read", "CPU us", "share"), [*rows, ("all", _number(whole, 0), "")])


_HTTP_HEAD = ("workload", "req/s", "req/s/core", "p50", "p99", "web CPU", "db CPU", "statements",
              "round trips", "SQL alone/s", "of SQL", "failed")  # fmt: skip
_FANOUT_HEAD = ("sockets", "events/s", "published", "delivered", "deliveries/s", "p50", "p99",
                "web CPU")  # fmt: skip


def _http_cells(row: HttpRow) -> list[str]:
    return [
        row.workload,
        _number(row.rate, 0),
        _number(row.rate_per_core, 0),
        _number(row.p50, 1),
        _number(row.p99, 1),
        _number(row.web_cpu, 3),
        _number(row.database_cpu, 3),
        str(row.statements),
        str(row.round_trips),
        _number(row.sql_rate, 0),
        "-" if row.share_of_sql is None else f"{row.share_of_sql:.0%}",
        str(row.failed),
    ]


def _fanout_cells(row: FanoutRow) -> list[str]:
    return [
        str(row.sockets),
        _number(row.per_second, 0) if row.per_second else "most",
        str(row.published),
        f"{row.delivered:,} of {row.due:,}",
        _number(row.rate, 0),
        _number(row.p50, 1),
        _number(row.p99, 1),
        "-" if row.web_cpu is None else _number(row.web_cpu * 1000, 1),
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown, its columns aligned for a terminal."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = [_line(line, widths) for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
    aligned[0] = cells[0].ljust(widths[0])
    return "| " + " | ".join(aligned) + " |"
