"""Targets: those of a user's own address and number, of devices, and what servers add."""

import orjson
import pytest

from accounts.models import Target, User
from kernel.limits import MAX_TARGETS
from tests.accounts.counting import until_commit
from tests.conftest import PASSWORD
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PUSH = "/account/targets/push"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/16.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def me(project, client_for, alice):
    return client_for(project, session=alice.session, headers={"User-Agent": IPHONE})


def reached(user):
    """Return what messages to a user go to, as the server tells it."""
    assert_model("User", user)
    return {(each["providerType"], each["identifier"]) for each in user["targets"]}


def query(method, attribute, *values):
    return orjson.dumps({"method": method, "attribute": attribute, "values": list(values)}).decode()


# The user's own address and number


def test_a_user_is_reached_where_they_are(server, me, project, client_for):
    body = {"userId": "eve", "email": "Eve@example.com", "phone": "+4915112345678"}
    made = server.post("/users", body)
    both = {("email", "eve@example.com"), ("sms", "+4915112345678")}
    assert reached(made.json) == reached(server.get("/users/eve").json) == both
    assert reached(me.get("/account").json) == {("email", "alice@example.com")}
    assert reached(server.post("/users", {"userId": "bare"}).json) == set()
    guest = client_for(project)
    guest.post("/account/tokens/email", {"userId": "otp", "email": "otp@example.com"})
    assert reached(server.get("/users/otp").json) == {("email", "otp@example.com")}
    listed = server.get("/users").json
    assert {user["$id"]: len(user["targets"]) for user in listed["users"]} == {
        "alice": 1, "eve": 2, "bare": 0, "otp": 1
    }  # fmt: skip


def test_targets_follow_the_address_and_the_number(server, me, events):
    (before,) = server.get("/users/alice").json["targets"]
    me.patch("/account/email", {"email": "new@example.com", "password": PASSWORD})
    (after,) = me.get("/account").json["targets"]
    assert (after["$id"], after["identifier"]) == (before["$id"], "new@example.com")
    assert after["$updatedAt"] > before["$updatedAt"]
    added = server.patch("/users/alice/phone", {"number": "+4915112345678"})
    assert reached(added.json) == {("email", "new@example.com"), ("sms", "+4915112345678")}
    assert events.payloads()[-1]["targets"] == added.json["targets"]
    gone = server.patch("/users/alice/email", {"email": ""})
    assert reached(gone.json) == {("sms", "+4915112345678")}
    assert server.patch("/users/alice/name", {"name": "A"}).json["targets"] == gone.json["targets"]


def test_an_address_that_is_a_target_already_is_not_taken_over(server, project, client_for, alice):
    body = {"targetId": "t", "providerType": "email", "identifier": "eve@example.com"}
    assert server.post("/users/alice/targets", body).status == 201
    made = client_for(project).post(
        "/account", {"userId": "eve", "email": "eve@example.com", "password": PASSWORD}
    )
    assert (made.status, made.json["targets"]) == (201, [])
    server.post("/users", {"userId": "bob", "email": "bob@example.com"})
    body |= {"targetId": "u", "identifier": "robert@example.com"}
    server.post("/users/alice/targets", body)
    refused = server.patch("/users/bob/email", {"email": "robert@example.com"})
    assert (refused.status, refused.error) == (409, "user_target_already_exists")
    assert User.objects.get(uid="bob").email == "bob@example.com"


def test_a_user_who_goes_is_reached_no_more(server, alice, bob, jobs):
    server.delete("/users/alice")
    assert list(Target.objects.values_list("user__uid", flat=True)) == ["bob"]
    jobs()
    again = server.post("/users", {"userId": "alice", "email": alice.email})
    assert reached(again.json) == {("email", alice.email)}


def test_showing_targets_costs_one_statement_however_many_users(server, statements):
    def read():
        with statements() as seen:
            server.get("/users")
        return len(seen)

    server.post("/users", {"userId": "u1", "email": "u1@example.com"})
    read()
    few = read()
    for number in range(2, 6):
        server.post("/users", {"userId": f"u{number}", "email": f"u{number}@example.com"})
    assert read() == few


# Devices


