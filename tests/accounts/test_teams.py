"""Teams and the places in them."""

import pytest

from accounts.models import Membership, Team, User
from tests.reference import assert_model

TEAM = {"teamId": "band", "name": "Band"}


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["teams.read", "teams.write", "users.read"]))


@pytest.fixture
def owner(project, client_for, alice):
    client = client_for(project, session=alice.session)
    assert client.post("/teams", TEAM | {"roles": ["singer"]}).status == 201
    return client


@pytest.fixture
def member(server, owner, project, client_for, bob):
    body = {"userId": "bob", "roles": ["drummer"]}
    assert server.post("/teams/band/memberships", body).status == 201
    return client_for(project, session=bob.session)


@pytest.fixture
def outsider(project, client_for, charlie):
    return client_for(project, session=charlie.session)


def membership_of(uid):
    return Membership.objects.get(user__uid=uid)


def test_creator_becomes_owner_with_the_given_roles(project, client_for, alice, events):
    client = client_for(project, session=alice.session)
    events.clear()
    reply = client.post("/teams", TEAM | {"roles": ["singer"]})
    assert reply.status == 201
    assert_model("Team", reply.json)
    assert (reply.json["name"], reply.json["total"], reply.json["prefs"]) == ("Band", 1, {})
    assert membership_of("alice").roles == ["singer", "owner"]
    (event,) = events.all()
    assert (event.name, event.roles) == ("teams.band.create", ["team:band"])
    assert client.get("/teams/band").json == reply.json


def test_key_makes_an_empty_team(server):
    reply = server.post("/teams", TEAM)
    assert (reply.status, reply.json["total"]) == (201, 0)
    assert Membership.objects.count() == 0


def test_taken_id_is_refused(owner, server, events):
    events.clear()
    for client in (owner, server):
        reply = client.post("/teams", TEAM)
        assert (reply.status, reply.error) == (409, "team_already_exists")
    assert events.names() == []


@pytest.mark.parametrize("roles", [["a b"], ["x" * 82], ["a/b"], [1], "owner", ["r"] * 101])
def test_roles_are_names(project, client_for, alice, roles):
    client = client_for(project, session=alice.session)
    assert client.post("/teams", TEAM | {"roles": roles}).status == 400


def test_lists_show_members_their_teams_and_keys_all(owner, member, outsider, server, statements):
    server.post("/teams", {"teamId": "other", "name": "Other"})
    with statements() as seen:
        mine = owner.get("/teams")
    assert len(seen) <= 3, seen
    assert_model("TeamList", mine.json)
    assert [team["$id"] for team in mine.json["teams"]] == ["band"]
    assert mine.json["teams"][0]["total"] == 2
    assert outsider.get("/teams").json == {"total": 0, "teams": []}
    assert server.get("/teams").json["total"] == 2
    fullest = server.get(
        "/teams", {"queries": ['{"method":"greaterThan","attribute":"total","values":[1]}']}
    )
    assert [team["$id"] for team in fullest.json["teams"]] == ["band"]
    assert server.get("/teams", {"search": "oth"}).json["total"] == 1


def test_members_read_owners_write_and_outsiders_see_nothing(
    owner, member, outsider, server, events
):
    for client, read, write in [
        (owner, 200, 200),
        (member, 200, 401),
        (outsider, 404, 404),
        (server, 200, 200),
    ]:
        assert client.get("/teams/band").status == read
        assert client.get("/teams/band/memberships").status == read
        events.clear()
        assert client.put("/teams/band", {"name": "Renamed"}).status == write
        assert events.names() == (["teams.band.update"] if write == 200 else [])
    for client, status in [(member, 401), (outsider, 404)]:
        assert client.delete("/teams/band").status == status
        assert client.put("/teams/band/prefs", {"prefs": {"x": 1}}).status == status
    assert Team.objects.get().prefs == {}


def test_prefs_are_shared_with_members(owner, member, outsider, events):
    events.clear()
    assert owner.put("/teams/band/prefs", {"prefs": {"x": 1}}).json == {"x": 1}
    assert member.get("/teams/band/prefs").json == {"x": 1}
    assert outsider.get("/teams/band/prefs").status == 404
    assert events.names() == ["teams.band.update.prefs"]


def test_deleted_team_takes_its_places_along(owner, member, events):
    events.clear()
    assert owner.delete("/teams/band").status == 204
    assert events.names() == ["teams.band.delete"]
    assert (Team.objects.count(), Membership.objects.count()) == (0, 0)
    assert member.get("/teams/band").status == 404
    assert owner.delete("/teams/band").error == "team_not_found"


# Memberships


def test_key_joins_a_user_at_once(server, owner, bob, events, project, client_for):
    events.clear()
    reply = server.post("/teams/band/memberships", {"userId": "bob", "roles": ["drummer"]})
    assert reply.status == 201
    assert_model("Membership", reply.json)
    assert (reply.json["confirm"], reply.json["userName"]) == (True, "Bob")
    assert events.names() == [f"teams.band.memberships.{reply.json['$id']}.create"]
    assert client_for(project, session=bob.session).get("/teams/band").status == 200
    again = server.post("/teams/band/memberships", {"userId": "bob", "roles": ["drummer"]})
    assert (again.status, again.error) == (409, "membership_already_confirmed")


def test_unknown_address_makes_the_user(server, owner, events):
    events.clear()
    reply = server.post(
        "/teams/band/memberships", {"email": "Dora@example.com", "roles": [], "name": "Dora"}
    )
    assert reply.status == 201
    assert (reply.json["userEmail"], reply.json["userName"]) == ("dora@example.com", "Dora")
    assert events.names() == [
        f"users.{reply.json['userId']}.create",
        f"teams.band.memberships.{reply.json['$id']}.create",
    ]
    known = server.post("/teams", {"teamId": "two", "name": "Two"})
    assert known.status == 201
    joined = server.post("/teams/two/memberships", {"email": "dora@example.com", "roles": []})
    assert joined.json["userId"] == reply.json["userId"]


