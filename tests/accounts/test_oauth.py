"""Signing in with an OpenID Connect provider, from the app's link to the session and back."""

import pytest

from accounts.models import Identity, OAuthFlow, Session, User
from kernel.models import OutboxEvent
from projects.models import OAuthProvider
from tests.accounts.identity_provider import CLIENT_ID, Person, query_of
from tests.accounts.oauth import FAILURE, SUCCESS, Browser, error_of, told
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_a_new_user_signs_in(browser, idp, events):
    events.clear()
    departure = browser.depart(scopes=["phone", "email"])
    assert departure.status == 301
    assert departure.headers["Cache-Control"] == "no-store"
    asked = query_of(departure.headers["Location"])
    assert departure.headers["Location"].startswith(f"{idp.base}/authorize?")
    assert asked["client_id"] == CLIENT_ID
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert set(asked["scope"].split()) == {"openid", "profile", "email", "phone"}
    assert asked["redirect_uri"].endswith("/v1/account/sessions/oauth2/callback/oidc/blog")
    assert asked["nonce"]
    (cookie,) = departure.cookies.values()
    assert (cookie["samesite"], cookie["httponly"]) == ("Lax", True)
    back = browser.come_back("oidc", idp.approve(departure.headers["Location"]))
    assert (back.status, back.headers["Location"]) == (301, SUCCESS)
    assert back.headers["Cache-Control"] == "no-store"
    assert not OAuthFlow.objects.exists()
    assert set(browser.cookies) == {"a_session_blog", "a_session_blog_legacy"}
    account = browser.account().json
    assert (account["email"], account["name"]) == ("ada@example.com", "Ada Lovelace")
    assert account["emailVerification"]
    uid, session = account["$id"], Session.objects.get()
    assert events.names() == [f"users.{uid}.create", f"users.{uid}.sessions.{session.uid}.create"]


def test_the_session_and_the_identity_tell_what_the_provider_gave(browser, idp, client_for):
    browser.sign_in(idp)
    mine = client_for(browser.project, cookies=browser.cookies)
    session = mine.get("/account/sessions/current").json
    assert_model("Session", session)
    assert (session["provider"], session["providerUid"]) == ("oidc", "1001")
    assert session["factors"] == ["oauth2"]
    assert session["providerAccessToken"] in idp.people
    assert session["providerRefreshToken"] in idp.refresh_tokens
    assert session["providerAccessTokenExpiry"]
    listed = mine.get("/account/sessions").json["sessions"]
    assert listed[0]["providerAccessToken"] == session["providerAccessToken"]
    answer = mine.get("/account/identities").json
    assert_model("IdentityList", answer)
    (identity,) = answer["identities"]
    assert identity["providerEmail"] == "ada@example.com"
    assert identity["providerAccessToken"] == session["providerAccessToken"]
    assert identity["providerIdToken"].count(".") == 2


def test_what_the_provider_gave_is_stored_encrypted_and_in_no_news(browser, idp):
    browser.sign_in(idp)
    row = Identity.objects.get()
    stored = f"{row.access_token} {row.refresh_token} {row.id_token}"
    news = [str(each.payload) for each in OutboxEvent.objects.all()]
    for token in (*idp.people, *idp.refresh_tokens):
        assert token not in stored
        assert not any(token in each for each in news)


def test_the_same_person_comes_back_to_the_same_user(browser, idp, events, project):
    browser.sign_in(idp)
    first = browser.account().json["$id"]
    events.clear()
    again = Browser(project)
    again.sign_in(idp, Person(email="ada@new.example.com", name="Ada King"))
    account = again.account().json
    assert (account["$id"], account["email"]) == (first, "ada@example.com")
    assert Identity.objects.get().provider_email == "ada@new.example.com"
    assert len(events.names()) == 1
    assert User.objects.filter(project_id=project.id).count() == 1


