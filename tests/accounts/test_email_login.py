"""Signing in by a link or a code that comes by mail."""

import html
import re
from datetime import timedelta

import pytest
import time_machine

from accounts.models import Mail, Session, Token, User
from kernel import clock
from projects.services import create_platform, drop_project, find_project, operator
from tests.accounts.mailbox import newest_code, newest_link, newest_text
from tests.client import browser
from tests.conftest import PASSWORD
from tests.reference import assert_model

APP = "https://app.example.com/in"
KINDS = ["magic-url", "email"]


@pytest.fixture
def site(project):
    """The project with a platform."""
    create_platform(
        caller=operator(),
        project_id=project.uid,
        platform_id="app",
        platform_type="web",
        name="App",
        hostname="app.example.com",
    )
    drop_project()
    return find_project(project.uid)


@pytest.fixture
def guest(site, client_for):
    return client_for(site)


@pytest.fixture
def server(site, client_for, make_key):
    return client_for(site, key=make_key(site, ["sessions.write", "users.read"]))


def ask(client, kind, email="new@example.com", **sent):
    body = {"userId": "new", "email": email, **({"url": APP} if kind == "magic-url" else {})}
    return client.post(f"/account/tokens/{kind}", body | sent)


def newest_secret(kind):
    return newest_link()[1]["secret"] if kind == "magic-url" else newest_code()


def redeem(client, secret, user="new"):
    return client.post("/account/sessions/token", {"userId": user, "secret": secret})


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_address_becomes_a_user_who_signs_in_by_mail(guest, events, kind):
    asked = ask(guest, kind, email="New@example.com")
    assert asked.status == 201
    assert_model("Token", asked.json)
    assert (asked.json["userId"], asked.json["secret"], asked.json["phrase"]) == ("new", "", "")
    assert events.names() == ["users.new.create"]
    user = User.objects.get(uid="new")
    assert (user.email, user.is_email_verified, user.password) == ("new@example.com", False, "")
    assert Mail.objects.get().recipient == "new@example.com"
    events.clear()
    opened = redeem(guest, newest_secret(kind))
    assert opened.status == 201
    assert_model("Session", opened.json)
    assert (opened.json["provider"], opened.json["factors"]) == (kind, ["email"])
    assert events.names() == [
        "users.new.update.verification",
        f"users.new.sessions.{opened.json['$id']}.create",
    ]
    user.refresh_from_db()
    assert user.is_email_verified


def test_link_holds_what_the_app_needs(guest):
    asked = ask(guest, "magic-url", url=f"{APP}?next=%2Fhome&userId=eve#top").json
    place, query = newest_link()
    assert place == APP
    assert query == {
        "next": "/home",
        "userId": "new",
        "secret": query["secret"],
        "expire": asked["expire"],
        "project": "blog",
    }
    assert len(query["secret"]) == 64
    assert newest_text().count("#top") == 1


def test_code_has_six_digits_and_is_kept_as_a_digest(guest):
    ask(guest, "email")
    token = Token.objects.get()
    assert token.tries_left == 5
    assert newest_code().encode() not in bytes(token.digest)
    assert (token.expires_at - token.created_at) == timedelta(minutes=15)


@pytest.mark.parametrize("kind", KINDS)
def test_known_address_signs_in_its_own_user(guest, alice, kind):
    asked = ask(guest, kind, email=alice.email)
    assert asked.json["userId"] == "alice"
    assert redeem(guest, newest_secret(kind), user="alice").json["userId"] == "alice"
    assert User.objects.count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_taken_id_is_refused_for_another_address(guest, alice, kind):
    assert ask(guest, kind, userId="alice").error == "user_already_exists"
    assert not Mail.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_server_reads_the_secret_and_sends_it_itself(server, kind):
    secret = ask(server, kind).json["secret"]
    assert secret == newest_secret(kind)
    opened = redeem(server, secret)
    assert opened.json["secret"] != ""


