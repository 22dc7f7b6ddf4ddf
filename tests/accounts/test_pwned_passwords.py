"""Passwords known from data breaches: what is asked of whom, and what comes of it."""

import hashlib

import pytest

from accounts import pwned
from accounts.models import User
from tests.accounts.mailbox import newest_code
from tests.accounts.policies import set_policy
from tests.conftest import PASSWORD
from tests.gateway.upstream import Upstream, plain, streamed
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

KNOWN, UNKNOWN = "known from a breach", "told to nobody at all"
PADDING = b"0018A45C4D1DEF81644B54AB7F969B88D65:0\r\n"


def digest(password):
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def leaked(*passwords):
    """Answer as the service does: unknown passwords are there as padding, with a count of none."""
    lines = [f"{digest(each)[5:]}:{count}\r\n" for count, each in enumerate(passwords, 2)]
    return plain("".join((*lines, f"{digest(UNKNOWN)[5:]}:0\r\n")).encode() + PADDING)


@pytest.fixture
def service(settings, monkeypatch):
    """A local server that stands for the one that knows of breaches."""
    server = Upstream()
    server.answer = leaked(KNOWN)
    settings.OUTBOUND_HOSTS = frozenset({"127.0.0.1"})
    settings.PWNED_PASSWORDS_URL = f"{server.url}/mirror"
    monkeypatch.setattr(pwned.pause, "until", 0.0)
    monkeypatch.setattr(pwned, "TIMEOUT_SECONDS", 60.0)  # the machine may be busy
    monkeypatch.setattr(pwned, "PAUSE_SECONDS", 3600.0)
    yield server
    server.stop()


@pytest.fixture
def guest(project, client_for):
    return client_for(project)


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["users.read", "users.write"]))


@pytest.fixture
def rule(project, service):
    def change(**fields):
        set_policy(project, "password-pwned", enabled=True, **fields)

    return change


def sign_up(guest, uid, password):
    fields = {"userId": uid, "email": f"{uid}@example.com", "password": password}
    return guest.post("/account", fields)


def sign_in(guest, uid, password):
    login = {"email": f"{uid}@example.com", "password": password}
    return guest.post("/account/sessions/email", login)


def found():
    return dict(User.objects.values_list("uid", "is_password_pwned"))


def test_nobody_is_asked_before_the_policy_is_on(project, guest, service, statements):
    set_policy(project, "password-pwned", sessions=True, users=True)
    reply = sign_up(guest, "ada", KNOWN)
    assert (reply.status, reply.json["passwordPwned"]) == (201, None)
    with statements() as plainly:
        assert sign_in(guest, "ada", KNOWN).status == 201
    assert service.requests == []
    set_policy(project, "password-pwned", enabled=True, sessions=False)
    assert sign_in(guest, "ada", KNOWN).status == 201
    with statements() as asked:
        assert sign_in(guest, "ada", KNOWN).status == 201
    assert len(asked) == len(plainly)


def test_five_digits_leave_and_what_is_found_is_noted(guest, server, rule, service):
    rule()
    for uid, password, is_known in [("ada", KNOWN, True), ("eve", UNKNOWN, False)]:
        reply = sign_up(guest, uid, password)
        assert_model("User", reply.json)
        assert reply.json["passwordPwned"] is is_known
        method, path, headers, body = service.requests.pop()
        assert (method, path, body) == ("GET", f"/mirror/range/{digest(password)[:5]}", b"")
        assert headers["Add-Padding"] == "true"
        sent = f"{path} {headers}"
        assert password not in sent
        assert digest(password)[5:] not in sent.upper()
    assert service.requests == []
    query = {"queries": ['{"method":"equal","attribute":"passwordPwned","values":[true]}']}
    assert [each["$id"] for each in server.get("/users", query).json["users"]] == ["ada"]
    made = server.post("/users", {"userId": "bea", "password": KNOWN})
    assert (made.status, made.json["passwordPwned"]) == (201, True)
    assert server.post("/users", {"userId": "cleo"}).json["passwordPwned"] is None
    changed = server.patch("/users/bea/password", {"password": ""})
    assert changed.json["passwordPwned"] is None
    assert len(service.requests) == 1


