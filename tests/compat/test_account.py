"""The account service of the newest official Python SDK, whose models check every answer."""

import pytest
from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.services.account import Account

from tests.compat import sdk
from tests.compat.live import Installation
from tests.compat.sdk import PASSWORD, Person


def test_guest_signs_up(guest: Client):
    email = sdk.new_email()

    user = Account(guest).create(ID.unique(), email, PASSWORD, "Alice")

    assert (user.email, user.name, user.status) == (email, "Alice", True)
    assert user.emailverification is False
    assert user.prefs.data == {}
    assert user.registration.endswith("+00:00")


@pytest.mark.parametrize("given", ["unique()", "alice-the_1st.of"])
def test_key_signs_up_a_user_under_the_id_it_asks_for(key: Client, given: str):
    wanted = given if given == "unique()" else f"{given}{ID.unique()}"

    user = Account(key).create(wanted, sdk.new_email(), PASSWORD)

    assert user.id == wanted or (given == "unique()" and len(user.id) == 20)


def test_session_asked_for_by_a_key_holds_its_secret(key: Client, alice: Person):
    session = Account(key).create_email_password_session(alice.email, PASSWORD)

    assert session.userid == alice.id
    assert (session.provider, session.provideruid) == ("email", alice.email)
    assert Account(sdk.acting_as(key, session.secret)).get().id == alice.id


def test_session_asked_for_by_a_guest_holds_no_secret(guest: Client, alice: Person):
    session = Account(guest).create_email_password_session(alice.email, PASSWORD)

    assert session.secret == ""
    assert session.current is True


def test_user_lists_gets_and_ends_sessions(key: Client, alice: Person):
    second = Account(key).create_email_password_session(alice.email, PASSWORD)
    account = Account(alice.client)

    listed = account.list_sessions()
    current = account.get_session("current")
    account.delete_session(second.id)

    assert listed.total == 2
    assert [session.current for session in listed.sessions].count(True) == 1
    assert current.current is True
    assert current.id != second.id
    assert account.list_sessions().total == 1


def test_user_keeps_preferences(alice: Person):
    account = Account(alice.client)
    prefs = {"theme": "dark", "size": 12, "tags": ["a", "ü"], "nested": {"deep": None}}

    changed = account.update_prefs(prefs)

    assert changed.prefs.data == prefs
    assert account.get_prefs().data == prefs
    assert account.get().prefs.data == prefs


def test_token_acts_as_its_user_until_the_session_ends(guest: Client, alice: Person):
    jwt = sdk.create_jwt(alice.client)
    by_token = Account(guest.set_jwt(jwt))
    assert by_token.get().id == alice.id

    Account(alice.client).delete_session("current")

    with pytest.raises(AppwriteException) as refused:
        by_token.get()
    assert (refused.value.code, refused.value.type) == (401, "user_jwt_invalid")


def test_logged_out_user_is_a_guest(alice: Person):
    Account(alice.client).delete_session("current")

    with pytest.raises(AppwriteException) as refused:
        Account(alice.client).get()
    assert (refused.value.code, refused.value.type) == (401, "general_unauthorized_scope")


def test_logging_out_everywhere_ends_every_session(key: Client, alice: Person):
    second = Account(key).create_email_password_session(alice.email, PASSWORD)

    Account(alice.client).delete_sessions()

    with pytest.raises(AppwriteException):
        Account(sdk.acting_as(key, second.secret)).get()


@pytest.mark.parametrize(
    ("changed", "code", "type_"),
    [
        ({"password": "not the password"}, 401, "user_invalid_credentials"),
        ({"email": "nobody@example.com"}, 401, "user_invalid_credentials"),
        ({"email": "not an address"}, 400, "general_argument_invalid"),
        ({"password": "short"}, 400, "general_argument_invalid"),
    ],
)
def test_refused_log_in_says_why(
    key: Client, alice: Person, changed: dict[str, str], code: int, type_: str
):
    with pytest.raises(AppwriteException) as refused:
        Account(key).create_email_password_session(
            **{"email": alice.email, "password": PASSWORD, **changed}
        )

    assert (refused.value.code, refused.value.type) == (code, type_)


def test_email_is_taken_once(key: Client, alice: Person):
    with pytest.raises(AppwriteException) as refused:
        Account(key).create(ID.unique(), alice.email.upper(), PASSWORD)

    assert refused.value.code == 409
    assert refused.value.type in ("user_already_exists", "user_email_already_exists")


def test_session_is_not_believed_in_another_project(server: Installation, alice: Person):
    foreign = Client().set_endpoint(server.endpoint).set_project("console")

    with pytest.raises(AppwriteException) as refused:
        Account(foreign.set_session(alice.client.get_config("session"))).get()

    assert refused.value.code == 401
