"""Odd writes of relationships: an answer to each, and never a link to nothing, or to one side."""

import random
from typing import Any

import pytest

from documents.models import Document, DocumentLink
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.documents.related import COLLECTIONS, linked, make_collections, relate

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db]

ROUNDS = 300
UIDS = "abcdef"
#: By collection: its relationships, and those on the other side of each.
TWINS = {
    "posts": {"author": ("authors", "posts"), "owner": ("authors", "owns"),
              "friends": ("posts", "of"), "of": ("posts", "friends")},
    "authors": {"posts": ("posts", "author"), "owns": ("posts", "owner")},
}  # fmt: skip


class Mischief:
    """Makes up writes that are often right and sometimes nonsense."""

    def __init__(self) -> None:
        self.chance = random.Random(7)

    def data(self, collection: str, depth: int = 0) -> dict[str, Any]:
        twins = TWINS[collection]
        keys = self.chance.sample(sorted(twins), self.chance.randint(0, 2))
        sent = {key: self.value(twins[key][0], key, depth + 1) for key in keys}
        if self.chance.random() < 0.7:
            sent["name"] = self.chance.choice(["x", "y", None])
        if self.chance.random() < 0.05:
            sent[self.chance.choice(["nothing", "$createdAt", "$sequence"])] = "odd"
        return sent

    def value(self, collection: str, key: str, depth: int) -> Any:
        if self.chance.random() < 0.05:
            return self.chance.choice([1, True, "", "a b", [None], {"$id": 5}, [["a"]]])
        several = [self.one(collection, depth) for _ in range(self.chance.randint(0, 3))]
        if key in ("author", "owner"):
            return several[0] if several else None
        return several

    def one(self, collection: str, depth: int) -> Any:
        uid = self.chance.choice(UIDS)
        if depth > 2 or self.chance.random() < 0.6:
            return uid
        named = {"$id": uid} if self.chance.random() < 0.8 else {}
        return {**named, **self.data(collection, depth)}

    def call(self, client: ApiClient) -> Reply:
        collection = self.chance.choice(sorted(TWINS))
        verb = self.chance.choice(["POST", "PUT", "PUT", "PATCH", "PATCH", "DELETE"])
        path, uid = f"{COLLECTIONS}/{collection}/documents", self.chance.choice(UIDS)
        body: dict[str, Any] = {"data": self.data(collection)}
        if verb == "POST":
            return client.post(path, {"documentId": uid, **body})
        return client.call(verb, f"{path}/{uid}", None if verb == "DELETE" else body)


def test_no_write_leaves_half_a_link(admin: ApiClient, project: ProjectContext) -> None:
    make_collections(project, *TWINS)
    relate(admin, "authors", "posts", "oneToMany", twoWay=True, twoWayKey="author",
           onDelete="cascade")  # fmt: skip
    relate(admin, "posts", "posts", "manyToMany", "friends", twoWay=True, twoWayKey="of",
           onDelete="setNull")  # fmt: skip
    relate(admin, "posts", "authors", "oneToOne", "owner", twoWay=True, twoWayKey="owns")
    for uid in UIDS:
        for collection in TWINS:
            admin.put(f"{COLLECTIONS}/{collection}/documents/{uid}", {"data": {"name": uid}})
    mischief = Mischief()

    statuses = [mischief.call(admin).status for _ in range(ROUNDS)]

    assert set(statuses) <= {200, 201, 204, 400, 403, 404, 409}
    assert sum(status < 300 for status in statuses) > ROUNDS / 4
    alive = set(Document.objects.values_list("id", flat=True))
    links = DocumentLink.objects.values_list("parent_id", "child_id")
    assert links
    assert {number for pair in links for number in pair} <= alive
    check_twins(admin)


def check_twins(admin: ApiClient) -> None:
    """Compare what either side of each link says."""
    seen = set()
    for document in Document.objects.select_related("collection"):
        collection, uid = document.collection.uid, document.uid
        for key, (other, twin) in TWINS[collection].items():
            value = linked(admin, collection, uid, key)
            for each in value if isinstance(value, list) else [value] if value else []:
                seen.add(((collection, key, uid), (other, twin, each)))
    assert {(there, here) for here, there in seen} == seen
