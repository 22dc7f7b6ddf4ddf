"""What keys do with a project's users."""

import orjson
import pytest
from guardian.shortcuts import assign_perm

from accounts.models import Session, User
from documents.models import Collection
from tests.accounts.counting import until_commit
from tests.conftest import PASSWORD
from tests.reference import assert_model


def query(method, attribute="", *values):
    return orjson.dumps({"method": method, "attribute": attribute, "values": list(values)}).decode()


def test_create_takes_everything_or_nothing(server, events, statements):
    with statements() as seen:
        full = server.post(
            "/users",
            {
                "userId": "full",
                "email": "Full@example.com",
                "phone": "+4912345",
                "password": PASSWORD,
                "name": "Full",
            },
        )
    bare = server.post("/users", {"userId": "bare"})
    assert full.status == bare.status == 201
    for reply in (full, bare):
        assert_model("User", reply.json)
        assert reply.json["password"] == ""
    assert (full.json["email"], full.json["phone"]) == ("full@example.com", "+4912345")
    assert (full.json["hash"], bare.json["hash"]) == ("argon2", "")
    assert full.json["hashOptions"]["type"] == "argon2"
    assert events.names()[-2:] == ["users.full.create", "users.bare.create"]
    assert not {"password", "hash", "hashOptions"} & set(events.payloads()[-1])
    assert len(until_commit(seen)) <= 7, seen  # the key's first use of the day is noted, too


@pytest.mark.parametrize(
    "clash", [{"userId": "a"}, {"email": "a@example.com"}, {"phone": "+4912345"}]
)
def test_create_refuses_what_is_taken(server, events, clash):
    server.post("/users", {"userId": "a", "email": "a@example.com", "phone": "+4912345"})
    events.clear()
    reply = server.post("/users", {"userId": "b", **clash})
    assert (reply.status, reply.error) == (409, "user_already_exists")
    assert events.names() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone": "123"},
        {"phone": "+" + "1" * 16},
        {"phone": "+0123456789"},
        {"phone": "+123456"},
        {"email": "x"},
        {"password": "short"},
    ],
)
def test_create_checks_its_parameters(server, wrong):
    reply = server.post("/users", {"userId": "a", **wrong})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_get_shows_a_user(server, alice):
    reply = server.get("/users/alice")
    assert reply.status == 200
    assert_model("User", reply.json)
    assert server.get("/users/nobody").error == "user_not_found"


def test_list_filters_orders_and_counts(server, statements):
    for number in range(4):
        server.post(
            "/users", {"userId": f"u{number}", "name": "even" if number % 2 == 0 else "odd"}
        )
    server.put("/users/u1/labels", {"labels": ["vip"]})
    with statements() as seen:
        whole = server.get("/users")
    assert whole.json["total"] == 4
    assert_model("UserList", whole.json)
    assert len(seen) <= 4, seen

    def ids(*queries, **more):
        reply = server.get("/users", {"queries": list(queries), **more})
        assert reply.status == 200, reply.json
        return [user["$id"] for user in reply.json["users"]]

    assert ids(query("equal", "name", "even")) == ["u0", "u2"]
    assert ids(query("contains", "labels", "vip")) == ["u1"]
    assert ids(query("orderDesc", "$id"), query("limit", "", 2)) == ["u3", "u2"]
    assert ids(query("cursorAfter", "", "u1")) == ["u2", "u3"]
    assert ids(query("equal", "status", True), query("offset", "", 3)) == ["u3"]
    assert ids(search="ODD") == ["u1", "u3"]
    assert server.get("/users", {"total": False}).json["total"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (query("equal", "password", "x"), "Attribute not found in schema: password"),
        (query("equal", "login", "x"), "Attribute not found in schema: login"),
        (query("equal", "project__uid", "x"), "Attribute not found in schema: project__uid"),
        (query("equal", "status", "x"), 'Query value is invalid for attribute "status"'),
        ("{", "Syntax error"),
    ],
)
def test_list_refuses_queries_it_does_not_know(server, text, message):
    reply = server.get("/users", {"queries": [text]})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")
    assert reply.json["message"] == f"Invalid `queries` param: Invalid query: {message}"


def test_unknown_cursor_is_refused(server):
    reply = server.get("/users", {"queries": [query("cursorAfter", "", "nobody")]})
    assert (reply.status, reply.error) == (400, "general_cursor_not_found")


@pytest.mark.parametrize(
    ("verb", "path", "body", "field", "value", "event"),
    [
        ("PATCH", "name", {"name": "New"}, "name", "New", "update.name"),
        ("PATCH", "email", {"email": "N@example.com"}, "email", "n@example.com", "update.email"),
        ("PATCH", "email", {"email": ""}, "email", "", "update.email"),
        ("PATCH", "phone", {"number": "+4912345"}, "phone", "+4912345", "update.phone"),
        ("PUT", "labels", {"labels": ["b", "a", "b"]}, "labels", ["b", "a"], "update.labels"),
        ("PATCH", "status", {"status": False}, "status", False, "update.status"),
        (
            "PATCH", "verification", {"emailVerification": True}, "emailVerification", True,
            "update.verification",
        ),
        (
            "PATCH", "verification/phone", {"phoneVerification": True}, "phoneVerification", True,
            "update.verification",
        ),
    ],
)  # fmt: skip
def test_updates_change_answer_and_publish(
    server, alice, events, verb, path, body, field, value, event
):
    events.clear()
    reply = server.call(verb, f"/users/alice/{path}", body)
    assert reply.status == 200
    assert_model("User", reply.json)
    assert reply.json[field] == value == server.get("/users/alice").json[field]
    assert events.names() == [f"users.alice.{event}"]
    assert server.call(verb, f"/users/nobody/{path}", body).error == "user_not_found"