def test_a_device_is_reached_while_its_session_lasts(me, server, events, project, client_for):
    events.clear()
    made = me.post(PUSH, {"targetId": "phone", "identifier": "token-1", "providerId": "fcm"})
    assert made.status == 201
    assert_model("Target", made.json)
    expected = {
        "$id": "phone", "userId": "alice", "providerType": "push", "providerId": "fcm",
        "identifier": "token-1", "name": "Apple iPhone", "expired": False,
    }  # fmt: skip
    assert expected.items() <= made.json.items()
    Target.objects.filter(uid="phone").update(is_expired=True)
    changed = me.put("/account/targets/phone/push", {"identifier": "token-2"})
    assert (changed.json["identifier"], changed.json["expired"]) == ("token-2", False)
    assert events.names() == [
        "users.alice.targets.phone.create",
        "users.alice.targets.phone.update",
    ]
    assert [event.roles for event in events.all()] == [["user:alice"]] * 2
    assert ("push", "token-2") in reached(me.get("/account").json)
    other = client_for(project).post(
        "/account/sessions/email", {"email": "alice@example.com", "password": PASSWORD}
    )
    server.delete(f"/users/alice/sessions/{other.json['$id']}")
    assert ("push", "token-2") in reached(server.get("/users/alice").json)
    assert me.delete("/account/sessions/current").status == 204
    assert reached(server.get("/users/alice").json) == {("email", "alice@example.com")}


@pytest.mark.parametrize(
    "end",
    [
        lambda me, server: me.delete("/account/sessions"),
        lambda me, server: server.delete("/users/alice/sessions"),
        lambda me, server: server.patch("/users/alice/password", {"password": f"{PASSWORD}!"}),
    ],
    ids=["signing out everywhere", "by a server", "a new password"],
)
def test_devices_go_with_their_sessions_however_those_end(me, server, end):
    me.post(PUSH, {"targetId": "phone", "identifier": "token"})
    end(me, server)
    assert not Target.objects.filter(uid="phone").exists()
    assert Target.objects.filter(user__uid="alice").exists()


def test_ending_a_session_costs_no_further_statement(me, statements):
    me.post(PUSH, {"targetId": "phone", "identifier": "token"})
    with statements() as seen:
        me.delete("/account/sessions/current")
    assert len(until_commit(seen)) <= 5, seen


def test_a_device_is_removed_by_its_user_alone(me, server, project, client_for, bob, events):
    me.post(PUSH, {"targetId": "phone", "identifier": "token"})
    other = client_for(project, session=bob.session)
    events.clear()
    for refused in (
        other.put("/account/targets/phone/push", {"identifier": "mine"}),
        other.delete("/account/targets/phone/push"),
        me.delete("/account/targets/unknown/push"),
    ):
        assert (refused.status, refused.error) == (404, "user_target_not_found")
    (own,) = other.get("/account").json["targets"]  # the address: no device
    assert other.delete(f"/account/targets/{own['$id']}/push").status == 404
    assert events.names() == []
    assert me.delete("/account/targets/phone/push").status == 204
    assert events.names() == ["users.alice.targets.phone.delete"]


def test_guests_and_keys_have_no_devices(project, client_for, server):
    body = {"targetId": "phone", "identifier": "token"}
    for client in (client_for(project), server):
        refused = client.post(PUSH, body)
        assert (refused.status, refused.error) == (401, "general_unauthorized_scope")


def test_what_is_taken_is_refused(me, project, client_for, bob):
    me.post(PUSH, {"targetId": "phone", "identifier": "token"})
    other = client_for(project, session=bob.session)
    for body in (
        {"targetId": "phone", "identifier": "other"},
        {"targetId": "tablet", "identifier": "token"},
    ):
        refused = other.post(PUSH, body)
        assert (refused.status, refused.error) == (409, "user_target_already_exists")
    other.post(PUSH, {"targetId": "tablet", "identifier": "other"})
    clash = other.put("/account/targets/tablet/push", {"identifier": "token"})
    assert clash.error == "user_target_already_exists"


def test_targets_of_one_user_have_an_end(me, alice):
    user = User.objects.get(uid="alice")
    Target.objects.bulk_create(
        Target(project_id=user.project_id, user=user, uid=f"t{n}", provider_type="push",
               identifier=f"token-{n}")
        for n in range(MAX_TARGETS)
    )  # fmt: skip
    refused = me.post(PUSH, {"targetId": "one-more", "identifier": "one more"})
    assert (refused.status, refused.error) == (400, "general_argument_invalid")


