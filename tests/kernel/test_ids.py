"""Identifiers: which are valid, and what `unique()` becomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import UNIQUE_ID, is_valid_id, resolve_id, unique_id, unique_ids

ALPHABET = "abcXYZ019._-"


@pytest.mark.parametrize("value", ["a", "A1", "0", "a.b-c_d", "x" * 36, "any", "users"])
def test_plain_ids_are_valid(value):
    assert is_valid_id(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".a",
        "-a",
        "_a",
        "x" * 37,
        "a b",
        "a/b",
        "a\n",
        "\na",
        "é",
        "a\x00",
        "unique()",
        "team:x",
    ],
)
def test_odd_ids_are_refused(value):
    assert not is_valid_id(value)


@given(st.text(ALPHABET, min_size=1, max_size=36))
def test_an_id_is_valid_when_it_begins_with_a_letter_or_digit(value):
    assert is_valid_id(value) == value[0].isalnum()


def test_generated_ids_are_twenty_hexadecimal_characters_and_differ():
    made = {unique_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(value) == 20 and set(value) <= set("0123456789abcdef") for value in made)


def test_only_unique_is_replaced():
    assert resolve_id("mine") == "mine"
    assert is_valid_id(resolve_id(UNIQUE_ID))
    assert resolve_id(UNIQUE_ID) != UNIQUE_ID


def test_many_ids_are_made_at_once():
    made = unique_ids(100)
    assert len(set(made)) == 100
    assert all(is_valid_id(each) and len(each) == len(unique_id()) for each in made)
    assert unique_ids(0) == []
