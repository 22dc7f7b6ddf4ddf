"""Rate limits of labelled operations: what counts, what is told, who is exempt."""

import pytest
import time_machine

from projects import services as projects
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.db, pytest.mark.django_db]

NOON = 1_800_000_000
PATH = "/account"
LIMIT = 10


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.ABUSE_LIMITS = True


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def limits(reply):
    return tuple(
        int(reply.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")
    )


def test_the_headers_count_down(client_for, project):
    guest = client_for(project)
    replies = [guest.post(PATH, {}) for _ in range(LIMIT + 1)]
    assert [limits(reply)[1] for reply in replies] == [*range(LIMIT - 1, -1, -1), 0]
    assert {limits(reply)[0] for reply in replies} == {LIMIT}
    refused = replies[-1]
    assert (refused.status, refused.error) == (429, "general_rate_limit_exceeded")
    assert limits(refused)[2] > NOON


def test_a_new_window_begins_afresh(client_for, project, clock):
    guest = client_for(project)
    for _ in range(LIMIT + 1):
        reply = guest.post(PATH, {})
    clock.move_to(limits(reply)[2] - 1)
    assert guest.post(PATH, {}).status == 429
    clock.move_to(limits(reply)[2])
    assert guest.post(PATH, {}).status == 400


def test_projects_have_counters_of_their_own(client_for, project, other_project):
    for _ in range(LIMIT + 1):
        client_for(project).post(PATH, {})
    assert client_for(other_project).post(PATH, {}).status == 400


def test_addresses_of_one_network_of_ipv6_share_a_counter(client_for, project, settings):
    settings.TRUSTED_PROXIES = 1
    guest = client_for(project)
    for last in range(LIMIT):
        guest.post(PATH, {}, X_Forwarded_For=f"2001:db8::{last}")
    assert guest.post(PATH, {}, X_Forwarded_For="2001:db8::ffff").status == 429
    assert guest.post(PATH, {}, X_Forwarded_For="2001:db8:0:1::").status == 400


def test_keys_are_not_limited_but_told_the_limit(client_for, project, make_key):
    client = client_for(project, key=make_key(project, ["sessions.write"]))
    for _ in range(LIMIT + 2):
        reply = client.post(PATH, {})
        assert reply.status == 400
        assert limits(reply)[:2] == (LIMIT, LIMIT)


def test_limits_can_be_switched_off(client_for, project, settings):
    settings.ABUSE_LIMITS = False
    guest = client_for(project)
    assert {guest.post(PATH, {}).status for _ in range(LIMIT + 2)} == {400}


def test_unlimited_operations_say_nothing(client_for, project):
    assert "X-RateLimit-Limit" not in client_for(project).get("/ping").headers


def test_invented_addresses_do_not_evade_the_limit(client_for, project):
    statuses = [
        client_for(project, headers={"X-Forwarded-For": f"192.0.2.{number}"}).post(PATH, {}).status
        for number in range(LIMIT + 2)
    ]
    assert statuses[-1] == 429


def test_behind_a_trusted_proxy_the_address_it_saw_counts(client_for, project, settings):
    settings.TRUSTED_PROXIES = 1

    def status(invented, seen):
        headers = {"X-Forwarded-For": f"{invented}, {seen}"}
        return client_for(project, headers=headers).post(PATH, {}).status

    statuses = [status(f"192.0.2.{number}", "198.51.100.1") for number in range(LIMIT + 1)]
    assert statuses[-1] == 429
    assert status("192.0.2.1", "198.51.100.2") == 400


def test_extra_parameters_do_not_evade_the_limit(client_for, project):
    guest = client_for(project)
    statuses = [guest.call("POST", PATH, {"x": n}, query={"y": n}).status for n in range(LIMIT + 2)]
    assert statuses[-1] == 429


def test_a_success_gives_failed_sign_ins_back(client_for, project, alice):
    guest = client_for(project)

    def sign_in(password):
        return guest.post("/account/sessions/email", {"email": alice.email, "password": password})

    for _ in range(LIMIT - 1):
        assert sign_in("wrong password").status == 401
    assert sign_in(PASSWORD).status == 201
    for _ in range(LIMIT):
        assert sign_in("wrong password").status == 401
    assert sign_in(PASSWORD).status == 429


def test_another_spelling_of_an_address_is_the_same_address(client_for, project, alice):
    guest = client_for(project)
    spellings = [alice.email, alice.email.upper(), f" {alice.email}", alice.email.title()]
    statuses = [
        guest.post(
            "/account/sessions/email",
            {"email": spellings[number % len(spellings)], "password": "wrong password"},
        ).status
        for number in range(LIMIT + 1)
    ]
    assert statuses[-1] == 429


def test_a_limited_call_takes_one_statement_more(client_for, project, statements, settings):
    guest = client_for(project)
    guest.post(PATH, {})
    with statements() as limited:
        guest.post(PATH, {})
    settings.ABUSE_LIMITS = False
    with statements() as unlimited:
        guest.post(PATH, {})
    assert len(limited) == len(unlimited) + 1


def test_a_project_may_set_limits_of_its_own(client_for, project, other_project):
    caller = projects.operator()
    projects.update_settings(
        caller=caller, project_id=project.uid, rate_limits={"account.create": [2, 60]}
    )
    guest = client_for(project)
    replies = [guest.post(PATH, {}) for _ in range(3)]
    assert [reply.status for reply in replies] == [400, 400, 429]
    assert limits(replies[0])[:2] == (2, 1)
    assert limits(client_for(other_project).post(PATH, {}))[0] == LIMIT


def test_a_project_may_limit_what_has_no_limit_otherwise(client_for, project, alice):
    caller = projects.operator()
    projects.update_settings(
        caller=caller, project_id=project.uid, rate_limits={"account.get": [1, 60]}
    )
    own = client_for(project, session=alice.session)
    assert [own.get("/account").status for _ in range(2)] == [200, 429]
    assert own.get("/account/prefs").status == 200
