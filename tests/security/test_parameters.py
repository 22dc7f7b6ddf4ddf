"""Classes 15, 18, 36, 37 and 47: what is sent is data, whatever its type, depth or name."""

import ast
import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from kernel import fields, permissions
from kernel.limits import MAX_JSON_DEPTH
from tests.client import Reply
from tests.documents.blog import query
from tests.security.world import Route, World, check, made, routes, rows, undone
from tests.test_contracts import FLOORS, ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NO_TEXTS = [b"{}", b"[]", b"true", b"1e400"]
NASTY = [b'{"$ne":""}', b"[[]]", b"-1e308", b'"\\ud800"', b'"\\u0000"', b"99999999999999999999"]
DEPTH = 10_000
FUZZED_NAMES = 5000
SEED = 20_240_317
HOSTILE_LENGTH = 50_000
QUICK_SECONDS = 0.5


def writes() -> Iterator[Route]:
    return (route for route in routes() if not route.is_read and not route.takes_file)


def send(world: World, route: Route, body: bytes) -> Reply:
    return check(world.client(route).call(route.verb, world.path(route), body))


def with_raw(body: dict[str, Any], name: str, raw: bytes) -> bytes:
    """Return a JSON object one of whose values is written out, as no serialiser would."""
    rest = orjson.dumps({key: value for key, value in body.items() if key != name})[1:-1]
    return b"{" + rest + b"," * bool(rest) + orjson.dumps(name) + b":" + raw + b"}"


def test_class_15_nothing_else_passes_for_a_text(world: World) -> None:
    tried = 0
    for route in writes():
        body = world.body(route) or {}
        with undone():
            for name in [name for name, value in body.items() if isinstance(value, str)]:
                for raw in NO_TEXTS:
                    reply = send(world, route, with_raw(body, name, raw))
                    assert reply.status == 400, (str(route), name, raw, reply.json)
                    tried += 1
    assert tried > 300


def test_class_15_no_odd_value_breaks_a_parameter(world: World) -> None:
    for route in writes():
        body = world.body(route) or {}
        for place, each in enumerate(route.parameters("body")):
            with undone():
                for raw in (NO_TEXTS + NASTY)[place % 5 :: 5]:
                    send(world, route, with_raw(body, each["name"], raw))


@pytest.mark.parametrize(
    "form", ["{name}[]=x", "{name}[a][b]=x", "{name}=%00", "{name}={{", "{name}=-1"]
)
def test_class_15_no_odd_value_breaks_a_query(world: World, form: str) -> None:
    for route in routes():
        for each in route.parameters("query"):
            path = f"{world.path(route)}?{form.format(name=each['name'])}"
            with undone():
                check(world.client(route).call(route.verb, path, world.body(route)))


#: What clients cannot set; an operation's own parameters are left out where they are tried.
SERVER_FIELDS: dict[str, Any] = {
    "$id": "evil",
    "$sequence": 6_660_666,
    "$createdAt": "1999-01-01T00:00:00.000+00:00",
    "$updatedAt": "1999-01-01T00:00:00.000+00:00",
    "$permissions": ['read("label:evil")'],
    "$databaseId": "evil",
    "$collectionId": "evil",
    "$tableId": "evil",
    "id": 6_660_666,
    "uid": "evil",
    "user_id": 6_660_666,
    "userId": "evil",
    "project": "evil",
    "project_id": 6_660_666,
    "projectId": "evil",
    "team_uid": "evil",
    "teamId": "evil",
    "session_id": 6_660_666,
    "registration": "1999-01-01T00:00:00.000+00:00",
    "accessedAt": "1999-01-01T00:00:00.000+00:00",
    "created_at": "1999-01-01T00:00:00.000+00:00",
    "expire": "1999-01-01T00:00:00.000+00:00",
    "expires_at": "1999-01-01T00:00:00.000+00:00",
    "deleted_at": "1999-01-01T00:00:00.000+00:00",
    "joined": "1999-01-01T00:00:00.000+00:00",
    "labels": ["evil"],
    "roles": ["evil"],
    "scopes": ["evil"],
    "permissions": ['read("label:evil")'],
    "provider": "evil",
    "providerUid": "evil",
    "secret": "evil",
    "digest": "evil",
    "hash": "evil",
    "password_hash": "evil",
    "login": "evil",
    "ip": "evil",
    "total": 6_660_666,
    "version": 6_660_666,
    "confirm": True,
    "verified": True,
    "emailVerification": True,
    "is_superuser": True,
    "is_staff": True,
}
CANARIES = ("evil", "1999-")


def test_class_18_fields_of_the_server_cannot_be_assigned(world: World) -> None:
    before = rows()
    for route in writes():
        own = {each["name"] for each in route.parameters("body", "query", "path")}
        extra = {name: value for name, value in SERVER_FIELDS.items() if name not in own}
        with undone():
            body = {**extra, **(world.body(route) or {})}
            reply = check(world.client(route).call(route.verb, world.path(route), body))
            assert (reply.status >= 400) == route.is_redeeming, (str(route), reply.json)
            assert not any(word.encode() in reply.content for word in CANARIES), str(route)
            written = rows() - before
        assert [row for row in written if any(word in row for word in CANARIES)] == [], str(route)
        assert [row for row in written if row.startswith("(6660666,")] == [], str(route)


