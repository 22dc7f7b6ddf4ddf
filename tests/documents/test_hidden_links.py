"""Links to documents that a writer may not update, or does not even see."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Events, Person
from tests.documents.related import (
    COLLECTIONS,
    change,
    get,
    linked,
    make_collections,
    put,
    relate,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

Statements = Callable[[], AbstractContextManager[list[str]]]

READ, UPDATE = 'read("user:alice")', 'update("user:alice")'
RIGHTS = {
    "mine": [READ, UPDATE],
    "more": [READ, UPDATE],
    "seen": [READ],
    "written": [UPDATE],
    "hidden": ['read("user:bob")', 'update("user:bob")'],
}
#: Relationships that `teams` see as a list of `tasks`: the parent, and the type.
HELD_BY_TASKS = [("teams", "oneToMany"), ("tasks", "manyToOne")]
HELD_BY_NONE = [("teams", "manyToMany"), ("tasks", "manyToMany")]


@pytest.fixture
def writer(
    admin: ApiClient, project: ProjectContext, client_for: ClientFor, alice: Person
) -> ApiClient:
    """Return a user's client: it may update the team `own`, and of the tasks what `RIGHTS` say."""
    make_collections(project, "teams", "tasks", document_security=True)
    permit(admin, "teams", "own", [READ, UPDATE])
    for uid, permissions in RIGHTS.items():
        permit(admin, "tasks", uid, permissions)
    return client_for(project, session=alice.session)


def permit(admin: ApiClient, collection: str, uid: str, permissions: list[str]) -> None:
    """Create a document that has these permissions."""
    body = {"documentId": uid, "data": {"name": uid}, "permissions": permissions}
    made = admin.post(f"{COLLECTIONS}/{collection}/documents", body)
    assert made.status == 201, made.json


def relate_list(admin: ApiClient, parent: str, type_: str, *tasks: str) -> None:
    """Give teams a list of tasks, and the team `own` its first ones."""
    keys = ("tasks", "team") if parent == "teams" else ("team", "tasks")
    child = "tasks" if parent == "teams" else "teams"
    relate(admin, parent, child, type_, keys[0], twoWay=True, twoWayKey=keys[1])
    assert change(admin, "teams", "own", tasks=list(tasks)).status == 200


def run(seen: list[str]) -> list[str]:
    """Leave out savepoints, and events, of which each is sent by itself."""
    return [text for text in seen if "SAVEPOINT" not in text and "pg_notify" not in text]


def tasks_of(client: ApiClient, team: str = "own") -> set[str]:
    return set(linked(client, "teams", team, "tasks"))


@pytest.mark.parametrize(("parent", "type_"), HELD_BY_TASKS + HELD_BY_NONE)
class TestLists:
    def test_a_list_that_was_read_is_sent_back_without_loss(
        self, admin: ApiClient, writer: ApiClient, parent: str, type_: str
    ) -> None:
        relate_list(admin, parent, type_, "hidden", "written", "mine")
        read = tasks_of(writer)
        assert read == {"mine"}

        reply = change(writer, "teams", "own", tasks=[*read, "more"])

        assert reply.status == 200, reply.json
        assert {each["$id"] for each in reply.json["tasks"]} == {"mine", "more"}
        assert tasks_of(admin) == {"hidden", "written", "mine", "more"}

    def test_an_empty_list_leaves_what_is_hidden(
        self, admin: ApiClient, writer: ApiClient, events: Events, parent: str, type_: str
    ) -> None:
        relate_list(admin, parent, type_, "hidden", "mine")
        before = get(admin, "tasks", "hidden").json["$updatedAt"]
        events.clear()

        assert change(writer, "teams", "own", tasks=[]).json["tasks"] == []

        assert tasks_of(admin) == {"hidden"}
        assert get(admin, "tasks", "hidden").json["$updatedAt"] == before
        assert not [name for name in events.names() if "hidden" in name]

    def test_what_is_hidden_alone_is_no_change(
        self, admin: ApiClient, writer: ApiClient, events: Events, parent: str, type_: str
    ) -> None:
        relate_list(admin, parent, type_, "hidden")
        before = get(admin, "teams", "own").json["$updatedAt"]
        events.clear()

        assert change(writer, "teams", "own", tasks=[]).json["$updatedAt"] == before

        assert tasks_of(admin) == {"hidden"}
        assert events.names() == []

    def test_tasks_of_a_collection_that_is_off_are_hidden(
        self, admin: ApiClient, writer: ApiClient, parent: str, type_: str
    ) -> None:
        relate_list(admin, parent, type_, "mine")
        off = {"name": "Tasks", "documentSecurity": True, "enabled": False}
        admin.put(f"{COLLECTIONS}/tasks", off)

        assert change(writer, "teams", "own", tasks=[]).status == 200

        assert tasks_of(admin) == {"mine"}

    def test_privileged_callers_replace_everything(
        self, admin: ApiClient, writer: ApiClient, parent: str, type_: str
    ) -> None:
        relate_list(admin, parent, type_, "hidden", "seen", "mine")

        assert change(admin, "teams", "own", tasks=["more"]).status == 200

        assert tasks_of(admin) == {"more"}

    @pytest.mark.parametrize("count", [1, 12])
    def test_statements_do_not_grow_with_documents(
        self,
        admin: ApiClient,
        writer: ApiClient,
        statements: Statements,
        parent: str,
        type_: str,
        count: int,
    ) -> None:
        uids = [f"{name}{number}" for name in ("mine", "hidden") for number in range(count)]
        for uid in uids:
            permit(admin, "tasks", uid, RIGHTS[uid.rstrip("0123456789")])
        relate_list(admin, parent, type_, "more", *uids)
        change(writer, "teams", "own", name="warm", tasks=["more", *uids[:count]])

        with statements() as removing:
            assert change(writer, "teams", "own", tasks=["more"]).status == 200

        assert tasks_of(admin) == {"more", *uids[count:]}
        assert len(run(removing)) <= 11, removing


