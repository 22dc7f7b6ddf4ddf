"""Input checks: what each accepts, what it makes of it, and what a client reads otherwise."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import fields
from kernel.errors import ApiError, ErrorKind
from kernel.fields import ABSENT, Missing, as_dict, optional, read_input, required
from kernel.limits import MAX_JSON_VALUES


@dataclass(frozen=True, kw_only=True)
class SampleInput:
    user_id: str = required(fields.custom_id)
    name: str = optional(fields.text(5), default="")
    tags: list[str] = optional(fields.list_of(fields.text(3)), default=[])
    expire: datetime | None = optional(fields.moment, nullable=True)
    note: str | Missing = optional(fields.text(0), default=ABSENT)


def refusal(source, **options):
    with pytest.raises(ApiError) as caught:
        read_input(SampleInput, source, **options)
    assert caught.value.kind is ErrorKind.ARGUMENT_INVALID
    return caught.value.message


def test_parameters_are_read_by_their_public_names():
    data = read_input(SampleInput, {"userId": "a", "name": "Al", "other": 1})
    assert as_dict(data) == {
        "user_id": "a",
        "name": "Al",
        "tags": [],
        "expire": None,
        "note": ABSENT,
    }


def test_defaults_are_not_shared():
    read_input(SampleInput, {"userId": "a"}).tags.append("x")
    assert read_input(SampleInput, {"userId": "b"}).tags == []


def test_a_missing_parameter_has_the_published_words():
    assert refusal({}) == 'Param "userId" is not optional.'
    assert refusal({"userId": None}) == 'Param "userId" is not optional.'


def test_a_null_counts_as_left_out_unless_it_means_something():
    data = read_input(SampleInput, {"userId": "a", "name": None, "expire": None, "note": None})
    assert (data.name, data.expire, data.note) == ("", None, ABSENT)


def test_a_failed_check_has_the_published_words():
    assert refusal({"userId": "a", "name": "too long"}) == (
        "Invalid `name` param: Value must be a valid string and no longer than 5 chars"
    )


def test_the_second_vocabulary_renames_parameters():
    assert read_input(SampleInput, {"rowId": "r"}, names={"user_id": "rowId"}).user_id == "r"
    assert refusal({"userId": "a"}, names={"user_id": "rowId"}) == (
        'Param "rowId" is not optional.'
    )


ACCEPTED = [
    (fields.custom_id, "unique()", "unique()"),
    (fields.uid, "a.b", "a.b"),
    (fields.text(3, minimum=1), "abc", "abc"),
    (fields.boolean, "true", True),
    (fields.boolean, "0", False),
    (fields.boolean, 1, True),
    (fields.integer(1, 9), "9", 9),
    (fields.integer(1, 9), 2.0, 2),
    (fields.number, "1.5", 1.5),
    (fields.number, 3, 3.0),
    (fields.email, "Ada@Example.COM", "ada@example.com"),
    (fields.password, "12345678", "12345678"),
    (fields.queries, "one", ["one"]),
    (fields.queries, ["a", "b"], ["a", "b"]),
    (fields.one_of(("asc", "DESC")), "desc", "DESC"),
    (fields.json_object, '{"a": 1}', {"a": 1}),
    (fields.json_object, [], {}),
    (fields.permissions(("read", "update")), ['write("any")'], ['update("any")']),
    (fields.moment, "2026-01-02T03:04:05.678+02:00",
     datetime(2026, 1, 2, 1, 4, 5, 678000, tzinfo=UTC)),
    (fields.scopes, ["a.b"], ["a.b"]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "raw", "clean"), ACCEPTED)
def test_checks_accept_and_clean(check, raw, clean):
    assert check(raw) == clean


REFUSED = [
    (fields.custom_id, "unique(1)"),
    (fields.custom_id, ""),
    (fields.uid, "unique()"),
    (fields.uid, 5),
    (fields.text(3, minimum=1), ""),
    (fields.text(3), "abcd"),
    (fields.text(3), ["abc"]),
    (fields.text(3), "a\x00"),
    (fields.boolean, "yes"),
    (fields.boolean, 2),
    (fields.boolean, None),
    (fields.integer(1, 9), 10),
    (fields.integer(1, 9), "9 "),
    (fields.integer(1, 9), True),
    (fields.integer(1, 9), 1.5),
    (fields.integer(), 2**63),
    (fields.integer(), float("inf")),
    (fields.integer(), float("nan")),
    (fields.number, "nan"),
    (fields.number, "inf"),
    (fields.number, 1e400),
    (fields.number, 10**400),
    (fields.number, True),
    (fields.number, "x"),
    (fields.email, "ada"),
    (fields.email, "ada@exa\u0131mple.com"),
    (fields.email, "a" * 320 + "@example.com"),
    (fields.email, {}),
    (fields.password, "1234567"),
    (fields.password, "x" * 257),
    (fields.password, {}),
    (fields.queries, [1]),
    (fields.queries, {"0": "a"}),
    (fields.one_of(("a",)), "b"),
    (fields.one_of(("a",)), ["a"]),
    (fields.json_object, "[1]"),
    (fields.json_object, "{"),
    (fields.json_object, '{"a": [' + "1," * MAX_JSON_VALUES + "1]}"),
    (fields.json_object, ["a"]),
    (fields.permissions(("read",)), 'read("any")'),
    (fields.permissions(("read",)), ['update("any")']),
    (fields.moment, "yesterday"),
    (fields.moment, "0999-01-01T00:00:00"),
    (fields.moment, "9999-12-31T23:59:59-23:00"),
    (fields.moment, 5),
    (fields.scopes, "a.b"),
    (fields.scopes, ["x" * 65]),
    (fields.list_of(fields.text(3), maximum=1), ["a", "b"]),
]


@pytest.mark.parametrize(("check", "raw"), REFUSED)
def test_checks_refuse_what_does_not_fit(check, raw):
    with pytest.raises(ValueError, match=r"."):
        check(raw)


CHECKS = list({id(check): check for check, _ in REFUSED}.values())
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


@given(st.sampled_from(CHECKS), anything)
def test_no_value_makes_a_check_fail_otherwise(check, value):
    reason = "none"
    try:
        check(value)
    except ValueError as error:
        reason = str(error)
    assert reason
