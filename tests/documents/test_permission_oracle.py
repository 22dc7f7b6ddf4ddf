"""The permission model against an independent reading of its rules, over random grants."""

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from documents.models import Collection as CollectionRow
from documents.services import collections as collection_services
from documents.services import documents as services
from documents.store import listings
from documents.vocabulary import COLLECTIONS
from kernel.caller import Caller, ProjectContext
from kernel.errors import ApiError
from tests.client import ApiClient
from tests.conftest import ClientFor, Person
from tests.documents.blog import DATABASE, DOCUMENTS, guest, make_collection, operator, user

pytestmark = pytest.mark.db

ROLES = ["any", "guests", "users", "user:alice", "user:bob", "team:t", "team:t/owner", "label:vip"]
DOCUMENT_IDS = [f"d{number}" for number in range(4)]
WHERE: dict[str, Any] = {"names": COLLECTIONS, "database_id": DATABASE, "collection_id": "posts"}

Grants = list[tuple[str, str]]


# The oracle: 30 lines that know nothing of the code


def holds(grants: Grants, action: str, roles: Collection[str]) -> bool:
    return any(granted == action and role in roles for granted, role in grants)


def may(
    action: str, roles: Collection[str], collection: Grants, item: Grants, secured: bool
) -> bool:
    if holds(collection, action, roles):
        return True
    return action != "create" and secured and holds(item, action, roles)


def expected_status(
    action: str, roles: Collection[str], collection: Grants, item: Grants, secured: bool
) -> int:
    if may(action, roles, collection, item, secured):
        return {"create": 201, "read": 200, "update": 200, "delete": 204}[action]
    return 404 if action == "read" else 401


def expected_list(
    roles: Collection[str], collection: Grants, items: dict[str, Grants], secured: bool
) -> list[str] | None:
    """Return the ids a listing shows, or None where it is refused."""
    if not holds(collection, "read", roles) and not secured:
        return None
    return [uid for uid, item in items.items() if may("read", roles, collection, item, secured)]


# Random grants


def grants(actions: Sequence[str]) -> st.SearchStrategy[Grants]:
    pair = st.tuples(st.sampled_from(actions), st.sampled_from(ROLES))
    return st.lists(pair, max_size=4, unique=True)


ITEM_GRANTS = grants(["read", "update", "delete"])
SCENES = st.tuples(
    grants(["read", "create", "update", "delete"]),
    st.lists(ITEM_GRANTS, min_size=len(DOCUMENT_IDS), max_size=len(DOCUMENT_IDS)),
    st.booleans(),
)


def texts(grants: Grants) -> list[str]:
    return [f'{action}("{role}")' for action, role in grants]


def set_scene(
    project: ProjectContext, collection: Grants, items: Sequence[Grants], secured: bool
) -> dict[str, Grants]:
    console = operator(project)
    collection_services.update_collection(
        caller=console, **WHERE, name="Posts", permissions=texts(collection),
        document_security=secured, enabled=True, description="",
    )  # fmt: skip
    for uid, item in zip(DOCUMENT_IDS, items, strict=True):
        services.upsert_document(
            caller=console, **WHERE, document_id=uid, data={"title": uid},
            permissions=texts(item), unless_after=None,
        )  # fmt: skip
    return dict(zip(DOCUMENT_IDS, items, strict=True))


