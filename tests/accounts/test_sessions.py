"""Sign in, list and end sessions."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import Session, User
from accounts.passwords import Argon2Hasher
from projects.services import create_platform, operator, update_settings
from tests.accounts.counting import until_commit
from tests.conftest import PASSWORD
from tests.reference import assert_model

EMAIL_PATH = "/account/sessions/email"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/16.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def credentials(alice):
    return {"email": alice.email, "password": alice.password}


@pytest.fixture
def me(project, client_for, alice):
    return client_for(project, session=alice.session)


@pytest.mark.parametrize("path", [EMAIL_PATH, "/account/sessions"])
def test_sign_in_sets_the_cookie_pair_and_hides_the_secret(
    project, client_for, credentials, events, path
):
    events.clear()
    reply = client_for(project).post(path, credentials, User_Agent=SAFARI)
    assert reply.status == 201
    assert_model("Session", reply.json)
    assert (reply.json["secret"], reply.json["current"]) == ("", True)
    assert (reply.json["provider"], reply.json["factors"]) == ("email", ["password"])
    assert (reply.json["osName"], reply.json["clientName"]) == ("iOS", "Mobile Safari")
    cookie, legacy = reply.cookies["a_session_blog"], reply.cookies["a_session_blog_legacy"]
    assert (cookie["samesite"], legacy["samesite"]) == ("None", "")
    assert cookie["httponly"]
    assert legacy["httponly"]
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert cookie.value == legacy.value
    assert cookie["max-age"] == 365 * 24 * 3600
    uid = reply.json["$id"]
    (event,) = events.all()
    assert event.name == f"users.alice.sessions.{uid}.create"
    assert (event.roles, event.payload["secret"]) == (["user:alice"], "")
    mine = client_for(project, cookies={"a_session_blog": cookie.value})
    assert mine.get("/account").json["$id"] == "alice"


def test_only_the_digest_of_a_secret_is_stored(project, client_for, credentials):
    reply = client_for(project).post(EMAIL_PATH, credentials)
    stored = Session.objects.get(uid=reply.json["$id"])
    assert len(bytes(stored.digest)) == 32


def test_sign_in_by_key_answers_the_secret_and_no_cookie(
    project, client_for, make_key, credentials
):
    server = client_for(project, key=make_key(project, ["sessions.write"]))
    reply = server.post(EMAIL_PATH, credentials)
    assert reply.status == 201
    assert not reply.cookies
    assert client_for(project, session=reply.json["secret"]).get("/account").status == 200


def test_cookies_over_https_are_secure_and_span_the_host(
    project, client_for, credentials, settings
):
    settings.PUBLIC_URL = "https://api.example.com"
    settings.ALLOWED_HOSTS = ["api.example.com"]
    reply = client_for(project).post(EMAIL_PATH, credentials, Host="api.example.com:8443")
    cookie = reply.cookies["a_session_blog"]
    assert (cookie["secure"], cookie["domain"]) == (True, ".api.example.com")


def test_wrong_password_and_unknown_address_answer_alike(project, client_for, credentials, events):
    events.clear()
    guest = client_for(project)
    wrong = guest.post(EMAIL_PATH, credentials | {"password": "wrong password"})
    unknown = guest.post(EMAIL_PATH, credentials | {"email": "nobody@example.com"})
    assert wrong.status == unknown.status == 401
    assert wrong.json == unknown.json
    assert wrong.error == "user_invalid_credentials"
    assert events.names() == []


def test_user_without_password_cannot_sign_in_by_one(project, client_for, make_key):
    server = client_for(project, key=make_key(project, ["users.write"]))
    server.post("/users", {"userId": "blank", "email": "blank@example.com"})
    for password in ("", "        ", "no user has this password"):
        reply = client_for(project).post(
            EMAIL_PATH, {"email": "blank@example.com", "password": password}
        )
        assert reply.status in (400, 401)


def test_signed_in_users_cannot_sign_in_again(me, credentials):
    reply = me.post(EMAIL_PATH, credentials)
    assert (reply.status, reply.error) == (401, "user_session_already_exists")


def test_unverified_address_is_kept_out_where_the_project_says_so(
    project, client_for, make_key, credentials
):
    update_settings(caller=operator(), project_id=project.uid, requires_verified_email=True)
    guest = client_for(project)
    reply = guest.post(EMAIL_PATH, credentials)
    assert (reply.status, reply.error) == (400, "user_email_not_verified")
    server = client_for(project, key=make_key(project, ["users.write"]))
    server.patch("/users/alice/verification", {"emailVerification": True})
    assert guest.post(EMAIL_PATH, credentials).status == 201


def test_oldest_sessions_are_dropped_past_the_limit(project, client_for, credentials, alice):
    update_settings(caller=operator(), project_id=project.uid, session_limit=3)
    first = client_for(project, session=alice.session)
    for _ in range(2):
        client_for(project).post(EMAIL_PATH, credentials)
    assert first.get("/account/sessions").json["total"] == 3
    client_for(project).post(EMAIL_PATH, credentials)
    assert first.get("/account").status == 401
    assert Session.objects.count() == 3


def test_no_limit_of_sessions_when_it_is_zero(project, client_for, credentials):
    update_settings(caller=operator(), project_id=project.uid, session_limit=0)
    for _ in range(12):
        client_for(project).post(EMAIL_PATH, credentials)
    assert Session.objects.count() == 13


def test_session_lasts_as_long_as_the_project_says(project, client_for, credentials):
    update_settings(caller=operator(), project_id=project.uid, session_seconds=600)
    start = datetime(2030, 1, 1, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        reply = client_for(project).post(EMAIL_PATH, credentials)
        assert reply.json["expire"] == "2030-01-01T00:10:00.000+00:00"
        mine = client_for(
            project, cookies={"a_session_blog": reply.cookies["a_session_blog"].value}
        )
        clock.move_to(start + timedelta(seconds=599))
        assert mine.get("/account").status == 200
        clock.move_to(start + timedelta(seconds=600))
        assert mine.get("/account").status == 401


def test_session_is_extended(project, client_for, me, events):
    events.clear()
    before = me.get("/account/sessions/current").json
    with time_machine.travel(datetime.now(UTC) + timedelta(days=30), tick=False):
        reply = me.patch("/account/sessions/current")
        assert reply.status == 200
        assert_model("Session", reply.json)
    assert reply.json["expire"] > before["expire"]
    assert events.names() == [f"users.alice.sessions.{before['$id']}.update"]


def test_expired_session_is_gone_and_not_extended(me, project, client_for, credentials):
    other = client_for(project).post(EMAIL_PATH, credentials).json["$id"]
    Session.objects.filter(uid=other).update(expires_at=datetime.now(UTC))
    assert me.get("/account/sessions").json["total"] == 1
    assert me.get(f"/account/sessions/{other}").error == "user_session_not_found"
    assert me.patch(f"/account/sessions/{other}").error == "user_session_not_found"


def test_sessions_are_listed_with_the_current_one_marked(me, project, client_for, credentials):
    client_for(project).post(EMAIL_PATH, credentials)
    reply = me.get("/account/sessions")
    assert reply.json["total"] == 2
    for session in reply.json["sessions"]:
        assert_model("Session", session)
        assert session["secret"] == ""
    assert [session["current"] for session in reply.json["sessions"]] == [True, False]


def test_session_is_shown_by_id_or_as_current(me):
    current = me.get("/account/sessions/current").json
    assert current["current"] is True
    assert me.get(f"/account/sessions/{current['$id']}").json == current
    reply = me.get("/account/sessions/unknown")
    assert (reply.status, reply.error) == (404, "user_session_not_found")


def test_sessions_of_others_do_not_exist(me, bob, project, client_for):
    theirs = client_for(project, session=bob.session).get("/account/sessions/current").json["$id"]
    assert me.get(f"/account/sessions/{theirs}").status == 404
    assert me.patch(f"/account/sessions/{theirs}").status == 404
    assert me.delete(f"/account/sessions/{theirs}").status == 404
    assert Session.objects.count() == 2


def test_logout_ends_the_session_and_takes_the_cookies(me, events):
    events.clear()
    uid = me.get("/account/sessions/current").json["$id"]
    reply = me.delete("/account/sessions/current")
    assert (reply.status, reply.content) == (204, b"")
    assert reply.cookies["a_session_blog"]["max-age"] == 0
    assert me.get("/account").error == "general_unauthorized_scope"
    assert events.names() == [f"users.alice.sessions.{uid}.delete"]
    assert events.payloads()[0]["$id"] == uid


def test_ending_another_session_keeps_the_cookies(me, project, client_for, credentials):
    other = client_for(project).post(EMAIL_PATH, credentials).json["$id"]
    reply = me.delete(f"/account/sessions/{other}")
    assert reply.status == 204
    assert not reply.cookies
    assert me.get("/account").status == 200


def test_all_sessions_end_at_once(me, project, client_for, credentials, events):
    client_for(project).post(EMAIL_PATH, credentials)
    events.clear()
    reply = me.delete("/account/sessions")
    assert reply.status == 204
    assert reply.cookies["a_session_blog_legacy"]["max-age"] == 0
    assert Session.objects.count() == 0
    assert len(events.names()) == 2


def test_page_of_another_site_keeps_the_session_itself(project, client_for, credentials, alice):
    create_platform(
        caller=operator(),
        project_id=project.uid,
        platform_type="web",
        name="Web",
        hostname="app.test",
    )
    page = {"Origin": "https://app.test"}
    reply = client_for(project).post(EMAIL_PATH, credentials, **page)
    secret = reply.cookies["a_session_blog"].value
    assert reply.headers["X-Fallback-Cookies"] == f'{{"a_session_blog":"{secret}"}}'
    mine = client_for(project, headers={"X-Fallback-Cookies": reply.headers["X-Fallback-Cookies"]})
    assert mine.get("/account").json["$id"] == "alice"
    ended = mine.delete("/account/sessions/current", **page)
    assert ended.headers["X-Fallback-Cookies"] == "[]"


def test_page_of_the_same_site_needs_no_fallback(project, client_for, credentials):
    reply = client_for(project).post(EMAIL_PATH, credentials, Origin="http://localhost:3000")
    assert reply.status == 201
    assert "X-Fallback-Cookies" in reply.headers  # `testserver` and `localhost` are two sites
    reply = client_for(project).post(
        EMAIL_PATH, credentials, Origin="http://localhost:3000", Host="localhost:5000"
    )
    assert "X-Fallback-Cookies" not in reply.headers


def test_sign_in_takes_three_statements_and_five_more_for_its_limits(
    project, client_for, credentials, statements, settings
):
    guest = client_for(project)
    guest.get("/account")
    with statements() as seen:
        assert guest.post(EMAIL_PATH, credentials).status == 201
    assert len(until_commit(seen)) <= 3, seen
    settings.ABUSE_LIMITS = settings.GUESS_DELAYS = True
    with statements() as limited:
        assert guest.post(EMAIL_PATH, credentials).status == 201
    assert len(until_commit(limited)) <= 8, limited


def test_list_and_end_stay_within_their_statements(me, statements):
    with statements() as seen:
        me.get("/account/sessions")
    assert len(seen) <= 3, seen
    with statements() as seen:
        me.delete("/account/sessions/current")
    assert len(until_commit(seen)) <= 5, seen


def test_sign_in_renews_a_hash_of_older_parameters(project, client_for, credentials, monkeypatch):
    before = User.objects.get(uid="alice").password
    monkeypatch.setattr(Argon2Hasher, "memory_cost", 16)
    assert client_for(project).post(EMAIL_PATH, credentials).status == 201
    after = User.objects.get(uid="alice").password
    assert "m=8," in before
    assert "m=16," in after
    assert client_for(project).post(EMAIL_PATH, credentials).status == 201


def test_guessing_is_limited_per_address_over_both_paths(project, client_for, alice, limits):
    guest = client_for(project)
    wrong = {"email": alice.email, "password": "wrong password"}
    for attempt in range(10):
        path = EMAIL_PATH if attempt % 2 else "/account/sessions"
        reply = guest.post(
            path, wrong | {"email": alice.email.upper() if attempt % 3 else alice.email}
        )
        assert reply.status == 401
    reply = guest.post("/account/sessions", wrong | {"password": PASSWORD})
    assert (reply.status, reply.error) == (429, "general_rate_limit_exceeded")
    assert reply.headers["X-RateLimit-Remaining"] == "0"
    assert guest.post(EMAIL_PATH, wrong | {"email": "other@example.com"}).status == 401


def test_success_clears_the_count_of_guesses(project, client_for, alice, limits):
    guest = client_for(project)
    for _ in range(9):
        guest.post(EMAIL_PATH, {"email": alice.email, "password": "wrong password"})
    good = {"email": alice.email, "password": PASSWORD}
    assert guest.post(EMAIL_PATH, good).status == 201
    for _ in range(9):
        assert guest.post(EMAIL_PATH, good | {"password": "wrong password"}).status == 401
