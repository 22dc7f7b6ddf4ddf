"""Sign-up, and one's own account."""

import pytest

from accounts.models import User
from projects.services import operator, update_settings
from tests.accounts.counting import until_commit
from tests.reference import assert_model

PATH = "/account"
BODY = {"userId": "zoe", "email": "Zoe@Example.com", "password": "correct horse", "name": "Zoe"}


def test_sign_up_answers_the_account_and_publishes_it_to_its_owner(project, client_for, events):
    reply = client_for(project).post(PATH, BODY)
    assert reply.status == 201
    assert_model("User", reply.json)
    assert reply.json["$id"] == "zoe"
    assert reply.json["email"] == "zoe@example.com"
    assert reply.json["passwordUpdate"]
    assert not {"password", "hash", "hashOptions"} & set(reply.json)
    (event,) = events.all()
    assert (event.name, event.roles) == ("users.zoe.create", ["user:zoe"])
    assert event.payload == reply.json


def test_sign_up_does_not_sign_in(project, client_for):
    reply = client_for(project).post(PATH, BODY)
    assert not reply.cookies
    assert client_for(project).get(PATH).error == "general_unauthorized_scope"


def test_sign_up_stores_an_argon2id_hash_and_a_login_of_its_project(project, client_for):
    client_for(project).post(PATH, BODY)
    user = User.objects.get(uid="zoe")
    assert user.password.startswith("argon2$argon2id$")
    assert user.login == f"{project.id}:zoe"


def test_unique_id_is_made_by_the_server(project, client_for):
    reply = client_for(project).post(PATH, BODY | {"userId": "unique()"})
    assert reply.status == 201
    assert len(reply.json["$id"]) == 20


@pytest.mark.parametrize(
    "taken",
    [{"userId": "zoe", "email": "a@example.com"}, {"userId": "a", "email": "ZOE@example.com"}],
)
def test_taken_id_or_address_is_refused(project, client_for, events, taken):
    guest = client_for(project)
    guest.post(PATH, BODY)
    events.clear()
    reply = guest.post(PATH, BODY | taken)
    assert (reply.status, reply.error) == (409, "user_already_exists")
    assert events.names() == []


def test_two_projects_may_hold_the_same_user(project, other_project, client_for):
    assert client_for(project).post(PATH, BODY).status == 201
    assert client_for(other_project).post(PATH, BODY).status == 201


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"email": "nobody"}, "Invalid `email` param: Value must be a valid email address"),
        ({"password": "short"}, "Invalid `password` param"),
        ({"password": "x" * 257}, "Invalid `password` param"),
        ({"userId": "_no"}, "Invalid `userId` param"),
        ({"userId": None}, 'Param "userId" is not optional.'),
        ({"name": "x" * 129}, "Invalid `name` param"),
    ],
)
def test_bad_parameters_are_named(project, client_for, events, change, message):
    reply = client_for(project).post(PATH, BODY | change)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert reply.json["message"].startswith(message)
    assert events.names() == []


def test_user_limit_of_a_project_is_kept(project, client_for):
    update_settings(caller=operator(), project_id=project.uid, user_limit=1)
    guest = client_for(project)
    assert guest.post(PATH, BODY).status == 201
    reply = guest.post(PATH, BODY | {"userId": "two", "email": "two@example.com"})
    assert (reply.status, reply.error) == (400, "user_count_exceeded")


def test_sign_up_takes_six_statements(project, client_for, statements):
    guest = client_for(project)
    guest.get(PATH)
    with statements() as seen:
        assert guest.post(PATH, BODY).status == 201
    assert len(until_commit(seen)) <= 6, seen


def test_account_shows_the_caller(project, client_for, alice, statements):
    client = client_for(project, session=alice.session)
    with statements() as seen:
        reply = client.get(PATH)
    assert reply.status == 200
    assert_model("User", reply.json)
    assert reply.json["$id"] == "alice"
    assert len(seen) <= 3, seen


def test_guests_and_keys_have_no_account(project, client_for, make_key):
    for client in (client_for(project), client_for(project, key=make_key(project, ["users.read"]))):
        reply = client.get(PATH)
        assert (reply.status, reply.error) == (401, "general_unauthorized_scope")