@contextmanager
def undone() -> Iterator[None]:
    """Let the body change nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def status_of(work: Callable[[], Any], success: int) -> int:
    try:
        work()
    except ApiError as error:
        return error.kind.status
    return success


def attempts(caller: Caller, uid: str, number: int) -> dict[str, int]:
    """Try every action; the number makes each update a real change."""
    one: dict[str, Any] = {"caller": caller, **WHERE, "document_id": uid}
    found: dict[str, int] = {}
    found["read"] = status_of(lambda: services.get_document(**one, queries=[]), 200)
    change: dict[str, Any] = {"data": {"likes": number}, "permissions": None, "unless_after": None}
    with undone():
        found["update"] = status_of(lambda: services.update_document(**one, **change), 200)
    with undone():
        found["delete"] = status_of(lambda: services.delete_document(**one, unless_after=None), 204)
    new: dict[str, Any] = {"data": {"title": "new"}, "permissions": []}
    with undone():
        found["create"] = status_of(
            lambda: services.create_document(caller=caller, **WHERE, document_id="new", **new), 201
        )
    return found


@pytest.mark.slow
def test_every_decision_agrees_with_the_rules(project: ProjectContext) -> None:
    make_collection(project)
    callers = [
        guest(project),
        user(project, "alice", "team:t", "team:t/owner"),
        user(project, "bob", "label:vip"),
        user(project, "charlie", "team:t"),
    ]

    @settings(max_examples=40)
    @given(SCENES, st.integers(1, 1000))
    def check(scene: tuple[Grants, list[Grants], bool], number: int) -> None:
        collection, item_grants, secured = scene
        items = set_scene(project, collection, item_grants, secured)
        for caller in callers:
            uid = DOCUMENT_IDS[number % len(DOCUMENT_IDS)]
            found = attempts(caller, uid, number)
            assert found == {
                action: expected_status(action, caller.roles, collection, items[uid], secured)
                for action in found
            }
            assert shown(caller) == expected_list(caller.roles, collection, items, secured)

    check()


def shown(caller: Caller) -> list[str] | None:
    try:
        page = services.list_documents(caller=caller, **WHERE, queries=[], total=True)
    except ApiError:
        return None
    assert page["total"] == len(page["documents"])
    return sorted(each["$id"] for each in page["documents"])


@pytest.mark.slow
@pytest.mark.parametrize("widest_share", [0.0, 1.0], ids=["index hidden", "index shown"])
def test_listing_shows_what_the_roles_may_read(
    project: ProjectContext, widest_share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "WIDEST_SHARE_OF_PAGE", widest_share)
    monkeypatch.setattr(listings, "WIDEST_SHARE_OF_TOTAL", widest_share)
    choose = random.Random(7)
    make_collection(project, document_security=True)
    items: dict[str, Grants] = {}
    for number in range(60):
        picked = choose.sample(
            [(a, r) for a in ("read", "update") for r in ROLES], k=choose.randrange(4)
        )
        items[f"n{number:02}"] = picked
        services.create_document(
            caller=operator(project), **WHERE, document_id=f"n{number:02}",
            data={"title": "x"}, permissions=texts(picked),
        )  # fmt: skip

    @settings(max_examples=150)
    @given(st.sets(st.sampled_from(ROLES)))
    def check(roles: set[str]) -> None:
        caller = Caller(project=project, roles=frozenset(roles))
        page = services.list_documents(
            caller=caller, **WHERE, queries=['{"method":"limit","values":[100]}'], total=True
        )
        ids = [each["$id"] for each in page["documents"]]
        assert ids == expected_list(roles, [], items, secured=True)
        assert page["total"] == len(ids)

    check()


@pytest.mark.slow
def test_every_answer_over_http_agrees_with_the_rules(
    project: ProjectContext, alice: Person, bob: Person, client_for: ClientFor
) -> None:
    make_collection(project)
    User.objects.filter(uid="bob").update(labels=["vip"])
    clients = [
        (client_for(project), guest(project).roles),
        (client_for(project, session=alice.session), user(project, "alice").roles),
        (client_for(project, session=bob.session), user(project, "bob", "label:vip").roles),
    ]

    @settings(max_examples=12)
    @given(SCENES, st.integers(0, 1000))
    def check(scene: tuple[Grants, list[Grants], bool], number: int) -> None:
        collection, item_grants, secured = scene
        uid = DOCUMENT_IDS[number % len(DOCUMENT_IDS)]
        for client, roles in clients:
            items = set_scene(project, collection, item_grants, secured)
            ids = expected_list(roles, collection, items, secured)
            assert listed_over_http(client) == ids
            with undone():
                assert statuses_over_http(client, uid, number) == {
                    action: expected_status(action, roles, collection, items[uid], secured)
                    for action in ("read", "update", "delete", "create")
                }

    check()
    assert CollectionRow.objects.count() == 1


def listed_over_http(client: ApiClient) -> list[str] | None:
    reply = client.get(DOCUMENTS)
    if reply.status == 401:
        assert reply.error == "user_unauthorized"
        return None
    return sorted(each["$id"] for each in reply.json["documents"])


def statuses_over_http(client: ApiClient, uid: str, number: int) -> dict[str, int]:
    path = f"{DOCUMENTS}/{uid}"
    new = {"documentId": "new", "data": {"title": "new"}, "permissions": []}
    return {
        "read": client.get(path).status,
        "update": client.patch(path, {"data": {"likes": number}}).status,
        "delete": client.delete(path).status,
        "create": client.post(DOCUMENTS, new).status,
    }
