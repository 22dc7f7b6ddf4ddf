"""Passkeys with a real browser, whose device is Chromium's virtual authenticator, and the SDK."""

from collections.abc import Callable

import pytest
from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.services.account import Account
from appwrite.services.users import Users

from tests.compat.browser import App, AppError
from tests.compat.sdk import PASSWORD, Person

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

OpenApp = Callable[..., App]

pytestmark = pytest.mark.usefixtures("recwarn")


def test_browser_adds_a_passkey_and_signs_in_with_it(open_app: OpenApp, alice: Person, key: Client):
    app = open_app(page="localhost", api="localhost")
    devices = app.context.new_cdp_session(app.page)
    devices.send("WebAuthn.enable")
    device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    app.call("logIn", alice.email, PASSWORD)

    passkey = app.call("addPasskey", "Laptop")
    with pytest.raises(AppError) as again:
        app.call("addPasskey", "The same one")
    app.call("logOut")
    session = app.call("signInByPasskey")

    assert "InvalidStateError" in str(again.value)
    assert (session["userId"], session["factors"]) == (alice.id, ["passkey"])
    assert app.call("me")["$id"] == alice.id
    users = Users(key)
    listed = users.list_passkeys(alice.id)
    assert [each.name for each in listed.passkeys] == ["Laptop"]
    assert users.get_passkey(alice.id, passkey["$id"]).accessedat
    app.call("logOut")
    devices.send("WebAuthn.setUserVerified", device | {"isUserVerified": False})
    with pytest.raises(AppError) as unknown:
        app.call("signInByPasskey")
    assert "NotAllowedError" in str(unknown.value)
    devices.send("WebAuthn.setUserVerified", device | {"isUserVerified": True})
    users.delete_passkey(alice.id, passkey["$id"])
    with pytest.raises(AppError) as gone:
        app.call("signInByPasskey")
    assert gone.value.type == "user_passkey_invalid"


def test_every_method_of_the_sdk_reaches_its_operation(key: Client, guest: Client, alice: Person):
    account, users = Account(alice.client), Users(key)
    assert account.list_passkeys().total == users.list_passkeys(alice.id).total == 0
    unknown = [
        lambda: account.get_passkey("none"),
        lambda: account.update_passkey("none", "name"),
        lambda: account.delete_passkey("none"),
        lambda: users.get_passkey(alice.id, "none"),
        lambda: users.update_passkey(alice.id, "none", "name"),
        lambda: users.delete_passkey(alice.id, "none"),
    ]
    unanswered = [
        lambda: account.update_passkey_verification("none", {}),
        lambda: Account(guest).update_passkey_token("none", {}),
    ]
    unconfigured = [
        lambda: account.create_passkey("key", "Key"),
        lambda: Account(guest).create_passkey_token(),
    ]
    for calls, wanted in (
        (unknown, "user_passkey_not_found"),
        (unanswered, "user_invalid_token"),
        (unconfigured, "user_auth_method_unsupported"),
    ):
        for call in calls:
            with pytest.raises(AppwriteException) as refused:
                call()
            assert refused.value.type == wanted
