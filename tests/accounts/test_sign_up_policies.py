"""Which mail addresses a project takes, and passwords that grow too old for it."""

from datetime import timedelta

import pytest

from accounts.models import Session, User
from kernel import clock
from tests.accounts.identity_provider import Person
from tests.accounts.mailbox import newest_code
from tests.accounts.oauth import error_of
from tests.accounts.policies import set_policy
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.db, pytest.mark.django_db]

DAY = 86_400
NEW_PASSWORD = "an entirely new password"
COMPANY, FREE, THROW_AWAY = "me@example.com", "me@gmail.com", "me@mailinator.com"
DISPOSABLE, ALIASED = "user_email_disposable", "user_email_not_canonical"
NO_FREE, CORPORATE = "user_email_free", "user_email_not_corporate"


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["users.write", "teams.write"]))


# Kinds of addresses


@pytest.mark.parametrize(
    ("kind", "error", "refused", "taken"),
    [
        (
            "disposable",
            DISPOSABLE,
            [THROW_AWAY, "me@MAILINATOR.com", "me@in.mailinator.com"],
            [COMPANY, FREE, "me@mailinator.example.com", "mailinator.com@example.com"],
        ),
        (
            "aliased",
            ALIASED,
            ["me+shop@example.com", "m.e@gmail.com", "me@googlemail.com", "me-shop@yahoo.co.uk"],
            [COMPANY, FREE, "m.e@example.com", "me-shop@example.com"],
        ),
        ("free", NO_FREE, [FREE, "me@proton.me", "me@web.de"], [COMPANY, "gmail.com@example.org"]),
        ("corporate", CORPORATE, [FREE, THROW_AWAY], [COMPANY, "me@sub.example.org"]),
    ],
)
def test_kinds_of_addresses_are_refused_where_the_project_says(
    project, guest, server, events, kind, error, refused, taken
):
    set_policy(project, f"deny-{kind}-email", enabled=True)
    events.clear()
    for address in refused:
        body = {"userId": "unique()", "email": address, "password": PASSWORD}
        reply = guest.post("/account", body)
        assert (reply.status, reply.error) == (400, error), address
    assert events.names() == []
    for number, address in enumerate(taken):
        reply = server.post("/users", {"userId": f"user{number}", "email": address})
        assert reply.status == 201, address


def test_all_kinds_are_taken_where_the_project_does_not_ask(server):
    for number, address in enumerate([COMPANY, FREE, THROW_AWAY, "m.e+x@gmail.com"]):
        assert server.post("/users", {"userId": f"u{number}", "email": address}).status == 201


def test_every_way_to_get_an_address_is_held_to_it(
    project, client_for, guest, server, alice, idp, browser
):
    set_policy(project, "deny-disposable-email", enabled=True)
    own = client_for(project, session=alice.session)
    change = {"email": THROW_AWAY, "password": PASSWORD}
    before = list(User.objects.order_by("id").values())
    hashed = {"userId": "made", "email": THROW_AWAY, "password": "0" * 32}
    server.post("/teams", {"teamId": "band", "name": "Band"})
    for client, verb, path, body in [
        (guest, "POST", "/account", {"userId": "made", **change}),
        (guest, "POST", "/account/tokens/email", {"userId": "made", "email": THROW_AWAY}),
        (guest, "POST", "/account/tokens/magic-url", {"userId": "made", "email": THROW_AWAY}),
        (own, "PATCH", "/account/email", change),
        (server, "POST", "/users", {"userId": "made", "email": THROW_AWAY}),
        (server, "POST", "/users/md5", hashed),
        (server, "PATCH", "/users/alice/email", {"email": THROW_AWAY}),
        (server, "POST", "/teams/band/memberships", {"email": THROW_AWAY, "roles": []}),
    ]:
        reply = client.call(verb, path, body)
        assert (reply.status, reply.error) == (400, DISPOSABLE), (path, reply.json)
    back = browser.sign_in(idp, Person(sub="1", email=THROW_AWAY))
    assert error_of(back) == DISPOSABLE
    assert list(User.objects.order_by("id").values()) == before