def test_known_passwords_become_nobodys_new_one(
    project, client_for, guest, server, rule, service, alice, jobs
):
    rule(users=True)
    own = client_for(project, session=alice.session)
    code = "/account/recovery/otp"
    alias = guest.post(code, {"email": alice.email}).json["userId"]
    jobs()
    proof = {"userId": alias, "secret": newest_code()}
    nameless = guest.post("/account/sessions/anonymous")
    cookies = {name: each.value for name, each in nameless.cookies.items()}
    unnamed = client_for(project, cookies=cookies)
    before = User.objects.order_by("id").values_list("password", flat=True)
    kept = list(before)
    for reply in (
        sign_up(guest, "ada", KNOWN),
        server.post("/users", {"userId": "ada", "password": KNOWN}),
        server.patch("/users/alice/password", {"password": KNOWN}),
        own.patch("/account/password", {"password": KNOWN, "oldPassword": PASSWORD}),
        unnamed.patch("/account/email", {"email": "ada@example.com", "password": KNOWN}),
        guest.put(code, {**proof, "password": KNOWN}),
    ):
        assert (reply.status, reply.error) == (400, "general_argument_invalid"), reply.json
        assert "data breaches" in reply.json["message"]
    assert list(before.all()) == kept
    changed = own.patch("/account/password", {"password": UNKNOWN, "oldPassword": PASSWORD})
    assert (changed.status, changed.json["passwordPwned"]) == (200, False)


def test_known_passwords_sign_nobody_in_where_that_is_asked(project, guest, rule, service, server):
    sign_up(guest, "ada", KNOWN)
    rule()
    assert sign_in(guest, "ada", KNOWN).status == 201
    assert found() == {"ada": True}
    rule(sessions=True)
    service.requests.clear()
    refused = sign_in(guest, "ada", KNOWN)
    assert (refused.status, refused.error) == (412, "user_password_reset_required")
    assert sign_in(guest, "ada", "wrong password").error == "user_invalid_credentials"
    assert sign_in(guest, "nobody", KNOWN).error == "user_invalid_credentials"
    assert service.requests == []  # who was found stays found, and others are not asked about
    assert server.patch("/users/ada/password", {"password": UNKNOWN}).status == 200
    assert sign_in(guest, "ada", UNKNOWN).status == 201
    assert found() == {"ada": False}
    service.answer = plain(f"{digest(UNKNOWN)[5:].lower()}:7".encode())
    assert sign_in(guest, "ada", UNKNOWN).status == 412
    assert found() == {"ada": True}


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"<h1>Sign in to this network</h1>"),
        plain(b"", 503),
        plain(b"", 301, [("Location", "http://127.0.0.1:1/")]),
        plain("ä:1".encode("latin-1")),
        streamed([b"A" * 65_536] * 20),
    ],
    ids=["a page", "down", "elsewhere", "not text", "endless"],
)
def test_a_service_that_does_not_answer_keeps_nobody_out(guest, rule, service, answer):
    rule(sessions=True, users=True)
    service.answer = answer
    assert sign_up(guest, "ada", KNOWN).status == 201
    asked = len(service.requests)
    assert asked == 1
    assert sign_in(guest, "ada", KNOWN).status == 201
    assert len(service.requests) == asked  # it is left alone for a while
    assert found() == {"ada": None}
    pwned.pause.until = 0.0
    service.answer = leaked(KNOWN)
    assert sign_in(guest, "ada", KNOWN).status == 412


def test_inner_addresses_are_asked_only_where_they_are_named(guest, rule, service, settings):
    rule(users=True)
    settings.OUTBOUND_HOSTS = frozenset()
    assert sign_up(guest, "ada", KNOWN).status == 201
    assert service.requests == []


def test_a_slow_service_is_not_waited_for(service, monkeypatch):
    monkeypatch.setattr(pwned, "TIMEOUT_SECONDS", 0.05)
    service.answer = lambda _handler: None  # no answer on a connection that stays open
    assert pwned.is_pwned(KNOWN) is None
    assert not pwned.pause.is_over