def test_update_of_a_user_stays_within_six_statements(server, alice, statements):
    server.get("/users/alice")
    with statements() as seen:
        server.patch("/users/alice/name", {"name": "x"})
    assert len(until_commit(seen)) <= 6, seen


def test_labels_are_alphanumeric(server, alice):
    for labels in (["a b"], ["x" * 37], [""], "vip", [1]):
        assert server.put("/users/alice/labels", {"labels": labels}).status == 400


def test_prefs_are_replaced(server, alice):
    assert server.patch("/users/alice/prefs", {"prefs": {"a": 1}}).json == {"a": 1}
    assert server.get("/users/alice/prefs").json == {"a": 1}


def test_new_password_ends_the_sessions(server, alice, project, client_for):
    reply = server.patch("/users/alice/password", {"password": "another password"})
    assert reply.status == 200
    assert Session.objects.count() == 0
    body = {"email": alice.email, "password": "another password"}
    assert client_for(project).post("/account/sessions/email", body).status == 201


def test_taken_address_is_refused(server, alice, bob):
    reply = server.patch("/users/alice/email", {"email": bob.email})
    assert (reply.status, reply.error) == (409, "user_email_already_exists")


def test_sessions_are_made_listed_and_ended(server, alice, project, client_for, events):
    made = server.post("/users/alice/sessions")
    assert made.status == 201
    assert_model("Session", made.json)
    assert made.json["provider"] == "server"
    assert client_for(project, session=made.json["secret"]).get("/account").status == 200
    assert made.json["secret"] not in str(events.payloads())
    listed = server.get("/users/alice/sessions")
    assert_model("SessionList", listed.json)
    assert listed.json["total"] == 2
    assert all(session["secret"] == "" for session in listed.json["sessions"])
    assert server.delete(f"/users/alice/sessions/{made.json['$id']}").status == 204
    assert server.delete(f"/users/alice/sessions/{made.json['$id']}").status == 404
    events.clear()
    assert server.delete("/users/alice/sessions").status == 204
    assert events.names() == ["users.alice.sessions.delete"]
    assert client_for(project, session=alice.session).get("/account").status == 401


def test_jwt_of_a_user_is_tied_to_a_session_where_there_is_one(server, alice, project, client_for):
    tied = server.post("/users/alice/jwts")
    assert tied.status == 201
    assert_model("Jwt", tied.json)
    free = server.post("/users/alice/jwts", {"sessionId": "none", "duration": 60})
    server.delete("/users/alice/sessions")
    assert client_for(project, jwt=tied.json["jwt"]).get("/account").status == 401
    assert client_for(project, jwt=free.json["jwt"]).get("/account").status == 200


def test_deleted_user_is_gone_at_once_and_swept_later(
    server, alice, project, client_for, events, jobs
):
    token = server.post("/users/alice/jwts", {"sessionId": "none"}).json["jwt"]
    events.clear()
    assert server.delete("/users/alice").status == 204
    assert events.names() == ["users.alice.delete"]
    assert events.payloads()[0]["$id"] == "alice"
    assert server.get("/users/alice").status == 404
    assert server.get("/users").json["total"] == 0
    assert client_for(project, session=alice.session).get("/account").status == 401
    assert client_for(project, jwt=token).get("/account").error == "user_jwt_invalid"
    again = {"userId": "alice", "email": alice.email, "password": PASSWORD}
    assert client_for(project).post("/account", again).status == 201
    assert User.objects.count() == 2
    jobs()
    assert User.objects.get().uid == "alice"
    assert server.delete("/users/nobody").error == "user_not_found"


def test_scopes_are_asked_for(project, client_for, make_key, alice):
    reader = client_for(project, key=make_key(project, ["users.read"]))
    assert reader.get("/users").status == 200
    assert reader.post("/users", {"userId": "x"}).status == 401
    assert reader.delete("/users/alice").status == 401
    user = client_for(project, session=alice.session)
    assert user.get("/users").error == "general_unauthorized_scope"


def test_other_projects_users_do_not_exist(other_project, client_for, make_key, alice):
    foreign = client_for(other_project, key=make_key(other_project, ["users.read", "users.write"]))
    assert foreign.get("/users").json["total"] == 0
    for verb, path, body in [
        ("GET", "", None),
        ("DELETE", "", None),
        ("PATCH", "/name", {"name": "x"}),
        ("GET", "/sessions", None),
        ("POST", "/sessions", None),
        ("POST", "/jwts", None),
        ("GET", "/memberships", None),
        ("GET", "/prefs", None),
    ]:
        reply = foreign.call(verb, f"/users/alice{path}", body)
        assert (reply.status, reply.error) == (404, "user_not_found"), (verb, path)
    assert User.objects.get(uid="alice").name == "Alice"


def test_object_permissions_of_a_deleted_user_are_swept(project, client_for, make_key, alice, jobs):
    server = client_for(
        project,
        key=make_key(project, ["users.write", "databases.write", "collections.write"]),
    )
    server.post("/databases", {"databaseId": "main", "name": "Main"})
    made = server.post("/databases/main/collections", {"collectionId": "posts", "name": "Posts"})
    assert made.status == 201, made.json
    posts, user = Collection.objects.get(uid="posts"), User.objects.get(uid="alice")
    assign_perm("read_collection", user, posts)
    posts.refresh_from_db()
    assert posts.permissions == ['read("user:alice")']
    server.delete("/users/alice")
    jobs()
    posts.refresh_from_db()
    assert posts.permissions == []
    assert not User.objects.filter(id=user.id).exists()
