"""Sockets on the console: what its users hear there, and from whose pages."""

from projects import services as projects
from projects.models import Project
from tests.conftest import sign_up


def test_schema_events_reach_the_owners_on_the_console_and_nobody_else(
    talk, project, other_project, console_project, owner, announce
):
    stranger = sign_up(console_project, "stranger")

    async def conversation(connections):
        channels = {"channels": ["console", f"projects.{project.uid}"]}
        headers = {"X-Appwrite-Session": owner.session}
        mine = await connections.open(console_project, headers=headers, **channels)
        headers = {"X-Appwrite-Session": stranger.session}
        other = await connections.open(console_project, headers=headers, **channels)
        name = "databases.d.collections.c.attributes.a.create"
        await announce(project, name, "any", status="available")
        event = (await mine.receive())["data"]
        assert event["channels"] == ["console", f"projects.{project.uid}"]
        assert event["payload"] == {"status": "available"}
        await announce(other_project, name, "any")
        assert await mine.is_silent()
        assert await other.is_silent()

    talk(conversation)


def test_a_foreign_page_gets_nothing_from_the_console_cookie(talk, console_project, owner):
    cookie = f"a_session_console={owner.session}"

    async def conversation(connections):
        own = {"Cookie": cookie, "Origin": "http://localhost:5000"}
        one = connections.make(console_project, headers=own)
        assert (await one.open())["user"]["$id"] == owner.uid
        foreign = {"Cookie": cookie, "Origin": "https://elsewhere.example"}
        other = connections.make(console_project, headers=foreign)
        assert (await other.open())["user"] is None

    talk(conversation)


def test_admin_mode_is_the_console_users_on_the_servers_own_pages(talk, project, owner):
    """Told apart by the owner's roles: neither is an account of the project."""
    Project.objects.filter(uid=project.uid).update(disabled_protocols=["websocket"])
    projects.drop_project()
    cookie = f"a_session_console={owner.session}"

    async def conversation(connections):
        own = {"Cookie": cookie, "Origin": "http://localhost:5000"}
        one = connections.make(project, mode="admin", headers=own)
        assert (await one.open())["user"] is None
        foreign = {"Cookie": cookie, "Origin": "exp://elsewhere"}
        other = connections.make(project, mode="admin", headers=foreign)
        assert (await other.open())["code"] == 403

    talk(conversation)
