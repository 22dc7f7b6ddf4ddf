"""The console's passkeys: added on a page, and used to sign in."""

import json

import pytest
import time_machine
from django.test import Client

from accounts.models import Passkey, PasskeyChallenge, User
from accounts.services import create_console_admin
from kernel.caller import CONSOLE_PROJECT
from projects.services import drop_project
from tests.accounts.apps import later
from tests.accounts.authenticators import VERIFIED, Authenticator
from tests.conftest import PASSWORD, sign_up

LOGIN, PASSKEY, PASSKEYS = "/console/login/", "/console/passkey/", "/console/passkeys/"
LOCAL = "http://localhost"
JSON = "application/json"

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def device():
    return Authenticator()


@pytest.fixture
def ada(project):
    return create_console_admin(email="ada@example.com", password=PASSWORD)


@pytest.fixture
def console(ada):
    client = browser()
    reply = client.post(LOGIN, {"username": "ada@example.com", "password": PASSWORD})
    assert reply.status_code == 302
    return client


@pytest.fixture
def held(console, device):
    """A passkey of Ada's device."""
    assert add(console, device).status_code == 200
    return device


def browser(host="localhost:5000", **options):
    return Client(headers={"Host": host}, **options)


def send(client, path, content, query="", **headers):
    return client.post(path + query, json.dumps(content), content_type=JSON, headers=headers)


def add(client, device, origin=LOCAL):
    asked = send(client, PASSKEYS, {"name": "Laptop"}).json()
    made = device.create(asked["publicKey"], origin=origin)
    return send(client, PASSKEYS, {"id": asked["id"], "credential": made})


def answer(client, device, query="", **said):
    asked = send(client, PASSKEY, {}).json()
    signed = device.get(asked["publicKey"], **{"origin": LOCAL, **said})
    return send(client, PASSKEY, {"id": asked["id"], "credential": signed}, query)


def is_in(client):
    return client.get("/console/").status_code == 200


def test_passkey_signs_in_without_password_and_second_factor(console, ada, held):
    shown = console.get(PASSKEYS).content.decode()
    assert "Laptop, added" in shown
    assert "/static/console/passkeys.js" in shown
    User.objects.update(has_mfa=True, is_email_verified=True)
    assert not is_in(console)
    visitor = browser()
    page = visitor.get(LOGIN)
    assert b"Sign in with a passkey" in page.content
    reply = answer(visitor, held, "?next=/console/accounts/user/")
    assert reply.json() == {"next": "/console/accounts/user/"}
    assert is_in(visitor)
    assert visitor.get("/console/challenge/").url == "/console/"
    assert "used" in visitor.get(PASSKEYS).content.decode()
    assert answer(browser(), held, "?next=https://evil.example/").json() == {"next": "/console/"}


def test_class_10_answer_of_a_device_lets_in_once(console, held):
    asked = send(browser(), PASSKEY, {}).json()
    signed = held.get(asked["publicKey"], origin=LOCAL)
    body = {"id": asked["id"], "credential": signed}
    assert send(browser(), PASSKEY, body).status_code == 200
    late = browser()
    reply = send(late, PASSKEY, body)
    assert (reply.status_code, "message" in reply.json()) == (401, True)
    assert not is_in(late)


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://localhost.evil.example"},
        {"rp_id": "evil.example"},
        {"type": "webauthn.create"},
        {"challenge": "AAAA"},
    ],
)
def test_bent_answers_let_nobody_in(console, held, said):
    visitor = browser()
    assert answer(visitor, held, **said).status_code in (400, 401)
    assert not is_in(visitor)


def test_device_that_asked_its_owner_for_nothing_lets_nobody_in(console, held):
    held.flags &= ~VERIFIED
    visitor = browser()
    assert answer(visitor, held).status_code == 401
    assert not is_in(visitor)


def test_passkey_of_an_app_s_user_opens_no_console(console, held, project, ada):
    """Of the same device and domain: what counts is whose user it is."""
    person = sign_up(project, "ada")
    user = User.objects.get(project=project.id, uid=person.uid)
    Passkey.objects.update(project_id=project.id, user=user)
    visitor = browser()
    assert answer(visitor, held).status_code == 401
    assert not is_in(visitor)


