"""Signing in by a provider under attack: by other pages, other people, and the provider itself."""

import base64
from datetime import timedelta

import jwt
import pytest
import time_machine

from accounts.models import Identity, OAuthFlow, Session, Token, User
from kernel import clock
from kernel.limits import OAUTH_FLOW_SECONDS, OAUTH_TOKEN_SECONDS
from projects.signing import sign
from tests.accounts.identity_provider import Person, query_of
from tests.accounts.oauth import (
    SUCCESS,
    Browser,
    configure,
    configure_oidc,
    error_of,
    told,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

UNSIGNED_HEAD = base64.urlsafe_b64encode(b'{"alg":"none"}').decode()
VICTIM = Person(sub="2002", email="victim@example.com", name="Victim")


def nothing_came_of_it(project):
    rows = (Identity.objects, Session.objects, User.objects.filter(project_id=project.id))
    return not any(each.exists() for each in rows)


# The state


def test_a_state_is_good_once(browser, idp):
    departure = browser.depart()
    cookies = dict(browser.cookies)
    sent = idp.approve(departure.headers["Location"])
    assert browser.come_back("oidc", sent).headers["Location"] == SUCCESS
    browser.cookies = cookies
    again = browser.come_back("oidc", sent)
    assert (again.status, again.error) == (400, "user_oauth2_bad_request")
    assert Session.objects.count() == 1


def test_a_state_is_over_after_a_while(browser, idp, project):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        sent = idp.approve(browser.depart().headers["Location"])
        traveller.shift(timedelta(seconds=OAUTH_FLOW_SECONDS + 1))
        assert browser.come_back("oidc", sent).error == "user_oauth2_bad_request"
    assert nothing_came_of_it(project)


@pytest.mark.parametrize("change", ["tampered", "unsigned", "invented", "empty", "of another use"])
def test_a_state_that_was_not_signed_here_is_refused(browser, idp, project, change):
    sent = idp.approve(browser.depart().headers["Location"])
    head, claims, signature = sent["state"].split(".")
    states = {
        "tampered": f"{head}.{claims[:-2]}AA.{signature}",
        "unsigned": f"{UNSIGNED_HEAD}.{claims}.",
        "invented": jwt.encode({"flow": OAuthFlow.objects.get().uid}, "x" * 32),
        "empty": "",
        "of another use": sign({"flow": OAuthFlow.objects.get().uid}, project.uid, "account"),
    }
    reply = browser.come_back("oidc", {**sent, "state": states[change]})
    assert (reply.status, reply.error) == (400, "user_oauth2_bad_request")
    assert idp.count("/token") == 0
    assert OAuthFlow.objects.exists()
    assert nothing_came_of_it(project)


def test_a_state_of_another_project_is_refused(browser, idp, project, other_project):
    configure_oidc(other_project, idp)
    sent = idp.approve(browser.depart().headers["Location"])
    stranger = Browser(other_project, dict(browser.cookies))
    reply = stranger.get("/account/sessions/oauth2/oidc/redirect", sent)
    assert reply.error == "user_oauth2_bad_request"
    assert nothing_came_of_it(project)


def test_a_state_for_another_provider_is_refused(browser, idp, project):
    configure(project, "github", clientId="c", clientSecret="s")
    sent = idp.approve(browser.depart().headers["Location"])
    assert browser.come_back("github", sent).error == "user_oauth2_bad_request"
    assert nothing_came_of_it(project)


def test_only_the_browser_that_set_out_comes_back(browser, idp, project):
    """Else an attacker could sign a victim in to an account of their own."""
    sent = idp.approve(browser.depart().headers["Location"])
    for cookies in ({}, dict.fromkeys(browser.cookies, "guessed")):
        reply = Browser(project, cookies).come_back("oidc", sent)
        assert (reply.status, reply.error) == (400, "user_oauth2_bad_request")
    other = Browser(project)
    other.depart()
    assert other.come_back("oidc", sent).error == "user_oauth2_bad_request"
    assert nothing_came_of_it(project)
    assert browser.come_back("oidc", sent).headers["Location"] == SUCCESS


def test_two_tabs_of_a_browser_do_not_disturb_each_other(browser, idp):
    first, second = browser.depart(), browser.depart(path="tokens")
    assert set(told(browser.come_back("oidc", idp.approve(second.headers["Location"]))))
    back = browser.come_back("oidc", idp.approve(first.headers["Location"]))
    assert back.headers["Location"] == SUCCESS


def test_class_09_of_two_who_come_back_by_one_state_one_is_let_in(browser, idp):
    """The row of the way there is deleted by one of them; the races of rows are run elsewhere."""
    sent = idp.approve(browser.depart().headers["Location"])
    flow = OAuthFlow.objects.get()
    assert OAuthFlow.objects.filter(id=flow.id).delete()[0] == 1
    assert browser.come_back("oidc", sent).error == "user_oauth2_bad_request"


def test_a_code_is_good_once(browser, idp, project):
    sent = idp.approve(browser.depart().headers["Location"])
    browser.come_back("oidc", sent)
    other = Browser(project)
    state = query_of(other.depart().headers["Location"])["state"]
    assert error_of(other.come_back("oidc", {**sent, "state": state})) == (
        "user_oauth2_provider_error"
    )
    assert Session.objects.count() == 1


def test_a_code_of_somebody_else_is_worth_nothing(browser, idp, project):
    """PKCE: it can be redeemed by whoever asked for it alone."""
    stolen = idp.approve(Browser(project).depart().headers["Location"], VICTIM)["code"]
    state = query_of(browser.depart().headers["Location"])["state"]
    back = browser.come_back("oidc", {"code": stolen, "state": state})
    assert error_of(back) == "user_oauth2_provider_error"
    assert nothing_came_of_it(project)


def test_a_token_is_over_after_a_minute(browser, idp, client_for, project):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        said = told(browser.sign_in(idp, path="tokens"))
        traveller.shift(timedelta(seconds=OAUTH_TOKEN_SECONDS + 1))
        reply = client_for(project).post("/account/sessions/token", said)
    assert reply.error == "user_invalid_token"
    assert "secret" not in str(Token.objects.values())
    assert said["secret"] not in str(Token.objects.values())


@pytest.mark.parametrize("name", ["code", "state", "error", "error_description", "user"])
def test_odd_parameters_of_a_callback_break_nothing(browser, idp, name):
    for odd in ("x" * 2049, "\x00", "\U0001f600", "{}", "'; DROP TABLE identity;--"):
        reply = browser.get("/account/sessions/oauth2/oidc/redirect", {name: odd})
        assert reply.status in (400, 401), (name, odd)


def test_a_callback_leads_to_this_server_alone(browser, idp, settings):
    settings.PUBLIC_URL = "https://api.example.com"
    reply = browser.get("/account/sessions/oauth2/callback/oidc/blog", {"state": "//evil"})
    start = "https://api.example.com/v1/account/sessions/oauth2/oidc/redirect?"
    assert reply.headers["Location"].startswith(start)
    assert browser.get("/account/sessions/oauth2/callback/oidc/..%2fx").status in (400, 404)


def test_a_page_of_the_provider_may_post_the_answer(browser, idp, client_for, project):
    sent = idp.approve(browser.depart().headers["Location"])
    page = client_for(project, headers={"Origin": "https://appleid.apple.com"})
    del page.headers["X-Appwrite-Project"]
    forwarded = page.post("/account/sessions/oauth2/callback/oidc/blog", sent)
    assert forwarded.status == 301
    assert "Access-Control-Allow-Origin" not in forwarded.headers
    back = browser.get(
        "/account/sessions/oauth2/oidc/redirect", query_of(forwarded.headers["Location"])
    )
    assert back.headers["Location"] == SUCCESS
    elsewhere = page.post("/account/sessions/anonymous")
    assert elsewhere.error == "general_unknown_origin"
