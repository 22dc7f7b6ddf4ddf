"""Acting as another user: who may, as whom, how far it goes, and who answers for it."""

import pytest

from accounts.models import Identity, Session, User
from gateway.operations import all_operations
from gateway.views import OPEN_TO_IMPERSONATORS, check_access
from kernel.caller import Caller
from kernel.errors import ApiError, ErrorKind
from kernel.models import OutboxEvent
from kernel.scopes import GUEST_SCOPES, USER_SCOPES
from tests.accounts.counting import until_commit
from tests.client import ApiClient
from tests.conftest import PASSWORD, sign_up
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

AS_ID = "X-Appwrite-Impersonate-User-Id"
AS_EMAIL = "X-Appwrite-Impersonate-User-Email"
AS_PHONE = "X-Appwrite-Impersonate-User-Phone"
NUMBER = "+4915112345678"


@pytest.fixture
def operator(project, client_for, alice, bob, server):
    """Alice, who may act as others; Bob is one of them."""
    assert server.patch("/users/alice/impersonator", {"impersonator": True}).status == 200
    return client_for(project, session=alice.session)


def acting(client, **headers):
    return ApiClient({**client.headers, **(headers or {AS_ID: "bob"})}, client.cookies)


def who(client, query=None):
    reply = client.get("/account", query)
    assert reply.status == 200, reply.json
    assert_model("User", reply.json)
    return reply.json["$id"], reply.json["impersonatorUserId"]


# Who may


def test_server_says_who_may(server, alice, bob, events):
    reply = server.patch("/users/alice/impersonator", {"impersonator": True})
    assert (reply.status, reply.json["impersonator"]) == (200, True)
    assert_model("User", reply.json)
    assert events.names() == ["users.alice.update.impersonator"]
    query = {"queries": ['{"method":"equal","attribute":"impersonator","values":[true]}']}
    assert [each["$id"] for each in server.get("/users", query).json["users"]] == ["alice"]
    assert server.patch("/users/alice/impersonator", {"impersonator": False}).status == 200
    assert not User.objects.filter(is_impersonator=True).exists()
    missing = server.patch("/users/nobody/impersonator", {"impersonator": True})
    assert (missing.status, missing.error) == (404, "user_not_found")
    for body in ({}, {"impersonator": "maybe"}, {"impersonator": None}):
        refused = server.patch("/users/alice/impersonator", body)
        assert (refused.status, refused.error) == (400, "general_argument_invalid")


def test_users_cannot_say_it_of_themselves(project, client_for, alice, operator):
    for client in (operator, acting(operator), client_for(project)):
        reply = client.patch("/users/bob/impersonator", {"impersonator": True})
        assert (reply.status, reply.error) == (401, "general_unauthorized_scope")
    assert not User.objects.get(uid="bob").is_impersonator


def test_others_who_name_somebody_are_who_they_are(project, client_for, alice, bob, make_key):
    assert who(acting(client_for(project, session=bob.session), **{AS_ID: "alice"})) == (
        "bob",
        None,
    )
    guest = acting(client_for(project))
    assert guest.get("/account").error == "general_unauthorized_scope"
    unnamed = client_for(project).post("/account/sessions/anonymous")
    cookies = {name: each.value for name, each in unnamed.cookies.items()}
    me = acting(client_for(project, cookies=cookies))
    assert who(me) == (unnamed.json["userId"], None)
    server = acting(client_for(project, key=make_key(project, ["users.read"])))
    assert server.get("/account").error == "general_unauthorized_scope"
    assert server.get("/users/alice").status == 200


def test_operator_finds_whom_to_act_as(operator, server, project, client_for, bob):
    assert operator.get("/users").json["total"] == 2
    assert acting(operator).get("/users/alice").status == 200
    assert client_for(project, session=bob.session).get("/users").status == 401
    for verb, path in [
        ("POST", "/users"),
        ("DELETE", "/users/bob"),
        ("GET", "/users/bob/sessions"),
    ]:
        refused = operator.call(verb, path, {"userId": "new"} if verb == "POST" else None)
        assert (refused.status, refused.error) == (401, "general_unauthorized_scope")


# As whom


def test_operator_names_somebody_by_id_address_or_number(operator):
    User.objects.filter(uid="bob").update(phone=NUMBER)
    for header, value in [(AS_ID, "bob"), (AS_EMAIL, "Bob@Example.com"), (AS_PHONE, NUMBER)]:
        assert who(acting(operator, **{header: value})) == ("bob", "alice")
    for name, value in [
        ("impersonateuserid", "bob"),
        ("impersonateemail", "bob@example.com"),
        ("impersonatephone", NUMBER),
    ]:
        assert who(operator, {name: value}) == ("bob", "alice")
    assert who(operator) == ("alice", None)


