"""Whatever stands in an export is read, or refused with its line."""

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.firebase import naming, values
from console.firebase.accounts import Reading, SourceUser, UserFault, read_users
from console.firebase.columns import columns_of
from console.firebase.firestore import SourceDocument, SourceFault, read_documents
from console.firebase.plans import CollectionPlan
from console.firebase.reading import JsonReader
from console.firebase.statistics import CollectionStatistics
from tests.console.firebase.exports import typed

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["a/b", "__vector__", "0001-01-01T00:00:00+14:00", "9" * 5000, "1e999"])
)
#: The names that are looked for in values, each wherever it may not belong.
NAMES = st.sampled_from(
    ["latitude", "_latitude", "_seconds", "_nanoseconds", "values", "fields", "__type__", "value"]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)
TYPES = [*values._TYPED, "arrayValue", "mapValue"]
PLACES = ["email", "phoneNumber", "displayName", "photoUrl", "passwordHash", "salt", "createdAt"]
PLACES += ["customAttributes", "providerUserInfo", "disabled", "emailVerified", "lastSignedInAt"]


def reader(content: Any) -> JsonReader:
    return JsonReader(Path("a.json"), io.BytesIO(json.dumps(content).encode()))


def check_document(content: Any) -> None:
    """Read a document behind a sound one, and convert what could be read."""
    sound = typed("posts/p1", {"n": {"integerValue": "1"}})
    _, source = read_documents(reader([sound, content]))
    if isinstance(source, SourceFault):
        assert (source.line, bool(source.reason)) == (1, True)
        return
    convert(source)


def convert(source: SourceDocument) -> None:
    statistics = CollectionStatistics(naming.pattern_of(source.path))
    statistics.see(source.fields)
    plan = CollectionPlan(statistics, "posts", columns_of(statistics), ())
    with suppress(ValueError):  # what makes the line's report
        plan.record(1, source, ())


@pytest.mark.parametrize("kind", TYPES)
@given(value=ANYTHING)
@example(value="x")
@example(value=[])
@example(value={"fields": {"__type__": {"stringValue": "__vector__"}}})
def test_any_value_of_the_rest_api_is_read_or_refused(kind: str, value: Any):
    check_document(typed("posts/p2", {"v": {kind: value}}))
    check_document(typed("posts/p2", {"v": value}))
    check_document(typed("posts/p2", value))
    check_document(typed("posts/p2", {}, createTime=value))
    check_document({"name": value})


@pytest.mark.parametrize("kind", [*values._PLAIN, "strange"])
@given(value=ANYTHING)
@example(value="x")
@example(value=[])
@example(value={"__type__": "__vector__"})
def test_any_value_of_a_tree_is_read_or_refused(kind: str, value: Any):
    for each in ({"__datatype__": kind, "value": value}, {"__datatype__": value}, value):
        (source,) = read_documents(reader({"__collections__": {"posts": {"p": {"v": each}}}}))
        if isinstance(source, SourceFault):
            assert (source.line, bool(source.reason)) == (1, True)
        else:
            convert(source)


@pytest.mark.parametrize("place", PLACES)
@given(value=ANYTHING)
@example(value=5)
@example(value=[{"providerId": {}, "rawId": []}])
def test_any_value_of_a_user_is_read_or_refused(place: str, value: Any):
    (source,) = read_users(reader([{"localId": "u", place: value}]), Reading())
    assert isinstance(source, SourceUser | UserFault)
    assert source.line == 1
