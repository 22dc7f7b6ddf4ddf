"""Every public operation with parameters that work, on projects that hold one of everything."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from django.db import connection, transaction

from accounts import roles
from documents import catalog
from gateway.operations import Operation
from kernel.caller import ProjectContext
from projects import services as projects
from projects import signing
from tests.client import ApiClient, Reply
from tests.security.values import DONE_BEFORE, SPECIAL, VALUES
from tests.test_contracts import reference, served

SEPARATOR = "\x1e"
#: What no client may read in any answer (class 45).
LEAKS = re.compile(
    rb"psycopg|Traceback|SELECT |INSERT INTO|UPDATE account|site-packages|\.py\b|relation \""
    rb"|django\.|DETAIL:"
)


@dataclass(frozen=True)
class Route:
    """One way to call an operation: its verb, its path under `/v1` with `{names}`."""

    verb: str
    path: str
    operation: Operation

    @property
    def is_read(self) -> bool:
        return self.verb == "GET"

    @property
    def path_names(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def takes_file(self) -> bool:
        """Tell whether its body is a file, which no parser of parameters sees."""
        return bool(reference(self.operation.id).get("file"))

    @property
    def is_redeeming(self) -> bool:
        """Tell whether it is refused: it asks for a secret, which no call of this world has."""
        asked = {each["name"] for each in self.parameters("body")}
        asks = not asked.isdisjoint({"secret", "otp"})
        asks = asks and self.operation.service != "project"  # there it is one of a provider's
        return asks or self.operation.id in DONE_BEFORE | REDEEMING

    def parameters(self, *places: str) -> list[dict[str, Any]]:
        return [each for each in reference(self.operation.id)["params"] if each["in"] in places]

    def __str__(self) -> str:
        return f"{self.verb} {self.path} ({self.operation.id})"


#: Operations that ask for what a provider or a device has signed, or are the console's alone.
REDEEMING = {
    "account.delete",
    "account.createIdTokenSession",
    "account.getAccountSessionsOauth2ProviderRedirect",
    "account.updatePasskeyToken",
    "account.updatePasskeyVerification",
}
#: Operations whose bodies hold ids of another company's things.
FOREIGN_IDS = {"project.updateOAuth2Apple", "project.updateOAuth2Bitbucket"}


@cache
def all_routes() -> tuple[Route, ...]:
    """Return every route of the API.

    Left out is what a path with words offers for ids: `users/argon2` as the user `argon2`.
    """
    found = [Route(verb, path.removeprefix("/v1"), label) for path, verb, label in served()]
    names: dict[str, int] = {}
    for each in found:
        names[each.operation.id] = max(names.get(each.operation.id, 0), len(each.path_names))
    return tuple(each for each in found if len(each.path_names) == names[each.operation.id])


@cache
def routes() -> tuple[Route, ...]:
    """Return the routes that can be called with what is known here: all, says `test_world`."""
    return tuple(each for each in all_routes() if not missing(each))


def missing(route: Route) -> list[str]:
    """Return the parameters that an operation needs and this world has no value for."""
    needed = [each["name"] for each in route.parameters("body") if each.get("required")]
    special = SPECIAL.get(route.operation.id, {})
    known = {*VALUES, *REFERENCES, *special, "default"}
    return [name for name in needed if name not in known]


@dataclass(frozen=True)
class World:
    """One project, what is in it by parameter name, and clients of all kinds."""

    project: ProjectContext
    ids: Mapping[str, str]
    server: ApiClient
    user: ApiClient
    owner: ApiClient
    guest: ApiClient
    canary: str

    def path(self, route: Route) -> str:
        ids = self.ids
        if "/indexes/" in route.path:
            ids = {**ids, "key": "by_title"}
        if match := re.search(r"/(?:attributes|columns)/(\w+)/{key}", route.path):
            ids = {**ids, "key": attribute_key(match.group(1))}
        if re.search(r"relationship/{key}|{key}/relationship", route.path):
            people = f"{self.canary}-people"
            ids = {**ids, "key": "friends", "collectionId": people, "tableId": people}
        if "/authenticators/" in route.path:
            ids = {**ids, "type": "totp"}
        if match := re.search(r"/platforms/(web|apple|android|linux|windows)/", route.path):
            ids = {**ids, "platformId": f"{self.canary}-{match.group(1)}"}
        # A new kind of thing is unknown here until the test of this world says so.
        return route.path.format_map(defaultdict(lambda: "unknown", ids))

    def body(self, route: Route, **changes: Any) -> dict[str, Any] | None:
        """Return a body that works."""
        if route.is_read:
            return None
        names = [each["name"] for each in route.parameters("body")]
        body = {name: value for name in names if (value := self._value(route, name)) is not None}
        special = SPECIAL.get(route.operation.id, {})
        filled = {name: self._filled(value) for name, value in special.items()}
        if route.verb == "PATCH" and "default" in names:
            filled["default"] = None  # it has to be there
        return {**body, **filled, **changes}

    def client(self, route: Route) -> ApiClient:
        """Return the client the operation is made for."""
        if re.match(r"account\.create\w*(Session|Token)$", route.operation.id):
            return self.guest
        if route.operation.id.startswith(("projects.", "console.")):
            return self.owner
        return self.user if route.operation.id.startswith("account.") else self.server

    def call(self, route: Route, client: ApiClient | None = None) -> Reply:
        return check(
            (client or self.client(route)).call(route.verb, self.path(route), self.body(route))
        )

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if isinstance(value, dict):
            return {name: self._filled(each) for name, each in value.items()}
        return value.format(**self.ids) if isinstance(value, str) else value

    def _value(self, route: Route, name: str) -> Any:
        return self.ids.get(name) if name in REFERENCES else VALUES.get(name)


REFERENCES = ("sessionId",)


def attribute_key(type_: str) -> str:
    """Return the key of the attribute of a type that every project has."""
    return "title" if type_ == "string" else f"of_{type_}"


#: What a project or an installation goes without, by choice; no failures, whatever their status.
SWITCHED_OFF = frozenset(
    {"general_smtp_disabled", "user_auth_method_unsupported", "user_console_count_exceeded"}
)


def check(reply: Reply, *, sent: str = "") -> Reply:
    """Fail on what no answer may be: a failure of ours, or words from behind the curtain.

    What the caller sent may come back, whatever it says.
    """
    assert reply.status < 500 or reply.error in SWITCHED_OFF, (reply.status, reply.json)
    content = reply.content.replace(orjson.dumps(sent)[1:-1], b"")
    assert not LEAKS.search(content), reply.content[:500]
    if reply.status >= 400:
        assert set(reply.json) == {"message", "code", "type", "version"}, reply.json
    return reply


def found(uid: str) -> ProjectContext:
    projects.drop_project()
    project = projects.find_project(uid)
    assert project is not None
    return project


def client(
    project: ProjectContext, *, key: str = "", session: str = "", **headers: str
) -> ApiClient:
    """Return a client; further headers have underscores for hyphens."""
    named = {"X-Appwrite-Key": key, "X-Appwrite-Session": session}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"X-Appwrite-Project": project.uid} | named
    return ApiClient({name: value for name, value in sent.items() if value})


def make_key(project: ProjectContext, scopes: Iterable[str]) -> str:
    """Make an API key; returns its secret."""
    key = projects.create_key(
        caller=projects.operator(), project_id=project.uid, name="test", scopes=list(scopes)
    )
    return str(key["secret"])


def made(reply: Reply, status: int = 201) -> dict[str, Any]:
    assert reply.status == status, reply.json
    body: dict[str, Any] = reply.json
    return body


# What a call leaves behind


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever the body wrote, and what the process keeps of it."""
    block: Any = transaction.atomic()
    block._from_testcase = True  # so that hooks run where the code under test commits
    with block:
        try:
            yield
        finally:
            transaction.set_rollback(True)
    forget_process()


