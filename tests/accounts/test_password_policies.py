"""What a project asks of passwords, wherever one is chosen."""

from itertools import pairwise

import pytest

from accounts.models import Session, User
from tests.accounts.mailbox import newest_link
from tests.accounts.policies import set_policy
from tests.conftest import PASSWORD

APP = "http://localhost:3000/proof"
STRONG = "Tr0ubled-Waters"


def sign_up(client, password, **changes):
    body = {"userId": "dora", "email": "dora.doe@example.com", "name": "Dora Marie Doe"}
    return client.post("/account", body | {"password": password} | changes)


def change(client, password, old=PASSWORD):
    return client.patch("/account/password", {"password": password, "oldPassword": old})


# The common ones


@pytest.mark.parametrize("password", ["password1", "PASSWORD1", "hunter2hunter2", "qwertyuiop"])
def test_common_passwords_are_refused_where_the_project_says(project, guest, events, password):
    set_policy(project, "password-dictionary", enabled=True, denyList=["Hunter2Hunter2"])
    events.clear()
    reply = sign_up(guest, password)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert "`password`" in reply.json["message"]
    assert events.names() == []
    assert sign_up(guest, STRONG).status == 201


def test_common_passwords_pass_where_the_project_does_not_ask(guest):
    assert sign_up(guest, "password1").status == 201


def test_every_way_to_choose_a_password_is_held_to_the_policies(project, guest, own, server):
    set_policy(project, "password-dictionary", enabled=True)
    anonymous = server.post("/users", {"userId": "nobody"}).json["$id"]
    session = server.post(f"/users/{anonymous}/sessions").json["secret"]
    guest.post("/account/recovery", {"email": "alice@example.com", "url": APP})
    weak = "password1"
    refused = [
        sign_up(guest, weak),
        change(own, weak),
        server.post("/users", {"userId": "x", "password": weak}),
        server.patch("/users/alice/password", {"password": weak}),
        guest.patch(
            "/account/email",
            {"email": "x@example.com", "password": weak},
            X_Appwrite_Session=session,
        ),
    ]
    assert [(reply.status, reply.error) for reply in refused] == [
        (400, "general_argument_invalid")
    ] * len(refused)
    assert not User.objects.filter(uid="x").exists()


def test_recovered_password_is_held_to_the_policies(project, guest, own, jobs):
    set_policy(project, "password-dictionary", enabled=True)
    guest.post("/account/recovery", {"email": "alice@example.com", "url": APP})
    jobs()
    query = newest_link("alice@example.com")[1]
    proof = {"userId": query["userId"], "secret": query["secret"]}
    reply = guest.put("/account/recovery", proof | {"password": "password1"})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    # The link is still good for a better one.
    assert guest.put("/account/recovery", proof | {"password": STRONG}).status == 200


def test_imported_hashes_and_no_password_pass(project, server):
    set_policy(project, "password-dictionary", enabled=True)
    set_policy(project, "password-history", total=5)
    assert server.post("/users", {"userId": "none"}).status == 201
    assert server.patch("/users/none/password", {"password": ""}).status == 200


# Strength


@pytest.mark.parametrize(
    ("fields", "weak", "said"),
    [
        ({"min": 12}, "Sh0rt-one", "at least 12 chars"),
        ({"uppercase": True}, "tr0ubled-waters", "an uppercase letter"),
        ({"lowercase": True}, "TR0UBLED-WATERS", "a lowercase letter"),
        ({"number": True}, "Troubled-Waters", "a number"),
        ({"symbols": True}, "Tr0ubled Waters", "a symbol"),
    ],
)
def test_weak_passwords_are_refused(project, guest, fields, weak, said):
    set_policy(project, "password-strength", **fields)
    reply = sign_up(guest, weak)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert said in reply.json["message"]
    assert sign_up(guest, STRONG).status == 201


# Personal data


@pytest.mark.parametrize(
    "password",
    ["dora-and-more", "my MARIE is good", "dora.doe@example.com", "xxDora.Doexx", "acme is great"],
)
def test_personal_data_is_refused(project, guest, events, password):
    set_policy(project, "password-personal-data", enabled=True, denyList=["ACME"])
    events.clear()
    reply = sign_up(guest, password)
    assert (reply.status, reply.error) == (400, "password_personal_data")
    assert events.names() == []
    assert sign_up(guest, STRONG).status == 201


def test_phone_number_and_new_address_are_personal(project, server, guest):
    set_policy(project, "password-personal-data", enabled=True)
    server.post("/users", {"userId": "dora", "phone": "+4915112345"})
    reply = server.patch("/users/dora/password", {"password": "call 4915112345"})
    assert reply.error == "password_personal_data"
    session = server.post("/users/dora/sessions").json["secret"]
    body = {"email": "sunflower@example.com", "password": "sunflowers 22"}
    reply = guest.patch("/account/email", body, X_Appwrite_Session=session)
    assert reply.error == "password_personal_data"


def test_short_parts_of_a_name_are_in_too_many_words(project, guest):
    set_policy(project, "password-personal-data", enabled=True)
    assert sign_up(guest, "one better thing", name="A Be", email="a@example.com").status == 201


# History


def test_former_passwords_are_refused_as_many_as_the_project_remembers(project, own):
    set_policy(project, "password-history", total=3)
    chosen = [PASSWORD, "the second one", "the third one", "the fourth one"]
    for old, new in pairwise(chosen):
        assert change(own, new, old).status == 200
    for used in chosen[1:]:
        reply = change(own, used, chosen[-1])
        assert (reply.status, reply.error) == (400, "password_recently_used")
    assert change(own, chosen[0], chosen[-1]).status == 200
    assert len(User.objects.get(uid="alice").former_passwords) == 3


def test_nothing_is_remembered_where_the_project_does_not_ask(own):
    assert change(own, "the second one").status == 200
    assert User.objects.get(uid="alice").former_passwords == []
    assert change(own, PASSWORD, "the second one").status == 200


def test_servers_cannot_set_a_former_password_either(project, own, server):
    set_policy(project, "password-history", total=2)
    change(own, "the second one")
    reply = server.patch("/users/alice/password", {"password": PASSWORD})
    assert (reply.status, reply.error) == (400, "password_recently_used")


def test_class_30_former_hashes_are_in_no_answer(project, own, server):
    set_policy(project, "password-history", total=2)
    change(own, "the second one")
    (former,) = User.objects.get(uid="alice").former_passwords
    for reply in (own.get("/account"), server.get("/users/alice"), server.get("/users")):
        assert former.encode() not in reply.content


# Sessions after a change


@pytest.mark.parametrize("enabled", [True, False])
def test_a_changed_password_ends_other_sessions_where_the_project_says(
    project, own, guest, enabled
):
    set_policy(project, "session-invalidation", enabled=enabled)
    guest.post("/account/sessions/email", {"email": "alice@example.com", "password": PASSWORD})
    assert change(own, STRONG).status == 200
    assert Session.objects.count() == (1 if enabled else 2)
