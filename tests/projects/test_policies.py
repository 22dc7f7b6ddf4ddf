"""Policies over REST: read and changed by keys and by those who manage the project."""

from typing import Any

import pytest

from kernel.models import OutboxEvent
from projects.catalog import AUTH_METHODS
from projects.models import Project
from tests.projects.conftest import admin_mode
from tests.reference import assert_model, load

pytestmark = [pytest.mark.db, pytest.mark.django_db]

POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "password-dictionary": (
        "PolicyPasswordDictionary",
        {"enabled": True, "denyList": ["Hunter22"]},
    ),
    "password-history": ("PolicyPasswordHistory", {"total": 5}),
    "password-strength": (
        "PolicyPasswordStrength",
        {"min": 12, "uppercase": True, "lowercase": True, "number": True, "symbols": True},
    ),
    "password-personal-data": (
        "PolicyPasswordPersonalData",
        {"enabled": True, "denyList": ["acme"]},
    ),
    "password-pwned": (
        "PolicyPasswordPwned",
        {"enabled": True, "sessions": True, "users": True},
    ),
    "password-rotation": ("PolicyPasswordRotation", {"enabled": True, "maxAge": 86_400}),
    "deny-aliased-email": ("PolicyDenyAliasedEmail", {"enabled": True}),
    "deny-corporate-email": ("PolicyDenyCorporateEmail", {"enabled": True}),
    "deny-disposable-email": ("PolicyDenyDisposableEmail", {"enabled": True}),
    "deny-free-email": ("PolicyDenyFreeEmail", {"enabled": True}),
    "session-alert": ("PolicySessionAlert", {"enabled": True}),
    "session-duration": ("PolicySessionDuration", {"duration": 3600}),
    "session-invalidation": ("PolicySessionInvalidation", {"enabled": False}),
    "session-limit": ("PolicySessionLimit", {"total": 3}),
    "user-limit": ("PolicyUserLimit", {"total": 100}),
    "membership-privacy": (
        "PolicyMembershipPrivacy",
        {
            "userId": False,
            "userEmail": False,
            "userPhone": False,
            "userName": False,
            "userMFA": False,
            "userAccessedAt": True,
        },
    ),
    "mfa-factors": (
        "PolicyMfaFactors",
        {"totp": True, "email": False, "phone": False, "custom": True, "required": True},
    ),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "password-dictionary": {"enabled": False, "denyList": []},
    "password-history": {"total": 0},
    "password-pwned": {"enabled": False, "sessions": False, "users": False},
    "password-rotation": {"enabled": False, "maxAge": 31_536_000},
    "deny-free-email": {"enabled": False},
    "mfa-factors": {
        "totp": True,
        "email": True,
        "phone": True,
        "custom": False,
        "required": False,
    },
    "session-duration": {"duration": 31_536_000},
    "session-invalidation": {"enabled": True},
    "session-limit": {"total": 10},
    "user-limit": {"total": 0},
}


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["policies.read", "project.policies.write"]))


@pytest.mark.parametrize("policy_id", POLICIES)
def test_policy_is_changed_and_shown(server, events, policy_id):
    model, fields = POLICIES[policy_id]
    path = f"/project/policies/{policy_id}"
    before = server.get(path)
    assert_model(model, before.json)
    assert before.json["$id"] == policy_id
    assert DEFAULTS.get(policy_id, {}).items() <= before.json.items()
    events.clear()
    changed = server.patch(path, fields)
    assert changed.status == 200
    answer = "PolicyPasswordStrength" if policy_id == "password-strength" else "Project"
    assert_model(answer, changed.json)
    assert server.get(path).json == {"$id": policy_id, **fields}
    assert events.names() == [f"projects.blog.policies.{policy_id}.update"]


def test_every_policy_is_listed_a_page_at_a_time(server):
    whole = server.get("/project/policies")
    assert_model("PolicyList", whole.json)
    assert [each["$id"] for each in whole.json["policies"]] == list_of_ids(whole)
    # That of passkeys, which also has the pages they work on, is tested with them.
    assert set(list_of_ids(whole)) == {*POLICIES, "passkey"}
    assert whole.json["total"] == len(POLICIES) + 1
    page = {"queries": ['{"method":"limit","values":[2]}', '{"method":"offset","values":[1]}']}
    part = server.get("/project/policies", page | {"total": False}).json
    assert part == {"total": 0, "policies": whole.json["policies"][1:3]}
    for query in (
        '{"method":"equal","attribute":"$id","values":["user-limit"]}',
        '{"method":"orderAsc","attribute":"$id"}',
        '{"method":"cursorAfter","values":["user-limit"]}',
        "nonsense",
    ):
        assert server.get("/project/policies", {"queries": [query]}).status == 400


