"""Promises that hold for the whole code: labels, errors, events, foreign keys, file sizes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import ForeignKey
from django.urls import URLPattern, URLResolver, get_resolver

from gateway.operations import Operation, all_operations
from gateway.views import VERBS, Endpoint
from kernel import event_names
from kernel.errors import ErrorKind, Kind
from kernel.models import OutboxEvent
from tests.conftest import PASSWORD
from tests.reference import load

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 500

#: Operations under an older name that the reference gives only as another path.
OLDER_OPERATIONS = {
    "projects.createKey": "project.createKey",
    "projects.createPlatform": "project.createWebPlatform",
    "projects.deleteKey": "project.deleteKey",
    "projects.deletePlatform": "project.deletePlatform",
    "projects.deleteProject": "project.delete",
    "projects.getKey": "project.getKey",
    "projects.getPlatform": "project.getPlatform",
    "projects.getProject": "project.get",
    "projects.listKeys": "project.listKeys",
    "projects.listPlatforms": "project.listPlatforms",
    "projects.updateKey": "project.updateKey",
    "projects.updatePlatform": "project.updateWebPlatform",
}
#: Error types of our own, each with its reason in the design.
OWN_ERRORS = {
    "general_payload_too_large",
    "general_service_unavailable",
    "general_cursor_expired",
    # Of releases of the API after the one the reference describes.
    "user_passkey_already_exists",
    "user_passkey_invalid",
    "user_passkey_limit_exceeded",
    "user_passkey_not_found",
    "user_reauthentication_required",
}
#: Events of our own: apps hear from them that a project came, changed or went.
OWN_EVENTS = {"projects.*.create", "projects.*.update", "projects.*.delete"}

FLOORS = {
    "kernel": 0,
    "gateway": 1,
    "projects": 2,
    "accounts": 3,
    "documents": 4,
    "files": 4,
    "functions": 5,
    "realtime": 5,
    "graph": 6,
    "console": 6,
}


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in patterns or get_resolver().url_patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, path)
        elif isinstance(each, URLPattern):
            yield path, each.callback


def endpoints() -> list[tuple[str, type[Endpoint], int]]:
    """Return the path, class and dialect of every public path."""
    return [
        (path, callback.view_class, callback.view_initkwargs.get("dialect", 0))
        for path, callback in routes()
        if path.startswith("v1/")
    ]


def handlers() -> list[tuple[str, str, Any, int]]:
    """Return the path, verb, method and dialect of every handler."""
    return [
        (path, verb, getattr(view, verb.lower()), dialect)
        for path, view, dialect in endpoints()
        for verb in VERBS
        if hasattr(view, verb.lower())
    ]


def served() -> list[tuple[str, str, Operation]]:
    """Return the public path, verb and operation of every handler."""
    found = []
    for path, verb, method, dialect in handlers():
        labels = method.operations
        public = "/" + re.sub(r"<str:(\w+)>", r"{\1}", path)
        found.append((public, verb, labels[min(dialect, len(labels) - 1)]))
    return found


def reference(operation_id: str) -> dict[str, Any]:
    known = {each["id"]: each for each in load("operations")}
    found: dict[str, Any] = known[OLDER_OPERATIONS.get(operation_id, operation_id)]
    return found


# Labels


def test_every_public_path_is_an_endpoint():
    assert len(endpoints()) > 30
    assert [path for path, view, _ in endpoints() if Endpoint not in view.__mro__] == []


def test_every_handler_carries_a_label():
    bare = [f"{verb} {path}" for path, verb, method, _ in handlers() if not _labels(method)]
    assert bare == []


def _labels(method: Any) -> tuple[Operation, ...]:
    labels: tuple[Operation, ...] = getattr(method, "operations", ())
    return labels


def test_every_label_has_known_scopes():
    scopes = load("scopes")
    known = set(scopes["project_key_scopes"]) | {"public"}
    known |= {scope for held in scopes["roles"].values() for scope in held}
    known |= {"projects.read", "projects.write"}
    unknown = {
        label.id: label.scope
        for label in all_operations().values()
        if not label.scope or set(label.scope) - known
    }
    assert unknown == {}


def test_every_operation_is_in_the_reference():
    known = {each["id"] for each in load("operations")} | set(OLDER_OPERATIONS)
    assert set(all_operations()) - known == set()


def test_every_operation_is_served_where_clients_look_for_it():
    wrong = []
    for path, verb, label in served():
        wanted = reference(label.id)
        paths = [wanted["path"], *wanted.get("aliases", ())]
        if verb != wanted["method"] or not any(_fits(path, each) for each in paths):
            wrong.append(f"{label.id}: {verb} {path}, not {wanted['method']} {paths}")
    assert wrong == []


def _fits(path: str, public: str) -> bool:
    """Tell whether a path is the public one, or lies on it: `.../string` on `.../{key}`."""
    pattern = re.sub(r"\{\w+\}", r"[^/]+", public)
    return re.fullmatch(pattern, path) is not None


def test_every_label_asks_for_a_scope_that_the_reference_accepts():
    wrong = []
    for label in all_operations().values():
        wanted = reference(label.id).get("scope", ())
        accepted = {wanted} if isinstance(wanted, str) else set(wanted)
        if accepted and accepted.isdisjoint(label.scope):
            wrong.append(f"{label.id}: {label.scope}, not {sorted(accepted)}")
    assert wrong == []


# Errors


def error_kinds() -> list[tuple[str, Kind]]:
    """Return the name and kind of every row of each app's table."""
    rows = [row for table in ErrorKind.__bases__ for row in vars(table).items()]
    return [(name, kind) for name, kind in rows if isinstance(kind, Kind)]


