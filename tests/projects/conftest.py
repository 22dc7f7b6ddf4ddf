"""People of the console: owen owns the team `crew`, dana develops in it, vera only looks, eve is of
another team."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Membership, Team, User
from kernel.caller import ProjectContext
from kernel.ids import unique_id
from projects import services
from tests.client import ApiClient
from tests.conftest import ClientFor, sign_up


@pytest.fixture
def join(console_project: ProjectContext) -> Callable[[str, str, list[str]], None]:
    """Make a console user a confirmed member of a team, which is made on first use."""

    def add(user: str, team: str, roles: list[str]) -> None:
        row, _ = Team.objects.get_or_create(
            project_id=console_project.id, uid=team, defaults={"name": team.title()}
        )
        Membership.objects.create(
            project_id=console_project.id,
            team=row,
            user=User.objects.get(project_id=console_project.id, uid=user),
            uid=unique_id(),
            roles=roles,
            is_confirmed=True,
        )

    return add


@pytest.fixture
def console_client(
    console_project: ProjectContext, client_for: ClientFor, join: Callable[..., None]
) -> Callable[..., ApiClient]:
    """Sign a new person up at the console, let them join a team, and return their client."""

    def make(name: str, team: str = "", roles: tuple[str, ...] = ()) -> ApiClient:
        person = sign_up(console_project, name)
        if team:
            join(name, team, list(roles))
        return client_for(console_project, session=person.session)

    return make


@pytest.fixture
def owen(console_client: Callable[..., ApiClient]) -> ApiClient:
    return console_client("owen", "crew", ("owner",))


@pytest.fixture
def dana(console_client: Callable[..., ApiClient]) -> ApiClient:
    return console_client("dana", "crew", ("developer",))


@pytest.fixture
def vera(console_client: Callable[..., ApiClient]) -> ApiClient:
    return console_client("vera", "crew", ("viewer",))


@pytest.fixture
def eve(console_client: Callable[..., ApiClient]) -> ApiClient:
    return console_client("eve", "rivals", ("owner",))


@pytest.fixture
def crew(console_project: ProjectContext) -> None:
    Team.objects.get_or_create(project_id=console_project.id, uid="crew", name="Crew")


@pytest.fixture
def site(crew: None) -> ProjectContext:
    """A project of the team `crew`."""
    services.create_project(
        caller=services.operator(), project_id="site", name="Site", team_id="crew"
    )
    return found("site")


def found(uid: str) -> ProjectContext:
    services.drop_project(uid)
    project = services.find_project(uid)
    assert project is not None
    return project


def admin_mode(client: ApiClient, project: str) -> ApiClient:
    """Return a console user's client that works on a project, as the web console does."""
    headers: dict[str, Any] = {"X-Appwrite-Project": project, "X-Appwrite-Mode": "admin"}
    return ApiClient({**client.headers, **headers}, client.cookies)
