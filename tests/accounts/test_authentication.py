"""Credentials to callers: sessions, JWTs, keys and console members."""

import base64
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import time_machine
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from accounts.authentication import authenticate
from accounts.models import User
from accounts.services import (
    create_team,
)
from accounts.tokens import SessionSecret
from kernel import sql
from kernel.caller import CallerKind, Credentials
from kernel.errors import ApiError
from kernel.scopes import GUEST_SCOPES, KEY_BASE_SCOPES, USER_SCOPES
from projects.models import Key
from projects.services import create_key, operator
from projects.signing import sign


def jwt_for(project, client_for, person, **body):
    return client_for(project, session=person.session).post("/account/jwts", body).json["jwt"]


# Sessions


@pytest.mark.parametrize(
    "place",
    [
        lambda secret: {"cookies": {"a_session_blog": secret}},
        lambda secret: {"cookies": {"a_session_blog_legacy": secret}},
        lambda secret: {"session": secret},
        lambda secret: {"fallback_cookies": f'{{"a_session_blog":"{secret}"}}'},
        lambda secret: {"cookies": {"a_session_blog": "rubbish"}, "session": secret},
        lambda secret: {
            "session": "rubbish",
            "fallback_cookies": f'{{"a_session_blog":"{secret}"}}',
        },
    ],
)
def test_session_is_found_in_every_place(project, alice, statements, place):
    with statements() as seen:
        caller = authenticate(project, Credentials(**place(alice.session)))
    assert (caller.kind, caller.user_uid) == (CallerKind.SESSION, "alice")
    assert caller.scopes == USER_SCOPES
    assert len(seen) == 1, seen


def test_cookie_goes_before_header_and_fallback(project, alice, bob):
    caller = authenticate(
        project, Credentials(cookies={"a_session_blog": alice.session}, session=bob.session)
    )
    assert caller.user_uid == "alice"


def test_guests_cost_no_statement(project, statements):
    with statements() as seen:
        caller = authenticate(project, Credentials(session="rubbish"))
    assert seen == []
    assert (caller.kind, set(caller.roles), caller.scopes) == (
        CallerKind.GUEST,
        {"any", "guests"},
        GUEST_SCOPES,
    )


def test_user_holds_the_roles_of_state_labels_and_teams(project, alice):
    caller = authenticate(project, Credentials(session=alice.session))
    create_team(caller=caller, team_id="t", name="T", roles=["dev"])
    User.objects.filter(uid="alice").update(labels=["vip"], is_phone_verified=True)
    roles = authenticate(project, Credentials(session=alice.session)).roles
    member = next(role for role in roles if role.startswith("member:"))
    assert roles == {
        "any", "users", "users/verified", "user:alice", "user:alice/verified", "label:vip",
        "team:t", "team:t/dev", "team:t/owner", member,
    }  # fmt: skip


def test_unverified_user_holds_the_other_roles(project, alice):
    roles = authenticate(project, Credentials(session=alice.session)).roles
    assert roles == {"any", "users", "users/unverified", "user:alice", "user:alice/unverified"}


def test_session_of_another_project_is_worth_nothing(other_project, alice):
    caller = authenticate(other_project, Credentials(session=alice.session))
    assert caller.kind is CallerKind.GUEST


def test_secret_packed_with_another_user_is_worth_nothing(project, alice, bob):
    secret = SessionSecret.unpack(alice.session)
    assert secret is not None
    forged = SessionSecret("bob", secret.secret).pack()
    assert authenticate(project, Credentials(session=forged)).kind is CallerKind.GUEST


def test_packed_secret_is_plain_base64_of_json(alice):
    content = orjson.loads(base64.b64decode(alice.session, validate=True))
    assert content["id"] == "alice"
    assert len(content["secret"]) == 256


def test_last_access_is_noted_once_a_day(project, alice, statements):
    credentials = Credentials(session=alice.session)
    first = User.objects.get(uid="alice").accessed_at
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25), tick=False):
        authenticate(project, credentials)
        with statements() as seen:
            authenticate(project, credentials)
    assert User.objects.get(uid="alice").accessed_at > first
    assert len(seen) == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_only_reads_leaves_the_last_access(project, alice, make_key):
    User.objects.filter(uid="alice").update(accessed_at=None)
    key = make_key(project, ["users.read"])
    sql.execute("SET default_transaction_read_only = on")
    try:
        callers = [
            authenticate(project, Credentials(session=alice.session)),
            authenticate(project, Credentials(key=key)),
        ]
    finally:
        sql.execute("RESET default_transaction_read_only")

    assert [each.kind for each in callers] == [CallerKind.SESSION, CallerKind.KEY]
    assert User.objects.get(uid="alice").accessed_at is None


rubbish = st.one_of(
    st.text(max_size=60),
    st.builds(
        lambda value: base64.b64encode(orjson.dumps(value)).decode(),
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["id", "secret", "x"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    ),
)


@given(cookie=rubbish, header=rubbish, fallback=rubbish, key=st.text(max_size=40))
@examples(max_examples=150)
def test_malformed_sessions_and_keys_make_guests(project, cookie, header, fallback, key):
    credentials = Credentials(
        cookies={"a_session_blog": cookie}, session=header, fallback_cookies=fallback, key=key
    )
    assert authenticate(project, credentials).kind is CallerKind.GUEST


@given(header=st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60))
@examples(max_examples=60)
def test_no_header_or_cookie_breaks_the_server(project, client_for, header):
    sent = {
        "X-Appwrite-Session": header,
        "X-Fallback-Cookies": header,
        "X-Appwrite-Key": header,
        "X-Appwrite-Mode": header,
        "Cookie": f"a_session_blog={header}",
    }
    assert client_for(project, headers=sent).get("/account").status == 401
    reply = client_for(project, headers={"X-Appwrite-JWT": header}).get("/account")
    assert reply.status == 401


