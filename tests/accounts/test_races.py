"""Things many do at the same moment, on committed transactions and real threads."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import orjson
import pytest
from django.db import connection

from accounts import roles
from accounts.models import Membership, Session, Team, User
from accounts.services import (
    create_console_admin,
    create_console_link,
    create_membership,
    create_team,
    delete_membership,
    delete_team,
    redeem_console_link,
)
from kernel.caller import Caller, CallerKind
from kernel.errors import ApiError
from kernel.limits import MAX_LABELS
from projects.models import Project
from projects.services import create_project, operator, update_settings
from tests.conftest import PASSWORD
from tests.database import own_connection

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
THREADS = 10


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make the calls from several threads that start together; refusals are returned."""
    barrier = threading.Barrier(min(THREADS, len(calls)))
    first = threading.local()

    def run(call: Callable[[], Any]) -> Any:
        if not getattr(first, "has_waited", False):
            first.has_waited = True
            barrier.wait(60)
        try:
            return call()
        except ApiError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(run, calls))


def winners(results: list[Any]) -> list[Any]:
    return [each for each in results if not isinstance(each, ApiError)]


def test_class_09_of_fifty_sign_ups_with_one_address_one_wins(project, client_for):
    guest = client_for(project)
    body = {"email": "same@example.com", "password": PASSWORD}
    replies = at_once(
        [partial(guest.post, "/account", {"userId": f"u{n}", **body}) for n in range(50)]
    )
    assert sorted({reply.status for reply in replies}) == [201, 409]
    assert [reply.status for reply in replies].count(201) == 1
    assert User.objects.filter(email="same@example.com").count() == 1


def test_class_09_one_visitor_becomes_the_first_admin(console_project):
    results = at_once(
        [
            partial(
                create_console_admin, email=f"a{n}@example.com", password=PASSWORD, is_first=True
            )
            for n in range(20)
        ]
    )
    assert len(winners(results)) == 1
    assert User.objects.count() == 1


def test_class_09_one_sign_up_over_the_api_becomes_the_first(console_project, client_for, settings):
    settings.CONSOLE_SIGNUP = "first"
    guest = client_for(console_project)
    replies = at_once(
        [
            partial(
                guest.post,
                "/account",
                {"userId": f"u{n}", "email": f"u{n}@example.com", "password": PASSWORD},
            )
            for n in range(20)
        ]
    )
    assert [reply.status for reply in replies].count(201) == 1
    assert User.objects.count() == 1


def test_class_09_link_lets_one_of_fifty_in(console_project):
    user = create_console_admin(email="a@example.com", password=PASSWORD)
    token = create_console_link()
    results = at_once([lambda: redeem_console_link(token)] * 50)
    assert winners(results) == [user]


def console_team(console_project, uid="crew"):
    """Make a team of the console; returns the console as the caller that may do anything."""
    Team.objects.create(project_id=console_project.id, uid=uid, name="Crew")
    return operator()


def test_project_is_refused_whose_team_is_deleted_at_the_same_moment(console_project):
    caller = console_team(console_project)
    with own_connection() as deleting, ThreadPoolExecutor(1) as thread:
        deleting.execute("BEGIN")
        deleting.execute("DELETE FROM team WHERE uid = 'crew'")
        made = thread.submit(
            at_once,
            [partial(create_project, caller=caller, project_id="site", name="S", team_id="crew")],
        )
        assert not wait([made], timeout=0.3).done
        deleting.execute("COMMIT")
        (refusal,) = made.result(60)
    assert refusal.kind.type == "team_not_found"
    assert not Project.objects.filter(uid="site").exists()


def test_console_team_is_kept_that_gets_a_project_at_the_same_moment(console_project):
    for number in range(8):
        uid = f"crew{number}"
        caller = console_team(console_project, uid)
        results = at_once(
            [
                partial(delete_team, caller=caller, team_id=uid),
                partial(create_project, caller=caller, project_id=uid, name="S", team_id=uid),
            ]
        )
        assert len(winners(results)) == 1
        assert Team.objects.filter(uid=uid).exists() == Project.objects.filter(uid=uid).exists()


