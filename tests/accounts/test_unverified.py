"""Users whose address is not verified: let in, let read, or refused, as the project says."""

from accounts.authentication import forget_identities
from accounts.models import User
from projects import services as projects
from tests.conftest import PASSWORD


def settle(project, **settings):
    caller = projects.operator()
    projects.update_settings(caller=caller, project_id=project.uid, **settings)


WRITES = [
    ("POST", "/teams", {"teamId": "t", "name": "T"}),
    ("POST", "/databases/default/collections/c/documents", {"documentId": "d", "data": {}}),
    ("POST", "/tablesdb/default/tables/c/rows", {"rowId": "d", "data": {}}),
]
READS = [
    ("GET", "/teams", None),
    ("GET", "/account", None),
    ("PATCH", "/account/name", {"name": "Alice A"}),
    ("POST", "/account/verifications/email", {"url": "http://localhost/verify"}),
]


def test_unverified_users_may_be_let_read_only(project, own):
    settle(project, is_read_only_until_verified=True)
    for verb, path, body in WRITES:
        assert own.call(verb, path, body).error == "general_unauthorized_scope"
    for verb, path, body in READS:
        assert own.call(verb, path, body).status in (200, 201)
    User.objects.update(is_email_verified=True)
    forget_identities()
    for verb, path, body in WRITES:
        assert own.call(verb, path, body).error != "general_unauthorized_scope"


def test_unverified_users_may_write_where_the_project_does_not_ask(own):
    assert own.post(*WRITES[0][1:]).status == 201


def test_unverified_users_may_be_refused_at_the_door(project, client_for, own):
    settle(project, requires_verified_email=True)
    body = {"email": "alice@example.com", "password": PASSWORD}
    reply = client_for(project).post("/account/sessions/email", body)
    assert (reply.status, reply.error) == (400, "user_email_not_verified")


def test_jwts_of_unverified_users_are_held_to_it_too(project, own, client_for):
    settle(project, is_read_only_until_verified=True)
    token = own.post("/account/jwts").json["jwt"]
    reply = client_for(project, jwt=token).post(*WRITES[0][1:])
    assert reply.error == "general_unauthorized_scope"
