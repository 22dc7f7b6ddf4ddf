import json
from dataclasses import replace

from bench.report import FanoutRow, HttpRow, Report

GET = HttpRow(
    workload="get as key",
    documents=1,
    rate=2000.4,
    failed=0,
    p50=7.5,
    p99=21.0,
    web_cpu=0.3,
    database_cpu=0.1,
    statements=2,
    round_trips=2,
    sql_rate=8000.0,
)
UNKNOWN = HttpRow(
    workload="create",
    documents=1,
    rate=1000.0,
    failed=3,
    p50=1.0,
    p99=2.0,
    web_cpu=None,
    database_cpu=None,
    statements=1,
    round_trips=1,
    sql_rate=None,
)
FANOUT = FanoutRow(
    sockets=1000,
    per_second=0,
    published=50,
    due=50_000,
    delivered=50_000,
    rate=41_000.0,
    p50=20.0,
    p99=38.0,
    web_cpu=0.0125,
)


def report(http=(), fanout=(), profile=()):
    return Report(
        cores=2, connections=16, documents=1000, http=http, fanout=fanout, profile=dict(profile)
    )


def test_a_core_is_paid_by_cpu_time():
    assert GET.rate_per_core == 2500


def test_rate_is_compared_with_sql_alone():
    text = report(http=[GET]).as_text()
    line = "| get as key | 2,000 | 2,500 | 7.5 | 21.0 | 0.300 | 0.100 | 2 | 2 | 8,000 | 25% | 0 |"
    assert [cell.strip() for cell in text.splitlines()[-1].split("|")] == [
        cell.strip() for cell in line.split("|")
    ]


def test_writes_of_many_are_compared_by_document():
    many = replace(UNKNOWN, workload="create 100", documents=100, rate=155.0)
    assert report(http=[UNKNOWN]).gain_of_many is None
    assert "15.5 times as fast" in report(http=[UNKNOWN, many]).as_text()


def test_what_nobody_could_tell_is_a_dash():
    assert UNKNOWN.rate_per_core is None
    cells = report(http=[UNKNOWN]).as_text().splitlines()[-1].replace(" ", "").split("|")
    assert cells[3] == cells[6] == cells[7] == cells[10] == cells[11] == "-"


def test_fanout_tells_deliveries_and_microseconds():
    cells = report(fanout=[FANOUT]).as_text().splitlines()[-1].split("|")
    assert [cell.strip() for cell in cells[1:-1]] == [
        "1000", "most", "50", "50,000 of 50,000", "41,000", "20.0", "38.0", "12.5",
    ]  # fmt: skip


def test_columns_are_aligned():
    lines = report(http=[GET, UNKNOWN]).as_text().splitlines()[2:]
    assert len({len(line) for line in lines}) == 1


def test_report_is_json():
    found = json.loads(json.dumps(report(http=[GET], fanout=[FANOUT]).as_json()))
    assert found["http"][0]["sql_rate"] == 8000.0
    assert found["fanout"][0]["delivered"] == 50_000


def test_profile_tells_shares_the_dearest_first():
    lines = report(profile={"answer": 20.0, "statements": 60.0}).profile_text().splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == ["statements", "60", "75%"]
    assert [cell.strip() for cell in lines[4].split("|")[1:-1]] == ["all", "80", ""]
