"""Who a console user is in the projects of their teams, and of others."""

import pytest

from accounts.authentication import authenticate
from accounts.models import Membership, User
from accounts.services import (
    create_console_admin,
    create_email_password_session,
    update_user_status,
)
from kernel.caller import Caller, CallerKind, Credentials
from kernel.scopes import GUEST_SCOPES
from projects.services import create_project, find_project, operator
from tests.conftest import PASSWORD


@pytest.fixture
def owner(console_project):
    """A console user's session, and the team that is theirs."""
    user = create_console_admin(email="owner@example.com", password=PASSWORD)
    guest = Caller(project=console_project, scopes=GUEST_SCOPES)
    opened = create_email_password_session(
        caller=guest, email="owner@example.com", password=PASSWORD
    )
    team = user.memberships.get().team.uid
    return opened.packed_secret, team


def admin_client(client_for, project, session):
    return client_for(project, session=session, headers={"X-Appwrite-Mode": "admin"})


def test_member_of_the_projects_team_works_on_it(owner, client_for, make_key, statements):
    session, team = owner
    create_project(caller=operator(), project_id="mine", name="Mine", team_id=team)
    mine = find_project("mine")
    assert mine is not None
    find_project("console")
    with statements() as seen:
        caller = authenticate(mine, Credentials(session=session, mode="admin"))
    assert caller.kind is CallerKind.CONSOLE
    assert caller.is_privileged
    assert len(seen) == 1, seen
    client = admin_client(client_for, mine, session)
    assert client.post("/users", {"userId": "made"}).status == 201
    assert client.get("/users").json["total"] == 1
    assert client.get("/account").status == 401


def test_console_users_of_other_teams_are_guests(owner, project, client_for):
    session, _ = owner
    client = admin_client(client_for, project, session)
    reply = client.get("/users")
    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")


@pytest.mark.parametrize(
    ("role", "seen", "managed"),
    [
        ("admin", ["mine", "yours"], ["mine", "yours"]),
        ("developer", ["mine", "yours"], ["mine", "yours"]),
        ("viewer", ["mine", "yours"], []),
        ("project-mine-developer", ["mine"], ["mine"]),
        ("project-mine-viewer", ["mine"], []),
        ("project-min-developer", [], []),
        ("project-mine-too-developer", [], []),
    ],
)
def test_role_in_the_team_says_which_projects_a_member_works_on(
    owner, client_for, role, seen, managed
):
    session, team = owner
    for uid in ("mine", "yours"):
        create_project(caller=operator(), project_id=uid, name=uid, team_id=team)
    Membership.objects.update(roles=[role])
    for uid in ("mine", "yours"):
        project = find_project(uid)
        assert project is not None
        client = admin_client(client_for, project, session)
        assert client.get("/users").status == (200 if uid in seen else 401), uid
        reply = client.post("/users", {"userId": "made"})
        refused = (401, "general_unauthorized_scope")
        assert (reply.status, reply.error) == ((201, "") if uid in managed else refused), uid


def test_session_of_the_project_is_no_console_session(project, alice, client_for):
    assert admin_client(client_for, project, alice.session).get("/users").status == 401
    caller = authenticate(project, Credentials(session=alice.session, mode="admin"))
    assert caller.kind is CallerKind.GUEST


def test_console_user_is_an_ordinary_user_of_the_console(console_project, owner, client_for):
    session, team = owner
    client = client_for(console_project, session=session)
    assert client.get("/account").json["email"] == "owner@example.com"
    assert client.get(f"/teams/{team}").status == 200
    assert client.get("/users").error == "general_unauthorized_scope"


def test_blocked_console_member_is_kept_out(owner, client_for, console_project):
    session, team = owner
    create_project(caller=operator(), project_id="mine", name="Mine", team_id=team)
    uid = User.objects.get(email="owner@example.com").uid
    update_user_status(caller=operator(), user_id=uid, status=False)
    mine = find_project("mine")
    assert mine is not None
    reply = admin_client(client_for, mine, session).get("/users")
    assert (reply.status, reply.error) == (403, "user_blocked")
