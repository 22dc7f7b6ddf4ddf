"""Events of documents, beside what their rows hold under names that no longer are."""

import pytest

from documents.models import Collection, Document
from tests.documents.schema import add_attribute

pytestmark = pytest.mark.django_db


def test_events_of_documents_tell_what_answers_do_whatever_their_rows_hold(
    admin, posts, jobs, events
):
    add_attribute(admin, "string", "title")
    add_attribute(admin, "integer", "likes")
    add_attribute(admin, "string", "tags", array=True)
    jobs()
    Document.objects.create(collection=Collection.objects.get(), uid="one", data={"title": "Hello"})

    def like(count):
        reply = admin.patch(f"{posts}/documents/one", {"data": {"likes": count}})
        assert (reply.status, reply.json["likes"], reply.json["tags"]) == (200, count, [])
        assert events.all()[-1].payload == reply.json
        return reply.json

    assert like(1)["title"] == "Hello"
    admin.patch(
        f"{posts}/attributes/string/title",
        {"required": False, "default": None, "newKey": "headline"},
    )
    assert like(2)["headline"] == "Hello"
    admin.delete(f"{posts}/attributes/headline")
    hidden = like(3)
    assert "Hello" not in hidden.values()
    jobs()
    assert like(4).keys() == hidden.keys()
