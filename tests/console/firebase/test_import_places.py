"""Where imported documents go: trees, owners, and collections that exist."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError

from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, sign_up
from tests.console.firebase import exports
from tests.console.firebase.conftest import ImportFirebase, skipped
from tests.console.firebase.exports import (
    typed,
    user,
    write_lines,
    write_tree,
    write_users,
)
from tests.console.firebase.test_import_documents import MADE_UP, PLACE, documents, own

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_tree_brings_subcollections_with_their_parents(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient, indent: int | None
):
    post = {
        "at": exports.time(1_700_000_000, 123_000_000),
        "when": exports.special("timestamp", "2024-01-01T00:00:00Z"),
        "where": exports.point(1.5, 2.5),
        "author": exports.reference("users/ada"),
        "parts": [{"a": 1}, {"b": exports.point(1, 2)}],
        "parent": {"list": [exports.reference("users/ada"), exports.reference("users/bob/x/y")]},
        "__collections__": {
            "comments": {MADE_UP: {"text": "Hi"}, "main": {"text": "Ho"}},
        },
    }
    other = {"at": None, "__collections__": {"comments": {"main": {"text": "Other"}}}}
    tree = {"posts": {"p1": post, "id with spaces": other}, "users": {"ada": {}}}
    path = write_tree(tmp_path / "all.json", tree, indent=indent)
    outcome = import_firebase("--firestore", path).outcome
    assert outcome["documents"] == {"created": 6, "existing": 0, "skipped": 0}
    posts = documents(key, "posts")
    (mapped,) = posts.keys() - {"p1"}
    assert posts[mapped]["firebaseId"] == "id with spaces"
    assert own(posts["p1"]) == {
        "at": "2023-11-14T22:13:20.123+00:00",
        "when": "2024-01-01T00:00:00.000+00:00",
        "where": [2.5, 1.5],
        "author": "ada",
        "parts": '[{"a":1},{"b":{"latitude":1.0,"longitude":2.0}}]',
        "parent_list": ["users/ada", posts["p1"]["parent_list"][1]],
        "firebaseId": None,
    }
    assert posts["p1"]["parent_list"][1].startswith("users__x/")
    comments = documents(key, "posts__comments")
    assert {(each["text"], each["parentId"], each["firebaseId"]) for each in comments.values()} == {
        ("Hi", "p1", MADE_UP),
        ("Ho", "p1", "main"),
        ("Other", mapped, "main"),
    }
    assert own(documents(key, "users")["ada"]) == {}


def test_one_id_below_many_parents_comes_for_each(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient
):
    lines = [
        typed(f"users/{name}/timeline/{MADE_UP}", {"n": {"stringValue": name}})
        for name in ("ann", "bob")
    ]
    lines.append(typed("pins/p", {"of": {"referenceValue": lines[1]["name"]}}))
    path = write_lines(tmp_path / "all.jsonl", lines)
    outcome = import_firebase("--firestore", path).outcome
    assert outcome["documents"] == {"created": 3, "existing": 0, "skipped": 0}
    found = documents(key, "users__timeline")
    assert {(each["n"], each["parentId"], each["firebaseId"]) for each in found.values()} == {
        ("ann", "ann", MADE_UP),
        ("bob", "bob", MADE_UP),
    }
    assert found[documents(key, "pins")["p"]["of"]]["n"] == "bob"


def test_a_tree_of_one_collection_is_told_its_name(
    import_firebase: ImportFirebase, tmp_path: Path, key: ApiClient
):
    path = tmp_path / "posts.json"
    path.write_text(json.dumps({"p1": {"n": 1, "__collections__": {"notes": {"x": {"n": 2}}}}}))
    import_firebase("--firestore", path, "--collection", "posts")
    assert documents(key, "posts")["p1"]["n"] == 1
    assert [each["parentId"] for each in documents(key, "posts__notes").values()] == ["p1"]
    with pytest.raises(CommandError, match="must be the path of a collection"):
        import_firebase("--firestore", path, "--collection", "users/ada")


def test_documents_are_private_unless_they_name_their_owner(
    import_firebase: ImportFirebase,
    tmp_path: Path,
    key: ApiClient,
    project: ProjectContext,
    client_for: ClientFor,
):
    ada, bob = (
        client_for(project, session=sign_up(project, name).session) for name in ("ada", "bob")
    )
    tree = {
        "posts": {"p1": {"by": {"uid": "ada"}}, "p2": {"by": {"uid": "bob"}}, "p3": {"by": None}},
        "users": {"ada": {"name": "Ada", "__collections__": {"notes": {"n1": {"text": "x"}}}}},
        "logs": {"l1": {"by": {"uid": "ada"}}},
    }
    path = write_tree(tmp_path / "all.json", tree)
    rules = ("posts:by.uid", "users:$id", "users/notes:$parent")
    options = [option for rule in rules for option in ("--owner-field", rule)]
    said = import_firebase("--firestore", path, *options)
    assert "posts -> posts: 3 documents\n    whom by.uid names may read, update and" in said.out
    assert "logs -> logs: 1 documents\n    nobody may read it but by API keys" in said.out
    seen = {name: set(documents(ada, name)) for name in ("posts", "users", "users__notes", "logs")}
    assert {name: len(ids) for name, ids in seen.items()} == {
        "posts": 1,
        "users": 1,
        "users__notes": 1,
        "logs": 0,
    }
    assert seen["posts"] == {"p1"}
    changed = {"data": {"by_uid": "x"}}
    assert ada.patch(f"{PLACE}/posts/documents/p1", changed).status == 200
    assert bob.patch(f"{PLACE}/posts/documents/p1", changed).status == 401
    assert bob.delete(f"{PLACE}/posts/documents/p2").status == 204
    assert documents(client_for(project), "posts") == {}
    assert documents(key, "posts").keys() == {"p1", "p3"}


def test_owners_who_are_no_users_get_no_permissions(
    import_firebase: ImportFirebase,
    tmp_path: Path,
    key: ApiClient,
    project: ProjectContext,
    client_for: ClientFor,
):
    bob = client_for(project, session=sign_up(project, "bob").session)
    users = write_users(tmp_path / "users.json", [user("ada"), user("bob")])
    posts = {name: {"uid": name} for name in ("ada", "bob", "cay")}
    path = write_tree(tmp_path / "all.json", {"posts": posts}, indent=None)
    report = tmp_path / "skipped.jsonl"
    options = ("--users", users, "--firestore", path, "--owner-field", "uid", "--report", report)
    outcome = import_firebase(*options).outcome
    assert outcome["documents"] == {"created": 3, "existing": 0, "skipped": 0}
    assert outcome["permissions"] == {"skipped": 2}
    told = [(each["what"], each["kind"], each["id"]) for each in skipped(report)]
    assert told == [
        ("skipped", "user", "bob"),
        ("incomplete", "document", "posts/bob"),
        ("incomplete", "document", "posts/cay"),
    ]
    cay = client_for(project, session=sign_up(project, "cay").session)
    assert (documents(bob, "posts"), documents(cay, "posts")) == ({}, {})
    permissions = {uid: each["$permissions"] for uid, each in documents(key, "posts").items()}
    ada = ['read("user:ada")', 'update("user:ada")', 'delete("user:ada")']
    assert permissions == {"ada": ada, "bob": [], "cay": []}
