"""Whose account a sign-in with a provider opens, and whose it does not."""

import pytest

from accounts.models import Identity, Session, User
from tests.accounts.identity_provider import Person
from tests.accounts.oauth import (
    FAILURE,
    SUCCESS,
    Browser,
    error_of,
)
from tests.accounts.test_oauth_attacks import VICTIM, nothing_came_of_it
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def sign_up(client, email):
    body = {"userId": "early", "email": email, "password": PASSWORD}
    assert client.post("/account", body).status == 201
    session = client.post("/account/sessions/email", body)
    return {"a_session_blog": session.cookies["a_session_blog"].value}


def test_class_01_whoever_signed_up_with_the_address_before_is_put_out(
    browser, idp, project, client_for
):
    guest = client_for(project)
    attacker = client_for(project, cookies=sign_up(guest, VICTIM.email))
    assert browser.sign_in(idp, VICTIM).headers["Location"] == SUCCESS
    account = browser.account().json
    assert (account["$id"], account["emailVerification"]) == ("early", True)
    assert attacker.get("/account").error == "general_unauthorized_scope"
    login = {"email": VICTIM.email, "password": PASSWORD}
    assert guest.post("/account/sessions/email", login).error == "user_invalid_credentials"


def test_class_01_an_identity_added_before_the_address_was_proved_is_put_out(
    browser, idp, project, client_for
):
    attacker = Browser(project, sign_up(client_for(project), VICTIM.email))
    attacker.sign_in(idp, Person(sub="666", email="", name=""))
    assert Identity.objects.get().user.uid == "early"
    assert browser.sign_in(idp, VICTIM).headers["Location"] == SUCCESS
    assert [each.provider_uid for each in Identity.objects.all()] == [VICTIM.sub]
    assert attacker.account().status == 401


def test_class_01_who_signed_up_before_is_put_out_whoever_else_is_signed_in_by_then(
    browser, idp, project, client_for
):
    """Another tab of the owner's browser may have opened a session of its own on the way."""
    guest = client_for(project)
    attacker = client_for(project, cookies=sign_up(guest, VICTIM.email))
    sent = idp.approve(browser.depart().headers["Location"], VICTIM)
    elsewhere = guest.post("/account/sessions/anonymous")
    browser.cookies |= {name: cookie.value for name, cookie in elsewhere.cookies.items()}
    assert browser.come_back("oidc", sent).headers["Location"] == SUCCESS
    assert browser.account().json["$id"] == "early"
    assert attacker.get("/account").error == "general_unauthorized_scope"
    login = {"email": VICTIM.email, "password": PASSWORD}
    assert guest.post("/account/sessions/email", login).error == "user_invalid_credentials"


@pytest.mark.parametrize("planted", ["before", "on the way"])
@pytest.mark.parametrize("path", ["sessions", "tokens"])
def test_class_01_who_signed_up_before_is_put_out_whose_cookie_the_owner_has(
    browser, idp, project, client_for, planted, path
):
    """A page can have the owner's browser signed in to the account that waits for them."""
    guest = client_for(project)
    cookies = sign_up(guest, VICTIM.email)
    attacker = Browser(project, dict(cookies))
    attacker.sign_in(idp, Person(sub="666", email="", name=""))
    cookies = dict(attacker.cookies)
    browser.cookies |= cookies if planted == "before" else {}
    sent = idp.approve(browser.depart(path=path).headers["Location"], VICTIM)
    browser.cookies |= cookies
    back = browser.come_back("oidc", sent)
    assert back.headers["Location"].startswith(SUCCESS)
    assert attacker.account().status == 401
    login = {"email": VICTIM.email, "password": PASSWORD}
    assert guest.post("/account/sessions/email", login).error == "user_invalid_credentials"
    assert [each.provider_uid for each in Identity.objects.all()] == [VICTIM.sub]
    owner = User.objects.get(uid="early")
    assert (owner.is_email_verified, owner.password) == (True, "")
    if path == "sessions":
        assert browser.account().json["$id"] == "early"


def test_who_proved_their_address_keeps_password_and_sessions_when_a_provider_is_added(
    browser, idp, project, client_for
):
    guest = client_for(project)
    cookies = sign_up(guest, VICTIM.email)
    User.objects.filter(uid="early").update(is_email_verified=True)
    other = guest.post("/account/sessions/email", {"email": VICTIM.email, "password": PASSWORD})
    browser.cookies |= cookies
    assert browser.sign_in(idp, VICTIM).headers["Location"] == SUCCESS
    assert other.status == 201
    assert set(Session.objects.values_list("provider", flat=True)) == {"email", "oidc"}
    assert User.objects.get(uid="early").password


@pytest.mark.parametrize("verified", [False, "false", None, 0, "", "no", {"a": 1}])
def test_class_01_an_unverified_address_never_links(browser, idp, project, client_for, verified):
    sign_up(client_for(project), VICTIM.email)
    User.objects.filter(uid="early").update(is_email_verified=True)
    claimed = Person(sub="666", email=VICTIM.email, is_verified=verified)
    assert error_of(browser.sign_in(idp, claimed)) == "user_email_already_exists"
    assert not Identity.objects.exists()
    assert "a_session_blog" not in browser.cookies


