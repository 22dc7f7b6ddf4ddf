"""How far a build of an index is, by what PostgreSQL says of its phase."""

import pytest

from documents.progress import percentage


@pytest.mark.parametrize(
    ("phase", "done", "total", "expected"),
    [
        ("initializing", 0, 0, 0),
        ("waiting for writers before build", 0, 0, 0),
        ("building index: scanning table", 50, 100, 20),
        ("building index: sorting live tuples", 0, 0, 40),
        ("building index: loading tuples in tree", 2, 3, 55),
        ("building index", 300, 100, 60),
        ("waiting for writers before validation", 0, 0, 60),
        ("index validation: scanning index", 1, 3, 65),
        ("index validation: sorting tuples", 0, 0, 75),
        ("index validation: scanning table", 100, 100, 99),
        ("a phase of another PostgreSQL", 1, 1, 0),
    ],
)
def test_phases_of_a_build_follow_one_another(phase, done, total, expected):
    assert percentage(phase, done, total) == expected
