"""Who is on a socket: signing in over it, and what happens when sessions and roles change."""

import asyncio
import threading
from datetime import timedelta

import pytest

from accounts.models import Session, User
from kernel import clock, notify
from projects import services as projects
from projects.models import Project
from projects.services.directory import announce_change
from realtime import database, identities
from realtime.hub import hub
from tests.realtime.conversations import TIMEOUT_SECONDS, until

DOCUMENT = "databases.d.collections.c.documents.x"


def test_a_session_header_or_cookie_signs_the_socket_in(talk, project, alice):
    async def conversation(connections):
        by_header = connections.make(project, headers={"X-Appwrite-Session": alice.session})
        assert (await by_header.open())["user"]["$id"] == alice.uid
        cookie = f"a_session_{project.uid}={alice.session}"
        by_cookie = connections.make(project, channels=["account"], headers={"Cookie": cookie})
        data = await by_cookie.open()
        assert data["user"]["email"] == alice.email
        assert data["channels"] == ["account", f"account.{alice.uid}"]

    talk(conversation)


def test_an_api_key_counts_for_nothing(talk, project, make_key):
    key = make_key(project, ["documents.read"])

    async def conversation(connections):
        one = connections.make(project, headers={"X-Appwrite-Key": key})
        assert (await one.open())["user"] is None

    talk(conversation)


def test_a_jwt_in_the_url_signs_the_socket_in(talk, project, alice, client_for):
    made = client_for(project, session=alice.session).post("/account/jwts", {})
    assert made.status == 201

    async def conversation(connections):
        one = connections.make(project, jwt=made.json["jwt"])
        assert (await one.open())["user"]["$id"] == alice.uid
        bad = connections.make(project, jwt="nonsense")
        assert (await bad.open())["code"] == 401
        assert await bad.closed_with() == 1008

    talk(conversation)


def test_an_authentication_frame_gives_roles_and_rewrites_account(talk, project, alice, announce):
    async def conversation(connections):
        one = connections.make(project, channels=["account", "documents"])
        data = await one.open()
        assert data["channels"] == ["account", "documents"]
        answer = await one.ask("authentication", {"session": alice.session})
        assert answer["data"]["to"] == "authentication"
        assert answer["data"]["success"] is True
        assert answer["data"]["user"]["$id"] == alice.uid
        await announce(project, f"users.{alice.uid}.update.name", f"user:{alice.uid}", prefs={})
        event = (await one.receive())["data"]
        assert f"account.{alice.uid}" in event["channels"]
        assert event["subscriptions"] == list(data["subscriptions"].values())

    talk(conversation)


def test_another_session_swaps_the_roles(talk, project, alice, bob, announce):
    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await one.subscribe("documents")
        await one.ask("authentication", {"session": bob.session})
        await announce(project, f"{DOCUMENT}.create", "user:alice", whose="alice")
        await announce(project, f"{DOCUMENT}.create", "user:bob", whose="bob")
        assert (await one.receive())["data"]["payload"] == {"whose": "bob"}

    talk(conversation)


def test_a_session_of_another_project_is_no_session(talk, project, other_project, alice):
    async def conversation(connections):
        one = connections.make(other_project, headers={"X-Appwrite-Session": alice.session})
        assert (await one.open())["user"] is None
        answer = await one.ask("authentication", {"session": alice.session})
        assert answer["data"]["code"] == 1003

    talk(conversation)


def test_account_events_reach_their_user_alone(talk, project, alice, bob, announce):
    async def conversation(connections):
        mine = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        other = await connections.open(project, headers={"X-Appwrite-Session": bob.session})
        guest = await connections.open(project)
        for each in (mine, other, guest):
            await each.subscribe("account", f"account.{alice.uid}", "account.update")
        await announce(project, f"users.{alice.uid}.update.prefs", f"user:{alice.uid}")
        assert (await mine.receive())["data"]["subscriptions"] == ["s"]
        assert await other.is_silent()
        assert await guest.is_silent()

    talk(conversation)


