"""What is going to be done is told first, and a dry run does nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from console.firebase import naming
from console.models import FirebaseImport
from documents.models import Collection
from tests.console.firebase import exports
from tests.console.firebase.conftest import ImportFirebase, skipped
from tests.console.firebase.exports import (
    provider,
    special,
    user,
    with_password,
    write_tree,
    write_users,
)

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PLAN = """\
Users: 1,202
  1,000 with a password (modified scrypt)
  1 disabled
  100 without address, number or provider (anonymous, or custom tokens)
  100 with the provider google.com
  1 with the provider gc.apple.com
  1 with the label admin
  1 incomplete: the provider 'gc.apple.com' is not offered
Collections of the database default: 2
  posts -> posts: 1,000 documents
    whom uid names may read, update and delete; others only by keys
    at     datetime         1,000
    likes  float            1,000  whole and floating numbers
    meta   mediumtext       1,000  CONFLICT: 1 map, 999 text: what is no text as JSON text
    tags   string[]         1,000
    uid    string           1,000
  posts/notes -> posts__notes: 1 documents
    1 get another id; firebaseId tells the old one
    whom uid names may read, update and delete; others only by keys
    post  string               1  reference as the id of a document in posts
Storage: 2 files, 2.0 KiB. They are only counted: files cannot be taken over yet.
  1 image/png
  1 text/plain
Skipped: 2
  1 document: '2020' is no time between the years 1000 and 9999
  1 user: email: Value must be a valid email address
"""
LISTING = """\
gs://shop/a.png:
    Creation time:          Tue, 01 Jan 2020 00:00:00 GMT
    Content-Length:         1024
    Content-Type:           image/png
gs://shop/b.txt:
    Content-Length:         1024
    Content-Type:           text/plain
TOTAL: 2 objects, 2048 bytes (2 KiB)
"""


def test_a_dry_run_tells_the_plan_and_changes_nothing(
    import_firebase: ImportFirebase, tmp_path: Path, hash_config: Path
):
    users = [with_password(f"u{n}") for n in range(999)]
    users += [user(f"anon{n}") for n in range(100)]
    users += [user(f"g{n}", providerUserInfo=[provider("google.com", str(n))]) for n in range(100)]
    users += [
        with_password("eve", disabled=True),
        user("root", email="root@example.com", customAttributes='{"admin":true}'),
        user("fay", providerUserInfo=[provider("gc.apple.com", "1")]),
        user("odd", email="odd"),
    ]
    post = {"at": exports.time(1), "likes": 1, "meta": "x", "tags": ["a"], "uid": "u1"}
    posts: dict[str, Any] = {f"p{n}": post for n in range(999)}
    posts["last"] = {**post, "likes": 0.5, "meta": {"a": 1}}
    posts["last"]["__collections__"] = {"notes": {"n": {"post": exports.reference("posts/p1")}}}
    posts["bad"] = {"at": special("timestamp", "2020")}
    tree = write_tree(tmp_path / "all.json", {"posts": posts})
    listing = tmp_path / "storage.txt"
    listing.write_text(LISTING)
    path = write_users(tmp_path / "users.json", users)
    plan, report = tmp_path / "plan.json", tmp_path / "skipped.jsonl"
    options = ("--users", path, "--firestore", tree, "--storage", listing, "--owner-field", "uid")
    said = import_firebase(*options, "--dry-run", "--plan", plan, "--report", report)
    assert said.out == PLAN
    told = json.loads(plan.read_bytes())
    assert told["users"]["with_password"] == 1000
    assert [each["id"] for each in told["collections"]] == ["posts", "posts__notes"]
    assert told["collections"][0]["attributes"][2]["conflict"] is True
    assert [each["id"] for each in skipped(report)] == ["odd", "posts/bad"]
    assert not User.objects.filter(uid="u1").exists()
    assert not Collection.objects.filter(uid="posts").exists()
    assert not FirebaseImport.objects.exists()
    said = import_firebase(*options, "--hash-config", hash_config)
    assert said.out.startswith(PLAN)
    assert said.outcome["users"] == {"created": 1202, "existing": 0, "skipped": 1}
    assert said.outcome["documents"] == {"created": 1001, "existing": 0, "skipped": 1}


@pytest.mark.parametrize(
    "content",
    [
        "      2048  2020-01-01T00:00:00Z  gs://shop/a b.png\nTOTAL: 1 objects, 2048 bytes\n",
        '{"items": [{"name": "a.png", "size": "2048", "contentType": "image/png"}]}',
        '[{"name": "a.png", "size": 2048, "content_type": "image/png"}]',
        '[{"type": "prefix", "url": "gs://shop/x/"}, {"type": "cloud_object", "metadata":'
        ' {"name": "a.png", "size": "2048"}}]',
    ],
)
def test_listings_are_counted_as_the_tools_write_them(
    import_firebase: ImportFirebase, tmp_path: Path, content: str
):
    (tmp_path / "listing").write_text(content)
    said = import_firebase("--storage", tmp_path / "listing")
    assert "Storage: 1 files, 2.0 KiB." in said.out


def test_ids_become_the_same_in_every_export():
    ids = naming.document_id
    assert ids(("users", "ann")) == "ann"
    # One that Firestore made up, too, lies below two parents where it is written to both.
    for name in ("Jx3sKq90fMzWn2LpRt5v", "main"):
        below = [ids(("users", parent, "posts", name)) for parent in ("ann", "bob")]
        assert len({*below, name}) == 3
    assert ids(("users", "a/b")) == ids(("users", "a/b")) != ids(("users", "a.b"))
    assert naming.collection_id(("users", "posts")) == "users__posts"
    collections = [
        ("users__posts",),
        ("users", "posts"),
        ("users_", "posts"),
        ("users", "_posts"),
        ("Übersicht",),
        ("a" * 40,),
        ("a" * 41,),
    ]
    assert len({naming.collection_id(each) for each in collections}) == len(collections)
    taken = {"address_city"}
    keys = [("address", "city"), ("$id",), ("ü",), ("a" * 50,), ("a" * 51,), ("first name",)]
    assert len({naming.attribute_key(each, taken) for each in keys} | taken) == 7