BAD_KEYS = [
    "_connector", "_negated", "", " ", "a b", "a\nb", "a\x00b", 'a"b', "a'b", "a;b", "a->b",
    "a->>'b'", "%s", "%(a)s", "a%", "{a}", "$id", "-a", ".a", "é", "a" * 37, "a,b", "a)b", "a\\b",
]  # fmt: skip
HARMLESS_KEYS = ["a__b", "title__gt", "data", "id", "pk", "collection_id", "read_roles", "NULL"]
SCHEMAS = {
    "/databases/{databaseId}/collections/{collectionId}": ("attributes", "documents"),
    "/tablesdb/{databaseId}/tables/{tableId}": ("columns", "rows"),
}


@pytest.mark.parametrize("template", SCHEMAS)
def test_class_36_names_with_a_meaning_elsewhere_are_refused(world: World, template: str) -> None:
    path, (attributes, _) = template.format(**world.ids), SCHEMAS[template]
    for key in BAD_KEYS:
        body = {"key": key, "size": 10, "required": False}
        assert check(world.server.post(f"{path}/{attributes}/string", body)).status == 400, key
        indexes = [{"key": key, attributes: ["title"]}]
        if key != "$id":  # which every document has
            indexes.append({"key": "k", attributes: [key]})
        for index in indexes:
            reply = check(world.server.post(f"{path}/indexes", {"type": "key", **index}))
            assert reply.status == 400, (key, reply.json)


@pytest.mark.parametrize("key", HARMLESS_KEYS)
def test_class_36_names_of_columns_and_lookups_are_plain_names(world: World, key: str) -> None:
    """An attribute may be called so: it is a key in a JSON value and nothing else."""
    base = f"/databases/{world.ids['databaseId']}/collections"
    attribute = {"key": key, "type": "string", "size": 50, "required": False}
    made(world.server.post(base, {"collectionId": "c", "name": "C", "attributes": [attribute]}))
    for uid, value in (("one", "1"), ("two", "2")):
        made(world.server.post(f"{base}/c/documents", {"documentId": uid, "data": {key: value}}))
    for queries in ([query("equal", key, "2")], [query("greaterThan", key, "1")]):
        found = check(world.server.get(f"{base}/c/documents", {"queries": queries})).json
        assert [each["$id"] for each in found["documents"]] == ["two"]
        assert found["documents"][0][key] == "2"


#: Calls that pass on names or lookups as keywords, each of names of our own.
KEYWORDS_ALLOWED = {
    "accounts/services/memberships.py",  # email or phone
    "accounts/services/teams.py",  # columns of one service
    "gateway/admin.py",  # the path to a row's project
    "kernel/listing.py",  # columns of the table each listing declares
}
LOOKUPS = {
    *("filter", "exclude", "get", "create", "update", "annotate", "alias", "values", "values_list"),
    *("get_or_create", "update_or_create", "aggregate", "Q", "extra", "RawSQL", "order_by"),
}


def test_class_36_no_lookup_is_made_of_what_a_client_sent() -> None:
    found = {
        str(path.relative_to(ROOT))
        for app in FLOORS
        for path in (ROOT / app).glob("**/*.py")
        if any(is_open_lookup(node) for node in ast.walk(ast.parse(path.read_text())))
    }
    assert found - KEYWORDS_ALLOWED == set()


def is_open_lookup(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    is_open = any(each.arg is None for each in node.keywords) or name in ("extra", "RawSQL")
    return name in LOOKUPS and is_open


def names(count: int) -> Iterator[str]:
    """Yield names made of what means something to SQL, JSON paths, the ORM and format strings."""
    parts = [
        *(
            "title",
            "of_integer",
            "$id",
            "$createdAt",
            "__",
            "->",
            "->>",
            "#>",
            "'",
            '"',
            "\\",
            "%s",
        ),
        *("%", "{", "}", "(", ")", ";", "--", "/*", "*/", ".", "[0]", "$", "?", "::", "e'", " OR "),
        *("SELECT", "pg_sleep(9)", "\n", "\t", "é", "😀", "\u202e", "NULL", "password", "project_"),
    ]
    chance = random.Random(SEED)
    for _ in range(count):
        yield "".join(chance.choices(parts, k=chance.randint(1, 5)))


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "equal": ("x",),
    "contains": ("x",),
    "between": (1, 2),
    "search": ("x",),
}