def test_session_limit_holds_when_a_user_signs_in_everywhere_at_once(project, client_for, alice):
    update_settings(caller=operator(), project_id=project.uid, session_limit=3)
    guest = client_for(project)
    body = {"email": alice.email, "password": PASSWORD}
    replies = at_once([lambda: guest.post("/account/sessions/email", body)] * 12)
    assert {reply.status for reply in replies} == {201}
    assert Session.objects.count() == 3


def test_of_two_owners_who_leave_at_once_one_stays(project, alice, bob):
    def caller(name: str) -> Caller:
        user = User.objects.get(uid=name)
        membership = user.memberships.first()
        held = {"any", "users", f"user:{name}", "team:t", "team:t/owner"}
        held |= {f"member:{membership.uid}"} if membership else set()
        return Caller(
            project=project,
            kind=CallerKind.SESSION,
            user_id=user.id,
            user_uid=name,
            roles=frozenset(held),
        )

    create_team(caller=caller("alice"), team_id="t", name="T")
    server = Caller(project=project, kind=CallerKind.KEY)
    create_membership(caller=server, team_id="t", roles=["owner"], user_id="bob")
    places = {each.user.uid: each.uid for each in Membership.objects.select_related("user")}
    results = at_once(
        [
            partial(delete_membership, caller=caller(name), team_id="t", membership_id=places[name])
            for name in ("alice", "bob")
        ]
    )
    assert len(winners(results)) == 1
    assert Membership.objects.count() == 1


def test_role_group_is_made_once_and_takes_in_users_made_meanwhile(project, client_for):
    guest = client_for(project)
    uids = [f"u{n}" for n in range(10)]
    wanted = [f"user:{uid}" for uid in uids]

    def sign_up(uid: str) -> Any:
        body = {"userId": uid, "email": f"{uid}@example.com", "password": PASSWORD}
        return guest.post("/account", body).status

    makers = [partial(roles.role_group_ids, project.id, [f"user:{uid}"]) for uid in uids]
    signups = [partial(sign_up, uid) for uid in uids]
    results = at_once([each for pair in zip(makers, signups, makers, strict=True) for each in pair])
    groups = roles.role_group_ids(project.id, wanted)
    assert sorted(results[0::3]) == sorted(results[2::3]) == sorted([[group] for group in groups])
    for uid, group in zip(uids, groups, strict=True):
        assert list(User.objects.get(uid=uid).groups.values_list("id", flat=True)) == [group]


def test_class_11_parallel_guesses_never_pass_the_limit(project, client_for, alice, limits):
    guest = client_for(project)
    body = {"email": alice.email, "password": "wrong password"}
    replies = at_once([lambda: guest.post("/account/sessions/email", body)] * 60)
    statuses = [reply.status for reply in replies]
    assert statuses.count(401) == 10
    assert statuses.count(429) == 50


def test_open_sockets_hear_of_every_change_of_identity(project, client_for, make_key, alice, bob):
    server = client_for(project, key=make_key(project, ["users.write", "teams.write"]))
    with own_connection() as listener:
        listener.execute("LISTEN appwrite_identity")
        server.put("/users/alice/labels", {"labels": ["x"] * min(MAX_LABELS, 2)})
        server.patch("/users/alice/status", {"status": False})
        server.patch("/users/alice/verification", {"emailVerification": True})
        server.post("/teams", {"teamId": "t", "name": "T"})
        server.post("/teams/t/memberships", {"userId": "bob", "roles": []})
        server.delete("/teams/t")
        client_for(project, session=bob.session).delete("/account/sessions/current")
        server.delete("/users/alice")
        heard = [orjson.loads(each.payload) for each in listener.notifies(timeout=30, stop_after=7)]
    assert {each["project"] for each in heard} == {project.id}
    assert [(each["user"], each["reason"]) for each in heard] == [
        ("alice", "labels"),
        ("alice", "blocked"),
        ("alice", "verification"),
        ("bob", "teams"),
        ("bob", "teams"),
        ("bob", "signed out"),
        ("alice", "deleted"),
    ]
    assert [bool(each["session"]) for each in heard].count(True) == 1
