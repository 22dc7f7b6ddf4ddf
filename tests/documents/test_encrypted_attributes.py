"""Encrypted attributes: plain to whoever may read the document, sealed wherever they are kept."""

import orjson
import pytest

from documents.models import Document
from kernel import events as kernel_events
from kernel.events import Event
from realtime.services import load_event
from tests.documents.blog import DOCUMENTS, ROWS, make_collection, query
from tests.documents.schema import add_attribute

pytestmark = pytest.mark.django_db

DIARY = {
    "title": {"type": "string", "size": 50},
    "secret": {"type": "string", "size": 200, "encrypt": True, "default": "nothing"},
    "notes": {"type": "text", "encrypt": True, "array": True},
}
TEXT = "nobody must know"


@pytest.fixture
def diary(admin, project):
    make_collection(project, attributes=DIARY)
    return admin


def create(diary, uid="a", **data):
    reply = diary.post(DOCUMENTS, {"documentId": uid, "data": {"title": "T", **data}})
    assert reply.status == 201, reply.json
    return reply.json


def stored(uid="a"):
    return Document.objects.get(uid=uid).data


def test_value_is_stored_sealed_and_answered_plain(diary):
    made = create(diary, secret=TEXT, notes=["one", "two"])

    assert (made["secret"], made["notes"]) == (TEXT, ["one", "two"])
    assert diary.get(f"{DOCUMENTS}/a").json["secret"] == TEXT
    assert diary.get(f"{ROWS}/a").json["notes"] == ["one", "two"]
    assert diary.get(DOCUMENTS).json["documents"][0]["secret"] == TEXT
    only = {"queries": [query("select", "", "secret")]}
    assert diary.get(DOCUMENTS, only).json["documents"][0]["secret"] == TEXT
    assert stored()["title"] == "T"
    kept = orjson.dumps(stored()).decode()
    assert TEXT not in kept
    assert "one" not in [*stored()["notes"]]


def test_update_seals_what_it_brings_and_keeps_the_rest(diary):
    create(diary, secret=TEXT, notes=["one"])
    before = stored()

    changed = diary.patch(f"{DOCUMENTS}/a", {"data": {"secret": "else"}}).json
    put = diary.put(f"{DOCUMENTS}/a", {"data": {"title": "U"}}).json

    assert (changed["secret"], changed["notes"]) == ("else", ["one"])
    assert (put["title"], put["secret"]) == ("U", "else")
    assert stored()["notes"] == before["notes"]
    assert diary.patch(f"{DOCUMENTS}/a", {"data": {"secret": None}}).json["secret"] is None


def test_default_is_sealed_as_well(diary):
    assert create(diary)["secret"] == "nothing"
    assert list(stored()["secret"]) == ["$sealed"]


def test_events_keep_the_value_sealed_until_they_are_delivered(diary, events, monkeypatch):
    heard: list[Event] = []
    monkeypatch.setitem(kernel_events._subscribers, "after_commit", [("*", heard.append)])

    create(diary, secret=TEXT, notes=["one"])

    (logged,) = events.all()
    assert TEXT not in orjson.dumps(logged.payload).decode()
    assert TEXT not in orjson.dumps(heard[0].payload).decode()
    payload, _ = load_event(logged.id)
    assert payload == diary.get(f"{DOCUMENTS}/a").json


@pytest.mark.parametrize("value", [{"$sealed": "x"}, 5, ["x"], "x" * 201])
def test_nothing_but_a_text_is_taken(diary, value):
    body = {"documentId": "a", "data": {"title": "T", "secret": value}}

    assert diary.post(DOCUMENTS, body).error == "document_invalid_structure"


@pytest.mark.parametrize(
    "test",
    [query("equal", "secret", TEXT), query("isNull", "notes"), query("orderAsc", "secret")],
)
def test_it_cannot_be_filtered_or_ordered_by(diary, test):
    reply = diary.get(DOCUMENTS, {"queries": [test]})

    assert (reply.status, reply.error) == (400, "general_query_invalid")
    assert "Cannot query encrypted attribute" in reply.json["message"]


def test_it_cannot_be_indexed(diary):
    index = {"key": "i", "type": "key", "attributes": ["secret"]}

    reply = diary.post("/databases/main/collections/posts/indexes", index)

    assert (reply.status, reply.error) == (400, "index_invalid")


def test_it_cannot_shrink_below_its_data(admin, posts, jobs):
    add_attribute(admin, "string", "secret", size=300, encrypt=True)
    add_attribute(admin, "string", "notes", size=300, encrypt=True, array=True)
    jobs()
    data = {"secret": "\u00e4" * 200, "notes": ["x", "x" * 180]}
    admin.post(f"{posts}/documents", {"documentId": "a", "data": data})
    admin.post(f"{posts}/documents", {"documentId": "b", "data": {"secret": None}})

    def resize(key, size):
        body = {"required": False, "default": None, "size": size}
        return admin.patch(f"{posts}/attributes/string/{key}", body)

    assert resize("secret", 199).error == "attribute_invalid_resize"
    assert resize("notes", 179).error == "attribute_invalid_resize"
    assert resize("secret", 149).error == "general_bad_request"
    assert resize("secret", 200).json["size"] == 200
    assert resize("notes", 180).json["size"] == 180
    assert admin.get(f"{posts}/documents/a").json["secret"] == data["secret"]
