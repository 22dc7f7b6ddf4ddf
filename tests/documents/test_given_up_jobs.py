"""Attributes and indexes whose job was given up say so, and can be deleted."""

from datetime import timedelta

import pytest

from documents.models import Collection
from kernel import clock
from kernel import jobs as kernel_jobs
from kernel.limits import JOB_MAX_ATTEMPTS
from kernel.models import Job
from tests.documents.schema import POSTS, add_attribute, index_names

pytestmark = [pytest.mark.db, pytest.mark.django_db]

TITLE = f"{POSTS}/attributes/title"
BY_TITLE = f"{POSTS}/indexes/by_title"
EVENT = "databases.default.collections.posts"


def lose_every_worker():
    """Leave the waiting jobs as workers do that were killed with them each time."""
    Job.objects.filter(status="waiting").update(
        status="running",
        attempts=JOB_MAX_ATTEMPTS,
        leased_until=clock.now() - timedelta(minutes=5),
    )
    kernel_jobs.requeue_expired()


@pytest.fixture
def title(admin, posts, jobs):
    add_attribute(admin, "string", "title")
    jobs()


@pytest.fixture
def by_title(admin, title):
    body = {"key": "by_title", "type": "key", "attributes": ["title"]}
    assert admin.post(f"{POSTS}/indexes", body).status == 202


def test_attribute_nobody_could_make_is_failed_and_deleted(admin, posts, jobs, events):
    add_attribute(admin, "string", "title")
    lose_every_worker()

    failed = admin.get(TITLE).json
    assert failed["status"] == "failed"
    assert "Delete it" in failed["error"]
    assert events.names()[-1] == f"{EVENT}.attributes.title.update"
    assert events.payloads()[-1] == failed

    assert admin.delete(TITLE).status == 204
    jobs()
    assert admin.get(TITLE).status == 404


def test_attribute_nobody_could_delete_is_stuck_and_deleted_again(admin, title, jobs):
    admin.delete(TITLE)
    lose_every_worker()

    stuck = admin.get(TITLE).json
    assert stuck["status"] == "stuck"
    assert "Delete it again" in stuck["error"]

    assert admin.delete(TITLE).status == 204
    assert admin.get(TITLE).json["error"] == ""
    jobs()
    assert admin.get(TITLE).status == 404


def test_index_nobody_could_build_is_failed_and_deleted(admin, by_title, jobs, events):
    lose_every_worker()

    failed = admin.get(BY_TITLE).json
    assert failed["status"] == "failed"
    assert "Delete it" in failed["error"]
    assert events.names()[-1] == f"{EVENT}.indexes.by_title.update"
    assert events.payloads()[-1] == failed
    jobs()
    assert admin.get(BY_TITLE).json["status"] == "failed"

    assert admin.delete(BY_TITLE).status == 204
    jobs()
    assert admin.get(BY_TITLE).status == 404


def test_what_a_given_up_build_left_is_dropped(admin, by_title, jobs):
    # The worker was killed after the build, and before it said so.
    build = Job.objects.get(name="documents.build_index", status="waiting")
    jobs()
    collection = Collection.objects.get(uid="posts")
    assert index_names(collection.id) == [build.arguments["name"]]
    collection.indexes[0]["status"] = "processing"
    collection.save(update_fields=["indexes"])
    Job.objects.filter(id=build.id).update(status="waiting")

    lose_every_worker()
    jobs()

    assert index_names(collection.id) == []


def test_index_nobody_could_drop_is_stuck_and_deleted_again(admin, by_title, jobs):
    jobs()
    admin.delete(BY_TITLE)
    lose_every_worker()
    assert admin.get(BY_TITLE).json["status"] == "stuck"

    assert admin.delete(BY_TITLE).status == 204
    jobs()
    assert admin.get(BY_TITLE).status == 404


def test_build_given_up_after_its_index_was_deleted_changes_nothing(admin, by_title, jobs):
    build = Job.objects.filter(name="documents.build_index", status="waiting")
    waiting = list(build)
    build.update(status="done")
    admin.delete(BY_TITLE)
    Job.objects.exclude(id__in=[each.id for each in waiting]).update(status="done")
    Job.objects.filter(id__in=[each.id for each in waiting]).update(status="waiting")

    lose_every_worker()

    assert admin.get(BY_TITLE).json["status"] == "deleting"
