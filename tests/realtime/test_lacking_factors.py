"""Sockets of sessions that lack a factor: they are refused, and end."""

import pytest

from realtime import database
from tests.accounts.policies import set_policy
from tests.realtime.test_identities import DOCUMENT


def test_class_16_who_lacks_a_factor_from_now_on_hears_nothing_more(talk, project, alice, announce):
    headers = {"X-Appwrite-Session": alice.session}

    async def conversation(connections):
        one = await connections.open(project, headers=headers)
        stranger = await connections.open(project)
        await one.subscribe("documents")
        await database.in_database(set_policy, project, "mfa-factors", required=True)
        assert await one.closed_with() == 1012
        await announce(project, f"{DOCUMENT}.create", f"user:{alice.uid}")
        again = connections.make(project, headers=headers)
        assert (await again.open())["code"] == 401
        refused = await stranger.ask("authentication", {"session": alice.session})
        assert (refused["type"], refused["data"]["code"]) == ("error", 401)

    talk(conversation)


@pytest.fixture
def ask_for_factors(project, client_for, make_key):
    """Have a second factor asked of alice, who has one and has not shown it."""
    server = client_for(project, key=make_key(project, ["users.write"]))

    def ask():
        server.patch("/users/alice/verification", {"emailVerification": True})
        assert server.patch("/users/alice/mfa", {"mfa": True}).status == 200

    return ask


@pytest.mark.parametrize("by", ["header", "jwt"])
def test_session_that_lacks_a_factor_opens_no_socket(
    talk, project, alice, client_for, ask_for_factors, by
):
    jwt = client_for(project, session=alice.session).post("/account/jwts").json["jwt"]
    ask_for_factors()

    async def conversation(connections):
        named = {"jwt": jwt} if by == "jwt" else {"headers": {"X-Appwrite-Session": alice.session}}
        one = connections.make(project, **named)
        assert (await one.open())["code"] == 401
        assert await one.closed_with() == 1008

    talk(conversation)


def test_session_that_lacks_a_factor_signs_no_socket_in(talk, project, alice, ask_for_factors):
    ask_for_factors()

    async def conversation(connections):
        one = connections.make(project)
        assert (await one.open())["user"] is None
        refused = await one.ask("authentication", {"session": alice.session})
        assert (refused["type"], refused["data"]["code"]) == ("error", 401)

    talk(conversation)


def test_open_socket_ends_when_its_session_lacks_a_factor(talk, project, alice, ask_for_factors):
    async def conversation(connections):
        one = await connections.open(project, headers={"X-Appwrite-Session": alice.session})
        await database.in_database(ask_for_factors)
        assert await one.closed_with() == 1012

    talk(conversation)