def forget_process() -> None:
    projects.drop_project()
    roles.forget_groups()
    signing.forget()
    catalog.forget_schemas()


def fingerprint() -> str:
    """Return a digest of every row in the database, counters of rate limits left out."""
    with connection.cursor() as cursor:
        cursor.execute(_fingerprint_statement())
        return str(cursor.fetchone())


def rows() -> set[str]:
    """Return the rows in the database as texts."""
    with connection.cursor() as cursor:
        cursor.execute(_fingerprint_statement().replace("md5(", "("))
        return {row for table in cursor.fetchone() or () for row in table.split(SEPARATOR)}


@cache
def _fingerprint_statement() -> str:
    skipped = {
        *("rate_counter", "django_migrations", "auth_permission", "django_content_type"),
        *("role", "auth_group"),  # a role a caller holds may get its group when they name it
        "signing_key",  # whoever first needs a key of the ring has the first one made
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
                       " AND relnamespace = 'public'::regnamespace AND NOT relispartition"
                       " ORDER BY relname")  # fmt: skip
        tables = [name for (name,) in cursor.fetchall() if name not in skipped]
    every_row = f"string_agg(t::text, '{SEPARATOR}' ORDER BY t::text)"
    parts = [  # of names the database gave
        f"(SELECT md5(coalesce({every_row}, '')) FROM {name} t)" for name in tables
    ]
    return f"SELECT {', '.join(parts)}"