@pytest.mark.parametrize("kind", KINDS)
def test_phrase_stands_on_the_page_and_in_the_mail(guest, kind):
    phrase = ask(guest, kind, phrase=True).json["phrase"]
    assert len(phrase.split()) == 2
    assert phrase in newest_text()


def test_older_paths_of_the_link_work(guest):
    body = {"userId": "unique()", "email": "new@example.com", "url": APP}
    asked = guest.post("/account/sessions/magic-url", body)
    assert asked.status == 201
    proof = {"userId": asked.json["userId"], "secret": newest_link()[1]["secret"]}
    opened = guest.put("/account/sessions/magic-url", proof)
    assert (opened.status, opened.json["provider"]) == (201, "magic-url")
    assert guest.put("/account/sessions/magic-url", proof).error == "user_invalid_token"


@pytest.mark.parametrize("kind", KINDS)
def test_class_10_secret_of_a_mail_works_once_and_not_for_long(guest, kind):
    ask(guest, kind)
    secret = newest_secret(kind)
    with time_machine.travel(clock.now() + timedelta(seconds=3601), tick=False):
        assert redeem(guest, secret).error == "user_invalid_token"
    ask(guest, kind)
    secret = newest_secret(kind)
    assert redeem(guest, secret).status == 201
    assert redeem(guest, secret).error == "user_invalid_token"


def test_code_bears_five_wrong_guesses(guest):
    ask(guest, "email")
    for _ in range(5):
        assert redeem(guest, "wrong!").error == "user_invalid_token"
    assert redeem(guest, newest_code()).error == "user_invalid_token"


@pytest.mark.parametrize("kind", KINDS)
def test_secret_dies_with_the_address_it_went_to(guest, alice, client_for, site, kind):
    ask(guest, kind, email=alice.email)
    own = client_for(site, session=alice.session)
    own.patch("/account/email", {"email": "moved@example.com", "password": PASSWORD})
    assert redeem(guest, newest_secret(kind), user="alice").error == "user_invalid_token"


@pytest.mark.parametrize("kind", KINDS)
def test_class_01_password_set_before_the_address_was_proved_opens_nothing(
    site, guest, alice, client_for, kind
):
    """Whoever signs up with another's address must not share the account with them."""
    attacker = client_for(site, session=alice.session)
    ask(guest, kind, email=alice.email)
    owner = redeem(guest, newest_secret(kind), user="alice")
    assert owner.status == 201
    assert attacker.get("/account").error == "general_unauthorized_scope"
    body = {"email": alice.email, "password": alice.password}
    assert guest.post("/account/sessions/email", body).error == "user_invalid_credentials"
    assert Session.objects.count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_proved_address_keeps_its_password(guest, alice, kind):
    User.objects.update(is_email_verified=True)
    ask(guest, kind, email=alice.email)
    assert redeem(guest, newest_secret(kind), user="alice").status == 201
    body = {"email": alice.email, "password": alice.password}
    assert guest.post("/account/sessions/email", body).status == 201


@pytest.mark.parametrize("kind", KINDS)
def test_blocked_user_is_told_so_only_with_the_secret(guest, alice, kind):
    User.objects.update(is_active=False)
    assert ask(guest, kind, email=alice.email).status == 201
    assert redeem(guest, newest_secret(kind), user="alice").error == "user_blocked"