def test_blocked_or_removed_console_user_is_not_let_in(console, held, ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    blocked = browser()
    assert answer(blocked, held).status_code == 403
    assert not is_in(blocked)
    User.objects.filter(pk=ada.pk).update(is_active=True)
    uid = Passkey.objects.get().uid
    assert console.post(PASSKEYS, {"remove": uid}).status_code == 302
    assert not Passkey.objects.exists()
    assert answer(browser(), held).status_code == 401


def test_whoever_finds_the_console_open_adds_and_removes_nothing(console, held):
    uid = Passkey.objects.get().uid
    asked = send(console, PASSKEYS, {"name": "Theirs"}).json()
    with time_machine.travel(later(700), tick=False):
        assert b"sign out and in again" in console.get(PASSKEYS).content
        reply = send(console, PASSKEYS, {"name": "Theirs"})
        assert reply.status_code == 401
        made = Authenticator().create(asked["publicKey"], origin=LOCAL)
        assert send(console, PASSKEYS, {"id": asked["id"], "credential": made}).status_code == 401
        console.post(PASSKEYS, {"remove": uid})
    assert Passkey.objects.get().uid == uid


def test_others_see_and_remove_no_passkey_of_ada(console, held):
    create_console_admin(email="bea@example.com", password=PASSWORD)
    bea = browser()
    bea.post(LOGIN, {"username": "bea@example.com", "password": PASSWORD})
    assert b"Laptop" not in bea.get(PASSKEYS).content
    bea.post(PASSKEYS, {"remove": Passkey.objects.get().uid})
    asked = send(console, PASSKEYS, {}).json()
    made = Authenticator().create(asked["publicKey"], origin=LOCAL)
    taken = send(bea, PASSKEYS, {"id": asked["id"], "credential": made})
    assert (taken.status_code, Passkey.objects.count()) == (401, 1)
    for path in (PASSKEYS, PASSKEY):
        assert browser().get(path)["Location"].startswith(LOGIN)


@pytest.mark.parametrize("body", [b" ", b"[]", b"{", b'{"credential": 7}', b'{"credential": {}}'])
def test_nonsense_is_refused(console, ada, body):
    for client, path in ((browser(), PASSKEY), (console, PASSKEYS)):
        reply = client.post(path, body, content_type=JSON)
        assert reply.status_code == 400
        assert "message" in reply.json()


def test_forged_forms_sign_nobody_in(console, held):
    strict = browser(enforce_csrf_checks=True)
    assert send(strict, PASSKEY, {}).status_code == 403
    assert not PasskeyChallenge.objects.exists()


def test_class_11_passkeys_are_asked_for_thirty_times_an_hour(ada):
    visitor = browser()
    statuses = [send(visitor, PASSKEY, {}).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]


@pytest.mark.parametrize(
    ("url", "host", "is_offered"),
    [
        ("https://api.example.com", "api.example.com", True),
        ("https://api.example.com", "localhost", False),
        ("http://api.example.com", "api.example.com", False),
        ("https://203.0.113.9", "203.0.113.9", False),
        ("http://127.0.0.1:5000", "127.0.0.1:5000", False),
        ("http://127.0.0.1:5000", "localhost:5000", True),
    ],
)
def test_passkeys_are_offered_under_a_name_that_has_them(ada, settings, url, host, is_offered):
    name = url.partition("://")[2].partition(":")[0]
    settings.PUBLIC_URL, settings.PUBLIC_HOST = url, name
    settings.HAS_TLS = url.startswith("https")
    settings.IS_PUBLIC_URL_LOCAL = name == "127.0.0.1"
    settings.ALLOWED_HOSTS = ["*"]
    drop_project(CONSOLE_PROJECT)
    page = browser(host).get(LOGIN)
    assert (b"Sign in with a passkey" in page.content) is is_offered


def test_passkey_of_the_console_s_own_name(ada, settings, device):
    settings.PUBLIC_URL, settings.PUBLIC_HOST = "https://api.example.com", "api.example.com"
    settings.HAS_TLS, settings.IS_PUBLIC_URL_LOCAL = True, False
    settings.ALLOWED_HOSTS = ["api.example.com"]
    drop_project(CONSOLE_PROJECT)
    client = browser("api.example.com")
    client.post(LOGIN, {"username": "ada@example.com", "password": PASSWORD})
    assert add(client, device, "https://api.example.com").status_code == 200
    assert Passkey.objects.get().rp_id == "api.example.com"
    visitor = browser("api.example.com")
    assert answer(visitor, device, origin="https://api.example.com").status_code == 200
    assert answer(browser("api.example.com"), device, origin=LOCAL).status_code == 401
