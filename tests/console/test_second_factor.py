"""The console's second factor: set up on a page, asked for after the password."""

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Authenticator, Passkey, RecoveryCode, User
from accounts.services import create_console_admin, first_console_team
from kernel.caller import CONSOLE_PROJECT
from kernel.ratelimit import reset
from projects.services import drop_project, find_project, operator, update_team
from tests.accounts.apps import APP, App, standing_clock
from tests.accounts.mailbox import newest_code
from tests.conftest import PASSWORD

BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGE, CHALLENGE, LOGIN = "/console/two-factor/", "/console/challenge/", "/console/login/"
ENROL = "/console/enrol/"

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _standing_clock():
    with standing_clock():
        yield


@pytest.fixture
def ada(project) -> User:
    return create_console_admin(email="ada@example.com", password=PASSWORD)


@pytest.fixture
def console(ada) -> Client:
    client = Client()
    client.force_login(ada, backend=BACKEND)
    return client


@pytest.fixture
def app(console) -> App:
    """The app that Ada set up on the page."""
    page = console.post(PAGE, {"action": "start"}).content.decode()
    app = App(re.findall(r'<pre id="secret">(\w+)</pre>', page)[0])
    console.post(PAGE, {"action": "confirm", "code": app.code(steps=-1)})
    _forget_tries()
    return app


def _forget_tries():
    for user in User.objects.all():
        reset(f"console-factor:{user.pk}")
    reset("console-login:127.0.0.1")


def sign_in(path=LOGIN):
    client = Client()
    reply = client.post(path, {"username": "ada@example.com", "password": PASSWORD})
    assert reply.status_code == 302
    return client


def show(client, code, factor="totp", path=CHALLENGE):
    return client.post(path, {"factor": factor, "code": code})


def recovery_codes(page):
    return page.partition('<pre id="recovery-codes">')[2].partition("</pre>")[0].split()


def is_in(client):
    return client.get("/console/").status_code == 200


def test_app_is_set_up_with_a_qr_code_and_recovery_codes(console, ada):
    assert b"Set up an app" in console.get(PAGE).content
    page = console.post(PAGE, {"action": "start"}).content.decode()
    assert 'src="data:image/svg+xml' in page
    app = App(re.findall(r'<pre id="secret">(\w+)</pre>', page)[0])
    confirmed = console.post(PAGE, {"action": "confirm", "code": app.code()}).content.decode()
    codes = recovery_codes(confirmed)
    assert len(set(codes)) == 6
    ada.refresh_from_db()
    assert ada.has_mfa
    again = console.get(PAGE)
    assert b"Remove the app" in again.content
    assert codes[0].encode() not in again.content
    assert is_in(console)


def test_wrong_code_sets_nothing_up(console, ada):
    console.post(PAGE, {"action": "start"})
    page = console.post(PAGE, {"action": "confirm", "code": "000000"})
    assert b"token is not valid" in page.content
    ada.refresh_from_db()
    assert not ada.has_mfa


def test_password_alone_lets_nobody_in_any_more(app):
    client = sign_in()
    for path in ("/console/", PAGE, "/console/accounts/user/", "/console/password_change/"):
        reply = client.get(path)
        assert reply.status_code == 302
        assert reply.url.startswith(LOGIN)
    assert client.post(PAGE, {"action": "stop", "code": app.code()}).status_code == 302
    assert User.objects.get().has_mfa
    assert client.get(LOGIN).url == CHALLENGE


def test_code_of_the_app_lets_in_and_leads_on(app):
    client = sign_in()
    wanted = "/console/accounts/user/"
    asked = client.get(f"{LOGIN}?next={wanted}")
    assert b"Authenticator app" in client.get(asked.url).content
    before = client.session.session_key
    reply = show(client, app.code(), path=asked.url)
    assert (reply.status_code, reply.url) == (302, wanted)
    assert client.session.session_key != before
    assert is_in(client)
    assert client.get(CHALLENGE).url == "/console/"


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_visitor_is_led_to_places_of_the_console_alone(app, place):
    reply = show(sign_in(), app.code(), path=f"{CHALLENGE}?next={place}")
    assert reply.url == "/console/"


def test_class_10_code_of_the_app_lets_in_once(app):
    code = app.code()
    assert show(sign_in(), code).status_code == 302
    late = sign_in()
    assert show(late, code).status_code == 200
    assert not is_in(late)


def test_recovery_code_lets_in_once(console, ada):
    page = console.post(PAGE, {"action": "start"}).content.decode()
    app = App(re.findall(r'<pre id="secret">(\w+)</pre>', page)[0])
    page = console.post(PAGE, {"action": "confirm", "code": app.code()}).content.decode()
    code = recovery_codes(page)[0]
    assert show(sign_in(), code, "recoveryCode").status_code == 302
    assert show(sign_in(), code, "recoveryCode").status_code == 200
    assert RecoveryCode.objects.count() == 5


def test_code_comes_by_mail_where_the_address_is_proved(ada):
    User.objects.update(has_mfa=True, is_email_verified=True)
    client = sign_in()
    assert not is_in(client)
    assert client.post(CHALLENGE, {"factor": "email", "send": "1"}).status_code == 200
    code = newest_code("ada@example.com")
    assert show(client, "000000", "email").status_code == 200
    assert show(client, code, "email").status_code == 302
    assert is_in(client)


