"""Mock phones: numbers of a project's tests, whose codes are set and never sent."""

import pytest

from accounts.models import TextMessage, Token, User
from kernel.limits import MAX_MOCK_PHONES
from projects.models import MockPhone
from tests.accounts.apps import answer, challenge, prove_contacts
from tests.projects.conftest import admin_mode
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PATH = "/project/mock-phones"
NUMBER, OTHER_NUMBER = "+15550001111", "+15550002222"
PHONE = {"number": NUMBER, "otp": "123456"}


@pytest.fixture
def server(project, client_for, make_key):
    return client_for(project, key=make_key(project, ["mocks.read", "mocks.write"]))


@pytest.fixture
def guest(project, client_for):
    return client_for(project)


def ask(client, number=NUMBER):
    return client.post("/account/tokens/phone", {"userId": "tester", "phone": number})


def redeem(client, secret):
    return client.post("/account/sessions/token", {"userId": "tester", "secret": secret})


def test_a_mock_phone_is_made_changed_and_removed(server, events):
    made = server.post(PATH, PHONE)
    assert made.status == 201
    assert_model("MockNumber", made.json)
    assert made.json | PHONE == made.json
    for written in (NUMBER, NUMBER.removeprefix("+"), f"%2B{NUMBER[1:]}"):
        assert server.get(f"{PATH}/{written}").json == made.json
    changed = server.put(f"{PATH}/{NUMBER}", {"otp": "654321"})
    assert changed.json["otp"] == "654321"
    listed = server.get(PATH)
    assert_model("MockNumberList", listed.json)
    assert listed.json == {"total": 1, "mockNumbers": [changed.json]}
    assert server.delete(f"{PATH}/{NUMBER}").status == 204
    assert server.get(f"{PATH}/{NUMBER}").error == "mock_number_not_found"
    assert events.names() == [
        f"mock-phones.{NUMBER}.{each}" for each in ("create", "update", "delete")
    ]
    assert {event["otp"] for event in events.payloads()} == {""}


def test_a_code_is_not_stored_as_it_is(server):
    server.post(PATH, PHONE)
    assert "123456" not in MockPhone.objects.get().otp


@pytest.mark.parametrize(
    "changes",
    [{"number": "0151"}, {"number": 7}, {"otp": "12345"}, {"otp": "12345a"}, {"otp": 123456},
     {"otp": "\uff11" * 6}, {"number": ""}],
)  # fmt: skip
def test_what_is_no_mock_phone_is_refused(server, changes):
    refused = server.post(PATH, PHONE | changes)
    assert (refused.status, refused.error) == (400, "general_argument_invalid")
    assert server.get(f"{PATH}/nobody").error == "general_argument_invalid"


def test_numbers_are_there_once_and_not_endless(server, project):
    server.post(PATH, PHONE)
    assert server.post(PATH, PHONE).error == "mock_number_already_exists"
    assert server.put(f"{PATH}/{OTHER_NUMBER}", {"otp": "1" * 6}).error == "mock_number_not_found"
    assert server.delete(f"{PATH}/{OTHER_NUMBER}").error == "mock_number_not_found"
    MockPhone.objects.bulk_create(
        MockPhone(project_id=project.id, number=f"+1555{n:07}", otp="")
        for n in range(MAX_MOCK_PHONES)
    )
    full = server.post(PATH, {"number": OTHER_NUMBER, "otp": "123456"})
    assert (full.status, full.error) == (400, "mock_number_limit_exceeded")


def test_they_are_listed_a_page_at_a_time(server):
    for number in (NUMBER, OTHER_NUMBER):
        server.post(PATH, PHONE | {"number": number})
    query = '{"method":"offset","values":[1]}'
    page = server.get(PATH, {"queries": [query]}).json
    assert (page["total"], [each["number"] for each in page["mockNumbers"]]) == (2, [OTHER_NUMBER])


def test_a_tester_signs_in_by_the_code_that_is_set_and_nothing_is_sent(server, guest):
    server.post(PATH, PHONE)
    for _ in range(2):  # again and again
        asked = ask(guest)
        assert (asked.status, asked.json["secret"]) == (201, "")
        assert redeem(guest, "654321").error == "user_invalid_token"
        assert redeem(guest, "123456").status == 201
        assert redeem(guest, "123456").error == "user_invalid_token"
    assert not TextMessage.objects.exists()