def test_the_id_counts_before_address_and_number(operator, project):
    sign_up(project, "charlie")
    both = {AS_EMAIL: "bob@example.com", AS_ID: "charlie", AS_PHONE: NUMBER}
    assert who(acting(operator, **both)) == ("charlie", "alice")


def test_whoever_is_not_there_is_nobody_to_act_as(operator, other_project):
    sign_up(other_project, "dora")
    User.objects.filter(uid="bob").update(phone=NUMBER)
    for headers in (
        {AS_ID: "nobody"},
        {AS_ID: "dora"},
        {AS_ID: "bob@example.com"},
        {AS_EMAIL: "dora@example.com"},
        {AS_EMAIL: "bob"},
        {AS_PHONE: "+1"},
        {AS_ID: "' OR true --"},
        {AS_ID: "b\u00f6b"},
    ):
        reply = acting(operator, **headers).get("/account")
        assert (reply.status, reply.error) == (404, "user_not_found"), headers
    reply = operator.get("/account", {"impersonateuserid": "bo\x00b"})
    assert reply.status in (400, 404)


def test_operator_reads_and_writes_as_the_other_one(operator, project, client_for, bob):
    made = acting(operator).post("/teams", {"teamId": "band", "name": "Band"})
    assert made.status == 201
    assert operator.get("/teams").json["total"] == 0
    assert client_for(project, session=bob.session).get("/teams/band").status == 200
    assert acting(operator).patch("/account/prefs", {"prefs": {"a": 1}}).status == 200
    assert acting(operator).patch("/account/name", {"name": "Bobby"}).json["impersonatorUserId"]
    assert client_for(project, session=bob.session).get("/account").json["name"] == "Bobby"


# How far it goes


def test_one_impersonation_leads_to_no_other(operator, server):
    User.objects.filter(uid="bob").update(is_impersonator=True)
    assert server.patch("/users/alice/impersonator", {"impersonator": False}).status == 200
    assert who(acting(operator)) == ("alice", None)


def test_never_in_the_console(console_project, client_for):
    ruth = sign_up(console_project, "ruth")
    sign_up(console_project, "admin")
    User.objects.filter(uid="ruth").update(is_impersonator=True)
    me = client_for(console_project, session=ruth.session)
    assert who(acting(me, **{AS_ID: "admin"})) == ("ruth", None)
    refused = me.patch("/users/ruth/impersonator", {"impersonator": True})
    assert (refused.status, refused.error) == (401, "general_access_forbidden")


def test_an_operator_of_one_project_is_none_in_another(operator, other_project, alice, client_for):
    stranger = client_for(other_project, session=alice.session)
    assert acting(stranger).get("/account").error == "general_unauthorized_scope"


def test_blocked_operators_and_targets_stay_out(operator, server):
    server.patch("/users/bob/status", {"status": False})
    assert acting(operator).get("/account").error == "user_blocked"
    server.patch("/users/bob/status", {"status": True})
    assert who(acting(operator)) == ("bob", "alice")
    server.patch("/users/alice/status", {"status": False})
    assert acting(operator).get("/account").error == "user_blocked"


def test_operator_has_to_show_their_own_second_factor(operator):
    User.objects.filter(uid="alice").update(has_mfa=True, is_email_verified=True)
    assert acting(operator).get("/account").error == "user_more_factors_required"
    assert acting(operator).delete("/account/sessions/current").status == 204
    assert list(Session.objects.values_list("user__uid", flat=True)) == ["bob"]


def test_the_others_second_factor_is_not_asked_for(operator):
    User.objects.filter(uid="bob").update(has_mfa=True, is_email_verified=True)
    assert who(acting(operator)) == ("bob", "alice")


def test_a_jwt_stands_for_its_operator(operator, project, client_for):
    token = operator.post("/account/jwts").json["jwt"]
    by_jwt = client_for(project, jwt=token)
    assert who(acting(by_jwt)) == ("bob", "alice")
    assert operator.delete("/account/sessions/current").status == 204
    assert acting(by_jwt).get("/account").error == "user_jwt_invalid"