def asked(method: str, name: str) -> list[str]:
    """Return queries that name an attribute, or what is computed, where the method takes names."""
    if method in ("select", "groupBy", "count"):  # a count's value is its name in answers
        return [query(method, "", name)]
    if method == "distinct":
        return [query("select", "", name), query(method)]
    if method == "having":
        tested = {"method": "greaterThan", "attribute": name, "values": [1]}
        return [query("count"), query(method, "", tested)]
    return [query(method, name, *ARGUMENTS.get(method, ()))]


def test_class_37_no_name_is_read_as_sql(world: World) -> None:
    documents = "/databases/{databaseId}/collections/{collectionId}/documents".format(**world.ids)
    methods = [
        "orderAsc",
        "orderDesc",
        "isNull",
        "equal",
        "contains",
        "between",
        "select",
        "search",
        "distinct",
        "groupBy",
        "sum",
        "count",
        "having",
    ]
    document = f"{documents}/{world.ids['documentId']}"
    paths = (documents, "/users", "/teams", document)
    assert len(methods) % len(paths)  # each method meets each path
    for place, name in enumerate(names(FUZZED_NAMES)):
        queries = asked(methods[place % len(methods)], name)
        path = paths[place % len(paths)]
        reply = check(world.server.get(path, {"queries": queries}), sent=name)
        assert reply.status in (200, 400), (name, reply.json)
        if place % 10 == 0:
            check(world.server.get(f"/users/{quote(name, safe='')}"), sent=name)
            body = {"documentId": "n", "data": {name: "x"}}
            check(world.server.post(documents, body), sent=name)
            step = f"{document}/{quote(name, safe='')}/increment"
            assert check(world.server.patch(step, {}), sent=name).status in (200, 400, 404), name


# Depth and patterns


@pytest.mark.parametrize(
    "value",
    [
        b"[" * DEPTH + b"]" * DEPTH,
        b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
        b'{"a":' * (MAX_JSON_DEPTH + 1) + b"1" + b"}" * (MAX_JSON_DEPTH + 1),
        b"[" * DEPTH,
    ],
    ids=["lists", "objects", "a level too many", "unfinished"],
)
def test_class_47_deep_values_are_refused_at_once(world: World, value: bytes) -> None:
    started = time.process_time()
    for route in writes():
        for body in (value, with_raw({}, "data", value), with_raw({}, "name", value)):
            reply = send(world, route, body)
            assert reply.status in (400, 413), (str(route), reply.json)
    assert time.process_time() - started < QUICK_SECONDS * len(list(writes()))


def test_class_47_deep_queries_are_refused(world: World) -> None:
    nested = query("equal", "title", "x")
    for _ in range(12):
        nested = query("and", "", orjson.Fragment(nested))
    for text in (nested, "[" * DEPTH, '{"method":"and","values":' * 1000):
        documents = "/databases/{databaseId}/collections/{collectionId}/documents"
        for path in (documents.format(**world.ids), "/users", "/teams"):
            assert check(world.server.get(path, {"queries": [text]})).status == 400
    deep = "&".join(f"a{'[b]' * DEPTH}=1" for _ in range(3))
    assert check(world.server.get(f"/users?{deep}")).status in (200, 400, 414)


HOSTILE = [
    "a" * HOSTILE_LENGTH,
    "a" * HOSTILE_LENGTH + "!",
    "a@" * (HOSTILE_LENGTH // 2),
    "a@" + "a." * (HOSTILE_LENGTH // 2),
    '"' * HOSTILE_LENGTH + "@a.b",
    "0" * HOSTILE_LENGTH,
    'read("user:' + "a" * HOSTILE_LENGTH,
    'read("team:x/' + "/" * HOSTILE_LENGTH + '")',
    "[]" * HOSTILE_LENGTH,
    "\\" * HOSTILE_LENGTH,
    " " * HOSTILE_LENGTH,
    "2024-01-01T00:00:00" + ".0" * HOSTILE_LENGTH,
]


READ_HEADERS = [
    *("User-Agent", "X-Appwrite-Response-Format", "X-Forwarded-For", "Cookie", "Origin"),
    *("X-Fallback-Cookies", "X-Appwrite-JWT", "X-Appwrite-Session", "X-Appwrite-Key"),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_class_47_no_pattern_takes_long(text: str) -> None:
    checks: list[Callable[[str], Any]] = [
        *(fields.email, fields.uid, fields.number, fields.moment, fields.integer(), fields.boolean),
        *(fields.json_object, permissions.parse_permission, permissions.is_valid_role),
    ]
    started = time.process_time()
    for each in checks:
        try:
            each(text)
        except ValueError:
            continue
    assert time.process_time() - started < QUICK_SECONDS


def test_class_47_no_header_takes_long(world: World) -> None:
    started = time.process_time()
    for text in HOSTILE:
        plain = text.encode("ascii", "replace").decode()[:60_000].replace("\n", "")
        for name in READ_HEADERS:
            check(world.guest.call("GET", "/ping", headers={name: plain}))
            check(world.user.call("GET", "/account/sessions", headers={name: plain}))
    assert time.process_time() - started < QUICK_SECONDS * len(HOSTILE)