def test_somebody_has_to_be_named(server, owner):
    reply = server.post("/teams/band/memberships", {"roles": []})
    assert reply.status == 400
    reply = server.post("/teams/band/memberships", {"roles": [], "userId": "nobody"})
    assert (reply.status, reply.error) == (404, "user_not_found")
    reply = server.post("/teams/none/memberships", {"roles": [], "userId": "alice"})
    assert (reply.status, reply.error) == (404, "team_not_found")


def test_membership_id_may_be_chosen_and_is_unique_in_the_project(server, owner, bob, charlie):
    body = {"roles": [], "membershipId": "chosen"}
    made = server.post("/teams/band/memberships", body | {"userId": "bob"})
    assert made.json["$id"] == "chosen"
    server.post("/teams", {"teamId": "two", "name": "Two"})
    reply = server.post("/teams/two/memberships", body | {"userId": "charlie"})
    assert reply.status == 409


def test_memberships_are_listed_and_shown(member, server, owner):
    listed = member.get("/teams/band/memberships")
    assert_model("MembershipList", listed.json)
    assert [each["userId"] for each in listed.json["memberships"]] == ["alice", "bob"]
    only = {"queries": ['{"method":"equal","attribute":"userId","values":["bob"]}']}
    found = server.get("/teams/band/memberships", only).json
    assert (found["total"], found["memberships"][0]["roles"]) == (1, ["drummer"])
    assert server.get("/teams/band/memberships", {"search": "alice@"}).json["total"] == 1
    uid = membership_of("bob").uid
    assert_model("Membership", member.get(f"/teams/band/memberships/{uid}").json)
    assert member.get("/teams/band/memberships/none").error == "membership_not_found"
    assert server.get("/users/bob/memberships").json["memberships"][0]["teamId"] == "band"


def test_roles_are_changed_by_owners(owner, member, events):
    uid = membership_of("bob").uid
    path = f"/teams/band/memberships/{uid}"
    assert member.patch(path, {"roles": ["owner"]}).error == "user_unauthorized"
    events.clear()
    reply = owner.patch(path, {"roles": ["owner", "bass"]})
    assert (reply.status, reply.json["roles"]) == (200, ["owner", "bass"])
    assert events.names() == [f"teams.band.memberships.{uid}.update"]
    assert member.put("/teams/band", {"name": "Bob's"}).status == 200


def test_last_owner_stays_owner(owner, member, server):
    uid = membership_of("alice").uid
    path = f"/teams/band/memberships/{uid}"
    assert owner.patch(path, {"roles": ["singer"]}).error == "membership_downgrade_prohibited"
    assert owner.delete(path).error == "membership_deletion_prohibited"
    owner.patch(f"/teams/band/memberships/{membership_of('bob').uid}", {"roles": ["owner"]})
    assert owner.delete(path).status == 204
    assert owner.get("/teams/band").status == 404


def test_members_may_leave_but_not_remove_others(owner, member, outsider, events):
    bobs, alices = membership_of("bob").uid, membership_of("alice").uid
    assert member.delete(f"/teams/band/memberships/{alices}").error == "user_unauthorized"
    assert outsider.delete(f"/teams/band/memberships/{bobs}").error == "team_not_found"
    events.clear()
    assert member.delete(f"/teams/band/memberships/{bobs}").status == 204
    assert events.names() == [f"teams.band.memberships.{bobs}.delete"]
    assert member.get("/teams/band").status == 404
    assert owner.get("/teams/band").json["total"] == 1


def test_other_projects_teams_do_not_exist(other_project, client_for, make_key, owner):
    foreign = client_for(other_project, key=make_key(other_project, ["teams.read", "teams.write"]))
    assert foreign.get("/teams").json["total"] == 0
    assert foreign.get("/teams/band").status == 404
    assert foreign.put("/teams/band", {"name": "x"}).status == 404
    assert foreign.delete("/teams/band").status == 404
    assert foreign.get("/teams/band/memberships").status == 404
    body = {"email": "x@example.com", "roles": []}
    assert foreign.post("/teams/band/memberships", body).status == 404
    uid = membership_of("alice").uid
    assert foreign.delete(f"/teams/band/memberships/{uid}").status == 404
    assert Team.objects.get().name == "Band"


def test_phone_number_finds_or_makes_the_user(server, owner, events):
    body = {"phone": "+4912345", "roles": []}
    made = server.post("/teams/band/memberships", body)
    assert (made.status, made.json["userPhone"]) == (201, "+4912345")
    server.post("/teams", {"teamId": "two", "name": "Two"})
    assert server.post("/teams/two/memberships", body).json["userId"] == made.json["userId"]


def test_pending_member_is_confirmed(server, owner, bob):
    Membership.objects.create(
        project_id=Team.objects.get().project_id,
        team=Team.objects.get(),
        user=User.objects.get(uid="bob"),
        uid="pending",
    )
    assert owner.get("/teams/band").json["total"] == 1
    reply = server.post("/teams/band/memberships", {"userId": "bob", "roles": ["drummer"]})
    assert (reply.json["$id"], reply.json["confirm"]) == ("pending", True)
    assert owner.get("/teams/band").json["total"] == 2


def test_key_may_leave_a_team_without_an_owner(server, owner):
    uid = membership_of("alice").uid
    assert server.patch(f"/teams/band/memberships/{uid}", {"roles": []}).status == 200
    assert server.delete(f"/teams/band/memberships/{uid}").status == 204