def test_factor_that_is_not_held_cannot_be_shown(app):
    reply = show(sign_in(), "000000", "phone")
    assert reply.status_code == 200
    assert b"Select a valid choice" in reply.content


def test_class_11_codes_are_tried_ten_times_an_hour(app):
    client = sign_in()
    statuses = [show(client, "000000").status_code for _ in range(12)]
    assert statuses[:9] == [200] * 9
    assert statuses[-2:] == [429] * 2
    reset("console-login:127.0.0.1")  # from another address
    assert show(client, app.code()).status_code == 429


def test_app_is_removed_by_a_code_of_it_alone(console, app):
    console.post(PAGE, {"action": "stop", "code": "000000"})
    assert Authenticator.objects.exists()
    console.post(PAGE, {"action": "stop", "code": app.code()})
    assert not Authenticator.objects.exists()
    assert is_in(sign_in())


@pytest.mark.parametrize("demand", ["optional", "required"])
def test_link_of_the_operator_needs_no_second_factor(app, settings, demand):
    settings.CONSOLE_SECOND_FACTOR = demand
    said, client = StringIO(), Client()
    call_command("create_console_link", stdout=said)
    link = said.getvalue().strip()
    assert link.startswith("http://localhost:5000/console/welcome/?token=")
    client.get(link.removeprefix("http://localhost:5000"))
    assert is_in(client)
    again = Client()
    again.get(link.removeprefix("http://localhost:5000"))
    assert not is_in(again)


def test_other_people_are_asked_for_nothing(console, app, project):
    create_console_admin(email="bea@example.com", password=PASSWORD)
    client = Client()
    client.post(LOGIN, {"username": "bea@example.com", "password": PASSWORD})
    assert is_in(client)
    assert client.get(CHALLENGE)["Location"] == "/console/"
    assert Client().get(CHALLENGE)["Location"] == "/console/"


def test_page_of_somebody_else_in_the_same_browser_is_asked_for_anew(app):
    """What one login has shown counts for nobody who signs in after it."""
    client = sign_in()
    assert show(client, app.code()).status_code == 302
    client.post("/console/logout/")
    client.post(LOGIN, {"username": "ada@example.com", "password": PASSWORD})
    assert not is_in(client)


# A factor demanded of everybody


@pytest.fixture
def demanded(settings):
    settings.CONSOLE_SECOND_FACTOR = "required"
    drop_project(CONSOLE_PROJECT)


def test_whoever_has_no_factor_sets_one_up_first(ada, demanded):
    client = sign_in(f"{LOGIN}?next=/console/accounts/user/")
    for path in ("/console/", PAGE, CHALLENGE, "/console/passkeys/", "/console/password_change/"):
        assert client.get(path).status_code == 302
    assert client.get(LOGIN).url == ENROL
    assert client.post(PAGE, {"action": "start"}).status_code == 302
    page = client.post(ENROL, {"action": "start"}).content.decode()
    app = App(re.findall(r'<pre id="secret">(\w+)</pre>', page)[0])
    assert b"token is not valid" in client.post(ENROL, {"action": "confirm", "code": "0"}).content
    assert not is_in(client)
    codes = client.post(ENROL, {"action": "confirm", "code": app.code()}).content.decode()
    assert len(set(recovery_codes(codes))) == 6
    assert is_in(client)
    assert client.get(ENROL).url == "/console/"
    # Nobody sets up another one by the password alone.
    late = sign_in()
    assert late.get(LOGIN).url == CHALLENGE
    assert late.get(ENROL).url == "/console/"
    assert late.post(ENROL, {"action": "start"}).status_code == 302
    assert not is_in(late)


def test_whoever_wants_none_is_asked_all_the_same(app, demanded):
    User.objects.update(has_mfa=False)
    client = sign_in()
    assert not is_in(client)
    assert show(client, app.code()).status_code == 302
    assert is_in(client)
    _forget_tries()
    client.post(PAGE, {"action": "stop", "code": app.code(steps=1)})
    assert not Authenticator.objects.exists()
    assert sign_in().get(LOGIN).url == ENROL


def test_passkey_is_asked_for_where_it_is_all_there_is(ada, demanded, project):
    Passkey.objects.create(project_id=ada.project_id, user=ada, uid="key", credential_id=b"k")
    client = sign_in()
    assert client.get(LOGIN).url == CHALLENGE
    page = client.get(CHALLENGE, headers={"Host": "localhost"}).content
    assert b"Use a passkey instead" in page
    assert b'name="code"' not in page
    assert client.get(ENROL).url == "/console/"


def test_demand_counts_for_the_console_over_the_api(ada, demanded, project, client_for):
    console = find_project(CONSOLE_PROJECT)
    body = {"email": "ada@example.com", "password": PASSWORD}
    reply = client_for(console).post("/account/sessions/email", body)
    session = reply.cookies["a_session_console"].value
    own = client_for(console, session=session)
    update_team(caller=operator(), project_id=project.uid, team_id=first_console_team())
    drop_project()
    headers = {"X-Appwrite-Mode": "admin"}
    admin = client_for(project, cookies={"a_session_console": session}, headers=headers)
    for client, path in ((own, "/account"), (own, "/projects"), (admin, "/users")):
        assert client.get(path).error == "user_more_factors_required"
    assert admin.post(APP).error == "general_unauthorized_scope"
    app = App(own.post(APP).json["secret"])
    assert own.put(APP, {"otp": app.code()}).status == 200
    assert admin.get("/users").status == own.get("/account").status == 200