# Servers


def test_a_server_manages_the_targets_of_a_user(server, alice, events):
    events.clear()
    body = {
        "targetId": "unique()", "providerType": "email", "identifier": "Office@example.com",
        "providerId": "mailgun", "name": "Office",
    }  # fmt: skip
    made = server.post("/users/alice/targets", body)
    assert made.status == 201
    assert_model("Target", made.json)
    path = f"/users/alice/targets/{made.json['$id']}"
    assert made.json["identifier"] == "office@example.com"
    assert server.get(path).json == made.json
    changed = server.patch(path, {"name": "Home"})
    assert (changed.json["name"], changed.json["providerId"]) == ("Home", "mailgun")
    moved = server.patch(path, {"identifier": "home@example.com", "providerId": "ses"})
    assert (moved.json["identifier"], moved.json["name"]) == ("home@example.com", "Home")
    listed = server.get("/users/alice/targets")
    assert_model("TargetList", listed.json)
    assert listed.json["total"] == 2
    assert server.delete(path).status == 204
    assert server.get(path).error == "user_target_not_found"
    assert [name.rpartition(".")[2] for name in events.names()] == [
        "create", "update", "update", "delete"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"providerType": "email", "identifier": "no address"}, "general_invalid_email"),
        ({"providerType": "sms", "identifier": "0151"}, "general_invalid_phone"),
        ({"providerType": "fax"}, "general_argument_invalid"),
        ({"identifier": ""}, "general_argument_invalid"),
        ({"identifier": "x" * 256}, "general_argument_invalid"),
        ({"providerId": "no id"}, "general_argument_invalid"),
        ({"name": "x" * 129}, "general_argument_invalid"),
        ({"targetId": "-"}, "general_argument_invalid"),
    ],
)
def test_what_is_no_target_is_refused(server, alice, changes, error):
    body = {"targetId": "t", "providerType": "push", "identifier": "token"}
    refused = server.post("/users/alice/targets", body | changes)
    assert (refused.status, refused.error) == (400, error)
    server.post(
        "/users/alice/targets", {**body, "providerType": "sms", "identifier": "+4912345678"}
    )
    assert server.patch("/users/alice/targets/t", {"identifier": "x"}).error == (
        "general_invalid_phone"
    )


def test_targets_are_listed_by_query(server, alice):
    for number in range(3):
        body = {"targetId": f"t{number}", "providerType": "push", "identifier": f"token-{number}"}
        server.post("/users/alice/targets", body)

    def ids(*queries, **more):
        reply = server.get("/users/alice/targets", {"queries": list(queries), **more})
        assert reply.status == 200, reply.json
        return [each["$id"] for each in reply.json["targets"]]

    devices = query("equal", "providerType", "push")
    assert ids(devices) == ["t0", "t1", "t2"]
    assert ids(query("equal", "identifier", "token-1")) == ["t1"]
    assert ids(devices, query("equal", "userId", "nobody")) == []
    assert ids(query("cursorAfter", "", "t1")) == ["t2"]
    assert server.get("/users/alice/targets", {"total": False}).json["total"] == 0
    assert server.get(
        "/users/alice/targets", {"queries": [query("equal", "name", "x")]}
    ).status == (400)


def test_a_target_of_somebody_else_is_not_there(server, alice, bob, project, other_project):
    body = {"targetId": "t", "providerType": "push", "identifier": "token"}
    server.post("/users/alice/targets", body)
    for reply in (
        server.get("/users/bob/targets/t"),
        server.patch("/users/bob/targets/t", {"name": "x"}),
        server.delete("/users/bob/targets/t"),
    ):
        assert (reply.status, reply.error) == (404, "user_target_not_found")
    assert server.get("/users/nobody/targets").error == "user_not_found"
    assert server.post("/users/nobody/targets", body).error == "user_not_found"


def test_projects_share_no_targets(server, alice, other_project, client_for, make_key):
    theirs = client_for(other_project, key=make_key(other_project, ["users.write", "users.read"]))
    theirs.post("/users", {"userId": "alice", "email": alice.email})
    body = {"targetId": "t", "providerType": "push", "identifier": "token"}
    assert server.post("/users/alice/targets", body).status == 201
    assert theirs.post("/users/alice/targets", body).status == 201
