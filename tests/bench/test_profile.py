from itertools import count
from pathlib import Path
from pkgutil import resolve_name

import pytest

from bench import profile
from bench.requests import Request

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def test_a_part_stops_while_another_runs_below_it():
    ticks = count()
    watch = profile.Stopwatch(clock=lambda: next(ticks))
    inner = watch.timed("inner", lambda: None)  # one tick from its begin to its end
    watch.timed("outer", lambda: [inner(), inner()])()
    assert watch.spent == {"inner": 2, "outer": 3}


def test_a_part_that_fails_is_counted():
    watch = profile.Stopwatch(clock=count().__next__)
    with pytest.raises(ZeroDivisionError):
        watch.timed("part", lambda: 1 / 0)()
    assert watch.spent == {"part": 1}


@pytest.mark.parametrize("target", [each for part in profile.PARTS.values() for each in part])
def test_every_part_is_still_there(target):
    assert callable(resolve_name(target))


@pytest.mark.db
@pytest.mark.django_db
def test_parts_of_a_request_are_measured(console_project, monkeypatch):
    monkeypatch.setattr(profile, "ROUNDS", 2)
    found = profile.profile(Request("GET", "/health/version"), "/v1")
    assert {profile.HANDLER, "finding the view", "credentials", "answer"} <= set(found)
    assert all(spent > 0 for spent in found.values())


def test_the_page_shows_the_parts_there_are():
    shown = PAGE.read_text().partition(profile.BEGIN)[2].partition(profile.END)[0]
    assert all(part in shown for part in (profile.HANDLER, *profile.PARTS))


def test_only_the_table_of_a_page_is_written_anew(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{profile.BEGIN}old\n{profile.END}\nafter\n")
    profile.write(page, "| new |")
    profile.write(page, "| newer |")
    assert page.read_text() == f"before\n{profile.BEGIN}\n| newer |\n\n{profile.END}\nafter\n"
