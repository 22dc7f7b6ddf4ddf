"""The line through samples of memory, and what the system tells of it."""

import os

import pytest

from bench import soak
from bench.plan import RefusedError


def samples(grown, *, count=100, first=100.0):
    return [(5.0 * number, first + grown * number / count) for number in range(count)]


def test_growth_is_a_share_of_the_mean():
    growth = soak._growth(samples(10.0))
    assert growth["slope"] == pytest.approx(8 / 106, rel=0.05)  # the warm-up does not count


def test_memory_that_stays_has_no_slope():
    assert soak._growth(samples(0.0))["slope"] == 0


def test_one_peak_is_no_growth():
    flat = samples(0.0)
    flat[60] = (flat[60][0], 150.0)
    assert abs(soak._growth(flat)["slope"]) < 0.01


def test_growth_of_the_warm_up_is_none():
    begun = [(5.0 * number, min(100.0 + 10 * number, 200.0)) for number in range(100)]
    assert soak._growth(begun)["slope"] == 0


def test_few_samples_are_refused():
    with pytest.raises(RefusedError, match="longer"):
        soak._growth(samples(1.0, count=5))


def test_memory_of_a_process_is_told():
    assert soak.memory_mib(os.getpid()) > 1


def test_outcome_reads_as_a_sentence():
    found = soak.Soak(
        seconds=600, requests=9000, failed=0, first_mib=200.0, last_mib=201.0, slope=0.004
    )
    assert found.as_text() == (
        "600 s of mixed load: 9,000 requests, 0 failed; web processes 200.0 to 201.0 MiB,"
        " slope +0.40%"
    )
