"""Coming back from a provider many times at the same moment, on committed transactions."""

from functools import partial
from threading import BoundedSemaphore

import pytest

from accounts.models import Identity, OAuthFlow, Session, Token, User
from accounts.oauth import calls
from tests.accounts.identity_provider import Person
from tests.accounts.mailbox import newest_code
from tests.accounts.oauth import SUCCESS, Browser, error_of, told
from tests.accounts.test_proof_races import while_held
from tests.accounts.test_races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_class_09_one_of_fifty_returns_by_one_state_wins(idp, browser, project):
    sent = idp.approve(browser.depart().headers["Location"])
    path, cookies = "/account/sessions/oauth2/oidc/redirect", dict(browser.cookies)
    replies = at_once([lambda: Browser(project, dict(cookies)).get(path, sent)] * 50)
    assert sorted(reply.status for reply in replies) == [301] + [400] * 49
    assert Session.objects.count() == Identity.objects.count() == 1
    assert not OAuthFlow.objects.exists()


def test_class_09_one_of_fifty_uses_of_a_providers_token_wins(idp, browser, client_for, project):
    said = told(browser.sign_in(idp, path="tokens"))
    guest = client_for(project)
    replies = at_once([lambda: guest.post("/account/sessions/token", said)] * 50)
    assert sorted(reply.status for reply in replies) == [201] + [401] * 49
    assert Session.objects.count() == 1


def test_who_comes_for_the_first_time_twice_at_once_is_one_user(idp, project, monkeypatch):
    monkeypatch.setattr(calls, "_places", BoundedSemaphore(8))
    ways = []
    for _ in range(8):
        browser = Browser(project)
        sent = idp.approve(browser.depart().headers["Location"])
        ways.append((browser, sent))
    path = "/account/sessions/oauth2/oidc/redirect"
    replies = at_once([partial(browser.get, path, sent) for browser, sent in ways])
    assert {reply.headers["Location"] for reply in replies} == {SUCCESS}
    assert User.objects.filter(project_id=project.id).count() == 1
    assert (Identity.objects.count(), Session.objects.count()) == (1, 8)


# What was begun before, at the moment it ends

ADDRESS = "alice@example.com"
THEIRS = Person(sub="666", email="mallory@example.com")
PROOF = "UPDATE account SET is_email_verified = true"


@pytest.fixture
def early(browser, alice):
    """The browser of whoever signed up with alice's address, before she came."""
    browser.cookies[f"a_session_{browser.project.uid}"] = alice.session
    return browser


@pytest.mark.parametrize(
    "end",
    [
        "DELETE FROM session",
        "WITH proved AS (UPDATE account SET is_email_verified = true) DELETE FROM session",
        "UPDATE account SET is_active = false",
    ],
)
def test_class_01_a_link_on_its_way_ends_with_the_session_that_began_it(idp, early, end):
    sent = idp.approve(early.depart().headers["Location"], THEIRS)
    back = while_held(end, lambda: early.come_back("oidc", sent))
    assert error_of(back) == "user_unauthorized"
    assert not Identity.objects.exists()


def test_class_01_a_link_that_arrives_just_before_the_first_proof_is_undone(
    project, early, client_for
):
    guest = client_for(project)
    guest.post("/account/tokens/email", {"userId": "new", "email": ADDRESS})
    proof = {"userId": "alice", "secret": newest_code(ADDRESS)}
    linking = f"""
        WITH locked AS (SELECT id, project_id FROM account FOR NO KEY UPDATE)
        INSERT INTO identity (project_id, user_id, uid, provider, provider_uid, provider_email,
            access_token, refresh_token, id_token)
        SELECT {project.id}, id, 'theirs', 'oidc', '666', '', '', '', '' FROM locked
    """
    reply = while_held(linking, lambda: guest.post("/account/sessions/token", proof))
    assert reply.status == 201
    assert not Identity.objects.exists()
    assert early.account().status == 401


@pytest.mark.parametrize("path", ["sessions", "tokens"])
def test_class_01_who_comes_by_an_identity_as_it_goes_stays_out(idp, browser, path):
    person = Person(sub="666", email=ADDRESS, is_verified=False)
    browser.sign_in(idp, person)
    browser.cookies.clear()
    Session.objects.all().delete()
    sent = idp.approve(browser.depart(path=path).headers["Location"], person)
    gone = "DELETE FROM account_token; DELETE FROM identity"
    back = while_held(PROOF, lambda: browser.come_back("oidc", sent), then=gone)
    assert error_of(back) == "user_invalid_token"
    assert not Session.objects.exists()
    assert not Token.objects.exists()


def test_class_01_a_token_used_just_before_the_first_proof_opens_nothing(
    project, client_for, make_key
):
    server = client_for(project, key=make_key(project, ["users.write"]))
    server.post("/users", {"userId": "alice", "email": ADDRESS})
    token = server.post("/users/alice/tokens").json
    proof = {"userId": "alice", "secret": token["secret"]}
    used = partial(client_for(project).post, "/account/sessions/token", proof)
    reply = while_held(PROOF, used, then="DELETE FROM account_token")
    assert (reply.status, reply.error) == (401, "user_invalid_token")
    assert not Session.objects.exists()