@pytest.mark.parametrize("kind", KINDS)
def test_console_is_not_entered_by_mail(console_project, client_for, kind):
    reply = ask(client_for(console_project), kind, url="http://localhost/in")
    assert (reply.status, reply.error) == (501, "user_auth_method_unsupported")
    assert not User.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_class_08_mail_goes_to_the_stored_address_alone(guest, alice, kind):
    assert ask(guest, kind, email="al\u0131ce@example.com").status == 400
    assert ask(guest, kind, email="ALICE@EXAMPLE.COM").json["userId"] == "alice"
    assert [mail.recipient for mail in Mail.objects.all()] == ["alice@example.com"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/in",
        "https://app.example.com.evil.example/",
        "https://app.example.com@evil.example/",
        "https://evil.example\\@app.example.com/",
        "https://app.example.com\\.evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "exp://192.168.0.7:8081",
        "mailto:eve@example.com",
        "/relative",
        "not a url",
        "https://app.example.com/\r\nX: y",
        "https://" + "a" * 2050,
        {},
        True,
    ],
)
def test_class_07_link_leads_to_places_of_the_project_alone(guest, url):
    reply = ask(guest, "magic-url", url=url)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert not Mail.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com",
        "http://app.example.com:3000/in",
        "http://localhost:3000/",
        "appwrite-callback-blog://in",
    ],
)
def test_link_may_lead_to_platforms_and_to_the_server_itself(guest, url):
    assert ask(guest, "magic-url", url=url).status == 201


@pytest.mark.parametrize("sent", [{}, {"url": ""}])
def test_without_a_url_the_link_leads_to_a_page_that_opens_the_app(guest, settings, sent):
    settings.PUBLIC_URL = "https://api.example.com"
    body = {"userId": "new", "email": "new@example.com"} | sent
    assert guest.post("/account/tokens/magic-url", body).status == 201
    page, told = newest_link()
    assert (page, told["project"]) == ("https://api.example.com/auth/magic-url", "blog")
    shown = browser().get("/auth/magic-url", told)
    assert (shown.status_code, shown.headers["Cache-Control"]) == (200, "no-store")
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    links = re.findall(r'href="([^"]+)"', html.unescape(shown.text))
    assert [link.partition("?")[0] for link in links] == ["appwrite-callback-blog://"]
    assert f"userId=new&secret={told['secret']}" in links[0]
    # Looking at the page, as scanners of mails do, uses nothing up.
    proof = {"userId": "new", "secret": told["secret"]}
    assert guest.post("/account/sessions/token", proof).status == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"project": ""},
        {"project": "a b"},
        {"project": "//evil.example?"},
        {"project": "javascript:alert(1)//"},
        {"secret": ""},
        {"userId": ""},
    ],
)
def test_class_44_a_page_opens_no_more_than_the_app_of_a_project(db, changes):
    told = {"project": "blog", "userId": "u", "secret": "s", "expire": "e"}
    shown = browser().get("/auth/magic-url", told | changes)
    assert (shown.status_code, "href" in shown.text) == (400, False)
    marked = browser().get("/auth/magic-url", told | {"secret": '"><script>{{ link }}'})
    assert "<script" not in marked.text
    assert browser().post("/auth/magic-url", told).status_code == 405


@pytest.mark.parametrize(
    "header",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Referer": "https://evil.example/"},
        {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https"},
        {"X_Forwarded_Server": "evil.example", "X_Original_Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
    ],
)
def test_class_07_headers_do_not_choose_the_host_of_a_link(guest, settings, header):
    settings.PUBLIC_URL, settings.TRUSTED_PROXIES = "https://api.example.com", 1
    for sent, place in [({"url": APP}, APP), ({}, "https://api.example.com/auth/magic-url")]:
        body = {"userId": "unique()", "email": "new@example.com"} | sent
        reply = guest.post("/account/tokens/magic-url", body, **header)
        if reply.status == 201:
            assert newest_link()[0] == place
            assert "evil.example" not in newest_text()
        else:
            assert header.keys() <= {"Host", "Origin", "Referer"}
            assert not Mail.objects.exists()


@pytest.mark.parametrize(("kind", "limit"), [("magic-url", 60), ("email", 10)])
def test_class_12_address_gets_so_many_mails_an_hour(guest, limits, kind, limit):
    for number in range(limit):
        assert ask(guest, kind, extra=number).status == 201
    over = ask(guest, kind, email=" NEW@example.com")
    assert over.status == 429
    assert Mail.objects.count() == limit