def test_signing_out_elsewhere_is_heard_and_then_ends_the_socket(
    talk, project, alice, client_for, announce
):
    client = client_for(project, session=alice.session)

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await one.subscribe("account", "documents")
        answer = await database.in_database(client.delete, "/account/sessions/current")
        assert answer.status == 204
        event = (await one.receive())["data"]
        assert event["events"][0].startswith(f"users.{alice.uid}.sessions.")
        assert await one.closed_with() == 1012

    talk(conversation)


def test_class_28_an_ended_session_ends_only_its_own_socket(
    talk, project, alice, client_for, announce
):
    second = client_for(project).post(
        "/account/sessions/email", {"email": alice.email, "password": alice.password}
    )
    assert second.status == 201
    cookie = f"a_session_{project.uid}={second.cookies[f'a_session_{project.uid}'].value}"
    client = client_for(project, session=alice.session)

    async def conversation(connections):
        stays = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        ends = await connections.open(project, headers={"Cookie": cookie})
        await stays.subscribe("documents")
        path = f"/account/sessions/{second.json['$id']}"
        assert (await database.in_database(client.delete, path)).status == 204
        assert await ends.closed_with() == 1012
        await announce(project, f"{DOCUMENT}.create", f"user:{alice.uid}")
        assert (await stays.receive())["type"] == "event"

    talk(conversation)


@pytest.mark.parametrize("end", ["block", "delete"])
def test_class_16_a_blocked_or_deleted_user_hears_nothing_more(
    talk, project, alice, announce, client_for, make_key, end
):
    key = client_for(project, key=make_key(project, ["users.write"]))

    def end_user():
        if end == "delete":
            return key.delete(f"/users/{alice.uid}")
        return key.patch(f"/users/{alice.uid}/status", {"status": False})

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await one.subscribe("documents")
        assert (await database.in_database(end_user)).status in (200, 204)
        assert await one.closed_with() == 1012
        await announce(project, f"{DOCUMENT}.create", f"user:{alice.uid}")
        again = connections.make(project, headers={"X-Appwrite-Session": alice.session})
        await again.open()
        assert again.first_type == ("error" if end == "block" else "connected")

    talk(conversation)


def test_a_new_team_is_heard_by_the_member_it_made(talk, project, alice, client_for):
    client = client_for(project, session=alice.session)

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await one.subscribe("teams", "memberships")
        made = await database.in_database(client.post, "/teams", {"teamId": "t", "name": "T"})
        assert made.status == 201
        assert (await one.receive())["data"]["events"][0] == "teams.t.create"

    talk(conversation)


def test_a_new_team_is_heard_before_the_word_that_roles_changed(
    talk, project, alice, client_for, monkeypatch
):
    client = client_for(project, session=alice.session)
    monkeypatch.setattr("accounts.events._announce", lambda *_: None)

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await one.subscribe("teams")
        assert (await database.in_database(client.get, "/account")).status == 200  # remembered
        made = await database.in_database(client.post, "/teams", {"teamId": "t", "name": "T"})
        assert made.status == 201
        assert (await one.receive())["data"]["events"][0] == "teams.t.create"

    talk(conversation)


def test_class_28_leaving_a_team_ends_its_events(
    talk, project, alice, client_for, make_key, announce
):
    owner = client_for(project, session=alice.session)
    owner.post("/teams", {"teamId": "t", "name": "T"})
    key = client_for(project, key=make_key(project, ["teams.read", "teams.write"]))

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await one.subscribe("documents")
        await announce(project, f"{DOCUMENT}.create", "team:t", number=1)
        assert (await one.receive())["data"]["payload"] == {"number": 1}
        assert (await database.in_database(key.delete, "/teams/t")).status == 204
        (socket,) = hub()._index
        await until(lambda: "team:t" not in socket.roles)
        await announce(project, f"{DOCUMENT}.create", "team:t", number=2)
        await announce(project, f"{DOCUMENT}.create", "users", number=3)
        assert (await one.receive())["data"]["payload"] == {"number": 3}

    talk(conversation)


