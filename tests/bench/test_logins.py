"""The statistic behind the figures of sign-ins."""

import pytest

from bench.logins import area_under_curve, interleaved


@pytest.mark.parametrize(
    ("some", "others", "area"),
    [
        ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], 1.0),
        ([4.0, 5.0, 6.0], [1.0, 2.0, 3.0], 1.0),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 0.5),
        ([1.0, 1.0], [1.0], 0.5),
        ([1.0, 3.0], [2.0, 4.0], 0.75),
    ],
)
def test_the_area_says_how_well_two_kinds_are_told_apart(some, others, area):
    assert area_under_curve(some, others) == area


def test_samples_of_all_kinds_are_taken_in_turn():
    taken = []

    def kind(number):
        def timed():
            taken.append(number)
            return float(number)

        return timed

    assert interleaved([kind(0), kind(1), kind(2)], samples=20, seed=1) == [
        [0.0] * 20, [1.0] * 20, [2.0] * 20
    ]  # fmt: skip
    assert len(set(taken[:10])) == 3
