"""What users change of their own account."""

import pytest

from accounts import passwords
from accounts.authentication import authenticate
from accounts.models import Session, User
from accounts.services import account_of, update_user_password
from kernel.caller import Caller, CallerKind, Credentials
from kernel.errors import ApiError
from tests.accounts.counting import until_commit
from tests.conftest import PASSWORD
from tests.reference import assert_model


@pytest.fixture
def me(project, client_for, alice, events):
    events.clear()
    return client_for(project, session=alice.session)


def test_name_is_changed(me, events, statements):
    with statements() as seen:
        reply = me.patch("/account/name", {"name": "Alicia"})
    assert reply.status == 200
    assert_model("User", reply.json)
    assert reply.json["name"] == me.get("/account").json["name"] == "Alicia"
    assert events.names() == ["users.alice.update.name"]
    assert len(until_commit(seen)) <= 6, seen


def test_prefs_are_replaced_as_a_whole(me, events):
    assert me.get("/account/prefs").json == {}
    assert me.patch("/account/prefs", {"prefs": {"a": 1, "b": {"c": [None]}}}).status == 200
    reply = me.patch("/account/prefs", {"prefs": {"d": "é"}})
    assert reply.json["prefs"] == me.get("/account/prefs").json == {"d": "é"}
    assert events.names() == ["users.alice.update.prefs"] * 2


@pytest.mark.parametrize(
    "prefs",
    [
        "no json",
        [1],
        3,
        None,
        {"long": "x" * 65536},
        '{"nul": "\\u0000"}',
        '{"deep":' * 300 + "1" + "}" * 300,
    ],
)
def test_prefs_must_be_a_small_object(me, events, prefs):
    reply = me.patch("/account/prefs", {"prefs": prefs})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert events.names() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/account/email", {"email": "new@example.com", "password": PASSWORD}),
        ("/account/password", {"password": "a new password", "oldPassword": PASSWORD}),
    ],
)
def test_password_reset_meanwhile_is_not_lost(me, project, monkeypatch, path, body):
    check = passwords.matches

    def check_then_lose(password, stored):
        is_right = check(password, stored)
        update_user_password(caller=caller, user_id="alice", password="reset by an operator")
        return is_right

    caller = Caller(project=project, kind=CallerKind.KEY)
    monkeypatch.setattr(passwords, "matches", check_then_lose)
    reply = me.patch(path, body)

    assert (reply.status, reply.error) == (401, "user_invalid_credentials")
    alice = User.objects.get(uid="alice")
    assert alice.email == "alice@example.com"
    assert check("reset by an operator", alice.password)


def test_new_address_needs_the_password_and_counts_as_unverified(me, project, events, client_for):
    body = {"email": "New@example.com", "password": PASSWORD}
    wrong = me.patch("/account/email", body | {"password": "wrong password"})
    assert (wrong.status, wrong.error) == (401, "user_invalid_credentials")
    reply = me.patch("/account/email", body)
    assert (reply.status, reply.json["email"]) == (200, "new@example.com")
    assert reply.json["emailVerification"] is False
    assert events.names() == ["users.alice.update.email"]
    signed_in = client_for(project).post("/account/sessions/email", body)
    assert signed_in.status == 201


def test_address_of_another_user_is_refused(me, bob, events):
    events.clear()
    reply = me.patch("/account/email", {"email": bob.email, "password": PASSWORD})
    assert (reply.status, reply.error) == (409, "user_email_already_exists")
    assert events.names() == []


def test_new_password_needs_the_old_one_and_ends_other_sessions(me, project, client_for, alice):
    body = {"email": alice.email, "password": PASSWORD}
    key_less = client_for(project)
    assert key_less.post("/account/sessions/email", body).status == 201
    assert Session.objects.count() == 2
    new = {"password": "another password"}
    assert me.patch("/account/password", new).error == "user_invalid_credentials"
    assert me.patch("/account/password", new | {"oldPassword": "nope"}).status == 401
    reply = me.patch("/account/password", new | {"oldPassword": PASSWORD})
    assert reply.status == 200
    assert Session.objects.count() == 1
    assert me.get("/account").status == 200
    assert key_less.post("/account/sessions/email", body).status == 401
    assert key_less.post("/account/sessions/email", body | new).status == 201


def test_users_can_block_themselves(me, events, project, client_for, alice):
    reply = me.patch("/account/status")
    assert (reply.status, reply.json["status"]) == (200, False)
    assert events.names() == ["users.alice.update.status"]
    assert me.get("/account").error == "user_blocked"
    again = client_for(project).post(
        "/account/sessions/email", {"email": alice.email, "password": PASSWORD}
    )
    assert (again.status, again.error) == (403, "user_blocked")


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("PATCH", "/account/name", {"name": "x"}),
        ("PATCH", "/account/prefs", {"prefs": {}}),
        ("GET", "/account/prefs", None),
        ("PATCH", "/account/password", {"password": "long enough"}),
        ("PATCH", "/account/email", {"email": "a@example.com", "password": "long enough"}),
        ("PATCH", "/account/status", None),
        ("GET", "/account/sessions", None),
        ("DELETE", "/account/sessions", None),
        ("POST", "/account/jwts", None),
    ],
)
def test_guests_change_nothing(project, client_for, events, verb, path, body):
    reply = client_for(project).call(verb, path, body)
    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")
    assert events.names() == []


def test_user_without_a_password_gets_one_along_with_the_address(project, client_for, make_key):
    server = client_for(project, key=make_key(project, ["users.write"]))
    server.post("/users", {"userId": "blank"})
    secret = server.post("/users/blank/sessions").json["secret"]
    mine = client_for(project, session=secret)
    body = {"email": "blank@example.com", "password": "my first password"}
    assert mine.patch("/account/email", body).json["email"] == "blank@example.com"
    assert client_for(project).post("/account/sessions/email", body).status == 201


def test_user_without_a_password_sets_one_without_an_old_one(project, client_for, make_key):
    server = client_for(project, key=make_key(project, ["users.write"]))
    server.post("/users", {"userId": "blank", "email": "blank@example.com"})
    mine = client_for(project, session=server.post("/users/blank/sessions").json["secret"])
    assert mine.patch("/account/password", {"password": "my first password"}).status == 200
    body = {"email": "blank@example.com", "password": "my first password"}
    assert client_for(project).post("/account/sessions/email", body).status == 201


def test_account_behind_a_caller_is_the_answer_of_get(project, client_for, alice):
    credentials = Credentials(session=alice.session)
    me = client_for(project, session=alice.session).get("/account").json
    assert account_of(authenticate(project, credentials)) == me
    with pytest.raises(ApiError) as refusal:
        account_of(authenticate(project, Credentials()))
    assert refusal.value.kind.type == "user_unauthorized"
