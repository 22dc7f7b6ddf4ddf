"""Fixtures every test can use: projects, the cast, clients, and what happened behind them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import hypothesis
import pytest
import pytest_socket
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts import authentication, passwords, roles
from accounts.services import create_account, create_email_password_session
from appwrite_clone.celery import app as celery_app
from kernel import jobs as kernel_jobs
from kernel import notify, ratelimit
from kernel.caller import CONSOLE_PROJECT, Caller, ProjectContext
from kernel.models import OutboxEvent
from kernel.scopes import GUEST_SCOPES
from projects import services as projects
from projects import signing
from projects.models import Project
from tests.client import ApiClient

PASSWORD = "correct horse battery staple"
CHEAP_HASH_KIBIBYTES = 8
PROJECT_LOOKUP = "FROM project p LEFT JOIN platform"

# How long an example takes, or the making of one, tells of the machine alone.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings(),
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("patient")


def pytest_runtest_setup() -> None:
    """Refuse the network, but for this machine itself."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def _cheap_parts() -> None:
    passwords.Argon2Hasher.memory_cost = CHEAP_HASH_KIBIBYTES
    celery_app.conf.update(broker_url="memory://", broker_transport_options={})


@pytest.fixture(autouse=True)
def _fresh_process(settings: Any) -> Iterator[None]:
    """Start each test with the caches of a new process, and without rate limits."""
    settings.ABUSE_LIMITS = settings.GUESS_DELAYS = False
    settings.CONSOLE_SIGNUP = "open"
    _forget()
    yield
    _forget()


@pytest.fixture(scope="module", autouse=True)
def _listener_ends() -> Iterator[None]:
    """Leave no listener to the next tests: with one, callers are known for a moment."""
    yield
    notify.stop()


@pytest.fixture
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count calls against the rate limits, in windows that end with no test."""
    settings.ABUSE_LIMITS = True
    begin = time.time()
    monkeypatch.setattr(ratelimit, "time", SimpleNamespace(time=lambda: begin))


def _forget() -> None:
    projects.drop_project()
    authentication.forget_identities()
    roles.forget_groups()
    signing.forget()


@pytest.fixture(autouse=True)
def _commit_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on-commit hooks where the code under test commits, inside the test's transaction."""
    leave, register = transaction.Atomic.__exit__, BaseDatabaseWrapper.on_commit

    def leave_and_run(self: Any, *error: Any) -> None:
        leave(self, *error)
        _run_hooks()

    def register_and_run(self: Any, *args: Any, **kwargs: Any) -> None:
        register(self, *args, **kwargs)
        _run_hooks()

    monkeypatch.setattr(transaction.Atomic, "__exit__", leave_and_run)
    monkeypatch.setattr(BaseDatabaseWrapper, "on_commit", register_and_run)


def _run_hooks() -> None:
    blocks = connection.atomic_blocks
    if not blocks or not all(vars(block)["_from_testcase"] for block in blocks):
        return
    while connection.run_on_commit:
        hook = connection.run_on_commit.pop(0)[1]
        hook()


# Projects and keys


@pytest.fixture
def console_project(db: None) -> ProjectContext:
    """The project `console`, which tests that flush the database have to make again."""
    Project.objects.get_or_create(uid=CONSOLE_PROJECT, defaults={"name": "Console"})
    return _found(CONSOLE_PROJECT)


@pytest.fixture
def project(console_project: ProjectContext) -> ProjectContext:
    return _made("blog")


@pytest.fixture
def other_project(console_project: ProjectContext) -> ProjectContext:
    return _made("shop")


def _made(uid: str) -> ProjectContext:
    projects.create_project(caller=projects.operator(), project_id=uid, name=uid.title())
    return _found(uid)


def _found(uid: str) -> ProjectContext:
    projects.drop_project()
    found = projects.find_project(uid)
    assert found is not None
    return found


@pytest.fixture
def make_key() -> Callable[[ProjectContext, Sequence[str]], str]:
    """Make an API key; returns its secret."""

    def make(project: ProjectContext, scopes: Sequence[str]) -> str:
        caller = projects.operator()
        key = projects.create_key(
            caller=caller, project_id=project.uid, name="test", scopes=list(scopes)
        )
        return key["secret"]

    return make


# Clients and the cast


class ClientFor(Protocol):
    """The type of the fixture `client_for`."""

    def __call__(
        self,
        project: ProjectContext,
        *,
        key: str = "",
        session: str = "",
        jwt: str = "",
        cookies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiClient: ...


@pytest.fixture
def client_for() -> ClientFor:
    """Return API clients of a project: a guest, or whoever the credentials stand for."""

    def make(
        project: ProjectContext,
        *,
        key: str = "",
        session: str = "",
        jwt: str = "",
        cookies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiClient:
        sent = {
            "X-Appwrite-Project": project.uid,
            "X-Appwrite-Key": key,
            "X-Appwrite-Session": session,
            "X-Appwrite-JWT": jwt,
            **(headers or {}),
        }
        return ApiClient({name: value for name, value in sent.items() if value}, cookies or {})

    return make


@dataclass(frozen=True)
class Person:
    """A signed-up user; `session` is the packed secret of a session of theirs."""

    uid: str
    email: str
    password: str
    session: str


def sign_up(project: ProjectContext, name: str) -> Person:
    """Make a user of a project and sign them in."""
    guest = Caller(project=project, scopes=GUEST_SCOPES)
    email = f"{name}@example.com"
    create_account(caller=guest, user_id=name, email=email, password=PASSWORD, name=name.title())
    opened = create_email_password_session(caller=guest, email=email, password=PASSWORD)
    return Person(uid=name, email=email, password=PASSWORD, session=opened.packed_secret)


@pytest.fixture
def alice(project: ProjectContext) -> Person:
    return sign_up(project, "alice")


@pytest.fixture
def bob(project: ProjectContext) -> Person:
    return sign_up(project, "bob")


@pytest.fixture
def charlie(project: ProjectContext) -> Person:
    return sign_up(project, "charlie")


# What happened


class Events:
    """The events published since the fixture began, or since `clear`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        newest = OutboxEvent.objects.order_by("-id").first()
        self._start = newest.id if newest else 0

    def all(self) -> list[OutboxEvent]:
        return list(OutboxEvent.objects.filter(id__gt=self._start).order_by("id"))

    def names(self) -> list[str]:
        return [event.name for event in self.all()]

    def payloads(self) -> list[dict[str, Any]]:
        return [event.payload for event in self.all()]


@pytest.fixture
def events(project: ProjectContext) -> Events:
    return Events()


@pytest.fixture
def jobs() -> Callable[[], int]:
    """Do the waiting jobs; returns how many there were."""
    return kernel_jobs.run_waiting


@pytest.fixture
def statements(db: None) -> Callable[[], AbstractContextManager[list[str]]]:
    """Collect SQL statements, savepoints included: in a test they stand for BEGIN and COMMIT.

    Left out is the lookup of the project, which a process makes once a second and not per request.
    """

    @contextmanager
    def collect() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
            text = sql if isinstance(sql, str) else sql.as_string()
            if PROJECT_LOOKUP not in text:
                seen.append(text)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            yield seen

    return collect