def test_nothing_that_lets_anybody_in_can_be_had_of_the_other_one(operator):
    before = User.objects.filter(uid="bob").values().get()
    for verb, path, body in [
        ("POST", "/account/jwts", {}),
        ("POST", "/account/sessions/email", {"email": "bob@example.com", "password": PASSWORD}),
        ("POST", "/account/sessions/anonymous", {}),
        ("PATCH", "/account/password", {"password": "another long one", "oldPassword": PASSWORD}),
        ("PATCH", "/account/email", {"email": "x@example.com", "password": PASSWORD}),
        ("PATCH", "/account/phone", {"phone": NUMBER, "password": PASSWORD}),
        ("PATCH", "/account/status", None),
        ("PATCH", "/account/mfa", {"mfa": True}),
        ("POST", "/account/mfa/authenticators/totp", {}),
        ("POST", "/account/mfa/recovery-codes", {}),
        ("POST", "/account/mfa/challenges", {"factor": "email"}),
        ("POST", "/account/verifications/email", {"url": "http://localhost/x"}),
        ("POST", "/account/passkeys", {"passkeyId": "p"}),
        ("POST", "/account/targets/push", {"targetId": "t", "identifier": "i"}),
        ("DELETE", "/account/sessions", None),
        ("PATCH", "/account/sessions/current", None),
        ("GET", "/account/sessions/oauth2/google", None),
        ("GET", "/account/tokens/oauth2/google", None),
        ("DELETE", "/account", None),
    ]:
        reply = acting(operator).call(verb, path, body)
        assert (reply.status, reply.error) == (401, "user_unauthorized"), (verb, path, reply.json)
        assert not reply.cookies
    assert User.objects.filter(uid="bob").values().get() == before
    assert Session.objects.filter(user__uid="bob").count() == 1


def test_an_operation_on_accounts_is_closed_unless_it_is_named(operator, project):
    caller = Caller(
        project=project,
        user_uid="bob",
        impersonator_uid="alice",
        scopes=USER_SCOPES | GUEST_SCOPES | {"users.read"},
    )
    own = {each for each in all_operations().values() if each.service == "account"}
    assert {each.id for each in own} >= OPEN_TO_IMPERSONATORS
    for each in own:
        if each.id in OPEN_TO_IMPERSONATORS:
            check_access(each, caller)
            continue
        with pytest.raises(ApiError) as refusal:
            check_access(each, caller)
        assert refusal.value.kind is ErrorKind.USER_UNAUTHORIZED, each.id


def test_what_providers_gave_the_other_one_is_not_shown(operator, project, monkeypatch):
    bob = User.objects.get(uid="bob")
    identity = Identity.objects.create(
        project_id=project.id, user=bob, uid="i", provider="oidc", provider_uid="1",
        access_token="sealed",
    )  # fmt: skip
    Session.objects.filter(user=bob).update(identity=identity)
    monkeypatch.setattr("accounts.outputs.identities.opened", _never)
    monkeypatch.setattr("accounts.outputs.sessions.opened", _never)
    uid = Session.objects.get(user=bob).uid
    for client in (acting(operator), operator):
        for path in ("/account/identities", "/users/identities"):
            assert client.get(path).status == 200
    assert acting(operator).get("/account/sessions").json["total"] == 1
    assert acting(operator).get(f"/account/sessions/{uid}").json["providerAccessToken"] == ""


def _never(*_given):
    raise AssertionError("the provider's tokens are not for others")


# Pages elsewhere


def test_a_page_elsewhere_cannot_have_a_browser_act_as_another(
    operator, project, alice, client_for
):
    cookies = {f"a_session_{project.uid}": alice.session}
    page = client_for(project, cookies=cookies, headers={"Origin": "https://evil.example"})
    assert acting(page).get("/account").error == "general_unknown_origin"
    forged = ApiClient({}, cookies)
    path = f"/account/name?project={project.uid}&impersonateuserid=bob"
    assert forged.patch(path, {"name": "Mallory"}).error == "general_unknown_origin"
    assert User.objects.get(uid="bob").name == "Bob"


def test_addresses_name_somebody_for_reading_only(operator):
    reply = operator.call(
        "PATCH", "/account/name", {"name": "Me"}, query={"impersonateuserid": "bob"}
    )
    assert (reply.json["$id"], reply.json["impersonatorUserId"]) == ("alice", None)


# Who answers for it


def test_the_log_of_events_names_who_really_acts(operator, events):
    acting(operator).post("/teams", {"teamId": "band", "name": "Band"})
    acting(operator).patch("/account/name", {"name": "Bobby"})
    operator.patch("/account/name", {"name": "Alicia"})
    actors = list(OutboxEvent.objects.order_by("-id").values_list("name", "actor")[:3])
    assert actors == [
        ("users.alice.update.name", "alice"),
        ("users.bob.update.name", "alice as bob"),
        ("teams.band.create", "alice as bob"),
    ]
    assert all(each.get("impersonatorUserId") is None for each in events.payloads())


def test_the_others_last_access_is_their_own(operator):
    before = User.objects.get(uid="bob").accessed_at
    User.objects.update(accessed_at=None)
    assert who(acting(operator)) == ("bob", "alice")
    assert User.objects.get(uid="bob").accessed_at is None
    assert before is not None


def test_it_costs_one_statement_and_only_whoever_asks(operator, statements):
    with statements() as plain:
        operator.get("/account")
    with statements() as seen:
        acting(operator).get("/account")
    assert len(until_commit(seen)) == len(until_commit(plain)) + 1, seen
