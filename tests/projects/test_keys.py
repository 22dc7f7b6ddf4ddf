"""API keys over REST: the secret is shown once, only its digest is kept."""

from datetime import timedelta

import pytest
import time_machine

from kernel import clock
from kernel.models import OutboxEvent
from projects.keys import digest
from projects.models import Key
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

BODY = {"keyId": "k1", "name": "Server", "scopes": ["teams.read", "users.read"]}


@pytest.fixture
def manager(site, client_for, make_key):
    scopes = ["keys.read", "keys.write", "teams.read", "users.read"]
    return client_for(site, key=make_key(site, scopes))


def created(client, **changes):
    reply = client.post("/project/keys", BODY | changes)
    assert reply.status == 201, reply.json
    return reply.json


def test_a_new_key_shows_its_secret_once(manager, site):
    key = created(manager)
    assert_model("Key", key)
    kind, _, random = key["secret"].partition("_")
    assert (kind, len(random)) == ("standard", 256)
    assert manager.get("/project/keys/k1").json == key | {"secret": ""}
    assert all(not each["secret"] for each in manager.get("/project/keys").json["keys"])
    row = Key.objects.get(project_id=site.id, uid="k1")
    assert bytes(row.digest) == digest(key["secret"])


def test_the_secret_rides_in_no_event(manager):
    key = created(manager)
    event = OutboxEvent.objects.get(name="keys.k1.create")
    assert event.payload == key | {"secret": ""}
    assert event.roles == []


def test_a_key_works_with_its_scopes_and_no_others(manager, site, client_for):
    client = client_for(site, key=created(manager)["secret"])
    assert client.get("/teams").status == 200
    refused = client.post("/teams", {"teamId": "t", "name": "T"})
    assert (refused.status, refused.error) == (401, "general_unauthorized_scope")


def test_a_key_of_another_project_is_told_apart(manager, project, client_for):
    reply = client_for(project, key=created(manager)["secret"]).get("/teams")
    assert (reply.status, reply.error) == (403, "project_id_missing")


@pytest.mark.parametrize("secret", ["standard_nope", "nope", "ephemeral_x", "x" * 5000, "é", "_"])
def test_an_unknown_key_is_a_guest(site, client_for, secret):
    client = client_for(site, key=secret)
    assert client.get("/ping").status == 200
    reply = client.get("/teams")
    assert (reply.status, reply.error) == (401, "general_unauthorized_scope")


def test_a_key_without_a_kind_is_a_stored_key(site, client_for):
    Key.objects.create(
        project_id=site.id, uid="old", name="Old", scopes=["teams.read"], digest=digest("abc123")
    )
    assert client_for(site, key="abc123").get("/teams").status == 200


def test_an_expired_key_is_refused(manager, site, client_for):
    tomorrow = clock.now() + timedelta(days=1)
    key = created(manager, expire=tomorrow.isoformat())
    assert key["expire"] == clock.api_time(tomorrow)
    client = client_for(site, key=key["secret"])
    assert client.get("/teams").status == 200
    with time_machine.travel(tomorrow + timedelta(seconds=1)):
        reply = client.get("/teams")
    assert (reply.status, reply.error) == (401, "project_key_expired")


def test_the_last_use_is_noted_once_a_day(manager, site, client_for, statements):
    client = client_for(site, key=created(manager)["secret"])
    client.get("/ping")
    assert_model("Key", manager.get("/project/keys/k1").json)
    first = manager.get("/project/keys/k1").json["accessedAt"]
    assert first
    with statements() as seen:
        client.get("/ping")
    assert len(seen) == 1
    with time_machine.travel(clock.now() + timedelta(days=1, seconds=1)):
        client.get("/ping")
    assert manager.get("/project/keys/k1").json["accessedAt"] > first


def test_scopes_this_server_does_not_know_are_kept(owen, site):
    scopes = ["teams.read", "comets.read"]
    reply = owen.post("/projects/site/keys", BODY | {"scopes": scopes})
    assert (reply.status, reply.json["scopes"]) == (201, scopes)


def test_a_key_gives_no_scope_that_it_does_not_hold(manager, owen, site):
    reply = manager.post("/project/keys", BODY | {"scopes": ["teams.read", "teams.write"]})
    assert (reply.status, reply.error) == (403, "key_creation_denied")
    assert not Key.objects.filter(uid="k1").exists()
    created(manager)
    wider = {"name": "Wider", "scopes": ["users.write"]}
    assert manager.put("/project/keys/k1", wider).error == "key_creation_denied"
    assert Key.objects.get(uid="k1").name == "Server"
    assert owen.put("/projects/site/keys/k1", wider).status == 200


def test_older_clients_leave_the_id_to_the_server(owen, site):
    body = {"name": "Server", "scopes": ["teams.read"]}
    reply = owen.post("/projects/site/keys", body)
    assert reply.status == 201
    assert_model("Key", reply.json)
    assert owen.get(f"/projects/site/keys/{reply.json['$id']}").status == 200


