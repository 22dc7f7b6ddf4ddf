"""Free fields that get an attribute of their key, or into a file and out of it."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from documents import services
from documents.definitions import AttributeRequest
from documents.models import Collection, Document
from documents.services import adoption, attribute_jobs
from documents.services.transfers import prepare_collection
from documents.vocabulary import COLLECTIONS
from kernel.errors import ApiError, ErrorKind
from tests.client import browser
from tests.documents.blog import DATABASE, DOCUMENTS, ids, operator, query
from tests.documents.schemaless import COLLECTION, add, change, declare, found, index, own, players

__all__ = ["players"]  # a fixture

pytestmark = pytest.mark.django_db


def test_new_attribute_takes_the_fields_of_its_key_over(players, jobs, events):
    add(players, "a", level=3, born="2024-05-06", tags=["x"], other=1)
    add(players, "b", level=4)
    add(players, "c")
    events.clear()

    assert declare(players, jobs, "level")["status"] == "available"
    assert declare(players, jobs, "born", "datetime")["status"] == "available"
    assert declare(players, jobs, "tags", "string", size=9, array=True)["status"] == "available"

    shown = own(players.get(f"{DOCUMENTS}/a").json)
    assert shown == {
        "title": "a",
        "likes": 7,
        "level": 3,
        "other": 1,
        "born": "2024-05-06T00:00:00.000+00:00",
        "tags": ["x"],
    }
    stored = Document.objects.get(uid="a").data
    assert {":level", ":born", ":tags"}.isdisjoint(stored)
    assert ids(players.get(DOCUMENTS, {"queries": [query("greaterThan", "level", 3)]})) == ["b"]
    assert change(players, "a", level="x").status == 400
    assert not [name for name in events.names() if ".documents." in name]


def test_fields_that_do_not_fit_keep_the_attribute_from_being_made(players, jobs):
    add(players, "a", level=3)
    add(players, "b", level="high")
    add(players, "c", level=5.5)

    failed = declare(players, jobs, "level")
    assert failed["status"] == "failed"
    assert failed["error"].startswith("2 of 3 documents hold a value that does not fit, the first")
    assert "b: " in failed["error"]
    assert own(players.get(f"{DOCUMENTS}/b").json)["level"] == "high"
    change(players, "b", level=4)
    change(players, "c", level=None)
    assert players.delete(f"{COLLECTION}/attributes/level").status == 204
    jobs()
    assert own(players.get(f"{DOCUMENTS}/b").json)["level"] == 4
    assert declare(players, jobs, "level")["status"] == "available"
    assert [own(each).get("level") for each in players.get(DOCUMENTS).json["documents"]] == [
        *(3, 4, None)
    ]


def test_building_goes_on_where_it_was_interrupted(players, jobs, monkeypatch):
    for number in range(5):
        add(players, f"d{number}", level=number)
    monkeypatch.setattr("documents.services.adoption.BATCH", 2)
    body = {"key": "level", "required": False, "encrypt": True, "size": 200}
    players.post(f"{COLLECTION}/attributes/string", body)
    name = Collection.objects.get().attributes[-1]["name"]
    players.post(f"{COLLECTION}/attributes/float", {"key": "x", "required": False})
    collection_id = Collection.objects.get().id

    def build(name):
        services.build_attribute(collection_id=collection_id, name=name, names=COLLECTIONS)

    build(name)
    assert players.get(f"{COLLECTION}/attributes/level").json["status"] == "failed"
    players.delete(f"{COLLECTION}/attributes/level")
    jobs()
    body = {"key": "level", "required": False}
    players.post(f"{COLLECTION}/attributes/float", body)
    name = Collection.objects.get().attributes[-1]["name"]
    with monkeypatch.context() as broken:
        broken.setattr(attribute_jobs, "_strip_all", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build(name)
    assert [own(each)["level"] for each in players.get(DOCUMENTS).json["documents"]] == [*range(5)]
    build(name)
    assert not Document.objects.filter(data__has_key=":level").exists()
    assert [own(each)["level"] for each in players.get(DOCUMENTS).json["documents"]] == [*range(5)]


def test_attribute_deleted_while_its_fields_are_stripped_keeps_their_key_and_shows_none(
    players, jobs, events, monkeypatch
):
    add(players, "a", level=3)
    add(players, "b", level=4)
    refused: list[str | None] = []
    shown: list[object] = []
    strip = attribute_jobs._strip

    def interrupted(collection_id, name, after):
        if name == ":level" and not refused:
            renaming = {"required": False, "default": None, "newKey": "rank"}
            path = f"{COLLECTION}/attributes/integer/level"
            refused.append(players.patch(path, renaming).json["type"])
            assert players.delete(f"{COLLECTION}/attributes/level").status == 204
            refused.append(change(players, "a", level=9).json.get("type"))
            events.clear()
            shown.append(own(change(players, "a", other=1).json)["level"])
            shown.append(own(events.payloads()[0])["level"])
            shown.extend(own(each)["level"] for each in players.get(DOCUMENTS).json["documents"])
        return strip(collection_id, name, after)

    monkeypatch.setattr(attribute_jobs, "_strip", interrupted)
    players.post(f"{COLLECTION}/attributes/integer", {"key": "level", "required": False})
    jobs()

    assert refused == ["attribute_not_available", "document_invalid_structure"]
    assert shown == [None] * 4
    assert players.get(f"{COLLECTION}/attributes/level").status == 404
    assert "level" not in own(players.get(f"{DOCUMENTS}/b").json)
    assert own(change(players, "a", level="x").json)["level"] == "x"
    assert own(players.get(f"{DOCUMENTS}/a").json)["level"] == "x"


def test_deleting_an_attribute_strips_what_its_making_left(players, jobs, monkeypatch):
    add(players, "a", level=3)
    players.post(f"{COLLECTION}/attributes/integer", {"key": "level", "required": False})
    collection = Collection.objects.get()
    name = collection.attributes[-1]["name"]
    with monkeypatch.context() as broken:
        broken.setattr(attribute_jobs, "_strip_all", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            services.build_attribute(collection_id=collection.id, name=name, names=COLLECTIONS)
    assert players.delete(f"{COLLECTION}/attributes/level").status == 204
    services.sweep_attribute(collection_id=collection.id, name=name, names=COLLECTIONS)

    assert Document.objects.get().data.keys() == {"title", "likes"}
    assert own(change(players, "a", level="x").json)["level"] == "x"
    jobs()
    assert own(players.get(f"{DOCUMENTS}/a").json)["level"] == "x"


def test_batches_of_fields_are_cut_by_bytes(players, jobs, monkeypatch):
    for number in range(5):
        add(players, f"d{number}", text=str(number) * 100)
        add(players, f"e{number}")
    monkeypatch.setattr("documents.services.adoption.BATCH_BYTES", 150)
    sizes = []
    write = adoption._write

    def counted(collection, attribute, batch):
        sizes.append(len(batch))
        write(collection, attribute, batch)

    monkeypatch.setattr(adoption, "_write", counted)
    body = {"key": "text", "required": False, "size": 100}
    players.post(f"{COLLECTION}/attributes/string", body)
    jobs()
    assert sizes == [2, 2, 1, 0]
    shown = [own(each)["text"] for each in players.get(DOCUMENTS).json["documents"]]
    assert shown[::2] == [str(number) * 100 for number in range(5)]


def test_encrypted_attribute_seals_the_fields_it_takes_over(players, jobs):
    add(players, "a", secret="hush")
    made = declare(players, jobs, "secret", "string", size=200, encrypt=True)

    assert made["status"] == "available"
    assert players.get(f"{DOCUMENTS}/a").json["secret"] == "hush"
    assert "hush" not in str(Document.objects.get().data)


def test_attributes_take_fields_over_that_are_out_of_sight(players, jobs):
    add(players, "a", level=3)
    players.put(COLLECTION, {"name": "Posts", "schemaless": False})
    declare(players, jobs, "level")

    assert own(players.get(f"{DOCUMENTS}/a").json) == {"title": "a", "likes": 7, "level": 3}


def test_a_key_of_fields_is_free_for_new_attributes_alone(players, jobs):
    add(players, "a", level=3, author="x")
    renamed = players.patch(
        f"{COLLECTION}/attributes/integer/likes",
        {"required": False, "default": 7, "newKey": "level"},
    )
    assert (renamed.status, renamed.json["type"]) == (409, "attribute_already_exists")
    players.post(f"/databases/{DATABASE}/collections", {"collectionId": "people", "name": "P"})
    relation = {"relatedCollectionId": "people", "type": "manyToOne", "key": "author"}
    assert players.post(f"{COLLECTION}/attributes/relationship", relation).status == 202
    jobs()
    assert players.get(f"{COLLECTION}/attributes/author").json["status"] == "failed"
    assert own(players.get(f"{DOCUMENTS}/a").json)["author"] == "x"
    assert players.delete(f"{COLLECTION}/attributes/likes").status == 204
    assert own(change(players, "a", likes="many").json)["likes"] == "many"
    jobs()
    assert own(players.get(f"{DOCUMENTS}/a").json)["likes"] == "many"


def test_paths_lead_into_fields_alone(players, jobs):
    relation = {"relatedCollectionId": "posts", "type": "manyToOne", "key": "boss"}
    assert players.post(f"{COLLECTION}/attributes/relationship", relation).status == 202
    jobs()
    add(players, "a", free=1)
    add(players, "b", free=2, boss="a")

    filters = query("equal", "boss.free", 1)
    assert found(players, filters) == ["b"]
    counted = players.get(DOCUMENTS, {"queries": [filters, query("count")]})
    assert counted.json["documents"][0]["count"] == 1
    for asked in (
        query("orderAsc", "boss.free"),
        query("sum", "boss.free"),
        query("groupBy", "", "boss.free"),
        query("equal", "likes.x", 1),
    ):
        reply = players.get(DOCUMENTS, {"queries": [asked]})
        assert (reply.status, reply.json["type"]) == (400, "general_query_invalid"), asked
    for path in ("boss.free", "likes.x"):
        reply = index(players, jobs, path)
        assert (reply.status, reply.json["type"]) == (400, "attribute_unknown")


def test_an_import_hides_no_fields_behind_attributes(players, project, jobs):
    def prepare(*keys):
        prepare_collection(
            caller=operator(project),
            names=COLLECTIONS,
            database_id=DATABASE,
            collection_id="posts",
            name="Posts",
            attributes=[AttributeRequest(key=key, type="integer", required=False) for key in keys],
        )

    add(players, "a", level=3)
    index(players, jobs, "bag.0", type_="unique")
    for key in ("level", "bag"):
        with pytest.raises(ApiError) as refused:
            prepare("score", key)
        assert refused.value.kind is ErrorKind.ATTRIBUTE_ALREADY_EXISTS
        assert f'"{key}"' in str(refused.value)
    assert players.get(f"{COLLECTION}/attributes/score").status == 404
    assert own(players.get(f"{DOCUMENTS}/a").json)["level"] == 3
    assert declare(players, jobs, "level")["status"] == "available"
    prepare("score", "level")
    assert own(players.get(f"{DOCUMENTS}/a").json)["level"] == 3
    assert players.get(f"{COLLECTION}/attributes/score").json["status"] == "available"


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
def test_files_hold_fields(players, project, client_for, make_key, format_):
    rows: dict[str, dict[str, Any]] = {
        "a": {"n": 1, "t": "1", "list": [1, "x"], "map": {"k": None}, 'größe, "q"': 2.5},
        "b": {},
        "c": {"t": "text"},
    }
    for uid, data in rows.items():
        add(players, uid, **data)
    key = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    path = f"/v1{COLLECTION}/export"
    response = browser().get(path, {"format": format_}, headers=dict(key.headers))
    text = b"".join(response)
    before = [own(each) for each in players.get(DOCUMENTS).json["documents"]]
    players.delete(DOCUMENTS, {})

    report = key.call("POST", f"{COLLECTION}/import", text, query={"format": format_})
    assert report.json["created"] == 3, report.json
    assert [own(each) for each in players.get(DOCUMENTS).json["documents"]] == before


def test_csv_columns_may_be_fields(players, project, client_for, make_key):
    text = 'title,n,t,$fields\na,1,one,"{""m"": true}"\nb,"""1""",,\nc,[1,x,\nd,,,[]\n'
    key = client_for(project, key=make_key(project, ["documents.write"]))
    report = key.call("POST", f"{COLLECTION}/import", text.encode(), query={"format": "csv"}).json

    assert (report["created"], [each["line"] for each in report["errors"]]) == (3, [5])
    assert [own(each) for each in players.get(DOCUMENTS).json["documents"]] == [
        {"title": "a", "likes": 7, "n": 1, "t": "one", "m": True},
        {"title": "b", "likes": 7, "n": "1"},
        {"title": "c", "likes": 7, "n": "[1", "t": "x"},
    ]
    lines = json.dumps({"title": "e", "x": "\x00"}) + "\n" + json.dumps({"title": "f", "x": 1})
    report = key.call("POST", f"{COLLECTION}/import", lines.encode()).json
    assert (report["created"], report["errors"][0]["type"]) == (1, "document_invalid_structure")


def test_command_switches(players, project):
    def run(state, collection="posts"):
        out = StringIO()
        call_command("schemaless", project.uid, DATABASE, collection, state, stdout=out)
        return json.loads(out.getvalue())

    assert run("off") == {"databaseId": DATABASE, "$id": "posts", "schemaless": False}
    assert change(players, "a", x=1).json["type"] == "document_invalid_structure"
    assert run("on")["schemaless"] is True
    with pytest.raises(CommandError):
        run("on", "nowhere")
