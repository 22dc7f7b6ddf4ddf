"""Invitations to teams by mail, and what members see of each other."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Mail, Membership, Session, User
from kernel import clock
from tests.accounts.mailbox import newest_link, newest_text
from tests.accounts.policies import set_policy
from tests.conftest import PASSWORD, sign_up
from tests.reference import assert_model

APP = "http://localhost:3000/join"
DORA = {"email": "Dora@example.com", "name": "Dora", "roles": ["singer"], "url": APP}
BOB = {"userId": "bob", "roles": ["drummer"], "url": APP}


@pytest.fixture
def owner(project, client_for, alice):
    client = client_for(project, session=alice.session)
    assert client.post("/teams", {"teamId": "band", "name": "Band & Co"}).status == 201
    return client


@pytest.fixture
def bobs(project, client_for, bob):
    return client_for(project, session=bob.session)


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["teams.read", "teams.write"]))


def invite(owner, body):
    reply = owner.post("/teams/band/memberships", body)
    assert reply.status == 201, reply.json
    return reply.json


def accept(client, link, **changes):
    query = link[1] | changes
    path = f"/teams/{query['teamId']}/memberships/{query['membershipId']}/status"
    return client.patch(path, {"userId": query["userId"], "secret": query["secret"]})


def set_privacy(project, **shown):
    set_policy(project, "membership-privacy", **shown)


# Inviting


def test_stranger_is_invited_by_mail_and_signed_in_by_the_link(owner, guest, events, jobs):
    events.clear()
    made = invite(owner, DORA)
    assert_model("Membership", made)
    assert (made["confirm"], made["joined"], made["roles"]) == (False, "", ["singer"])
    assert owner.get("/teams/band").json["total"] == 1
    place, query = newest_link("dora@example.com")
    assert place == APP
    assert {name: query[name] for name in ("teamId", "membershipId", "userId", "teamName")} == {
        "teamId": "band",
        "membershipId": made["$id"],
        "userId": made["userId"],
        "teamName": "Band & Co",
    }
    assert "the team Band & Co of Blog" in newest_text("dora@example.com")
    joined = accept(guest, (place, query))
    assert joined.status == 200
    assert_model("Membership", joined.json)
    assert (joined.json["confirm"], joined.json["userEmail"]) == (True, "dora@example.com")
    assert events.names() == [
        f"users.{made['userId']}.create",
        f"teams.band.memberships.{made['$id']}.create",
        f"users.{made['userId']}.update.verification",
        f"users.{made['userId']}.sessions.{Session.objects.latest('id').uid}.create",
        f"teams.band.memberships.{made['$id']}.update.status",
    ]
    assert events.all()[-1].roles == ["team:band"]
    assert "secret" not in str(events.payloads()[-1])
    assert owner.get("/teams/band").json["total"] == 2
    assert User.objects.get(uid=made["userId"]).is_email_verified


def test_new_member_is_let_in_by_the_cookie_of_the_answer(owner, guest, project, client_for):
    invite(owner, DORA)
    joined = accept(guest, newest_link())
    cookies = {"a_session_blog": joined.cookies["a_session_blog"].value}
    own = client_for(project, cookies=cookies)
    assert own.get("/teams/band").status == 200
    session = own.get("/account/sessions/current").json
    assert (session["provider"], session["factors"]) == ("email", ["email"])
    mine = own.get("/account/memberships")
    assert_model("MembershipList", mine.json)
    assert [each["teamId"] for each in mine.json["memberships"]] == ["band"]


def test_signed_in_user_joins_without_another_session(owner, bobs):
    assert bobs.get("/teams/band").error == "team_not_found"
    invite(owner, BOB)
    assert bobs.get("/teams/band").error == "team_not_found"
    sessions = Session.objects.count()
    joined = accept(bobs, newest_link("bob@example.com"))
    assert (joined.status, dict(joined.cookies)) == (200, {})
    assert bobs.get("/teams/band").status == 200
    assert Session.objects.count() == sessions


def test_only_owners_invite(owner, bobs, project, client_for, charlie, events):
    invite(owner, BOB)
    accept(bobs, newest_link())
    outsider = client_for(project, session=charlie.session)
    events.clear()
    assert bobs.post("/teams/band/memberships", DORA).error == "user_unauthorized"
    assert outsider.post("/teams/band/memberships", DORA).error == "team_not_found"
    assert client_for(project).post("/teams/band/memberships", DORA).status == 401
    assert events.names() == []
    assert Mail.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    ["", "https://evil.example.com/", "//evil.example.com", "javascript:alert(1)", "x" * 3000],
)
def test_link_leads_to_the_projects_own_places(owner, url, events):
    events.clear()
    reply = owner.post("/teams/band/memberships", DORA | {"url": url})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert (events.names(), Mail.objects.count(), Membership.objects.count()) == ([], 0, 1)


def test_user_without_an_address_gets_no_mail(owner, server, project, guest):
    anonymous = guest.post("/account/sessions/anonymous").json["userId"]
    body = {"roles": [], "url": APP}
    reply = owner.post("/teams/band/memberships", body | {"userId": anonymous})
    assert (reply.status, reply.error) == (400, "user_email_not_found")
    reply = owner.post("/teams/band/memberships", body | {"phone": "+4912345"})
    assert (reply.status, reply.error) == (503, "general_phone_disabled")
    assert not User.objects.filter(phone="+4912345").exists()
    assert Membership.objects.count() == 1


def test_second_invitation_takes_the_place_of_the_first(owner, bobs):
    first = invite(owner, BOB)
    old = newest_link()
    again = invite(owner, BOB | {"roles": ["bass"]})
    assert (again["$id"], again["roles"]) == (first["$id"], ["bass"])
    assert accept(bobs, old).error == "team_invalid_secret"
    assert accept(bobs, newest_link()).json["roles"] == ["bass"]
    reply = owner.post("/teams/band/memberships", BOB)
    assert (reply.status, reply.error) == (409, "membership_already_confirmed")


def test_key_joins_an_invited_user_and_ends_the_invitation(owner, server, bobs):
    invite(owner, BOB)
    assert server.post("/teams/band/memberships", BOB).json["confirm"] is True
    assert accept(bobs, newest_link()).error == "membership_already_confirmed"


def test_pending_member_can_be_uninvited(owner, bobs):
    made = invite(owner, BOB)
    assert owner.delete(f"/teams/band/memberships/{made['$id']}").status == 204
    assert accept(bobs, newest_link()).error == "membership_not_found"


# Accepting


def test_invitation_is_good_once(owner, guest, events):
    invite(owner, DORA)
    link = newest_link()
    assert accept(guest, link).status == 200
    events.clear()
    again = accept(guest, link)
    assert (again.status, again.error) == (409, "membership_already_confirmed")
    assert (events.names(), dict(again.cookies)) == ([], {})


def test_invitation_is_good_for_a_week(owner, guest):
    invite(owner, DORA)
    with time_machine.travel(clock.now() + timedelta(days=7, seconds=1), tick=False):
        reply = accept(guest, newest_link())
    assert (reply.status, reply.error) == (401, "team_invalid_secret")
    assert accept(guest, newest_link()).status == 200


def test_invitation_is_good_for_its_user_team_and_project(
    owner, guest, bobs, charlie, other_project, client_for, project
):
    invite(owner, BOB)
    link = newest_link()
    owner.post("/teams", {"teamId": "two", "name": "Two"})
    others = client_for(project, session=charlie.session)
    for client, changes, status, error in [
        (guest, {"secret": "0" * 256}, 401, "team_invalid_secret"),
        (guest, {"userId": "charlie"}, 401, "team_invite_mismatch"),
        (others, {}, 401, "team_invite_mismatch"),
        (guest, {"teamId": "two"}, 404, "team_membership_mismatch"),
        (guest, {"membershipId": "none"}, 404, "membership_not_found"),
        (client_for(other_project), {}, 404, "membership_not_found"),
    ]:
        reply = accept(client, link, **changes)
        assert (reply.status, reply.error) == (status, error)
        assert dict(reply.cookies) == {}
    assert not Membership.objects.get(user__uid="bob").is_confirmed


def test_invitation_to_one_team_opens_no_other(owner, bobs):
    owner.post("/teams", {"teamId": "two", "name": "Two"})
    invite(owner, BOB)
    first = newest_link()
    assert owner.post("/teams/two/memberships", BOB).status == 201
    second = newest_link()
    assert accept(bobs, second, secret=first[1]["secret"]).error == "team_invalid_secret"
    assert accept(bobs, second).status == 200


def test_invitation_is_good_for_the_address_it_went_to(owner, guest, bobs):
    invite(owner, BOB)
    link = newest_link("bob@example.com")
    assert (
        bobs.patch("/account/email", {"email": "new@example.com", "password": PASSWORD}).status
        == 200
    )
    assert accept(guest, link).error == "team_invalid_secret"


def test_blocked_user_does_not_get_in(owner, guest, bob):
    invite(owner, BOB)
    User.objects.filter(uid="bob").update(is_active=False)
    reply = accept(guest, newest_link())
    assert (reply.status, reply.error) == (403, "user_blocked")
    assert not Membership.objects.get(user__uid="bob").is_confirmed


def test_class_01_whoever_signed_up_with_anothers_address_is_put_out(
    owner, guest, project, client_for
):
    squatter = sign_up(project, "dora")
    invite(owner, DORA | {"email": "dora@example.com"})
    accept(guest, newest_link("dora@example.com"))
    assert client_for(project, session=squatter.session).get("/account").status == 401
    body = {"email": "dora@example.com", "password": PASSWORD}
    assert guest.post("/account/sessions/email", body).error == "user_invalid_credentials"


@pytest.mark.parametrize("secret", [{}, [], True, "", "x" * 257, None])
def test_class_15_secret_is_a_text(owner, guest, secret):
    invite(owner, DORA)
    reply = accept(guest, newest_link(), secret=secret)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_secret_is_kept_as_a_digest(owner):
    made = invite(owner, DORA)
    membership = Membership.objects.get(uid=made["$id"])
    digest = bytes(membership.invitation_digest or b"")
    assert len(digest) == 32
    assert newest_link()[1]["secret"] not in (digest.hex(), digest.decode("latin-1"))


# Privacy


@pytest.fixture
def member(owner, bobs):
    invite(owner, BOB)
    accept(bobs, newest_link())
    return bobs


def test_members_see_what_the_project_shows(project, member, owner, server):
    User.objects.filter(uid="alice").update(phone="+4912345", has_mfa=True)
    fields = ("userId", "userName", "userEmail", "userPhone", "mfa", "userAccessedAt")
    uid = Membership.objects.get(user__uid="alice").uid

    def seen(client):
        one = client.get(f"/teams/band/memberships/{uid}").json
        listed = client.get("/teams/band/memberships").json["memberships"]
        assert one in listed
        assert_model("Membership", one)
        return tuple(one[name] for name in fields)

    known = ("alice", "Alice", "alice@example.com", "+4912345", True)
    assert seen(member) == (*known, "")
    accessed = seen(server)[-1]
    assert seen(server) == (*known, accessed)
    assert accessed
    hidden = dict.fromkeys(("userId", "userName", "userEmail", "userPhone", "userMFA"), False)
    set_privacy(project, **hidden, userAccessedAt=True)
    assert seen(member) == ("", "", "", "", False, accessed)
    assert seen(server) == (*known, accessed)


def test_news_hide_what_members_do_not_see(project, member, owner, server, events):
    set_privacy(project, userEmail=False)
    events.clear()
    uid = Membership.objects.get(user__uid="bob").uid
    reply = server.patch(f"/teams/band/memberships/{uid}", {"roles": ["bass"]})
    assert reply.json["userEmail"] == "bob@example.com"
    (payload,) = events.payloads()
    assert (payload["userEmail"], payload["userName"]) == ("", "Bob")


def test_class_29_hidden_field_is_no_oracle(project, member, server):
    set_privacy(project, userEmail=False, userId=False)
    path = "/teams/band/memberships"
    assert member.get(path, {"search": "alice@example"}).json["total"] == 0
    assert member.get(path, {"search": "Alice"}).json["total"] == 1
    query = {"queries": ['{"method":"equal","attribute":"userId","values":["alice"]}']}
    assert member.get(path, query).status == 400
    assert server.get(path, query).json["total"] == 1
    assert server.get(path, {"search": "alice@example"}).json["total"] == 1
