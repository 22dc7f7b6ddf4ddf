"""Lists of sessions without a total, and signing out everywhere else."""

import pytest

from accounts.models import Session
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def me(project, client_for, alice):
    """Alice in the second of her two sessions, signed in by cookie."""
    body = {"email": alice.email, "password": PASSWORD}
    reply = client_for(project).post("/account/sessions/email", body)
    name = f"a_session_{project.uid}"
    return client_for(project, cookies={name: reply.cookies[name].value})


@pytest.mark.parametrize(("query", "total"), [("", 2), ("?total=true", 2), ("?total=false", 0)])
def test_total_is_left_out_on_request(me, project, client_for, make_key, query, total):
    server = client_for(project, key=make_key(project, ["users.read", "sessions.read"]))
    for reply in (me.get(f"/account/sessions{query}"), server.get(f"/users/alice/sessions{query}")):
        assert reply.status == 200
        assert (reply.json["total"], len(reply.json["sessions"])) == (total, 2)


def test_total_is_a_boolean(me):
    assert me.get("/account/sessions?total=maybe").error == "general_argument_invalid"
    assert me.delete("/account/sessions", {"current": "maybe"}).error == "general_argument_invalid"
    assert Session.objects.count() == 2


def test_all_sessions_but_the_current_one_end(me, events):
    ended = Session.objects.earliest("id")
    reply = me.delete("/account/sessions", {"current": False})
    assert (reply.status, list(reply.cookies)) == (204, [])
    assert [each["current"] for each in me.get("/account/sessions").json["sessions"]] == [True]
    assert events.names() == [f"users.alice.sessions.{ended.uid}.delete"]


@pytest.mark.parametrize("body", [{}, {"current": True}])
def test_current_session_ends_with_the_others(me, body):
    reply = me.delete("/account/sessions", body)
    assert reply.status == 204
    assert "a_session_blog" in reply.cookies
    assert me.get("/account").status == 401
    assert not Session.objects.exists()