def test_a_database_out_of_reach_silences_changed_identities(
    talk, project, alice, announce, monkeypatch
):
    monkeypatch.setattr(identities, "IDENTITY_DEADLINE_SECONDS", 0.2)
    is_over = threading.Event()

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await one.subscribe("documents")
        (socket,) = hub()._index

        def fail():
            is_over.wait(TIMEOUT_SECONDS)
            raise ConnectionError

        socket.look_up = fail
        payload = f'{{"project":{project.id},"user":"{alice.uid}","session":"","reason":"test"}}'
        await database.in_database(notify.notify, "appwrite_identity", payload)
        await until(lambda: not socket.roles)
        await announce(project, f"{DOCUMENT}.create", "any", f"user:{alice.uid}")
        assert await one.is_silent()
        is_over.set()
        assert await one.closed_with() == 1012

    talk(conversation)


def test_lost_notifications_send_everyone_away_to_come_again(talk, project):
    async def conversation(connections):
        one = await connections.open(project)
        notify._call("appwrite_realtime", "")
        assert await one.closed_with() == 1012

    talk(conversation)


def test_a_switched_off_websocket_refuses_clients(talk, project):
    Project.objects.filter(uid=project.uid).update(disabled_protocols=["websocket"])
    projects.drop_project()

    async def conversation(connections):
        one = connections.make(project)
        assert (await one.open())["code"] == 403
        assert await one.closed_with() == 1008

    talk(conversation)


@pytest.mark.parametrize("end", ["shut", "delete"])
def test_sockets_of_a_project_that_is_shut_or_deleted_are_closed(
    talk, project, other_project, console_project, owner, client_for, end
):
    client = client_for(console_project, session=owner.session)

    def end_project():
        if end == "delete":
            client.delete(f"/projects/{project.uid}")
        else:
            Project.objects.filter(uid=project.uid).update(disabled_protocols=["websocket"])
            announce_change(project.uid)

    async def conversation(connections):
        ends = await connections.open(project)
        stays = await connections.open(other_project)
        await database.in_database(end_project)
        assert await ends.closed_with() == 1012
        assert await stays.ask("ping") == {"type": "pong"}

    talk(conversation)


def test_a_session_that_expires_ends_its_socket(talk, project, alice, monkeypatch):
    monkeypatch.setattr(identities, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(identities, "IDENTITY_REFRESH_SECONDS", 0.1)

    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await asyncio.sleep(0.3)
        assert await one.ask("ping") == {"type": "pong"}
        long_ago = clock.now() - timedelta(days=1)
        await database.in_database(lambda: Session.objects.update(expires_at=long_ago))
        assert await one.closed_with() == 1012

    talk(conversation)


def test_class_28_whoever_acts_as_another_hears_that_one_while_they_may(
    talk, project, alice, bob, client_for, make_key, announce
):
    User.objects.filter(uid="alice").update(is_impersonator=True)
    server = client_for(project, key=make_key(project, ["users.write"]))

    async def conversation(connections):
        headers = {"X-Appwrite-Session": alice.session}
        one = connections.make(project, headers=headers, impersonateemail=bob.email)
        user = (await one.open())["user"]
        assert (user["$id"], user["impersonatorUserId"]) == ("bob", "alice")
        await one.subscribe("documents")
        refused = await one.ask("authentication", {"session": bob.session})
        assert refused["data"]["code"] == 1003
        await announce(project, f"{DOCUMENT}.create", "user:alice", whose="alice")
        await announce(project, f"{DOCUMENT}.create", "user:bob", whose="bob")
        assert (await one.receive())["data"]["payload"] == {"whose": "bob"}
        body = {"impersonator": False}
        await database.in_database(server.patch, "/users/alice/impersonator", body)
        assert await one.closed_with() == 1012

    talk(conversation)
