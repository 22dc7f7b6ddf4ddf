"""Coming back from a provider many times at the same moment, on committed transactions."""

from functools import partial
from threading import BoundedSemaphore

import pytest

from accounts.models import Identity, OAuthFlow, Session, User
from accounts.oauth import calls
from tests.accounts.oauth import SUCCESS, Browser, told
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