def test_class_01_an_unverified_address_stays_unverified(browser, idp, project):
    claimed = Person(sub="666", email=VICTIM.email, is_verified=False)
    browser.sign_in(idp, claimed)
    assert browser.account().json["emailVerification"] is False
    owner = Browser(project)
    assert owner.sign_in(idp, VICTIM).headers["Location"] == SUCCESS
    assert browser.account().status == 401  # the address was never theirs
    assert [each.provider_uid for each in Identity.objects.all()] == [VICTIM.sub]


def test_class_02_addresses_that_differ_are_refused(browser, idp, project):
    liar = Person(sub="666", email="mallory@example.com", told={"email": VICTIM.email})
    assert error_of(browser.sign_in(idp, liar)) == "user_oauth2_provider_error"
    assert nothing_came_of_it(project)


def test_class_02_user_info_about_somebody_else_is_refused(browser, idp, project):
    liar = Person(sub="666", told={"sub": VICTIM.sub})
    assert error_of(browser.sign_in(idp, liar)) == "user_oauth2_provider_error"
    assert nothing_came_of_it(project)


def test_class_02_a_verification_of_no_address_verifies_none(browser, idp):
    liar = Person(sub="666", is_verified=True, told={"email": VICTIM.email}, claims={"email": None})
    liar.told["email_verified"] = None
    browser.sign_in(idp, liar)
    assert browser.account().json["emailVerification"] is False


def test_class_19_an_address_that_passes_on_passes_no_account_on(browser, idp, project):
    """The provider gives ada's address to somebody else: her account stays hers."""
    browser.sign_in(idp)
    ada = browser.account().json["$id"]
    User.objects.filter(uid=ada).update(email="ada@elsewhere.example.com")
    heir = Browser(project)
    heir.sign_in(idp, Person(sub="1002", name="Heir"))
    assert heir.account().json["$id"] != ada


def test_class_19_whoever_is_renamed_at_the_provider_keeps_their_account(browser, idp, project):
    browser.sign_in(idp)
    renamed = Browser(project)
    renamed.sign_in(idp, Person(email="lovelace@example.com", name="Countess Lovelace"))
    assert renamed.account().json["$id"] == browser.account().json["$id"]
    assert renamed.account().json["email"] == "ada@example.com"
    assert Identity.objects.count() == 1


@pytest.mark.parametrize("password", ["", " ", "        ", "null", "None"])
def test_class_19_nobody_logs_in_to_a_providers_account_by_password(
    browser, idp, project, client_for, password
):
    browser.sign_in(idp)
    login = {"email": "ada@example.com", "password": password}
    reply = client_for(project).post("/account/sessions/email", login)
    assert reply.status in (400, 401)


def test_an_anonymous_user_becomes_a_lasting_one(browser, idp, project, client_for, events):
    anonymous = client_for(project).post("/account/sessions/anonymous")
    uid, session = anonymous.json["userId"], anonymous.json["$id"]
    browser.cookies = {name: cookie.value for name, cookie in anonymous.cookies.items()}
    events.clear()
    assert browser.sign_in(idp).headers["Location"] == SUCCESS
    account = browser.account().json
    assert (account["$id"], account["email"]) == (uid, "ada@example.com")
    assert (account["name"], account["emailVerification"]) == ("Ada Lovelace", True)
    assert not Session.objects.filter(uid=session).exists()
    new = Session.objects.get().uid
    assert events.names() == [
        f"users.{uid}.update.email",
        f"users.{uid}.sessions.{new}.create",
        f"users.{uid}.sessions.{session}.delete",
    ]


def test_an_identity_is_added_to_who_is_signed_in(browser, idp, alice):
    browser.cookies = {"a_session_blog": alice.session}
    assert browser.sign_in(idp).headers["Location"] == SUCCESS
    assert Identity.objects.get().user.uid == "alice"
    assert browser.account().json["email"] == alice.email


def test_an_identity_of_another_user_is_not_added(browser, idp, project, alice):
    browser.sign_in(idp)
    hers = Browser(project, {"a_session_blog": alice.session})
    assert error_of(hers.sign_in(idp)) == "user_already_exists"
    assert Identity.objects.get().user.uid != "alice"
    assert hers.account().json["$id"] == "alice"


def test_an_identity_with_the_address_of_another_user_is_not_added(
    browser, idp, project, alice, bob
):
    browser.cookies = {"a_session_blog": alice.session}
    assert error_of(browser.sign_in(idp, Person(email=bob.email))) == "user_already_exists"
    assert not Identity.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Referer": "https://evil.example.com/page"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Referer": "https://evil.example.com/", "Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_strangers_has_no_identity_added(browser, idp, project, alice, headers):
    """Else it could log its visitor in at the provider as the attacker, and lead them here."""
    browser.cookies = {"a_session_blog": alice.session}
    asked = {"success": SUCCESS, "failure": FAILURE}
    reply = browser.get("/account/sessions/oauth2/oidc", asked, **headers)
    assert (reply.status, reply.error) == (403, "general_unknown_origin")
    own = {"Referer": "https://app.example.com/", "Sec_Fetch_Site": "cross-site"}
    assert browser.get("/account/sessions/oauth2/oidc", asked, **own).status == 301


def test_who_signed_out_meanwhile_is_given_no_identity(browser, idp, client_for, project, alice):
    browser.cookies = {"a_session_blog": alice.session}
    sent = idp.approve(browser.depart().headers["Location"])
    assert client_for(project, session=alice.session).delete("/account/sessions").status == 204
    assert error_of(browser.come_back("oidc", sent)) == "user_unauthorized"
    assert idp.count("/token") == 0
    assert not Identity.objects.exists()