def test_a_number_is_verified_by_the_code_that_is_set(server, project, guest, client_for):
    server.post(PATH, PHONE)
    ask(guest)
    opened = redeem(guest, "123456")
    me = client_for(project, cookies={name: each.value for name, each in opened.cookies.items()})
    assert me.get("/account").json["phoneVerification"] is True
    users = client_for(project, session=opened.cookies["a_session_blog"].value)
    assert users.post("/account/verifications/phone").error == "user_phone_already_verified"


def test_the_code_that_is_set_is_a_second_factor(server, project, client_for, alice):
    server.post(PATH, PHONE)
    prove_contacts(phone=NUMBER)
    User.objects.update(has_mfa=True)
    pending = client_for(project, session=alice.session)
    assert pending.get("/account").error == "user_more_factors_required"
    asked = challenge(pending, "phone")
    assert not TextMessage.objects.exists()
    assert answer(pending, asked, "654321").error == "user_invalid_token"
    assert answer(pending, asked, "123456").status == 200
    assert answer(pending, asked, "123456").error == "user_invalid_token"
    assert pending.get("/account").status == 200


def test_a_code_lets_nobody_in_who_did_not_ask(server, guest):
    server.post(PATH, PHONE)
    assert redeem(guest, "123456").error == "user_invalid_token"


def test_other_numbers_and_other_projects_get_codes_of_their_own(
    server, guest, other_project, client_for
):
    server.post(PATH, PHONE)
    ask(guest, OTHER_NUMBER)
    stranger = client_for(other_project)
    ask(stranger)
    assert TextMessage.objects.count() == 2
    assert redeem(stranger, "123456").error == "user_invalid_token"
    assert Token.objects.filter(used_at=None).count() == 2


def test_a_number_that_is_a_mock_no_more_is_one_like_any_other(server, guest):
    server.post(PATH, PHONE)
    server.delete(f"{PATH}/{NUMBER}")
    ask(guest)
    assert TextMessage.objects.filter(recipient=NUMBER).exists()
    assert redeem(guest, "123456").error == "user_invalid_token"


def test_who_lacks_the_scope_learns_no_codes(server, project, guest, client_for, make_key, alice):
    server.post(PATH, PHONE)
    reader = client_for(project, key=make_key(project, ["mocks.read"]))
    for client in (guest, client_for(project, session=alice.session)):
        assert client.get(PATH).error == "general_unauthorized_scope"
    assert reader.get(f"{PATH}/{NUMBER}").status == 200
    for refused in (
        reader.post(PATH, PHONE),
        reader.put(f"{PATH}/{NUMBER}", {"otp": "1" * 6}),
        reader.delete(f"{PATH}/{NUMBER}"),
    ):
        assert refused.error == "general_unauthorized_scope"


def test_the_console_sets_all_at_once(owen, vera, eve, site, client_for):
    path = "/projects/site/auth/mock-numbers"
    numbers = [{"phone": NUMBER, "otp": "111111"}, {"phone": OTHER_NUMBER, "otp": "222222"}]
    changed = owen.patch(path, {"numbers": numbers})
    assert changed.status == 200
    assert_model("Project", changed.json)
    listed = admin_mode(owen, "site").get(PATH).json["mockNumbers"]
    assert [(each["number"], each["otp"]) for each in listed] == [
        (NUMBER, "111111"), (OTHER_NUMBER, "222222")
    ]  # fmt: skip
    assert owen.patch(path, {"numbers": numbers[:1] * 2}).error == "general_bad_request"
    assert owen.patch(path, {"numbers": [{"phone": NUMBER}]}).error == "general_argument_invalid"
    assert owen.patch(path, {"numbers": ["x"]}).error == "general_argument_invalid"
    assert owen.patch(path, {"numbers": numbers * 6}).error == "general_argument_invalid"
    assert vera.patch(path, {"numbers": []}).error == "user_unauthorized"
    assert eve.patch(path, {"numbers": []}).error == "project_not_found"
    assert MockPhone.objects.count() == 2
    assert owen.patch(path, {"numbers": []}).status == 200
    assert not MockPhone.objects.exists()
