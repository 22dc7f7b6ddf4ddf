"""Single-use tokens of servers, and the sessions they open."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import Session, Token
from accounts.services import update_user_status
from kernel import clock
from kernel.caller import Caller, CallerKind
from tests.conftest import sign_up
from tests.reference import assert_model

LONG = 64


def new_token(server, **options):
    reply = server.post("/users/alice/tokens", options)
    assert reply.status == 201
    return reply.json


def redeem(client, secret, user="alice"):
    return client.post("/account/sessions/token", {"userId": user, "secret": secret})


def test_server_makes_a_token_that_signs_its_user_in(server, guest, alice, client_for, events):
    token = new_token(server)
    assert_model("Token", token)
    assert (token["userId"], len(token["secret"]), token["phrase"]) == ("alice", 6, "")
    assert events.names() == [f"users.alice.tokens.{token['$id']}.create"]
    assert events.payloads()[0]["secret"] == ""
    assert events.all()[0].roles == ["user:alice"]
    events.clear()
    opened = redeem(guest, token["secret"])
    assert opened.status == 201
    assert_model("Session", opened.json)
    assert (opened.json["provider"], opened.json["factors"]) == ("token", ["token"])
    assert (opened.json["userId"], opened.json["secret"]) == ("alice", "")
    assert opened.cookies["a_session_blog"].value
    assert events.names() == [f"users.alice.sessions.{opened.json['$id']}.create"]


@pytest.mark.parametrize("length", [4, 32, 128])
def test_token_is_as_long_as_asked_for_and_kept_as_a_digest(server, guest, alice, length):
    secret = new_token(server, length=length)["secret"]
    assert len(secret) == length
    stored = Token.objects.get()
    assert secret.encode() not in bytes(stored.digest)
    assert stored.tries_left == (5 if length < 32 else None)
    assert redeem(guest, secret).status == 201


@pytest.mark.parametrize(
    "options",
    [{"length": 3}, {"length": 129}, {"expire": 59}, {"expire": 31536001}, {"length": {}}],
)
def test_token_options_are_checked(server, alice, options):
    reply = server.post("/users/alice/tokens", options)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_only_servers_make_tokens_and_of_their_own_users(
    project, other_project, server, client_for, make_key, alice, guest
):
    assert guest.post("/users/alice/tokens").error == "general_unauthorized_scope"
    own = client_for(project, session=alice.session)
    assert own.post("/users/alice/tokens").error == "general_unauthorized_scope"
    assert server.post("/users/nobody/tokens").error == "user_not_found"
    other = client_for(other_project, key=make_key(other_project, ["users.write"]))
    assert other.post("/users/alice/tokens").error == "user_not_found"


def test_class_10_token_works_once(server, guest, alice):
    for length in (6, LONG):
        secret = new_token(server, length=length)["secret"]
        assert redeem(guest, secret).status == 201
        again = redeem(guest, secret)
        assert (again.status, again.error) == (401, "user_invalid_token")


def test_token_expires(server, guest, alice):
    secret = new_token(server, expire=60)["secret"]
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
        assert redeem(guest, secret).error == "user_invalid_token"
        new_token(server)
    assert Token.objects.count() == 1


def test_token_is_nobody_elses(project, other_project, server, guest, client_for, alice, bob):
    sign_up(other_project, "alice")
    secret = new_token(server, length=LONG)["secret"]
    assert redeem(guest, secret, user="bob").error == "user_invalid_token"
    assert redeem(guest, secret, user="nobody").error == "user_invalid_token"
    assert redeem(client_for(other_project), secret).error == "user_invalid_token"
    assert redeem(guest, secret).status == 201


def test_digest_copied_to_another_user_or_purpose_is_worth_nothing(server, guest, alice, bob):
    secret = new_token(server, length=LONG)["secret"]
    token = Token.objects.get()
    other = Token.objects.create(
        user_id=Session.objects.get(user__uid="bob").user_id,
        uid="copied",
        purpose="generic",
        digest=token.digest,
        expires_at=token.expires_at,
    )
    assert redeem(guest, secret, user="bob").error == "user_invalid_token"
    other.delete()
    Token.objects.update(purpose="recovery")
    assert redeem(guest, secret).error == "user_invalid_token"


def test_short_token_bears_five_wrong_guesses(server, guest, alice):
    secret = new_token(server)["secret"]
    for _ in range(4):
        assert redeem(guest, "000000").error == "user_invalid_token"
    assert Token.objects.get().tries_left == 1
    assert redeem(guest, secret).status == 201
    secret = new_token(server)["secret"]
    for _ in range(5):
        redeem(guest, "000000")
    assert redeem(guest, secret).error == "user_invalid_token"


def test_long_token_outlives_wrong_guesses(server, guest, alice):
    secret = new_token(server, length=LONG)["secret"]
    for _ in range(6):
        redeem(guest, "x" * LONG)
    assert redeem(guest, secret).status == 201


def test_guesses_at_one_user_cost_another_nothing(server, guest, alice, bob):
    secret = new_token(server)["secret"]
    for _ in range(6):
        redeem(guest, "000000", user="bob")
    assert redeem(guest, secret).status == 201


def test_blocked_user_stays_out(project, server, guest, alice):
    secret = new_token(server)["secret"]
    server_caller = Caller(project=project, kind=CallerKind.KEY)
    update_user_status(caller=server_caller, user_id="alice", status=False)
    reply = redeem(guest, secret)
    assert (reply.status, reply.error) == (403, "user_blocked")


def test_token_of_a_deleted_user_is_worth_nothing(server, guest, alice, jobs):
    secret = new_token(server, length=LONG)["secret"]
    server.delete("/users/alice")
    assert redeem(guest, secret).error == "user_invalid_token"
    jobs()
    assert not Token.objects.exists()


def test_signed_in_user_opens_no_second_session(project, server, client_for, alice):
    secret = new_token(server)["secret"]
    reply = redeem(client_for(project, session=alice.session), secret)
    assert (reply.status, reply.error) == (401, "user_session_already_exists")


def test_server_with_the_scope_reads_the_session(project, server, client_for, make_key, alice):
    able = client_for(project, key=make_key(project, ["sessions.write"]))
    opened = redeem(able, new_token(server)["secret"])
    assert opened.status == 201
    account = client_for(project, session=opened.json["secret"]).get("/account")
    assert account.json["$id"] == "alice"


@pytest.mark.parametrize("wrong", [{}, [], True, 1e300, "", "x" * 257, None])
def test_class_15_secret_is_a_text(guest, alice, wrong):
    assert redeem(guest, wrong).error == "general_argument_invalid"


def test_class_12_odd_parts_open_no_second_budget_for_secrets(guest, alice, limits):
    body = {"userId": "alice", "secret": "wrong!"}
    odd = [{}, {"extra": "x"}, {"userId": " alice"}, {"userId": "ALICE"}]
    statuses = [
        guest.post(path, body | change).status
        for _ in range(4)
        for change in odd
        for path in ("/account/sessions/token", "/account/sessions/token?x=1")
    ]
    assert len([each for each in statuses if each != 429]) == 10


def test_good_token_clears_the_budget_of_its_own_user_alone(server, guest, alice, bob, limits):
    secret = new_token(server, length=LONG)["secret"]
    for user in ("alice", "bob"):
        for _ in range(9):
            redeem(guest, "wrong", user=user)
    assert redeem(guest, secret).status == 201
    assert [redeem(guest, "wrong").status for _ in range(2)] == [401, 401]
    assert [redeem(guest, "wrong", user="bob").status for _ in range(2)] == [401, 429]
