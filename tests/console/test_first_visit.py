"""The first visit to the console, signing in, and one-time links."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import create_console_admin, create_console_link
from kernel.caller import ProjectContext

PASSWORD = "correct horse battery staple"
ADMIN = {"name": "Ada", "email": "Ada@example.com", "password": PASSWORD}

pytestmark = pytest.mark.usefixtures("console_project")


@pytest.fixture
def visitor(settings: Any) -> Client:
    settings.CONSOLE_SIGNUP = "first"
    return Client()


def test_first_visit_leads_to_the_form_for_the_first_account(visitor: Client) -> None:
    answer = visitor.get("/console/", follow=True)

    assert answer.redirect_chain[-1][0] == "/console/setup/"
    assert b'name="email"' in answer.content


def test_first_account_is_signed_in_and_owns_a_team(visitor: Client) -> None:
    answer = visitor.post("/console/setup/", ADMIN)

    assert answer.status_code == 302
    assert answer["Location"] == "/console/"
    assert visitor.get("/console/").status_code == 200
    user = User.objects.get(email="ada@example.com")
    assert user.memberships.get().roles == ["owner"]


def test_second_visitor_cannot_make_a_first_account(visitor: Client) -> None:
    visitor.post("/console/setup/", ADMIN)
    late = Client()

    answer = late.post("/console/setup/", {**ADMIN, "email": "mallory@example.com"})

    assert answer["Location"] == "/console/login/"
    assert not User.objects.filter(email="mallory@example.com").exists()


def test_closed_console_offers_no_first_account(settings: Any) -> None:
    settings.CONSOLE_SIGNUP = "closed"

    answer = Client().get("/console/", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/console/login/")
    assert b"E-mail address" in answer.content
    assert b"Return to site" not in answer.content


def test_pages_name_an_icon_that_is_there_and_browsers_find_it_by_themselves(
    visitor: Client,
) -> None:
    page = visitor.get("/console/setup/").content
    address = "/static/console/favicon.svg"

    assert f'href="{address}"'.encode() in page
    assert visitor.get("/favicon.ico")["Location"] == address
    icon = visitor.get(address)
    icon.close()
    assert icon["Content-Type"] == "image/svg+xml"


def test_wrong_password_is_told_in_plain_words(visitor: Client) -> None:
    visitor.post("/console/setup/", ADMIN)
    given = {"username": "ada@example.com", "password": "wrong"}

    page = Client().post("/console/login/", given).content

    assert b"No console user has this e-mail address and password." in page


@pytest.mark.parametrize(
    ("field", "value"), [("email", "no address"), ("password", "short"), ("email", "")]
)
def test_bad_first_account_is_explained_and_not_made(
    visitor: Client, field: str, value: str
) -> None:
    answer = visitor.post("/console/setup/", {**ADMIN, field: value})

    assert answer.status_code == 200
    assert not User.objects.exists()


def test_admin_signs_in_with_email_and_password(visitor: Client) -> None:
    create_console_admin(email="ada@example.com", password=PASSWORD)

    for path in ("/console/login/?next=/console/", "/console/login/"):
        answer = visitor.post(path, {"username": "ada@example.com", "password": PASSWORD})

        assert answer["Location"] == "/console/"


def test_end_user_of_a_project_cannot_enter(visitor: Client, alice: Any) -> None:
    create_console_admin(email="ada@example.com", password=PASSWORD)
    login = User.objects.get(uid=alice.uid).login

    answer = visitor.post("/console/login/", {"username": login, "password": alice.password})

    assert answer.status_code == 200
    assert visitor.get("/console/").status_code == 302


def test_password_guessing_is_stopped(visitor: Client) -> None:
    create_console_admin(email="ada@example.com", password=PASSWORD)
    guess = {"username": "ada@example.com", "password": "wrong"}

    statuses = [visitor.post("/console/login/", guess).status_code for _ in range(11)]

    assert statuses == [200] * 10 + [429]
    right = visitor.post("/console/login/", guess | {"password": PASSWORD})
    assert right.status_code == 429


def test_one_time_link_opens_the_console_once(visitor: Client) -> None:
    create_console_admin(email="ada@example.com", password=PASSWORD)
    path = f"/console/welcome/?token={create_console_link()}"

    visitor.get(path)
    assert visitor.get("/console/").status_code == 200

    second = Client()
    second.get(path)
    assert second.get("/console/").status_code == 302


def test_one_time_link_before_any_account_leads_to_the_form(visitor: Client) -> None:
    path = f"/console/welcome/?token={create_console_link()}"

    answer = visitor.get(path, follow=True)

    assert answer.redirect_chain[-1][0] == "/console/setup/"


def test_root_leads_to_the_console(visitor: Client) -> None:
    assert visitor.get("/")["Location"] == "/console/"


def test_first_account_adopts_the_quickstart_project(
    visitor: Client, project: ProjectContext
) -> None:
    visitor.post("/console/setup/", ADMIN)

    page = visitor.get("/console/projects/project/")

    assert project.name.encode() in page.content
