"""Whatever is sent in a parameter of a schema operation, the answer is a refusal or a result."""

import json
from typing import Any

import pytest

from tests.documents.schema import POSTS, add_attribute

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

DEFAULT = "/databases/default"
CALLS = [
    ("POST", "/databases", {"databaseId": "d", "name": "D", "enabled": True, "description": ""}),
    ("PUT", DEFAULT, {"name": "D", "enabled": True, "description": ""}),
    (
        "POST",
        f"{DEFAULT}/collections",
        {
            "collectionId": "c",
            "name": "C",
            "permissions": [],
            "documentSecurity": True,
            "enabled": True,
            "attributes": [],
            "indexes": [],
        },
    ),
    (
        "PUT",
        POSTS,
        {"name": "C", "permissions": [], "documentSecurity": True, "purge": True},
    ),
    (
        "POST",
        "/tablesdb/default/tables",
        {"tableId": "t", "name": "T", "rowSecurity": True, "columns": [], "indexes": []},
    ),
    (
        "POST",
        f"{POSTS}/attributes/string",
        {"key": "a", "size": 10, "required": False, "default": "x", "array": False},
    ),
    (
        "POST",
        f"{POSTS}/attributes/integer",
        {"key": "a", "required": False, "min": 1, "max": 5, "default": 3, "array": False},
    ),
    (
        "POST",
        f"{POSTS}/attributes/float",
        {"key": "a", "required": False, "min": 1.5, "max": 5, "default": 3, "array": False},
    ),
    ("POST", f"{POSTS}/attributes/datetime", {"key": "a", "required": False, "default": None}),
    ("POST", f"{POSTS}/attributes/point", {"key": "a", "required": False, "default": [1, 2]}),
    ("POST", f"{POSTS}/attributes/polygon", {"key": "a", "required": False, "default": None}),
    ("POST", f"{POSTS}/attributes/email", {"key": "a", "required": False, "default": None}),
    ("POST", f"{POSTS}/attributes/boolean", {"key": "a", "required": False, "default": True}),
    (
        "PATCH",
        f"{POSTS}/attributes/string/title",
        {"required": False, "default": None, "size": 20, "newKey": "b"},
    ),
    (
        "POST",
        f"{POSTS}/indexes",
        {"key": "i", "type": "key", "attributes": ["title"], "orders": ["asc"], "lengths": [5]},
    ),
]
LISTS = ["/databases", f"{DEFAULT}/collections", f"{POSTS}/attributes", f"{POSTS}/indexes"]
VALUES: list[Any] = [
    None,
    "",
    "x\u0000y",
    "'; DROP TABLE document; --",
    "%s%(x)s{}",
    "\u202e\U0001f600" * 200,
    10**30,
    [],
    [None, {}, [[]]],
    {},
    {"a": {"$gt": ""}, "0": 1},
]
PATHS = [
    "/databases/%00",
    "/databases/..",
    f"{DEFAULT}/collections/%F0%28%8C%28",
    f"{DEFAULT}/collections/{'x' * 5000}",
    f"{POSTS}/attributes/%27%3B--",
    f"{POSTS}/attributes/string/%7B%7D",
    f"{POSTS}/indexes/$id",
]


def send(admin, method, path, body):
    """Send JSON of the standard library, which writes numbers of any size."""
    return admin.call(method, path, json.dumps(body).encode())


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_no_value_of_a_parameter_breaks_an_operation(admin, posts, jobs, method, path, body):
    add_attribute(admin, "string", "title")
    jobs()

    broken = [
        (name, value, reply.json)
        for name in body
        for value in VALUES
        if (reply := send(admin, method, path, {**body, name: value})).status >= 500
    ]

    assert broken == []


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("name", ["queries", "search", "total"])
def test_no_value_of_a_list_parameter_breaks_a_list(admin, posts, path, name):
    queries = [
        '{"method":"equal","attribute":"name","values":[{"a":1}]}',
        '{"method":"between","attribute":"key","values":[1,"x"]}',
        '{"method":"greaterThan","attribute":"$sequence","values":[1e99]}',
        '{"method":"lessThan","attribute":"$createdAt","values":["9999999"]}',
        '{"method":"limit","values":[1e30]}',
        '{"method":"cursorAfter","values":["x\\u0000"]}',
    ]
    texts = [value for value in VALUES if isinstance(value, str)] + queries

    assert [
        text
        for text in texts
        if admin.get(path, {name: [text] if name == "queries" else text}).status >= 500
    ] == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_no_path_breaks_the_server(admin, posts, method, path):
    assert admin.call(method, path, {"required": False, "default": None}).status < 500
