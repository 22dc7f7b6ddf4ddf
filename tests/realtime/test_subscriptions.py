"""Channel rewriting, queries on payloads, and the form in the URL."""

import json
from urllib.parse import quote

import pytest

from realtime.subscriptions import (
    SELECT_ALL,
    ForbiddenChannelError,
    Subscription,
    check_channels,
    check_queries,
    parse_url,
    rewrite,
)


def query(method, attribute="", *values):
    return json.dumps({"method": method, "attribute": attribute, "values": list(values)})


def matches(payload, *queries):
    return Subscription("s", ("documents",), tuple(queries)).matches(payload)


@pytest.mark.parametrize(
    ("channel", "signed_in", "guest"),
    [
        ("account", ("account", "account.alice"), ("account",)),
        ("account.update", ("account.alice.update",), ("account.update",)),
        ("account.upsert", ("account.alice.upsert",), ("account.upsert",)),
        ("account.bob", (), ()),
        ("account.bob.update", (), ()),
        ("account.", (), ()),
        ("documents", ("documents",), ("documents",)),
        ("accounts", ("accounts",), ("accounts",)),
    ],
)
def test_account_channels_are_bound_to_the_signed_in_user(channel, signed_in, guest):
    assert rewrite([channel], "alice") == signed_in
    assert rewrite([channel], "") == guest


def test_rewriting_keeps_the_order_and_drops_repetitions():
    channels = ["files", "account", "documents", "account"]
    assert rewrite(channels, "u") == ("files", "account", "account.u", "documents")


@pytest.mark.parametrize(
    ("test", "payload", "is_match"),
    [
        (query("equal", "status", "open"), {"status": "open"}, True),
        (query("equal", "status", "open", "new"), {"status": "new"}, True),
        (query("equal", "status", "open"), {"status": "closed"}, False),
        (query("equal", "status", "open"), {}, False),
        (query("equal", "count", 1), {"count": 1.0}, True),
        (query("equal", "count", 1), {"count": True}, False),
        (query("notEqual", "status", "open"), {"status": "closed"}, True),
        (query("notEqual", "status", "open"), {"status": "open"}, False),
        (query("lessThan", "count", 5), {"count": 4}, True),
        (query("lessThan", "count", 5), {"count": 5}, False),
        (query("lessThanEqual", "count", 5), {"count": 5}, True),
        (query("greaterThan", "count", 5), {"count": 5.5}, True),
        (query("greaterThanEqual", "count", 5), {"count": "9"}, False),
        (query("greaterThan", "name", "a"), {"name": "b"}, True),
        (query("greaterThan", "count", 0), {"count": True}, False),
        (query("isNull", "due"), {"due": None}, True),
        (query("isNull", "due"), {"due": 1}, False),
        (query("isNotNull", "due"), {"due": 0}, True),
        (query("isNotNull", "due"), {}, False),
        (SELECT_ALL, {}, True),
    ],
)
def test_one_query_on_a_payload(test, payload, is_match):
    assert matches(payload, test) is is_match


def test_all_queries_of_a_subscription_have_to_match():
    queries = query("equal", "a", 1), query("greaterThan", "b", 1)
    assert matches({"a": 1, "b": 2}, *queries)
    assert not matches({"a": 1, "b": 1}, *queries)


def test_and_and_or_nest():
    either = {
        "method": "or",
        "values": [
            {"method": "equal", "attribute": "a", "values": [1]},
            {
                "method": "and",
                "values": [
                    {"method": "equal", "attribute": "a", "values": [2]},
                    {"method": "isNull", "attribute": "b", "values": []},
                ],
            },
        ],
    }
    text = json.dumps(either)
    assert matches({"a": 1, "b": 5}, text)
    assert matches({"a": 2, "b": None}, text)
    assert not matches({"a": 2, "b": 5}, text)


@pytest.mark.parametrize(
    "text",
    [
        query("search", "a", "b"),
        query("contains", "a", "b"),
        query("startsWith", "a", "b"),
        query("limit", "", 5),
        query("orderAsc", "a"),
        json.dumps({"method": "select", "values": ["name"]}),
        json.dumps({"method": "or", "values": [json.loads(query("search", "a", "b"))] * 2}),
        json.dumps({"method": "equal"}),
        json.dumps(["equal"]),
        "equal('a', 1)",
        "",
    ],
)
def test_other_queries_are_refused(text):
    with pytest.raises(ValueError, match="Invalid query"):
        check_queries([text])


def test_no_query_means_everything():
    assert check_queries([]) == (SELECT_ALL,)


def test_a_channel_needs_a_name_of_reasonable_length():
    with pytest.raises(ValueError, match="characters"):
        check_channels([""])
    with pytest.raises(ValueError, match="characters"):
        check_channels(["x" * 513])


def test_the_console_log_tail_is_closed():
    with pytest.raises(ForbiddenChannelError):
        check_channels(["console.tail.p"])


def test_url_channels_without_queries_share_slot_zero():
    form = parse_url("project=p&channels[]=documents&channels[]=files")
    assert form.project == "p"
    assert form.slots == {0: (("documents", "files"), (SELECT_ALL,))}


def test_url_queries_group_channels_by_slot():
    open_, closed = query("equal", "s", "open"), query("equal", "s", "closed")
    channel = "databases.d.collections.c.documents"
    name = channel.replace(".", "_")
    form = parse_url(
        f"project=p&channels%5B%5D={channel}&channels%5B%5D=files"
        f"&{name}[0][]={quote(open_)}&{name}[2][]={quote(closed)}"
    )
    assert form.slots == {
        0: ((channel, "files"), (open_,)),
        2: ((channel,), (closed,)),
    }


def test_url_without_channels_has_no_slots():
    assert parse_url("project=p&jwt=abc").slots == {}
    assert parse_url("project=p&jwt=abc").parameters["jwt"] == "abc"


def test_a_channel_called_project_does_not_hide_the_project():
    form = parse_url(f"project=p&channels[]=project&project[0][]={quote(SELECT_ALL)}")
    assert form.project == "p"
    assert form.slots == {0: (("project",), (SELECT_ALL,))}
    only_list = parse_url(f"channels[]=project&project[0][]={quote(SELECT_ALL)}")
    assert only_list.project == ""


def test_url_with_thousands_of_parameters_is_refused():
    with pytest.raises(ValueError, match=r"[Nn]umber of fields"):
        parse_url("&".join(["channels[]=a"] * 2001))


def test_url_query_that_is_not_offered_is_refused():
    with pytest.raises(ValueError, match="search"):
        parse_url(f"channels[]=files&files[0][]={quote(query('search', 'a', 'b'))}")