def test_a_token_signs_in_once(browser, idp, client_for, project):
    back = browser.sign_in(idp, path="tokens", state="of the app")
    said = told(back)
    assert back.headers["Location"].startswith(SUCCESS)
    assert set(said) == {"userId", "secret", "state"}
    assert said["state"] == "of the app"
    assert "a_session_blog" not in browser.cookies
    guest, body = client_for(project), {"userId": said["userId"], "secret": said["secret"]}
    reply = guest.post("/account/sessions/token", body)
    assert reply.status == 201
    assert_model("Session", reply.json)
    assert (reply.json["provider"], reply.json["factors"]) == ("oidc", ["oauth2"])
    assert reply.json["providerAccessToken"] in idp.people
    assert guest.post("/account/sessions/token", body).error == "user_invalid_token"


def test_a_server_sends_its_visitor_without_a_cookie(browser, idp, client_for, make_key, project):
    server = client_for(project, key=make_key(project, ["sessions.write"]))
    departure = server.get(
        "/account/tokens/oauth2/oidc", {"success": SUCCESS, "failure": FAILURE, "state": "mine"}
    )
    assert departure.status == 301
    assert not departure.cookies
    back = browser.come_back("oidc", idp.approve(departure.headers["Location"]))
    assert told(back)["state"] == "mine"
    refused = server.get("/account/tokens/oauth2/oidc", {"success": SUCCESS, "failure": FAILURE})
    sent = idp.approve(refused.headers["Location"])
    failed = browser.come_back("oidc", {"state": sent["state"], "error": "access_denied"})
    assert error_of(failed) == "user_oauth2_unauthorized"


@pytest.mark.parametrize(
    "home", ["appwrite-callback-blog://", "appwrite-callback-blog:///home", ""]
)
def test_an_app_gets_its_session_in_its_own_url(browser, idp, client_for, home):
    back = browser.sign_in(idp, success=home, failure=home)
    url = back.headers["Location"]
    assert url.startswith(home or "appwrite-callback-blog://?")
    said = told(back)
    assert (said["key"], said["project"]) == ("a_session_blog", "blog")
    mine = client_for(browser.project, session=said["secret"])
    assert mine.get("/account").status == 200


@pytest.mark.parametrize("path", ["sessions", "tokens"])
@pytest.mark.parametrize("name", ["success", "failure"])
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://app.example.com.evil.example.com/",
        "https://app.example.com@evil.example.com/",
        "https://evil.example.com\\@app.example.com/",
        "//evil.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "exp://evil.example.com/",
        "appwrite-callback-shop://",
        "https://app.example.com/\r\nSet-Cookie: a=b",
        "x" * 3000,
        "nowhere",
    ],
)
def test_nobody_is_led_elsewhere(browser, idp, path, name, url):
    reply = browser.depart(path=path, **{name: url})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert f"`{name}`" in reply.json["message"]
    assert not OAuthFlow.objects.exists()


def test_a_provider_has_to_be_known_offered_and_enabled(project, browser, idp):
    assert browser.depart("nobody").error == "general_argument_invalid"
    assert browser.depart("paypal").error == "project_provider_unsupported"
    reply = browser.depart("github")
    assert (reply.status, reply.error) == (412, "project_provider_disabled")


def test_a_provider_that_is_switched_off_meanwhile_lets_nobody_in(project, browser, idp):
    departure = browser.depart()
    sent = idp.approve(departure.headers["Location"])
    OAuthProvider.objects.update(is_enabled=False)
    assert error_of(browser.come_back("oidc", sent)) == "project_provider_disabled"
    assert idp.count("/token") == 0


def test_refusals_reach_the_failure_url(browser, idp, events):
    events.clear()
    departure = browser.depart()
    sent = idp.approve(departure.headers["Location"])
    refusal = {"state": sent["state"], "error": "access_denied", "error_description": "She said no"}
    back = browser.come_back("oidc", refusal)
    assert error_of(back) == "user_oauth2_unauthorized"
    assert "She said no" in told(back)["error"]
    assert events.names() == []
    assert "a_session_blog" not in browser.cookies


def test_without_a_failure_url_the_error_is_the_answer(browser, idp):
    sent = idp.approve(browser.depart(failure="").headers["Location"])
    reply = browser.come_back("oidc", {"state": sent["state"]})
    assert (reply.status, reply.error) == (401, "user_oauth2_unauthorized")


