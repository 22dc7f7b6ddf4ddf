import pytest
from django.core.management import CommandError, call_command

from bench.plan import Plan, RefusedError, checked


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:5000/v1", "http://[::1]:5000/v1", "http://127.8.9.10/v1"]
)
def test_this_machine_may_be_loaded(url):
    assert checked(Plan(url=url)).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/v1",
        "http://0.0.0.0:5000/v1",
        "http://127.0.0.1.example.invalid/v1",
        "http://127.0.0.1@192.0.2.1/v1",
        "http:///v1",
    ],
)
def test_other_machines_are_refused(url):
    with pytest.raises(RefusedError, match="not this machine"):
        checked(Plan(url=url))


def test_other_schemes_are_refused():
    with pytest.raises(RefusedError, match="plain HTTP"):
        checked(Plan(url="https://127.0.0.1/v1"))


def test_command_goes_to_the_server_of_the_installation(settings):
    settings.PUBLIC_URL = "https://example.com"
    with pytest.raises(CommandError, match=r"https://example.com/v1.*--url http://127.0.0.1"):
        call_command("bench")


def test_url_says_where_to_connect():
    plan = Plan(url="http://127.0.0.1/v1")
    assert (plan.host, plan.port, plan.prefix) == ("127.0.0.1", 80, "/v1")


def test_plan_without_names_wants_everything():
    assert Plan(url="http://127.0.0.1/v1").wants("create")


def test_plan_with_names_wants_only_those():
    plan = Plan(url="http://127.0.0.1/v1", only=frozenset({"update"}))
    assert plan.wants("update")
    assert not plan.wants("create")
