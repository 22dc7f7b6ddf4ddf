"""The users and teams services of the newest official Python SDK, with an API key."""

import pytest
from appwrite.client import Client
from appwrite.enums.messaging_provider_type import MessagingProviderType
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.query import Query
from appwrite.services.account import Account
from appwrite.services.teams import Teams
from appwrite.services.users import Users

from tests.compat import sdk
from tests.compat.live import Installation
from tests.compat.sdk import PASSWORD, Person


def test_key_creates_and_gets_a_user(key: Client):
    users = Users(key)
    email = sdk.new_email()

    made = users.create(ID.unique(), email=email, password=PASSWORD, name="Bob")
    found = users.get(made.id)

    assert found.to_dict() == made.to_dict()
    assert (found.email, found.name, found.phone) == (email, "Bob", "")
    assert found.hash == "argon2"


def test_key_creates_a_user_with_nothing_but_an_id(key: Client):
    user = Users(key).create("unique()")

    assert (user.email, user.phone, user.name) == ("", "", "")


def test_key_lists_users_by_query(key: Client):
    users = Users(key)
    name = ID.unique()
    ids = [
        users.create(ID.unique(), email=sdk.new_email(), password=PASSWORD, name=name).id
        for _ in range(3)
    ]

    listed = users.list([Query.equal("name", name), Query.limit(2)])
    rest = users.list([Query.equal("name", name), Query.cursor_after(listed.users[-1].id)])

    assert listed.total == 3
    assert [user.id for user in [*listed.users, *rest.users]] == ids


def test_key_deletes_a_user_and_with_it_the_sessions(key: Client, alice: Person):
    Users(key).delete(alice.id)

    with pytest.raises(AppwriteException) as missing:
        Users(key).get(alice.id)
    with pytest.raises(AppwriteException) as refused:
        Account(alice.client).get()
    assert (missing.value.code, missing.value.type) == (404, "user_not_found")
    assert refused.value.code == 401


def test_key_manages_where_messages_reach_a_user(key: Client, alice: Person):
    users = Users(key)
    (own,) = users.get(alice.id).targets

    made = users.create_target(
        alice.id, ID.unique(), MessagingProviderType.PUSH, f"token-{ID.unique()}", name="Phone"
    )
    changed = users.update_target(alice.id, made.id, name="Tablet")
    listed = users.list_targets(alice.id, [Query.equal("providerType", "push")])
    users.delete_target(alice.id, made.id)

    assert (own.providertype, own.identifier) == ("email", alice.email)
    assert (changed.name, changed.identifier) == ("Tablet", made.identifier)
    assert [each.to_dict() for each in listed.targets] == [changed.to_dict()]
    with pytest.raises(AppwriteException) as missing:
        users.get_target(alice.id, made.id)
    assert (missing.value.code, missing.value.type) == (404, "user_target_not_found")


def test_user_marked_by_a_key_acts_as_another(key: Client, alice: Person, bob: Person):
    marked = Users(key).update_impersonator(alice.id, True)

    user = Account(alice.client.set_impersonate_user_email(bob.email)).get()
    with pytest.raises(AppwriteException) as refused:
        sdk.create_jwt(alice.client)

    assert marked.impersonator is True
    assert (user.id, user.impersonatoruserid) == (bob.id, alice.id)
    assert (refused.value.code, refused.value.type) == (401, "user_unauthorized")


def test_user_may_not_use_the_users_service(alice: Person):
    with pytest.raises(AppwriteException) as refused:
        Users(alice.client).list()

    assert (refused.value.code, refused.value.type) == (401, "general_unauthorized_scope")


def test_key_without_the_scope_is_refused(server: Installation, guest: Client):
    made = server.manage("create_key", "blog", "--name", "narrow", "--scopes", "users.read")
    narrow = Users(guest.set_key(sdk.secret_of(made)))

    assert narrow.list([Query.limit(1)]).total >= 0
    with pytest.raises(AppwriteException) as refused:
        narrow.create(ID.unique(), email=sdk.new_email(), password=PASSWORD)

    assert (refused.value.code, refused.value.type) == (401, "general_unauthorized_scope")


@pytest.mark.parametrize("by_key", [True, False], ids=["key", "user"])
def test_team_is_created_and_found(key: Client, alice: Person, *, by_key: bool):
    teams = Teams(key if by_key else alice.client)

    team = teams.create(ID.unique(), "Writers")
    listed = teams.list([Query.equal("name", "Writers"), Query.limit(100)])

    assert team.total == (0 if by_key else 1)
    assert teams.get(team.id).name == "Writers"
    assert team.id in [each.id for each in listed.teams]


def test_user_sees_no_team_of_others(alice: Person, bob: Person):
    team = Teams(alice.client).create(ID.unique(), "Closed")

    assert Teams(bob.client).list().total == 0
    with pytest.raises(AppwriteException) as missing:
        Teams(bob.client).get(team.id)
    assert missing.value.code == 404


def test_owner_invites_a_user_and_key_lets_one_in(key: Client, alice: Person, bob: Person):
    team = Teams(alice.client).create(ID.unique(), "Inviting")

    pending = Teams(alice.client).create_membership(
        team.id, ["writer"], user_id=bob.id, url="http://localhost/join"
    )
    with pytest.raises(AppwriteException) as refused:
        Teams(bob.client).update_membership_status(team.id, pending.id, bob.id, "guessed")
    joined = Teams(key).create_membership(team.id, ["writer"], user_id=bob.id)
    listed = Account(bob.client).list_memberships()

    assert (pending.confirm, pending.useremail, pending.roles) == (False, bob.email, ["writer"])
    assert (refused.value.code, refused.value.type) == (401, "team_invalid_secret")
    assert (joined.confirm, joined.id) == (True, pending.id)
    assert [each.teamid for each in listed.memberships] == [team.id]