def test_blocked_users_stay_out(browser, idp, project):
    browser.sign_in(idp)
    User.objects.filter(project_id=project.id).update(is_active=False)
    assert error_of(Browser(project).sign_in(idp)) == "user_blocked"
    assert Session.objects.count() == 1


def test_renewing_a_session_renews_the_providers_tokens(browser, idp, client_for, project):
    browser.sign_in(idp)
    mine = client_for(project, cookies=browser.cookies)
    before = mine.get("/account/sessions/current").json
    after = mine.patch("/account/sessions/current").json
    assert_model("Session", after)
    assert after["providerAccessToken"] != before["providerAccessToken"]
    assert after["providerAccessToken"] in idp.people
    assert after["providerRefreshToken"] in idp.refresh_tokens
    assert mine.get("/account/sessions/current").json["providerAccessToken"] in idp.people


def test_a_provider_that_renews_nothing_leaves_things_as_they_were(
    browser, idp, client_for, project
):
    browser.sign_in(idp)
    mine = client_for(project, cookies=browser.cookies)
    before = mine.get("/account/sessions/current").json
    idp.refresh_tokens.clear()
    after = mine.patch("/account/sessions/current")
    assert after.status == 200
    assert after.json["providerAccessToken"] == before["providerAccessToken"]


def test_identities_are_unlinked_by_their_owner_and_by_servers(
    browser, idp, client_for, make_key, project, events
):
    browser.sign_in(idp)
    mine = client_for(project, cookies=browser.cookies)
    server = client_for(project, key=make_key(project, ["users.read", "users.write"]))
    listed = server.get("/users/identities", {"search": "1001"}).json
    assert_model("IdentityList", listed)
    uid, user = listed["identities"][0]["$id"], listed["identities"][0]["userId"]
    events.clear()
    assert mine.delete(f"/account/identities/{uid}").status == 204
    (event,) = events.all()
    assert event.name == f"users.{user}.identities.{uid}.delete"
    assert (event.roles, event.payload["providerAccessToken"]) == ([f"user:{user}"], "")
    assert mine.delete(f"/account/identities/{uid}").error == "user_identity_not_found"
    session = mine.get("/account/sessions/current").json
    assert (session["provider"], session["providerAccessToken"]) == ("oidc", "")
    Browser(project).sign_in(idp)
    again = server.get("/users/identities").json["identities"][0]
    assert again["userId"] == user  # by the verified address
    assert server.delete(f"/users/identities/{again['$id']}").status == 204
    assert server.get("/users/identities").json == {"total": 0, "identities": []}


def test_nobody_unlinks_the_identity_of_another(browser, idp, client_for, project, alice):
    browser.sign_in(idp)
    uid = Identity.objects.get().uid
    hers = client_for(project, session=alice.session)
    assert hers.get("/account/identities").json == {"total": 0, "identities": []}
    assert hers.delete(f"/account/identities/{uid}").error == "user_identity_not_found"


def test_a_deleted_user_is_a_new_one_the_next_time(browser, idp, client_for, make_key, project):
    browser.sign_in(idp)
    first = browser.account().json["$id"]
    server = client_for(project, key=make_key(project, ["users.write"]))
    assert server.delete(f"/users/{first}").status == 204
    again = Browser(project)
    assert again.sign_in(idp).headers["Location"] == SUCCESS
    assert again.account().json["$id"] != first


def test_an_address_of_an_identity_is_no_address_to_sign_up_with(
    browser, idp, client_for, make_key, project
):
    browser.sign_in(idp)
    user = browser.account().json["$id"]
    server = client_for(project, key=make_key(project, ["users.write"]))
    server.patch(f"/users/{user}/email", {"email": "new@example.com"})
    body = {"userId": "eve", "email": "ada@example.com", "password": "correct horse battery"}
    reply = client_for(project).post("/account", body)
    assert (reply.status, reply.error) == (400, "general_bad_request")