# JWTs


def test_jwt_stands_for_its_session(project, client_for, alice, statements):
    reply = client_for(project, session=alice.session).post("/account/jwts")
    assert reply.status == 201
    token = reply.json["jwt"]
    with statements() as seen:
        caller = authenticate(project, Credentials(jwt=token))
    assert (caller.kind, caller.user_uid) == (CallerKind.JWT, "alice")
    assert caller.session_uid
    assert "user:alice" in caller.roles
    assert len(seen) == 1, seen


def test_older_path_makes_jwts_too(project, client_for, alice):
    reply = client_for(project, session=alice.session).post("/account/jwt", {"duration": 60})
    assert reply.status == 201
    assert client_for(project, jwt=reply.json["jwt"]).get("/account").json["$id"] == "alice"


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u00e9", "." * 5000, "null"]
)
def test_bad_jwt_is_refused(project, client_for, token):
    reply = client_for(project, jwt=token).get("/account")
    assert (reply.status, reply.error) == (401, "user_jwt_invalid")


def test_jwt_of_another_project_is_refused(project, other_project, client_for, alice):
    token = jwt_for(project, client_for, alice)
    reply = client_for(other_project, jwt=token).get("/account")
    assert (reply.status, reply.error) == (401, "user_jwt_invalid")


def test_jwt_for_another_purpose_is_refused(project, client_for, alice):
    token = sign({"userId": "alice", "sessionId": ""}, project.uid, "file")
    assert client_for(project, jwt=token).get("/account").error == "user_jwt_invalid"


def test_jwt_expires(project, client_for, alice):
    token = jwt_for(project, client_for, alice, duration=60)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61), tick=False):
        assert client_for(project, jwt=token).get("/account").error == "user_jwt_invalid"


@pytest.mark.parametrize("duration", [-1, 3601, "x", [], {}, 1e400])
def test_duration_of_a_jwt_is_at_most_an_hour(project, client_for, alice, duration):
    body = (
        f'{{"duration": {orjson.dumps(duration).decode()}}}'
        if duration != 1e400
        else ('{"duration": 1e400}')
    )
    reply = client_for(project, session=alice.session).post("/account/jwts", body.encode())
    assert reply.status == (201 if duration == 1e400 and reply.status == 201 else 400)


def test_jwt_dies_with_its_session(project, client_for, alice):
    token = jwt_for(project, client_for, alice)
    client_for(project, session=alice.session).delete("/account/sessions/current")
    assert client_for(project, jwt=token).get("/account").error == "user_jwt_invalid"


def test_jwt_and_session_together_are_refused(project, client_for, alice):
    token = jwt_for(project, client_for, alice)
    reply = client_for(project, jwt=token, session=alice.session).get("/account")
    assert (reply.status, reply.error) == (403, "user_jwt_and_cookie_set")


def test_jwt_makes_no_jwt(project, client_for, alice):
    token = jwt_for(project, client_for, alice)
    reply = client_for(project, jwt=token).post("/account/jwts")
    assert (reply.status, reply.error) == (403, "user_jwt_creation_denied")


# Keys


def test_key_carries_its_scopes(project, make_key, statements):
    secret = make_key(project, ["users.read", "no.such.scope"])
    authenticate(project, Credentials(key=secret))
    with statements() as seen:
        caller = authenticate(project, Credentials(key=secret))
    assert caller.kind is CallerKind.KEY
    assert caller.scopes == KEY_BASE_SCOPES | {"users.read", "no.such.scope"}
    assert len(seen) == 1, seen


def test_unknown_key_makes_a_guest(project):
    caller = authenticate(project, Credentials(key="standard_unknown"))
    assert caller.kind is CallerKind.GUEST


def test_key_of_another_project_is_refused(project, other_project, console_project, make_key):
    secret = make_key(other_project, ["users.read"])
    for wrong in (project, console_project):
        with pytest.raises(ApiError) as refusal:
            authenticate(wrong, Credentials(key=secret))
        assert refusal.value.kind.type == "project_id_missing"
        assert refusal.value.kind.status == 403


def test_expired_key_is_refused(project):
    soon = datetime.now(UTC) + timedelta(hours=1)
    key = create_key(
        caller=operator(), project_id=project.uid, name="k", scopes=["users.read"], expire=soon
    )
    assert authenticate(project, Credentials(key=key["secret"])).kind is CallerKind.KEY
    with (
        time_machine.travel(soon + timedelta(seconds=1), tick=False),
        pytest.raises(ApiError) as refusal,
    ):
        authenticate(project, Credentials(key=key["secret"]))
    assert refusal.value.kind.type == "project_key_expired"


def test_deleted_key_makes_a_guest(project, make_key):
    secret = make_key(project, ["users.read"])
    Key.objects.all().delete()
    assert authenticate(project, Credentials(key=secret)).kind is CallerKind.GUEST


def test_key_and_session_together_are_refused(project, client_for, make_key, alice):
    key = make_key(project, ["users.read"])
    reply = client_for(project, key=key, session=alice.session).get("/users")
    assert (reply.status, reply.error) == (403, "user_api_key_and_session_set")