def test_error_kinds_are_unique():
    names, kinds = zip(*error_kinds(), strict=True)
    types = [kind.type for kind in kinds]
    assert len(types) > 100
    assert len(types) == len(set(types))
    assert len(names) == len(set(names))  # or one app's would hide another's


def test_error_kinds_have_the_published_status():
    published = load("errors")
    kinds = {kind.type: kind.status for _, kind in error_kinds() if kind.type not in OWN_ERRORS}
    assert {name: code for name, code in kinds.items() if published.get(name) != code} == {}


def test_every_error_says_something():
    assert [name for name, kind in error_kinds() if not kind.message.endswith((".", "Error"))] == []


# Events


@pytest.mark.db
@pytest.mark.django_db
def test_every_published_event_is_in_the_catalogue(project, client_for, make_key):
    scopes = [scope for scope in load("scopes")["project_key_scopes"] if "." in scope]
    key = client_for(project, key=make_key(project, scopes))
    _use_projects(key)
    _use_accounts(key, client_for(project))
    _use_documents(key)
    published = {_starred(name) for name in OutboxEvent.objects.values_list("name", flat=True)}
    catalogue = {each["event"] for each in load("events")} | OWN_EVENTS
    assert len(published) > 15
    assert published - catalogue == set()


def _use_projects(key):
    _done(key.post("/project/keys", {"keyId": "k", "name": "K", "scopes": []}))
    _done(key.put("/project/keys/k", {"name": "K", "scopes": []}))
    _done(key.delete("/project/keys/k"))
    body = {"platformId": "p", "name": "P", "hostname": "app.example.com"}
    _done(key.post("/project/platforms/web", body))
    _done(key.put("/project/platforms/web/p", body))
    _done(key.delete("/project/platforms/p"))
    _done(key.patch("/project/services/teams", {"enabled": True}))
    _done(key.patch("/project/protocols/rest", {"enabled": True}))


def _use_accounts(key, guest):
    ada = {"userId": "ada", "email": "ada@example.com", "password": PASSWORD}
    _done(guest.post("/account", ada))
    _done(guest.post("/account/sessions/email", ada))
    _done(key.post("/users", {"userId": "bob", "email": "bob@example.com"}))
    _done(guest.post("/account/sessions/anonymous"))
    _done(key.post("/users/ada/tokens"))
    _done(key.post("/account/recovery", {"email": ada["email"], "url": "http://localhost/in"}))
    _done(key.patch("/users/ada/name", {"name": "Ada"}))
    _done(key.delete("/users/ada/sessions"))
    _done(key.post("/teams", {"teamId": "t", "name": "T"}))
    _done(key.post("/teams/t/memberships", {"userId": "bob", "roles": []}))
    _done(key.delete("/teams/t"))
    _done(key.delete("/users/ada"))


def _use_documents(key):
    for start, container, fields in (
        ("/databases", "collections", "attributes"),
        ("/tablesdb", "tables", "columns"),
    ):
        _done(key.post(start, {"databaseId": "main", "name": "Main"}))
        path = f"{start}/main/{container}"
        _done(key.post(path, {f"{container[:-1]}Id": "c", "name": "C", "permissions": []}))
        _done(key.put(f"{path}/c", {"name": "C"}))
        _done(key.post(f"{path}/c/{fields}/boolean", {"key": "done", "required": False}))
        _done(key.delete(f"{path}/c"))
        _done(key.delete(f"{start}/main"))


def _done(reply):
    assert reply.status < 300, reply.json


def _starred(name: str) -> str:
    parsed = event_names.parse(name)
    pairs = [f"{kind}.*" for kind in parsed.kinds]
    return ".".join(part for part in (*pairs, parsed.action, parsed.attribute) if part)


# Tables


def test_foreign_keys_point_down_the_floor_plan():
    climbing = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in FLOORS
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and _climbs(model, field)
    ]
    assert climbing == []


def _climbs(model: Any, field: Any) -> bool:
    own, target = model._meta.app_label, field.related_model._meta.app_label
    if target not in FLOORS:
        return target not in ("auth", "contenttypes")
    return own != target and FLOORS[target] >= FLOORS[own]


# Files


def test_no_module_is_longer_than_500_lines():
    packages = [*FLOORS, "appwrite_clone", "tests", "clients", "examples"]
    long = {
        str(path.relative_to(ROOT)): lines
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if ".venv" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}