@pytest.mark.parametrize(("parent", "type_"), HELD_BY_TASKS)
def test_a_holder_is_not_unlinked_without_its_update(
    admin: ApiClient, writer: ApiClient, events: Events, parent: str, type_: str
) -> None:
    relate_list(admin, parent, type_, "seen", "mine", "hidden")
    events.clear()

    refused = change(writer, "teams", "own", name="new", tasks=["more"])

    assert (refused.status, refused.error) == (401, "user_unauthorized")
    assert tasks_of(admin) == {"seen", "mine", "hidden"}
    assert get(admin, "teams", "own").json["name"] == "own"
    assert events.names() == []
    assert change(writer, "teams", "own", tasks=["seen"]).status == 200
    assert tasks_of(admin) == {"seen", "hidden"}


@pytest.mark.parametrize(("parent", "type_"), HELD_BY_NONE)
def test_what_holds_no_link_is_unlinked_without_its_update(
    admin: ApiClient, writer: ApiClient, parent: str, type_: str
) -> None:
    relate_list(admin, parent, type_, "seen", "hidden")

    assert change(writer, "teams", "own", tasks=[]).status == 200

    assert tasks_of(admin) == {"hidden"}


@pytest.mark.parametrize("uid", ["seen", "hidden"])
class TestSingleLinks:
    @pytest.mark.parametrize("new", [None, "mine"])
    def test_both_ends_of_a_two_way_one_to_one_are_asked(
        self, admin: ApiClient, writer: ApiClient, uid: str, new: str | None
    ) -> None:
        relate(admin, "teams", "tasks", "oneToOne", "task", twoWay=True, twoWayKey="team")
        change(admin, "teams", "own", task=uid)

        refused = change(writer, "teams", "own", task=new)

        assert (refused.status, refused.error) == (401, "user_unauthorized")
        assert linked(admin, "teams", "own", "task") == uid
        assert linked(admin, "tasks", uid, "team") == "own"

    @pytest.mark.parametrize("new", [None, "mine"])
    @pytest.mark.parametrize("type_", ["oneToOne", "manyToOne"])
    def test_a_link_of_its_own_is_taken_away(
        self, admin: ApiClient, writer: ApiClient, uid: str, new: str | None, type_: str
    ) -> None:
        relate(admin, "teams", "tasks", type_, "task")
        change(admin, "teams", "own", task=uid)

        assert change(writer, "teams", "own", task=new).status == 200

        assert linked(admin, "teams", "own", "task") == new

    def test_a_child_leaves_its_parent(self, admin: ApiClient, writer: ApiClient, uid: str) -> None:
        relate(admin, "tasks", "teams", "oneToMany", "teams", twoWay=True, twoWayKey="task")
        change(admin, "tasks", uid, teams=["own"])

        assert change(writer, "teams", "own", task=None).status == 200

        assert linked(admin, "tasks", uid, "teams") == []


def test_a_one_to_one_ends_where_both_may_be_updated(admin: ApiClient, writer: ApiClient) -> None:
    relate(admin, "teams", "tasks", "oneToOne", "task", twoWay=True, twoWayKey="team")
    change(admin, "teams", "own", task="mine")

    assert change(writer, "teams", "own", task=None).status == 200

    assert linked(admin, "tasks", "mine", "team") is None


def test_a_task_is_taken_from_a_team_that_is_hidden(admin: ApiClient, writer: ApiClient) -> None:
    relate_list(admin, "teams", "oneToMany")
    put(admin, "teams", "others", tasks=["mine", "hidden"])

    assert change(writer, "teams", "own", tasks=["mine"]).status == 200

    assert (tasks_of(admin), tasks_of(admin, "others")) == ({"mine"}, {"hidden"})


def test_a_document_that_is_only_written_moves_where_it_is_sent(
    admin: ApiClient, writer: ApiClient
) -> None:
    relate(admin, "tasks", "tasks", "oneToMany", "parts", twoWayKey="of")
    change(admin, "tasks", "mine", parts=["more", "written", "hidden"])

    reply = change(
        writer, "tasks", "mine",
        parts=[{"$id": "more", "parts": [{"$id": "written", "name": "new"}]}],
    )  # fmt: skip

    assert reply.status == 200, reply.json
    assert set(linked(admin, "tasks", "mine", "parts")) == {"more", "hidden"}
    assert linked(admin, "tasks", "more", "parts") == ["written"]
