"""Who gets into the console: sign-up, the first administrator, the command, one-time links."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import orjson
import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.models import ConsoleLink, Membership, User
from accounts.services import (
    create_console_admin,
    create_console_link,
    has_console_admin,
    redeem_console_link,
)
from kernel.errors import ApiError
from projects.services import find_project
from tests.conftest import PASSWORD

FIRST = {"userId": "first", "email": "first@example.com", "password": PASSWORD}
SECOND = {"userId": "second", "email": "second@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    ("signup", "first", "second"), [("open", 201, 201), ("first", 201, 501), ("closed", 501, 501)]
)
def test_sign_up_to_the_console_follows_the_setting(
    console_project, client_for, settings, signup, first, second
):
    settings.CONSOLE_SIGNUP = signup
    guest = client_for(console_project)
    assert guest.post("/account", FIRST).status == first
    reply = guest.post("/account", SECOND)
    assert reply.status == second
    assert reply.error == ("user_console_count_exceeded" if second == 501 else "")


def test_setting_does_not_concern_projects(project, client_for, settings):
    settings.CONSOLE_SIGNUP = "closed"
    assert client_for(project).post("/account", FIRST).status == 201


def test_without_a_project_header_the_console_is_meant(console_project, client_for):
    guest = client_for(console_project, headers={"X-Appwrite-Project": ""})
    assert guest.post("/account", FIRST).status == 201
    assert User.objects.get().project_id == console_project.id


def test_console_client_begins_with_account_session_team_and_project(console_project, client_for):
    guest = client_for(console_project)
    guest.post("/account", FIRST)
    signed_in = guest.post("/account/sessions/email", FIRST)
    secret = signed_in.cookies["a_session_console"].value
    me = client_for(console_project, cookies={"a_session_console": secret})
    assert me.post("/teams", {"teamId": "acme", "name": "Acme"}).status == 201
    made = me.post("/projects", {"projectId": "site", "name": "Site", "teamId": "acme"})
    assert made.status == 201, made.json
    assert me.post(f"/projects/{made.json['$id']}/keys", {"name": "k", "scopes": []}).status == 201
    owned = me.delete("/teams/acme")
    assert (owned.status, owned.error) == (400, "general_bad_request")


def test_first_admin_adopts_projects_without_a_team(project, other_project):
    assert not has_console_admin()
    user = create_console_admin(email="first@example.com", password=PASSWORD, name="Ann")
    assert has_console_admin()
    team = Membership.objects.get(user=user)
    assert (team.roles, team.team.name) == (["owner"], "Ann projects")
    for uid in ("blog", "shop"):
        adopted = find_project(uid)
        assert adopted is not None
        assert adopted.team_uid == team.team.uid
    create_console_admin(email="second@example.com", password=PASSWORD)
    kept = find_project("blog")
    assert kept is not None
    assert kept.team_uid == team.team.uid


def test_only_one_can_be_the_first(console_project):
    create_console_admin(email="first@example.com", password=PASSWORD, is_first=True)
    with pytest.raises(ApiError) as refusal:
        create_console_admin(email="second@example.com", password=PASSWORD, is_first=True)
    assert refusal.value.kind.type == "user_console_count_exceeded"


def test_console_user_is_known_to_djangos_login_by_the_address(console_project):
    create_console_admin(email="first@example.com", password=PASSWORD)
    for address in ("first@example.com", "First@Example.com"):
        user = authenticate(None, username=address, password=PASSWORD)
        assert isinstance(user, User)
        assert user.is_staff
    assert authenticate(None, username="first@example.com", password="wrong") is None


def test_users_of_projects_are_no_staff(project, alice):
    user = User.objects.get(uid="alice")
    assert not user.is_staff
    assert authenticate(None, username="alice@example.com", password=PASSWORD) is None


def test_command_makes_an_admin(console_project):
    out = StringIO()
    call_command(
        "create_admin",
        "--email",
        "A@example.com",
        "--password",
        PASSWORD,
        "--name",
        "A",
        stdout=out,
    )
    printed = orjson.loads(out.getvalue())
    assert (printed["email"], printed["name"]) == ("a@example.com", "A")
    assert PASSWORD not in out.getvalue()


def test_command_reads_a_password_from_standard_input(console_project, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    call_command("create_admin", "--email", "a@example.com", "--password", "-", stdout=StringIO())
    assert authenticate(None, username="a@example.com", password=PASSWORD)


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [
        ("nobody", PASSWORD, "Invalid `email` param"),
        ("a@example.com", "short", "Invalid `password` param"),
        ("taken@example.com", PASSWORD, "already exists"),
    ],
)
def test_command_says_what_is_wrong(console_project, email, password, message):
    create_console_admin(email="taken@example.com", password=PASSWORD)
    with pytest.raises(CommandError, match=message):
        call_command("create_admin", "--email", email, "--password", password)


def test_link_opens_the_console_once(console_project):
    token = create_console_link()
    assert redeem_console_link(token) is None
    with pytest.raises(ApiError) as refusal:
        redeem_console_link(token)
    assert refusal.value.kind.type == "user_invalid_token"


def test_link_stands_for_the_first_admin_where_there_is_one(console_project):
    user = create_console_admin(email="first@example.com", password=PASSWORD)
    create_console_admin(email="second@example.com", password=PASSWORD)
    assert redeem_console_link(create_console_link()) == user


def test_link_is_stored_as_a_digest_and_lasts_an_hour(console_project):
    token = create_console_link()
    assert token.encode() not in bytes(ConsoleLink.objects.get().digest)
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(seconds=3601), tick=False),
        pytest.raises(ApiError),
    ):
        redeem_console_link(token)


@pytest.mark.parametrize("token", ["", "x", "\x00", "\ud800"])
def test_invented_links_open_nothing(console_project, token):
    with pytest.raises(ApiError):
        redeem_console_link(token)


def test_console_user_in_no_team_deletes_their_account(console_project, client_for):
    guest = client_for(console_project)
    guest.post("/account", FIRST)
    login = {"email": FIRST["email"], "password": PASSWORD}
    opened = guest.post("/account/sessions/email", login)
    cookie = opened.cookies["a_session_console"].value
    client = client_for(console_project, cookies={"a_session_console": cookie})
    team = client.post("/teams", {"teamId": "own", "name": "Own"})
    assert team.status == 201
    member = client.delete("/account")
    assert (member.status, member.error) == (400, "user_deletion_prohibited")
    assert client.delete("/teams/own").status == 204

    gone = client.delete("/account")

    assert (gone.status, gone.content) == (204, b"")
    assert gone.cookies["a_session_console"]["max-age"] == 0
    assert client.get("/account").status == 401
    assert guest.post("/account/sessions/email", login).error == "user_invalid_credentials"
    assert guest.post("/account", FIRST).status == 201


def test_users_of_projects_do_not_delete_themselves(project, alice, client_for):
    client = client_for(project, session=alice.session)
    refused = client.delete("/account")
    assert (refused.status, refused.error) == (401, "user_unauthorized")
    assert client.get("/account").status == 200
    assert client_for(project).delete("/account").error == "general_unauthorized_scope"
