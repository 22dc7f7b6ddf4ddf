"""Pages of Django rows: filters, orders, cursors and totals, against plain Python."""

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from accounts.models import User
from kernel import listing
from kernel.errors import ApiError
from kernel.listing import SYSTEM_COLUMNS, list_page

COLUMNS = {
    **SYSTEM_COLUMNS,
    "name": "name",
    "phone": "phone",
    "labels": "labels",
    "status": "is_active",
}
NAMES = ["ann", "bea", "ann", "cy", "bea"]


@pytest.fixture
def rows(project):
    """Five users with repeating names, a phone number for every second one, and labels."""
    for number, name in enumerate(NAMES):
        User.objects.create(
            project_id=project.id,
            uid=f"u{number}",
            login=f"l{number}",
            name=name,
            phone=None if number % 2 else f"+{number}",
            labels=["x", f"n{number}"],
            is_active=number != 3,
        )
    return User.objects.filter(project_id=project.id)


def text(method, attribute="", *values):
    return orjson.dumps({"method": method, "attribute": attribute, "values": list(values)}).decode()


def uids(rows, *texts, **options):
    found, _ = list_page(rows, texts, columns=COLUMNS, **options)
    return [user.uid for user in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (text("equal", "name", "ann", "cy"), ["u0", "u2", "u3"]),
        (text("notEqual", "name", "ann"), ["u1", "u3", "u4"]),
        (text("lessThan", "name", "bea"), ["u0", "u2"]),
        (text("greaterThanEqual", "name", "bea"), ["u1", "u3", "u4"]),
        (text("between", "name", "b", "c"), ["u1", "u4"]),
        (text("notBetween", "name", "b", "c"), ["u0", "u2", "u3"]),
        (text("isNull", "phone"), ["u1", "u3"]),
        (text("isNotNull", "phone"), ["u0", "u2", "u4"]),
        (text("startsWith", "name", "b"), ["u1", "u4"]),
        (text("notStartsWith", "name", "b"), ["u0", "u2", "u3"]),
        (text("endsWith", "name", "n"), ["u0", "u2"]),
        (text("contains", "name", "e", "y"), ["u1", "u3", "u4"]),
        (text("contains", "labels", "n1", "n2"), ["u1", "u2"]),
        (text("containsAll", "labels", "x", "n2"), ["u2"]),
        (text("notContains", "labels", "n2"), ["u0", "u1", "u3", "u4"]),
        (text("equal", "status", False), ["u3"]),
        (text("startsWith", "name", "%"), []),
        (
            orjson.dumps(
                {
                    "method": "or",
                    "values": [
                        {"method": "equal", "attribute": "$id", "values": ["u0"]},
                        {"method": "equal", "attribute": "$id", "values": ["u4"]},
                    ],
                }
            ).decode(),
            ["u0", "u4"],
        ),
    ],
)
def test_filters(rows, query, expected):
    assert uids(rows, query) == expected


@pytest.mark.parametrize(
    "query",
    [
        text("equal", "unknown", "x"),
        text("equal", "status", "x"),
        text("equal", "$createdAt", "yesterday"),
        text("equal", "$sequence", "x"),
        text("equal", "$sequence", 2**63),
        text("equal", "name", 7),
        text("equal", "name", "\x00"),
        text("equal", "labels", "x"),
        text("contains", "status", "x"),
        text("containsAny", "name", "x"),
        text("startsWith", "$sequence", "1"),
        text("select", "", "name"),
        text("orderAsc", "project_id"),
        "no json",
    ],
)
def test_queries_that_do_not_fit_are_refused(rows, query):
    with pytest.raises(ApiError) as refusal:
        uids(rows, query)
    assert refusal.value.kind.type == "general_argument_invalid"
    assert refusal.value.message.startswith("Invalid `queries` param: ")


def test_sequences_may_be_text(rows):
    first = rows.order_by("id")[0]
    assert uids(rows, text("equal", "$sequence", str(first.id))) == ["u0"]


def test_search_looks_in_every_given_column(rows):
    assert uids(rows, search="BE", search_columns=("uid", "name")) == ["u1", "u4"]
    assert uids(rows, search="u3", search_columns=("uid", "name")) == ["u3"]
    assert uids(rows, search="%", search_columns=("uid", "name")) == []


def test_random_order_is_a_page_too(rows):
    assert sorted(uids(rows, text("orderRandom"))) == ["u0", "u1", "u2", "u3", "u4"]


@pytest.mark.parametrize("cursor", ["nobody", "a b", "x" * 37])
def test_unknown_cursor_is_refused(rows, cursor):
    with pytest.raises(ApiError) as refusal:
        uids(rows, text("cursorAfter", "", cursor))
    assert refusal.value.kind.type == "general_cursor_not_found"


def test_cursor_without_a_value_in_the_order_is_refused(rows):
    with pytest.raises(ApiError) as refusal:
        uids(rows, text("orderAsc", "phone"), text("cursorAfter", "", "u1"))
    assert refusal.value.kind.type == "database_query_order_null"


ATTRIBUTES = {
    "$id": lambda user: user.uid,
    "name": lambda user: user.name,
    "phone": lambda user: (user.phone is not None, user.phone or ""),
    "$sequence": lambda user: user.id,
}


@given(
    orders=st.lists(
        st.tuples(st.sampled_from(sorted(ATTRIBUTES)), st.booleans()),
        max_size=3,
        unique_by=lambda order: order[0],
    ),
    cursor=st.none() | st.tuples(st.sampled_from(["u0", "u2", "u4"]), st.booleans()),
    limit=st.integers(1, 6),
    offset=st.integers(0, 3),
)
@examples(max_examples=150)
def test_pages_are_those_of_plain_python(rows, orders, cursor, limit, offset):
    expected = sorted(rows, key=lambda user: user.id)
    for attribute, is_descending in reversed(orders):
        expected.sort(key=ATTRIBUTES[attribute], reverse=is_descending)
    names = [user.uid for user in expected]
    texts = [text("orderDesc" if is_down else "orderAsc", name) for name, is_down in orders]
    texts += [text("limit", "", limit), text("offset", "", offset)]
    if cursor is None:
        names = names[offset : offset + limit]
    else:
        uid, is_before = cursor
        texts.append(text("cursorBefore" if is_before else "cursorAfter", "", uid))
        place = names.index(uid)
        beyond = names[:place][::-1] if is_before else names[place + 1 :]
        names = beyond[offset : offset + limit]
        names = names[::-1] if is_before else names
    assert uids(rows, *texts) == names


def test_total_counts_what_the_filters_leave(rows, statements, monkeypatch):
    def total(*texts, **options):
        return list_page(rows, texts, columns=COLUMNS, **options)[1]

    assert total(text("equal", "name", "ann")) == 2
    assert total(text("limit", "", 1), text("offset", "", 3)) == 5
    assert total(text("cursorAfter", "", "u3")) == 5
    assert total(text("limit", "", 1), has_total=False) == 0
    monkeypatch.setattr(listing, "MAX_TOTAL", 3)
    assert total(text("limit", "", 1)) == 3
    with statements() as seen:
        total()
    assert len(seen) == 1  # a page that is not full tells the total by itself
    with statements() as seen:
        total(text("limit", "", 2))
    assert len(seen) == 2
