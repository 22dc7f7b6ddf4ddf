"""Guessing passwords gets slower, for each account and for each address."""

import pytest
import time_machine

from accounts.services import guesses
from kernel import clock as kernel_clock
from tests.accounts.test_races import at_once
from tests.conftest import PASSWORD, sign_up

NOON = 1_800_000_000
FREE = guesses.FREE_PER_ACCOUNT


@pytest.fixture(autouse=True)
def _delays(settings):
    settings.GUESS_DELAYS = True


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def guest(project, client_for, clock, alice):
    return client_for(project)


def login(client, password=PASSWORD, name="alice", **headers):
    body = {"email": f"{name}@example.com", "password": password}
    return client.post("/account/sessions/email", body, **headers)


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_wrong_passwords_of_an_account_make_the_next_wait(guest, clock, name):
    for _ in range(FREE):
        assert login(guest, "wrong password", name).error == "user_invalid_credentials"
    for wait in (1, 2, 4):
        reply = login(guest, "wrong password", name)
        assert (reply.status, reply.error) == (429, "general_rate_limit_exceeded")
        assert reply.headers["Retry-After"] == str(wait)
        clock.shift(wait)
        assert login(guest, "wrong password", name).error == "user_invalid_credentials"


def test_even_the_right_password_has_to_wait_its_turn(guest, clock):
    for _ in range(FREE):
        login(guest, "wrong password")
    assert login(guest).status == 429
    clock.shift(1)
    assert login(guest).status == 201
    assert login(guest, "wrong password").status == 401


def test_class_11_success_clears_its_own_account_alone(project, guest):
    sign_up(project, "bob")
    for _ in range(FREE):
        login(guest, "wrong password", "alice")
    assert login(guest, name="bob").status == 201
    assert login(guest, "wrong password", "alice").status == 429


def test_other_projects_count_for_themselves(guest, other_project, client_for):
    for _ in range(FREE):
        login(guest, "wrong password")
    assert login(client_for(other_project), "wrong password").status == 401


def test_guessing_at_many_accounts_makes_the_address_wait(guest, monkeypatch, settings):
    settings.TRUSTED_PROXIES = 1
    monkeypatch.setattr(guesses, "FREE_PER_ADDRESS", 5)
    here, elsewhere = {"X_Forwarded_For": "198.51.100.7"}, {"X_Forwarded_For": "198.51.100.8"}
    for number in range(5):
        assert login(guest, "wrong password", f"user{number}", **here).status == 401
    assert login(guest, **here).status == 429
    assert login(guest, **elsewhere).status == 201


def test_good_sign_ins_from_one_address_cost_it_nothing(guest, monkeypatch):
    monkeypatch.setattr(guesses, "FREE_PER_ADDRESS", 3)
    assert [login(guest).status for _ in range(6)] == [201] * 6


def test_servers_do_not_wait(project, client_for, make_key, clock, alice):
    server = client_for(project, key=make_key(project, ["sessions.write"]))
    assert {login(server, "wrong password").status for _ in range(FREE * 2)} == {401}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_class_11_parallel_guesses_get_no_more_turns_than_are_free(project, client_for, alice):
    guest = client_for(project)
    started = kernel_clock.now()
    replies = at_once([lambda: login(guest, "wrong password")] * 60)
    statuses = [reply.status for reply in replies]
    assert set(statuses) == {401, 429}
    seconds = (kernel_clock.now() - started).total_seconds()
    assert statuses.count(401) <= FREE + 1 + seconds