def test_a_taken_id_is_refused(manager):
    created(manager)
    reply = manager.post("/project/keys", BODY)
    assert (reply.status, reply.error) == (409, "key_already_exists")


def test_ids_are_taken_per_project(manager, project, client_for, make_key):
    created(manager)
    created(client_for(project, key=make_key(project, ["keys.write"])), scopes=[])


@pytest.mark.parametrize(
    "change",
    [{"keyId": "a b"}, {"name": ""}, {"name": {}}, {"scopes": "all"}, {"scopes": ["x" * 65]},
     {"scopes": ["x"] * 201}, {"scopes": None}, {"expire": "soon"}, {"expire": 5}],
)  # fmt: skip
def test_malformed_keys_are_refused(manager, change):
    reply = manager.post("/project/keys", BODY | change)
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_updating_replaces_name_scopes_and_expiry(manager, site, client_for):
    key = created(manager, expire="2099-01-01T00:00:00.000+00:00")
    reply = manager.put("/project/keys/k1", {"name": "New", "scopes": ["users.read"]})
    assert_model("Key", reply.json)
    assert (reply.json["name"], reply.json["scopes"], reply.json["expire"]) == (
        "New",
        ["users.read"],
        "",
    )
    assert client_for(site, key=key["secret"]).get("/teams").status == 401
    described = {"name": "New", "scopes": [], "description": "For the cron job"}
    assert manager.put("/project/keys/k1", described).json["description"] == "For the cron job"


def test_server_fields_cannot_be_set(manager):
    key = created(manager, secret="standard_mine", accessedAt="2020-01-01", sdks=["x"])
    assert key["secret"] != "standard_mine"
    assert (key["accessedAt"], key["sdks"]) == ("", [])
    changed = manager.put(
        "/project/keys/k1", {"name": "N", "scopes": [], "$createdAt": "2000-01-01", "secret": "x"}
    )
    assert changed.json["$createdAt"] == key["$createdAt"]
    assert changed.json["secret"] == ""


def test_a_deleted_key_is_worth_nothing(manager, site, client_for):
    client = client_for(site, key=created(manager)["secret"])
    assert client.get("/teams").status == 200
    assert manager.delete("/project/keys/k1").status == 204
    assert client.get("/teams").status == 401
    assert manager.get("/project/keys/k1").error == "key_not_found"
    assert manager.delete("/project/keys/k1").error == "key_not_found"


@pytest.mark.parametrize(
    ("person", "status"), [("owen", 201), ("dana", 201), ("vera", 401), ("eve", 404)]
)
def test_who_may_make_keys(request, site, person, status):
    assert request.getfixturevalue(person).post("/projects/site/keys", BODY).status == status
    assert Key.objects.filter(project_id=site.id).exists() == (status == 201)


def test_reading_scopes_write_nothing(site, client_for, make_key):
    client = client_for(site, key=make_key(site, ["keys.read"]))
    assert client.get("/project/keys").status == 200
    for reply in (
        client.post("/project/keys", BODY),
        client.put("/project/keys/x", {"name": "N", "scopes": []}),
        client.delete("/project/keys/x"),
    ):
        assert reply.error == "general_unauthorized_scope"


def test_the_console_has_no_keys(console_project, client_for, owen):
    reply = owen.post("/project/keys", BODY)
    assert (reply.status, reply.error) == (404, "project_not_found")
    assert owen.post("/projects/console/keys", BODY).error == "project_not_found"


def test_a_key_of_one_project_reaches_no_other(manager, project, client_for, make_key):
    other = client_for(project, key=make_key(project, ["keys.read", "keys.write"]))
    created(manager)
    assert other.get("/project/keys/k1").error == "key_not_found"
    assert other.get("/projects/site/keys/k1").error == "project_not_found"
    assert other.put("/projects/site/keys/k1", {"name": "x", "scopes": []}).status == 404
    assert other.delete("/projects/site/keys/k1").error == "project_not_found"
    assert other.post("/projects/site/keys", BODY | {"keyId": "k2"}).status == 404
    assert manager.get("/project/keys/k1").json["name"] == "Server"


def test_keys_are_listed_by_queries(manager):
    for number in range(3):
        created(manager, keyId=f"k{number}", name=f"N{number}")
    query = [
        '{"method":"startsWith","attribute":"name","values":["N"]}',
        '{"method":"orderDesc","attribute":"name"}',
        '{"method":"limit","values":[2]}',
    ]
    reply = manager.get("/project/keys", {"queries": query})
    assert_model("KeyList", reply.json)
    assert (reply.json["total"], [each["$id"] for each in reply.json["keys"]]) == (3, ["k2", "k1"])
