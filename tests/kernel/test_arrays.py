"""Lists of texts on their way to the database and back."""

import pytest
from django.db import DataError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kernel import sql

pytestmark = [pytest.mark.db, pytest.mark.django_db]

TEXTS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(['"', "\\", '\\"', "{", "}", ",", "NULL", "", " ", "'", '","', "a\nb"])
)


@hypothesis_settings(max_examples=200)
@given(texts=TEXTS)
def test_texts_come_back_as_they_went(texts, db):
    assert sql.fetch_one("SELECT %s::text[]", (texts,)) == (texts,)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint[]", [1, 2**40, -3]),
        ("bigint[]", []),
        ("text[]", []),
        ("text[]", ["a", None, "b"]),
        ("text[]", [None]),
        ("text[]", [["a", "b"], ["c", "d"]]),
        ("boolean[]", [True, False]),
        ("float[]", [1.5, -2.0]),
    ],
)
def test_other_lists_come_back_as_they_went(kind, values):
    assert sql.fetch_one(f"SELECT %s::{kind}", (values,)) == (values,)


def test_a_list_is_compared_with_the_type_it_meets():
    assert (
        sql.fetch_one("SELECT 'a'::text = ANY(%s), 5::int = ANY(%s)", (["a"], [5])) == (True,) * 2
    )


@pytest.mark.parametrize("texts", [["a\0b"], ["x", "\0"]])
def test_no_text_holds_a_nul(texts):
    with pytest.raises(DataError):
        sql.fetch_one("SELECT %s::text[]", (texts,))
