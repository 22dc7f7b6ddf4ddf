"""Guessing a console user's password gets slower by the account, wherever the guesses come from."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.services import create_console_admin
from accounts.services.guesses import FREE_PER_ACCOUNT
from kernel.caller import ProjectContext
from tests.conftest import PASSWORD, ClientFor

LOGIN = "/console/login/"
NOON = 1_800_000_000
WRONG = "wrong password"

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _delays(project: ProjectContext, settings: Any) -> None:
    settings.GUESS_DELAYS = True
    create_console_admin(email="ada@example.com", password=PASSWORD)


def sign_in(place: int, password: str = PASSWORD, email: str = "ada@example.com") -> Any:
    """Sign in from the address of a number."""
    form = {"username": email, "password": password}
    return Client().post(LOGIN, form, REMOTE_ADDR=f"203.0.113.{place}")


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_class_11_an_account_is_guessed_slower_from_wherever(
    console_project: ProjectContext, client_for: ClientFor, email: str
):
    with time_machine.travel(NOON, tick=False) as clock:
        for place in range(FREE_PER_ACCOUNT):
            spelt = email.upper() if place % 2 else f" {email} "
            assert sign_in(place, WRONG, spelt).status_code == 200
        late = sign_in(100, WRONG, email)
        assert (late.status_code, late.headers["Retry-After"]) == (429, "1")
        assert sign_in(101, email=email).status_code == 429
        api = client_for(console_project).post(
            "/account/sessions/email", {"email": email, "password": PASSWORD}
        )
        assert api.error == "general_rate_limit_exceeded"  # one account, by whatever way
        assert sign_in(102, WRONG, "other@example.com").status_code == 200
        clock.shift(2)
        assert sign_in(103, WRONG, email).status_code == 200
        assert sign_in(104, WRONG, email).headers["Retry-After"] == "2"


# Fullwidth letters, a raised one, and a space as wide as they are.
@pytest.mark.parametrize("spelt", ["\uff41da", "\uff21da", "ad\u1d43", "\u3000ada"])
def test_class_11_another_spelling_of_an_account_has_no_guesses_of_its_own(spelt: str):
    with time_machine.travel(NOON, tick=False) as clock:
        for place in range(FREE_PER_ACCOUNT):
            sign_in(place, WRONG)
        assert sign_in(100, email=f"{spelt}@example.com").status_code == 429
        clock.shift(1)
        assert sign_in(101, email=f"{spelt}@example.com").status_code == 302
        assert sign_in(102, WRONG).status_code == 200


def test_class_11_who_is_signed_in_clears_no_account_by_a_wrong_password():
    create_console_admin(email="eve@example.com", password=PASSWORD)
    eve = Client(REMOTE_ADDR="203.0.113.200")
    with time_machine.travel(NOON, tick=False):
        eve.post(LOGIN, {"username": "eve@example.com", "password": PASSWORD})
        assert eve.get("/console/").status_code == 200
        for place in range(FREE_PER_ACCOUNT - 1):
            sign_in(place, WRONG)
        form = {"username": "ada@example.com", "password": WRONG}
        assert eve.post(LOGIN, form).status_code == 200
        assert sign_in(100, WRONG).status_code == 429


def test_the_right_password_clears_its_account():
    for place in range(FREE_PER_ACCOUNT - 1):
        sign_in(place, WRONG)
    assert sign_in(100).status_code == 302
    for place in range(FREE_PER_ACCOUNT - 1):
        assert sign_in(place, WRONG).status_code == 200
