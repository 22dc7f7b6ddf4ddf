"""A later import: what changed and what is gone in Firebase, and what changed here meanwhile."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from accounts.models import Identity, Session, User
from console.firebase import changes, runs
from console.models import FirebaseItem
from documents.models import Document
from kernel.models import OutboxEvent
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.console.firebase.conftest import ImportFirebase, skipped
from tests.console.firebase.exports import (
    PASSWORD,
    PASSWORD_HASH,
    provider,
    typed,
    user,
    with_password,
    write_lines,
    write_users,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

POSTS = "/databases/default/collections/posts/documents"
NOTHING = {"updated": 0, "kept": 0, "gone": 0, "deleted": 0}
OTHER_HASH = PASSWORD_HASH.replace("lSrf", "mSrf")


def post(uid: str, title: str, **fields: str) -> dict[str, Any]:
    named = {"title": title, **fields}
    return typed(f"posts/{uid}", {key: {"stringValue": named[key]} for key in named})


@pytest.fixture
def take(import_firebase: ImportFirebase, tmp_path: Path, hash_config: Path):
    """Import some users and documents; returns what changed, and the report."""

    def run(*options: str, users: Any = None, documents: Any = None):
        named: list[object] = []
        if users is not None:
            path = write_users(tmp_path / "users.json", users)
            named += ["--users", path, "--hash-config", hash_config]
        if documents is not None:
            named += ["--firestore", write_lines(tmp_path / "posts.jsonl", documents)]
        report = tmp_path / "report.jsonl"
        outcome = import_firebase(*named, "--report", report, *options).outcome
        return outcome["changes"], [(each["what"], each["id"]) for each in skipped(report)]

    return run


def titles() -> dict[str, Any]:
    return {each.uid: each.data.get("title") for each in Document.objects.all()}


def test_documents_follow_firebase_until_they_change_here(take, key: ApiClient):
    first = [post("a", "A"), post("b", "B", authorId="ada"), post("c", "C"), post("d", "D")]
    owner = ("--owner-field", "authorId")
    take(*owner, users=[user("ada"), user("bob")], documents=first)
    assert key.patch(f"{POSTS}/c", {"data": {"title": "Ours"}}).status == 200
    assert key.delete(f"{POSTS}/d").status == 204
    kept = key.post(POSTS, {"documentId": "own", "data": {"title": "Own"}})
    assert kept.status == 201
    later = [
        post("a", "A2", authorId="bob"),
        post("b", "B", authorId="ada"),
        post("c", "C2"),
        post("d", "D2"),
        post("own", "Theirs"),
        post("new", "New"),
    ]
    assert take(*owner, documents=later)[0]["documents"] == NOTHING
    assert (titles()["a"], titles()["d"]) == ("A", "D2")
    before = OutboxEvent.objects.order_by("-id").first()
    assert before is not None

    changed, told = take("--update", *owner, documents=later)

    assert changed["documents"] == {**NOTHING, "updated": 1, "kept": 1}
    assert told == [("kept", "posts/c")]
    assert titles() == {"a": "A2", "b": "B", "c": "Ours", "d": "D2", "own": "Own", "new": "New"}
    assert key.get(f"{POSTS}/a").json["$permissions"] == [
        f'{action}("user:bob")' for action in ("read", "update", "delete")
    ]
    names = list(OutboxEvent.objects.filter(id__gt=before.id).values_list("name", flat=True))
    assert names == ["databases.default.collections.posts.documents.a.update"]
    assert take("--update", *owner, documents=later)[0]["documents"] == {**NOTHING, "kept": 1}


def test_owners_who_come_later_get_their_permissions(take, key: ApiClient):
    documents, owner = [post("a", "A", authorId="ada")], ("--owner-field", "authorId")
    take(*owner, documents=documents)
    assert key.get(f"{POSTS}/a").json["$permissions"] == []
    changed, told = take("--update", *owner, users=[user("ada")], documents=documents)
    assert (changed["documents"]["updated"], told) == (1, [])
    assert 'update("user:ada")' in key.get(f"{POSTS}/a").json["$permissions"]


def test_what_is_gone_is_told_and_deleted_only_on_demand(
    take, key: ApiClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runs, "GONE_AT_ONCE", 1)
    first = [post(uid, uid.upper()) for uid in "abcd"]
    people = [user("ada"), user("bob"), user("cay")]
    take(users=people, documents=first)
    key.patch(f"{POSTS}/b", {"data": {"title": "Ours"}})
    key.delete(f"{POSTS}/c")
    key.post(POSTS, {"documentId": "own", "data": {"title": "Own"}})
    User.objects.filter(uid="bob").update(name="Ours", updated_at="2999-01-01T00:00:00Z")
    rest = {"users": people[:1], "documents": first[3:]}

    changed, told = take("--update", **rest)

    assert changed["documents"] == {**NOTHING, "gone": 3}
    assert changed["users"] == {**NOTHING, "gone": 2}
    gone = {("gone", f"default/posts/{uid}") for uid in "abc"}
    assert set(told) == gone | {("gone", "bob"), ("gone", "cay")}
    assert titles().keys() == {"a", "b", "d", "own"}

    # Other collections than those of the files, and users without a file, are left alone.
    assert take("--delete-gone", documents=[typed("notes/n", {})])[0]["documents"] == NOTHING

    changed, told = take("--delete-gone", **rest)

    assert changed["documents"] == {**NOTHING, "kept": 1, "deleted": 1}
    assert changed["users"] == {**NOTHING, "kept": 1, "deleted": 1}
    assert titles().keys() == {"b", "d", "own", "n"}
    assert set(User.objects.filter(deleted_at=None).values_list("uid", flat=True)) == {"ada", "bob"}
    assert ("deleted", "default/posts/a") in told
    assert OutboxEvent.objects.filter(name="users.cay.delete").exists()
    assert not FirebaseItem.objects.filter(uid__in=["a", "c", "cay"]).exists()
    assert take("--delete-gone", **rest)[0]["documents"] == {**NOTHING, "kept": 1}


def test_users_follow_firebase_until_they_change_here(
    take, key: ApiClient, project, client_for: ClientFor
):
    people = [
        with_password("ada", customAttributes='{"admin":true}'),
        with_password("bob"),
        user("cay", email="cay@example.com"),
        user("dan", email="dan@example.com"),
    ]
    take(users=people)
    guest = client_for(project)
    for name in ("ada", "bob"):
        login = {"email": f"{name}@example.com", "password": PASSWORD}
        assert guest.post("/account/sessions/email", login).status == 201
    User.objects.filter(uid="cay").update(name="Ours", updated_at="2999-01-01T00:00:00Z")
    later = [
        with_password("ada", displayName="Ada", disabled=True),
        {**with_password("bob", displayName="Bob"), "passwordHash": OTHER_HASH},
        user("cay", email="cay@example.com", displayName="Cay"),
        user("dan", email="ada@example.com"),
        user("eve"),
    ]
    later[1]["providerUserInfo"] = [provider("google.com", "g-1"), provider("github.com", "h-1")]
    take(users=later)
    assert key.get("/users/ada").json["name"] == ""

    changed, told = take("--update", users=later)

    assert changed["users"] == {**NOTHING, "updated": 2, "kept": 2}
    assert told == [("kept", "cay"), ("kept", "dan")]
    ada, bob = key.get("/users/ada").json, key.get("/users/bob").json
    assert (ada["name"], ada["status"], ada["labels"]) == ("Ada", False, [])
    assert (ada["hash"], bob["name"]) == ("argon2", "Bob")
    # Who has a new password in Firebase is signed out here; the others stay.
    assert set(Session.objects.values_list("user__uid", flat=True)) == {"ada"}
    login = {"email": "bob@example.com", "password": PASSWORD}
    assert guest.post("/account/sessions/email", login).error == "user_invalid_credentials"
    assert set(Identity.objects.values_list("provider", flat=True)) == {"google", "github"}
    assert User.objects.get(uid="cay").name == "Ours"
    assert key.get("/users/dan").json["email"] == "dan@example.com"
    again, _ = take("--update", users=later)
    assert again["users"] == {**NOTHING, "kept": 2}


def test_faulty_entries_are_not_gone(take):
    take(documents=[post("a", "A"), post("b", "B")], users=[user("ada"), user("bob")])
    faulty = typed("posts/a", {"title": {"integerValue": "x"}})
    changed, _ = take(
        "--delete-gone",
        documents=[faulty, post("b", "B")],
        users=[user("ada", email="none"), user("bob")],
    )
    assert changed == {"users": NOTHING, "documents": NOTHING}
    unnamed: dict[str, Any] = {"fields": {}}
    with pytest.raises(CommandError, match="1 entries of the files cannot be read"):
        take("--delete-gone", documents=[post("b", "B"), unnamed])
    assert titles() == {"a": "A", "b": "B"}


def test_deleting_goes_on_where_it_was(take, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runs, "GONE_AT_ONCE", 2)
    take(documents=[post(str(n), "T") for n in range(9)])
    whole = changes.Changes.take_gone
    calls: list[int] = []

    def dying(self: changes.Changes, items: Any) -> Any:
        calls.append(len(items))
        if len(calls) == 3:
            whole(self, items)
            raise KeyboardInterrupt
        return whole(self, items)

    monkeypatch.setattr(changes.Changes, "take_gone", dying)
    with pytest.raises(KeyboardInterrupt):
        take("--delete-gone", documents=[post("8", "T")])
    assert Document.objects.count() == 5
    changed, told = take("--delete-gone", documents=[post("8", "T")])
    assert changed["documents"] == {**NOTHING, "deleted": 8}
    assert len(told) == len(set(told)) == 8
    assert titles() == {"8": "T"}