def test_a_provider_gives_no_such_address_to_an_unnamed_user(project, client_for, idp, browser):
    set_policy(project, "deny-disposable-email", enabled=True)
    unnamed = client_for(project).post("/account/sessions/anonymous")
    browser.cookies |= {name: each.value for name, each in unnamed.cookies.items()}
    assert error_of(browser.sign_in(idp, Person(sub="1", email=THROW_AWAY))) == DISPOSABLE
    assert User.objects.get().email is None


def test_who_came_before_the_policy_goes_on_signing_in(project, guest, server):
    server.post("/users", {"userId": "early", "email": THROW_AWAY, "password": PASSWORD})
    set_policy(project, "deny-disposable-email", enabled=True)
    login = {"email": THROW_AWAY, "password": PASSWORD}
    assert guest.post("/account/sessions/email", login).status == 201
    asked = {"userId": "other", "email": THROW_AWAY}
    assert guest.post("/account/tokens/email", asked).json["userId"] == "early"
    assert server.patch("/users/early/email", {"email": ""}).status == 200


# The age of passwords


def grown(seconds):
    chosen_at = clock.now() - timedelta(seconds=seconds)
    User.objects.update(password_updated_at=chosen_at)


def sign_in(guest, alice, password=PASSWORD):
    login = {"email": alice.email, "password": password}
    return guest.post("/account/sessions/email", login)


def test_a_password_too_old_lets_nobody_in_until_it_is_recovered(
    project, client_for, guest, alice, jobs
):
    grown(2 * DAY)
    assert sign_in(guest, alice).status == 201
    set_policy(project, "password-rotation", enabled=True, maxAge=DAY)
    sessions = Session.objects.count()
    refused = sign_in(guest, alice)
    assert (refused.status, refused.error) == (412, "user_password_reset_required")
    assert sign_in(guest, alice, "wrong password").error == "user_invalid_credentials"
    assert Session.objects.count() == sessions
    assert client_for(project, session=alice.session).get("/account").status == 200
    for password, status in [(PASSWORD, 400), (NEW_PASSWORD, 200)]:
        alias = guest.post("/account/recovery/otp", {"email": alice.email}).json["userId"]
        jobs()
        proof = {"userId": alias, "secret": newest_code(), "password": password}
        assert guest.put("/account/recovery/otp", proof).status == status
    assert sign_in(guest, alice, NEW_PASSWORD).status == 201
    assert User.objects.get().former_passwords == []


def test_a_password_lasts_as_long_as_the_project_says(project, guest, alice):
    set_policy(project, "password-rotation", enabled=True)
    for age, status in [(0, 201), (364 * DAY, 201), (366 * DAY, 412)]:
        grown(age)
        assert sign_in(guest, alice).status == status, age
    User.objects.update(password_updated_at=None)
    assert sign_in(guest, alice).status == 201
    grown(366 * DAY)
    set_policy(project, "password-rotation", enabled=False)
    assert sign_in(guest, alice).status == 201


def test_other_ways_in_do_not_ask_how_old_the_password_is(project, guest, alice):
    grown(2 * DAY)
    set_policy(project, "password-rotation", enabled=True, maxAge=DAY)
    guest.post("/account/tokens/email", {"userId": "x", "email": alice.email})
    proof = {"userId": "alice", "secret": newest_code(alice.email)}
    assert guest.post("/account/sessions/token", proof).status == 201


def test_blocked_users_do_not_learn_of_the_age(project, guest, alice):
    grown(2 * DAY)
    set_policy(project, "password-rotation", enabled=True, maxAge=DAY)
    User.objects.update(is_active=False)
    assert sign_in(guest, alice).error == "user_blocked"
