"""Links and deletions at the same time: nothing dangles, nothing is lost, nobody is turned away."""

import random

import pytest

from documents.models import Document, DocumentLink
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.conftest import MakeKey
from tests.documents.related import change, delete, linked, make_collections, put, relate
from tests.documents.schema import SCHEMA_SCOPES
from tests.documents.test_document_races import at_once

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

DONE = {200, 201, 204}


@pytest.fixture
def admin(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> ApiClient:
    make_collections(project, "posts", "authors")
    return client_for(project, key=make_key(project, SCHEMA_SCOPES))


def check_links() -> None:
    """Fail where a link leads to a document that is gone."""
    alive = set(Document.objects.values_list("id", flat=True))
    ends = DocumentLink.objects.values_list("parent_id", "child_id")
    assert {number for pair in ends for number in pair} <= alive


def test_one_of_many_claims_wins(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "oneToOne", "author", twoWay=True, twoWayKey="post")
    put(admin, "authors", "ann")
    works = [
        lambda uid=f"p{number}": put(admin, "posts", uid, author="ann").status
        for number in range(6)
    ]

    assert sorted(at_once(*works)) == [201, 409, 409, 409, 409, 409]
    assert Document.objects.count() == 2
    assert DocumentLink.objects.count() == 1


@pytest.mark.parametrize("on_delete", ["restrict", "cascade", "setNull"])
def test_linking_to_what_is_being_deleted(admin: ApiClient, on_delete: str) -> None:
    relate(admin, "authors", "posts", "oneToMany", twoWay=True, twoWayKey="author",
           onDelete=on_delete)  # fmt: skip
    for number in range(8):
        put(admin, "authors", f"a{number}")
    seen: set[int] = set()

    def work(worker: int) -> list[int]:
        statuses = []
        for number in range(8):
            if worker % 2:
                statuses.append(delete(admin, "authors", f"a{number}").status)
            else:
                post = put(admin, "posts", f"p{worker}-{number}", author=f"a{number}")
                statuses.append(post.status)
        return statuses

    for statuses in at_once(*[lambda worker=worker: work(worker) for worker in range(4)]):
        seen |= set(statuses)

    # 400: the author is gone; 403: it has posts; 404: another worker deleted it.
    assert seen <= DONE | {400, 403, 404}
    check_links()
    for post in Document.objects.filter(collection__uid="posts"):
        author = linked(admin, "posts", post.uid, "author")
        assert (author is None) <= (on_delete == "setNull")


def test_lists_that_take_documents_from_one_another(admin: ApiClient) -> None:
    relate(admin, "authors", "posts", "oneToMany", twoWay=True, twoWayKey="author")
    for number in range(6):
        put(admin, "posts", f"p{number}")
    for name in ("ann", "bob", "eve"):
        put(admin, "authors", name)

    def work(name: str) -> list[int]:
        chance = random.Random(name)
        posts = [f"p{number}" for number in range(6)]
        return [
            change(admin, "authors", name, posts=chance.sample(posts, 3)).status for _ in range(12)
        ]

    results = at_once(*[lambda name=name: work(name) for name in ("ann", "bob", "eve")])

    assert {status for statuses in results for status in statuses} == {200}
    owners = [linked(admin, "authors", name, "posts") for name in ("ann", "bob", "eve")]
    every = [uid for posts in owners for uid in posts]
    assert len(every) == len(set(every)) == DocumentLink.objects.count()


def test_many_write_with_one_author(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author", twoWay=True, twoWayKey="posts")
    put(admin, "authors", "ann")
    works = [
        lambda worker=worker: [
            put(admin, "posts", f"p{worker}-{number}", author="ann").status for number in range(8)
        ]
        for worker in range(6)
    ]

    results = at_once(*works)

    assert {status for statuses in results for status in statuses} == {201}
    assert len(linked(admin, "authors", "ann", "posts")) == 48


def test_relationship_that_is_deleted_during_writes(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    put(admin, "authors", "ann")

    def write() -> set[int]:
        return {put(admin, "posts", f"p{number}", author="ann").status for number in range(20)}

    def remove() -> int:
        path = "/databases/main/collections/posts/attributes/author"
        return admin.delete(path).status

    written, removed = at_once(write, remove)

    assert removed == 204
    assert written <= {201, 400}
    check_links()
