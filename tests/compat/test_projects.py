"""Projects, keys and platforms: as a console asks for them, and by the official SDK with a key."""

import secrets
from typing import Any

import pytest
import requests
from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.services.account import Account
from appwrite.services.project import Project
from appwrite.services.users import Users

from tests.compat import sdk
from tests.compat.live import CONSOLE, PROJECT, Installation

TIMEOUT_SECONDS = 10


@pytest.fixture
def console(server: Installation) -> requests.Session:
    return server.sign_in_to_console()


def created(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_console_leads_from_a_team_to_a_working_key(
    server: Installation, console: requests.Session
):
    team = created(
        console.post(f"{server.endpoint}/teams", json={"teamId": "unique()", "name": "Shop"})
    )
    asked = {"projectId": ID.unique(), "name": "Shop", "teamId": team["$id"]}
    project = created(console.post(f"{server.endpoint}/projects", json=asked))
    keys = f"{server.endpoint}/projects/{project['$id']}/keys"
    key = created(console.post(keys, json={"name": "server", "scopes": ["users.read"]}))

    client = Client().set_endpoint(server.endpoint).set_project(project["$id"])
    assert Users(client.set_key(key["secret"])).list().total == 0
    listed = console.get(keys).json()
    assert [(each["name"], each["secret"]) for each in listed["keys"]] == [("server", "")]
    found = console.get(f"{server.endpoint}/projects").json()
    assert project["$id"] in [each["$id"] for each in found["projects"]]


def test_console_accepts_no_second_stranger(server: Installation):
    asked = {"userId": "unique()", "email": sdk.new_email(), "password": "a long enough password"}

    answer = requests.post(
        f"{server.endpoint}/account",
        json=asked,
        headers={"X-Appwrite-Project": CONSOLE},
        timeout=TIMEOUT_SECONDS,
    )

    assert answer.json()["type"] == "user_console_count_exceeded"


def test_key_manages_keys(server: Installation, key: Client):
    project = Project(key)
    # The SDK changes, lists and deletes keys; it makes only those that end by themselves.
    made = sdk.call(
        key, "post", "/project/keys", keyId=ID.unique(), name="narrow", scopes=["users.read"]
    )
    narrow = Users(sdk.guest_client(server).set_key(made["secret"]))

    assert narrow.list().total >= 0
    assert project.get_key(made["$id"]).secret == ""
    assert made["$id"] in [each.id for each in project.list_keys().keys]
    project.delete_key(made["$id"])
    with pytest.raises(AppwriteException) as refused:
        narrow.list()
    assert refused.value.code == 401


def test_key_manages_platforms(server: Installation, key: Client):
    project, host = Project(key), f"{ID.unique()}.example.com"
    headers = {"Origin": f"https://{host}", "X-Appwrite-Project": PROJECT}

    def status() -> int:
        url = f"{server.endpoint}/account"
        return requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS).status_code

    assert status() == 403
    made = project.create_web_platform(ID.unique(), "Shop", host)
    sdk.wait_until(lambda: status() == 401, seconds=5)
    project.delete_platform(made.id)
    sdk.wait_until(lambda: status() == 403, seconds=5)


def test_key_changes_and_reads_policies(server: Installation, guest: Client):
    scopes = "policies.read,policies.write"
    made = server.manage("create_key", PROJECT, "--name", "policies", "--scopes", scopes)
    project = Project(guest.set_key(sdk.secret_of(made)))

    changed = project.update_password_dictionary_policy(True, deny_list=["a most unusual word"])
    project.update_password_dictionary_policy(False, deny_list=[])
    project.update_password_rotation_policy(max_age=86_400)
    project.update_password_pwned_policy(enabled=False, users=True)
    project.update_deny_aliased_email_policy(False)
    project.update_deny_corporate_email_policy(False)
    project.update_deny_disposable_email_policy(False)
    project.update_deny_free_email_policy(False)
    listed = project.list_policies()

    assert changed.id == PROJECT
    assert listed.total == len(listed.policies) >= 10
    assert project.get_policy("session-limit").total == 10
    assert project.get_policy("password-rotation").maxage == 86_400
    assert project.get_policy("password-pwned").users is True
    assert project.get_policy("deny-free-email").enabled is False


def test_key_sets_a_number_by_which_testers_sign_in(key: Client, guest: Client):
    project = Project(key)
    number, user_id = f"+1555{secrets.randbelow(10**7):07}", ID.unique()

    made = project.create_mock_phone(number, "123456")
    changed = project.update_mock_phone(number, "654321")
    listed = project.list_mock_phones()
    Account(guest).create_phone_token(user_id, number)
    session = Account(guest).create_session(user_id, "654321")
    project.delete_mock_phone(number)

    assert (made.number, made.otp, changed.otp) == (number, "123456", "654321")
    assert changed.to_dict() in [each.to_dict() for each in listed.mocknumbers]
    assert (session.userid, session.provider) == (user_id, "phone")
    with pytest.raises(AppwriteException) as missing:
        project.get_mock_phone(number)
    assert (missing.value.code, missing.value.type) == (404, "mock_number_not_found")