def list_of_ids(reply):
    return [each["$id"] for each in reply.json["policies"]]


def test_what_a_call_leaves_out_stays(server):
    path = "/project/policies/password-strength"
    server.patch(path, {"min": 12, "symbols": True})
    assert server.patch(path, {"min": 14}).json["symbols"] is True
    server.patch("/project/policies/membership-privacy", {"userEmail": False})
    assert server.get(path).json["min"] == 14


@pytest.mark.parametrize("policy_id", ["password-history", "session-limit", "user-limit"])
def test_null_takes_a_limit_away(server, policy_id):
    path = f"/project/policies/{policy_id}"
    server.patch(path, {"total": 5})
    server.patch(path, {"total": None})
    assert server.get(path).json["total"] == 0


@pytest.mark.parametrize(
    ("policy_id", "fields"),
    [
        ("password-history", {"total": 21}),
        ("password-rotation", {"maxAge": 86_399}),
        ("password-rotation", {"maxAge": 315_360_001}),
        ("deny-aliased-email", {}),
        ("password-history", {"total": 0}),
        ("password-history", {}),
        ("password-strength", {"min": 7}),
        ("password-strength", {"min": 257}),
        ("password-strength", {"uppercase": "maybe"}),
        ("password-dictionary", {"enabled": "x"}),
        ("password-dictionary", {"enabled": True, "denyList": "hunter2"}),
        ("password-dictionary", {"enabled": True, "denyList": ["x"] * 101}),
        ("password-personal-data", {"denyList": []}),
        ("session-duration", {"duration": 59}),
        ("session-duration", {"duration": 31_536_001}),
        ("session-duration", {"duration": None}),
        ("session-limit", {"total": 101}),
        ("user-limit", {"total": 10_001}),
        ("user-limit", {"total": -1}),
        ("membership-privacy", {"userId": []}),
        ("mfa-factors", {"totp": "maybe"}),
        ("mfa-factors", {"totp": False, "email": False, "phone": False, "required": True}),
    ],
)
def test_values_out_of_bounds_are_refused(server, events, policy_id, fields):
    events.clear()
    reply = server.patch(f"/project/policies/{policy_id}", fields)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert events.names() == []


def test_unknown_policy_is_refused(server):
    reply = server.get("/project/policies/password-unknown")
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_policies_are_for_those_who_manage_the_project(
    owen, dana, vera, eve, site, client_for, make_key
):
    path, body = "/project/policies/user-limit", {"total": 7}
    for person, read, write in ((owen, 200, 200), (dana, 200, 200), (vera, 200, 401)):
        client = admin_mode(person, "site")
        assert client.get(path).status == read
        assert client.patch(path, body).status == write
    stranger = admin_mode(eve, "site")
    assert (stranger.get(path).status, stranger.patch(path, body).status) == (401, 401)
    reader = client_for(site, key=make_key(site, ["policies.read"]))
    assert (reader.get(path).status, reader.patch(path, {"total": 9}).status) == (200, 401)
    assert Project.objects.get(uid="site").user_limit == 7


def test_a_users_session_changes_no_policy(project, client_for, alice):
    own = client_for(project, session=alice.session)
    reply = own.patch("/project/policies/user-limit", {"total": 1})
    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")


def test_policies_of_another_project_are_out_of_reach(server, project, other_project):
    server.patch("/project/policies/user-limit", {"total": 7, "projectId": other_project.uid})
    assert Project.objects.get(uid=other_project.uid).user_limit == 0


def test_every_way_to_sign_in_has_a_switch(project, client_for, make_key, events):
    server = client_for(project, key=make_key(project, ["project.read", "project.write"]))
    events.clear()
    off = server.patch("/project/auth-methods/magic-url", {"enabled": False})
    assert off.status == 200
    assert_model("Project", off.json)
    assert switches(off)["magic-url"] is False
    assert events.names() == ["authMethod.magic-url.update"]
    on = server.patch("/project/auth-methods/magic-url", {"enabled": True})
    assert switches(on) == dict.fromkeys(AUTH_METHODS, True)
    assert server.patch("/project/auth-methods/carrier", {"enabled": True}).status == 400
    assert server.patch("/project/auth-methods/jwt", {}).status == 400


def switches(reply):
    return {each["$id"]: each["enabled"] for each in reply.json["authMethods"]}


def test_events_of_policies_are_in_the_catalogue(server):
    known = {each["event"] for each in load("events")}
    server.patch("/project/policies/user-limit", {"total": 5})
    assert "projects.*.policies.*.update" in known
    event = OutboxEvent.objects.latest("id")
    assert event.payload["$id"] == "blog"
