"""What each type of attribute takes and refuses, and how its values are found again."""

from typing import Any

import pytest

from kernel.fields import ABSENT
from tests.documents.blog import DOCUMENTS, ids, make_collection, query
from tests.reference import assert_model

pytestmark = pytest.mark.django_db

PAGE: dict[str, dict[str, Any]] = {
    "home": {"type": "url"},
    "host": {"type": "ip"},
    "hosts": {"type": "ip", "array": True},
    "state": {"type": "enum", "elements": ["draft", "live"], "default": "draft"},
    "label": {"type": "varchar", "size": 5},
    "body": {"type": "text"},
    "story": {"type": "mediumtext"},
    "saga": {"type": "longtext"},
    "far": {"type": "bigint", "min": -5, "max": 2**62},
}


@pytest.fixture
def pages(admin, project):
    make_collection(project, attributes=PAGE)
    return admin


def create(pages, uid="unique()", **data):
    return pages.post(DOCUMENTS, {"documentId": uid, "data": data})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("home", "https://example.com/a?b=c"),
        ("host", "2001:db8::1"),
        ("hosts", ["1.2.3.4", "::1"]),
        ("state", "live"),
        ("label", "\u00e4" * 5),
        ("body", "x" * 65_535),
        ("story", "\u00e4" * 70_000),
        ("saga", "x" * 100_000),
        ("far", 2**62),
    ],
)
def test_value_of_its_type_is_kept_as_sent(pages, key, value):
    made = create(pages, **{key: value})

    assert made.status == 201
    assert_model("Document", made.json)
    assert pages.get(f"{DOCUMENTS}/{made.json['$id']}").json[key] == value


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("home", "example", 'Attribute "home" has invalid format. Value must be a valid URL'),
        ("home", 5, 'Attribute "home" has invalid type. Value must be a valid string'),
        ("host", "::x", 'Attribute "host" has invalid format. Value must be a valid IP address'),
        (
            "hosts",
            ["::1", "x"],
            "Attribute \"hosts['1']\" has invalid format. Value must be a valid IP address",
        ),
        (
            "state",
            "gone",
            'Attribute "state" has invalid format. Value must be one of (draft, live)',
        ),
        ("state", "LIVE", 'Attribute "state" has invalid format. Value must be one of'),
        ("label", "six by", "Value must be a valid string and no longer than 5 chars"),
        ("body", "\u00e4" * 32_768, "Value must be a valid string and no longer than 65535 bytes"),
        ("body", "x" * 65_536, "Value must be a valid string and no longer than 65535 bytes"),
        ("body", ["x"], "Value must be a valid string"),
        ("far", -6, "Value must be a valid range between -5 and 4,611,686,018,427,387,904"),
        ("far", 0.5, "Value must be a valid integer"),
    ],
)
def test_value_of_another_kind_is_refused(pages, events, key, value, reason):
    reply = create(pages, **{key: value})

    assert (reply.status, reply.error) == (400, "document_invalid_structure")
    assert reply.json["message"].startswith("Invalid document structure: ")
    assert reason in reply.json["message"]
    assert events.names() == []


def test_default_of_an_enumeration_is_set(pages):
    assert create(pages, label="x").json["state"] == "draft"


@pytest.mark.parametrize(
    "test",
    [
        query("equal", "state", "live"),
        query("startsWith", "home", "https://b."),
        query("contains", "body", "needle"),
        query("greaterThan", "far", 2**61),
        query("equal", "host", "::2"),
        query("containsAny", "hosts", "::2"),
        query("notEqual", "label", "a"),
    ],
)
def test_values_of_every_type_are_found(pages, test):
    create(pages, "a", state="draft", home="https://a.example", far=1, host="::1", label="a")
    values = {"state": "live", "home": "https://b.example", "far": 2**62, "host": "::2"}
    create(pages, "b", **values, hosts=["::2"], label="b", body="hay needle hay")

    assert ids(pages.get(DOCUMENTS, {"queries": [test]})) == ["b"]


def test_elements_change_for_what_is_written_from_then_on(admin, posts, jobs):
    body = {"key": "state", "required": False, "elements": ["draft", "live"]}
    admin.post(f"{posts}/attributes/enum", body)
    jobs()
    admin.post(f"{posts}/documents", {"documentId": "a", "data": {"state": "draft"}})

    changed = admin.patch(
        f"{posts}/attributes/enum/state",
        {"required": False, "default": "live", "elements": ["live", "gone"]},
    )

    assert (changed.json["elements"], changed.json["default"]) == (["live", "gone"], "live")
    assert admin.get(f"{posts}/documents/a").json["state"] == "draft"
    refused = admin.patch(f"{posts}/documents/a", {"data": {"state": "draft"}})
    assert refused.error == "document_invalid_structure"


@pytest.mark.parametrize("default", ["draft", ABSENT])
def test_default_must_be_among_the_elements(admin, posts, jobs, default):
    body = {"key": "state", "required": False, "elements": ["draft", "live"], "default": "draft"}
    admin.post(f"{posts}/attributes/enum", body)
    jobs()

    changes = {"required": False, "elements": ["live"], "default": default}
    reply = admin.patch(
        f"{posts}/attributes/enum/state",
        {name: value for name, value in changes.items() if value is not ABSENT},
    )

    expected = "attribute_value_invalid" if default == "draft" else "general_argument_invalid"
    assert (reply.status, reply.error) == (400, expected)


def test_text_is_cheap_in_the_budget_and_varchar_is_not(admin, posts):
    for number in range(4):
        body = {"key": f"text{number}", "required": False}
        assert admin.post(f"{posts}/attributes/longtext", body).status == 202
    varchar = {"key": "wide", "required": False, "size": 16_381}

    reply = admin.post(f"{posts}/attributes/varchar", varchar)

    assert (reply.status, reply.error) == (400, "attribute_limit_exceeded")


def test_index_on_a_text_needs_a_length(admin, posts, jobs):
    admin.post(f"{posts}/attributes/text", {"key": "body", "required": False})
    jobs()
    index = {"key": "i", "type": "key", "attributes": ["body"]}

    assert admin.post(f"{posts}/indexes", index).error == "index_invalid"
    assert admin.post(f"{posts}/indexes", {**index, "lengths": [100]}).status == 202
    jobs()
    assert admin.get(f"{posts}/indexes/i").json["status"] == "available"


def test_attributes_of_every_type_come_along_with_a_collection(admin, posts):
    attributes = [
        {"key": "a", "type": "enum", "elements": ["x"]},
        {"key": "b", "type": "string", "format": "url"},
        {"key": "c", "type": "text", "encrypt": True},
        {"key": "d", "type": "bigint", "max": 5},
    ]
    body = {"collectionId": "more", "name": "More", "attributes": attributes}

    made = admin.post("/databases/default/collections", body)

    assert made.status == 201, made.json
    shown = [(each["type"], each.get("format")) for each in made.json["attributes"]]
    assert shown == [("string", "enum"), ("string", "url"), ("text", None), ("bigint", None)]
    assert made.json["attributes"][2]["encrypt"] is True
