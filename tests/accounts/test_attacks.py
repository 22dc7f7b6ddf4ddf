"""Attacks on accounts, named by their class."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import time_machine

from accounts.models import Session, User
from accounts.passwords import Argon2Hasher
from accounts.urls import urlpatterns
from gateway.operations import all_operations
from tests.conftest import PASSWORD
from tests.reference import load

SERVICES = ("account", "users", "teams")
OPEN_TO_STRANGERS = {("POST", "account/sessions/anonymous")}


def packed(part):
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode()


def forged(header, claims, key=b""):
    signed = f"{packed(header)}.{packed(claims)}"
    signature = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def own_operations():
    return sorted(each for each in all_operations() if each.partition(".")[0] in SERVICES)


def reference(operation_id):
    return next(each for each in load("operations") if each["id"] == operation_id)


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "nOnE"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": "ES256"},
        {"jku": "http://127.0.0.1/keys"},
        {"x5u": "http://127.0.0.1/chain"},
        {"crit": ["b64"], "b64": False},
        {"kid": "unknown"},
        {"kid": None},
        {"kid": "../../etc/passwd"},
    ],
)
def test_class_05_no_header_of_a_jwt_chooses_how_it_is_checked(project, client_for, alice, change):
    token = client_for(project, session=alice.session).post("/account/jwts").json["jwt"]
    header, claims, signature = token.split(".")
    content = orjson.loads(base64.urlsafe_b64decode(header + "=="))
    for key in (b"", b"secret", content["kid"].encode()):
        fake = forged(content | change, orjson.loads(base64.urlsafe_b64decode(claims + "==")), key)
        reply = client_for(project, jwt=fake).get("/account")
        assert (reply.status, reply.error) == (401, "user_jwt_invalid")
    unsigned = f"{packed(content | change)}.{claims}."
    kept = f"{packed(content | change)}.{claims}.{signature}"
    for fake in (unsigned, kept):
        assert client_for(project, jwt=fake).get("/account").error == "user_jwt_invalid"


@pytest.mark.parametrize(
    "address",
    [
        "al\u0131ce@example.com",
        "\uff41lice@example.com",
        "alice@ex\u00e4mple.com",
        "K\u212aelvin@a.de",
    ],
)
def test_class_08_lookalike_addresses_are_nobodys(project, client_for, alice, address):
    guest = client_for(project)
    body = {"email": address, "password": PASSWORD}
    assert guest.post("/account", body | {"userId": "other"}).status == 400
    assert guest.post("/account/sessions/email", body).status == 400
    upper = guest.post("/account/sessions/email", body | {"email": "ALICE@EXAMPLE.COM"})
    assert upper.json["userId"] == "alice"


def test_class_12_odd_parts_do_not_open_a_second_budget(project, client_for, alice, limits):
    guest = client_for(project)
    wrong = {"email": alice.email, "password": "wrong password"}
    odd = [
        ("/account/sessions/email", {}),
        ("/account/sessions", {}),
        ("/account/sessions/email?x=1", {}),
        ("/account/sessions/email", {"email": "ALICE@example.com"}),
        ("/account/sessions/email", {"email": " alice@example.com"}),
        ("/account/sessions/email", {"extra": "x"}),
        ("/account/sessions/email?_method=PUT", {"_method": "PUT"}),
    ]
    statuses = [guest.post(path, wrong | change).status for _ in range(3) for path, change in odd]
    assert len([each for each in statuses if each != 429]) == 10


def test_class_13_forwarded_headers_buy_no_second_budget(project, client_for, limits):
    guest = client_for(project)
    statuses = [
        guest.post("/account", {}, X_Forwarded_For=f"10.0.0.{number}").status
        for number in range(12)
    ]
    assert statuses == [400] * 10 + [429] * 2


def test_class_14_unknown_addresses_cost_the_same_work(project, client_for, alice, monkeypatch):
    checked = []
    verify = Argon2Hasher.verify

    def count(self, password, encoded):
        checked.append(encoded.split("$")[3])
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2Hasher, "verify", count)
    guest = client_for(project)
    answers = [
        guest.post("/account/sessions/email", {"email": email, "password": "wrong password"})
        for email in (alice.email, "nobody@example.com")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].status == answers[1].status == 401
    assert len(checked) == 2
    assert checked[0] == checked[1]


PATH_IDS = {
    "userId": "alice",
    "sessionId": "s",
    "teamId": "t",
    "membershipId": "m",
    "identityId": "i",
    "passkeyId": "p",
    "challengeId": "c",
    "targetId": "d",
    "provider": "github",
    "projectId": "blog",
    "type": "totp",
}
#: What leads on who comes back from a provider: it does nothing else, for whomever.
CALLBACK = "account.postAccountSessionsOauth2CallbackProviderProjectId"


@pytest.mark.parametrize(
    "value", ["{}", "[]", "true", "1e400", "[[]]", '{"$ne":""}', "-1", '"\\ud800"']
)
def test_class_15_no_odd_type_breaks_a_parameter(project, client_for, make_key, alice, value):
    server = client_for(
        project, key=make_key(project, ["users.read", "users.write", "teams.read", "teams.write"])
    )
    mine = client_for(project, session=alice.session)
    server.post("/teams", {"teamId": "t", "name": "T"})
    for operation_id in own_operations():
        label = reference(operation_id)
        path = label["path"].removeprefix("/v1").format_map(PATH_IDS)
        client = mine if operation_id.startswith("account") else server
        for name in [each["name"] for each in label["params"] if each["in"] == "body"]:
            if label["method"] in ("GET", "DELETE"):
                continue
            body = f'{{"{name}": {value}}}'.encode()
            reply = client.call(label["method"], path, body)
            assert reply.status < 500, (operation_id, name, reply.json)


def test_class_16_blocked_user_is_out_at_once(project, client_for, make_key, alice):
    server = client_for(project, key=make_key(project, ["users.write"]))
    mine = client_for(project, session=alice.session)
    cookie = client_for(project, cookies={"a_session_blog": alice.session})
    token = client_for(project, jwt=mine.post("/account/jwts").json["jwt"])
    ways = (mine, cookie, token)
    assert [each.get("/account").status for each in ways] == [200] * 3
    server.patch("/users/alice/status", {"status": False})
    assert [each.get("/account").error for each in ways] == ["user_blocked"] * 3
    server.patch("/users/alice/status", {"status": True})
    assert [each.get("/account").status for each in ways] == [200] * 3


def test_class_16_deleted_user_is_out_at_once(project, client_for, make_key, alice):
    server = client_for(project, key=make_key(project, ["users.write"]))
    mine = client_for(project, session=alice.session)
    token = client_for(project, jwt=mine.post("/account/jwts").json["jwt"])
    server.delete("/users/alice")
    assert mine.get("/account").error == "general_unauthorized_scope"
    assert token.get("/account").error == "user_jwt_invalid"


def test_class_17_expiry_is_checked_on_every_use(project, client_for, alice):
    mine = client_for(project, session=alice.session)
    token = client_for(project, jwt=mine.post("/account/jwts", {"duration": 3600}).json["jwt"])
    assert mine.get("/account").status == token.get("/account").status == 200
    Session.objects.update(expires_at=datetime.now(UTC) + timedelta(seconds=30))
    assert mine.get("/account").status == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=31), tick=False):
        assert mine.get("/account").error == "general_unauthorized_scope"
        assert token.get("/account").error == "user_jwt_invalid"


FOREIGN_FIELDS = {
    "$id": "evil",
    "$createdAt": "2000-01-01T00:00:00.000+00:00",
    "$updatedAt": "2000-01-01T00:00:00.000+00:00",
    "registration": "2000-01-01T00:00:00.000+00:00",
    "labels": ["admin"],
    "roles": ["admin"],
    "status": False,
    "emailVerification": True,
    "phoneVerification": True,
    "is_superuser": True,
    "isSuperuser": True,
    "is_staff": True,
    "project_id": 1,
    "projectId": "console",
    "login": "evil",
    "hash": "plaintext",
    "expire": "2999-01-01T00:00:00.000+00:00",
    "factors": ["totp"],
    "mfa": True,
    "prefs": {"evil": True},
    "total": 7,
    "confirm": False,
}


def test_class_18_server_fields_cannot_be_assigned(project, client_for, alice):
    guest = client_for(project)
    body = FOREIGN_FIELDS | {"userId": "zoe", "email": "zoe@example.com", "password": PASSWORD}
    made = guest.post("/account", body)
    assert made.status == 201
    session = guest.post("/account/sessions/email", body)
    assert session.status == 201
    assert session.json["expire"] < "2999"
    assert session.json["factors"] == ["password"]
    mine = client_for(project, session=alice.session)
    for verb, path in [("PATCH", "/account/name"), ("PATCH", "/account/status")]:
        sent = FOREIGN_FIELDS | {"name": "Alice", "userId": "zoe"}
        mine.call(verb, path, sent)
    for user in User.objects.all():
        assert user.uid in ("alice", "zoe")
        assert user.labels == []
        assert user.prefs == {}
        assert user.created_at.year > 2000
        assert not (user.is_superuser)
        assert not (user.is_email_verified)
        assert not (user.is_phone_verified)
        assert not user.has_mfa
        assert user.project_id == project.id
        assert user.login == f"{project.id}:{user.uid}"
    assert User.objects.get(uid="zoe").is_active


def test_class_30_no_answer_or_event_holds_a_hash(project, client_for, make_key, alice, events):
    secret = User.objects.get(uid="alice").password
    server = client_for(project, key=make_key(project, ["users.read", "users.write", "teams.read"]))
    mine = client_for(project, session=alice.session)
    replies = [
        server.get("/users"),
        server.get("/users/alice"),
        server.patch("/users/alice/name", {"name": "x"}),
        server.get("/users/alice/sessions"),
        mine.get("/account"),
        mine.get("/account/sessions"),
        server.delete("/users/alice"),
    ]
    digest = secret.rsplit("$", 1)[1]
    for reply in replies:
        assert digest.encode() not in reply.content
        assert alice.session.encode() not in reply.content
    assert digest not in str(events.payloads())


def test_class_33_reading_keys_change_nothing(project, client_for, make_key, alice, events):
    reader = client_for(
        project, key=make_key(project, ["users.read", "teams.read", "sessions.read"])
    )
    events.clear()
    for operation_id in own_operations():
        label = reference(operation_id)
        if label["method"] == "GET" or operation_id == CALLBACK:
            continue
        path = label["path"].removeprefix("/v1").format_map(PATH_IDS)
        reply = reader.call(label["method"], path, {})
        # What anybody may call asks for a secret besides.
        is_public = "public" in all_operations()[operation_id].scope
        wanted = "general_argument_invalid" if is_public else "general_unauthorized_scope"
        assert reply.error == wanted, operation_id
    assert events.names() == []


def test_every_label_matches_the_reference():
    for operation_id in own_operations():
        label, known = all_operations()[operation_id], reference(operation_id)
        scope = known.get("scope") or list(label.scope)  # newer clients know operations without
        assert list(label.scope) == (scope if isinstance(scope, list) else [scope]), operation_id
        limit = known.get("rate_limit")
        if known.get("scope"):
            assert bool(limit) == bool(label.rate_limit), operation_id
        if limit and label.rate_limit:
            assert (limit["limit"], limit["window_s"]) == (
                label.rate_limit.limit,
                label.rate_limit.window_seconds,
            ), operation_id


def test_every_path_answers_strangers_in_the_error_envelope(project, client_for):
    for pattern in urlpatterns:
        path = str(pattern.pattern)
        for name in ("userId", "sessionId", "teamId", "membershipId", "type"):
            path = path.replace(f"<str:{name}>", "x")
        for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if (verb, path) in OPEN_TO_STRANGERS:
                continue
            reply = client_for(project).call(verb, f"/{path}", {})
            is_unset = reply.error == "user_auth_method_unsupported"  # a 501
            assert 400 <= reply.status < 500 or is_unset, (verb, path)
            assert set(reply.json) == {"message", "code", "type", "version"}
