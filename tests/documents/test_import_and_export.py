"""Whole collections in and out: nothing is lost silently, nothing comes twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.roles import role_group_ids
from documents import records
from documents.definitions import IndexRequest
from documents.models import Document, DocumentGroupObjectPermission
from documents.records import Fault, lines
from documents.services.transfers import imports
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor, Events, Person
from tests.documents.blog import DOCUMENTS, POST, make_collection
from tests.documents.conftest import MakeKey
from tests.documents.transfers import ANY, PLACE, ROWS_PLACE, fetch, jsonl, key, send

__all__ = ["key"]  # a fixture

__all__ = ["key"]  # a fixture

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["created"], report["existing"], report["failed"]


# In


def test_number_of_statements_does_not_grow_with_documents_and_owners(
    key: ApiClient, statements: Callable[[], Any]
):
    def count(first: int, last: int) -> int:
        owned = [{"title": "T", "$permissions": [f'read("user:u{n}")']} for n in range(first, last)]
        with statements() as sent:
            assert counts(send(key, jsonl(*owned))) == (last - first, 0, 0)
        return len(sent)

    count(0, 2)
    assert count(2, 4) == count(4, 22)
    granted = DocumentGroupObjectPermission.objects.order_by("content_object_id")
    assert [each.group.role.role for each in granted] == [f"user:u{n}" for n in range(22)]


def test_json_lines_become_documents(key: ApiClient, events: Events):
    report = send(
        key,
        jsonl(
            {"$id": "a.b", "title": "A", "tags": ["x", "y"], "$permissions": [ANY]},
            {"title": "B", "$createdAt": "2020-01-02T03:04:05.678+00:00"},
        ),
    )
    assert counts(report) == (2, 0, 0)
    assert (report["isComplete"], report["nextLine"], report["errors"]) == (True, 3, [])
    a, b = key.get(DOCUMENTS).json["documents"]
    assert (a["$id"], a["title"], a["tags"], a["$permissions"]) == ("a.b", "A", ["x", "y"], [ANY])
    assert a["pinned"] is False  # its default
    assert b["$createdAt"] == "2020-01-02T03:04:05.678+00:00"
    logged = events.all()
    assert [event.name.split(".")[-2:] for event in logged] == [
        ["a/b", "create"],
        [b["$id"], "create"],
    ]
    assert logged[0].payload == a
    assert logged[1].payload == b
    assert logged[0].roles == ["any"]
    assert all(event.is_creation for event in logged)


def test_csv_becomes_rows(key: ApiClient):
    text = '\ufeff$id,title,$permissions\r\na,A,"[""read(\\""any\\"")""]"\r\nb,"B\n",\r\n'
    report = send(key, text, ROWS_PLACE, format="csv")
    assert counts(report) == (2, 0, 0)
    a, b = key.get(f"{ROWS_PLACE}/rows").json["rows"]
    assert (a["$id"], a["title"], a["$permissions"]) == ("a", "A", [ANY])
    assert (b["$id"], b["title"], b["$permissions"]) == ("b", "B\n", [])


def test_cells_are_read_by_the_types_of_their_columns(key: ApiClient):
    text = (
        "$id,title,likes,rating,pinned,tags,content\n"
        'a,"A, with ""quotes""\nand lines",7,1.5,TRUE,"[""x""]",""\n'
        'b,12,,,,,""""""\n'
        'c,"""quoted"" he said",,,,,null\n'
    )
    assert counts(send(key, text, format="csv")) == (3, 0, 0)
    a, b, c = key.get(DOCUMENTS).json["documents"]
    assert a["title"] == 'A, with "quotes"\nand lines'
    assert (a["likes"], a["rating"], a["pinned"], a["tags"]) == (7, 1.5, True, ["x"])
    assert (a["content"], b["content"], c["content"]) == (None, "", "null")
    assert (b["title"], c["title"]) == ("12", '"quoted" he said')


def test_grants_are_made_with_the_documents(key: ApiClient, project: ProjectContext):
    send(key, jsonl({"$id": "a", "title": "A", "$permissions": [ANY, 'write("user:u")']}))
    (group,) = role_group_ids(project.id, ["any"])
    granted = DocumentGroupObjectPermission.objects.order_by("id")
    assert len(granted) == 3
    assert granted[0].group_id == group
    document = Document.objects.get(uid="a")
    assert document.read_roles == ["any"]
    assert document.permissions == [ANY, 'update("user:u")', 'delete("user:u")']


def test_an_import_done_once_more_makes_nothing_twice(key: ApiClient):
    text = jsonl({"title": "A"}, {"$id": "b", "title": "B"}, {"title": "C"})
    assert counts(send(key, text)) == (3, 0, 0)
    assert counts(send(key, text)) == (0, 3, 0)
    assert key.get(DOCUMENTS).json["total"] == 3


def test_an_interrupted_import_goes_on(key: ApiClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imports, "BATCH_RECORDS", 2)
    monkeypatch.setattr("documents.views.transfers.IMPORT_SECONDS", 0.0)
    text = jsonl(*[{"title": f"T{number}"} for number in range(5)])
    first = send(key, text)
    assert (first["isComplete"], first["nextLine"], first["created"]) == (False, 3, 2)
    second = send(key, text, fromLine=3, importId=first["importId"])
    assert (second["isComplete"], second["nextLine"], second["created"]) == (False, 5, 2)
    third = send(key, text, fromLine=5, importId=first["importId"])
    assert third["created"] == 1
    titles = [each["title"] for each in key.get(DOCUMENTS).json["documents"]]
    assert titles == [f"T{number}" for number in range(5)]
    assert counts(send(key, text)) == (0, 2, 0)  # it knows its first lines


def test_faulty_lines_are_told_and_the_others_imported(key: ApiClient, project: ProjectContext):
    good = {"title": "ok"}
    bad: list[Any] = [
        {"likes": 1},
        {"title": 7},
        {"title": "x" * 300},
        {"title": "t", "unknown": 1},
        {"title": "t", "likes": -1},
        {"title": "t", "$id": "not an id"},
        {"title": "t", "$permissions": ["read"]},
        {"title": "t\x00"},
        {"title": "t", "$createdAt": "yesterday"},
        [],
        None,
        "text",
    ]
    text = "\n".join(json.dumps(each) for each in [good, *bad, good]) + "\n\n{broken\n"
    report = send(key, text.encode() + b'{"title":"\xff"}\n')
    assert counts(report) == (2, 0, len(bad) + 2)
    assert report["isComplete"]
    told = report["errors"]
    assert [each["line"] for each in told] == [*range(2, 14), 16, 17]
    assert {each["type"] for each in told} == {"document_invalid_structure"}
    assert all(each["message"] for each in told)
    assert "Missing required attribute" in told[0]["message"]


def test_faulty_cells_are_told(key: ApiClient):
    text = '$id,title,likes,tags\na,A,many,\nb,B\nc,C,1,[\nd,D,1,"[1]"\ne,E,2,\n'
    report = send(key, text.encode() + b"f,\xff,1,\n", format="csv")
    assert counts(report) == (1, 0, 5)
    assert [each["line"] for each in report["errors"]] == [2, 3, 4, 5, 7]


def test_an_import_stops_at_its_limit_of_errors(key: ApiClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imports, "BATCH_RECORDS", 2)
    text = jsonl(*[{"likes": number} for number in range(6)])
    report = send(key, text, maxErrors=3)
    assert (counts(report), report["isComplete"], report["nextLine"]) == ((0, 0, 4), False, 5)


def test_taken_values_and_long_ones_are_told_by_line(
    project: ProjectContext, client_for: ClientFor, make_key: MakeKey
):
    unique = IndexRequest(key="u", type="unique", attributes=["title"], orders=[], lengths=[])
    make_collection(
        project, attributes={"title": {"type": "string", "size": 700}}, indexes=[unique]
    )
    key = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    noise = "".join(chr(0x20000 + number * 7919 % 40_000) for number in range(700))
    text = jsonl(
        {"title": "a"},
        {"title": noise},
        {"title": "a"},
        {"title": "b"},
        {"$id": "x", "title": "c"},
        {"$id": "x", "title": "d"},
    )
    report = send(key, text)
    assert counts(report) == (3, 1, 2)
    assert [(each["line"], each["type"]) for each in report["errors"]] == [
        (2, "document_invalid_structure"),
        (3, "document_unique_constraint_violation"),
    ]
    assert "too long for an index" in report["errors"][0]["message"]


@pytest.mark.parametrize("columns", ["title,nothing", "title,title", '"title'])
def test_columns_that_are_none_are_refused(key: ApiClient, columns: str):
    reply = key.call(
        "POST", f"{PLACE}/import", f"{columns}\na,b\n".encode(), query={"format": "csv"}
    )
    assert (reply.status, reply.error) == (400, "general_bad_request")


def test_parameters_are_checked(key: ApiClient):
    for query in ({"format": "xml"}, {"fromLine": 0}, {"maxErrors": 0}, {"importId": "x" * 200}):
        reply = key.call("POST", f"{PLACE}/import", b"", query=query)
        assert (reply.status, reply.error) == (400, "general_argument_invalid"), query
    assert key.get(f"{PLACE}/export", {"after": -1}).error == "general_argument_invalid"
    assert key.get("/databases/main/collections/none/export").error == "collection_not_found"
    assert key.post("/tablesdb/none/tables/posts/import").error == "database_not_found"


def test_imports_and_exports_are_for_servers(
    key: ApiClient, project: ProjectContext, alice: Person, client_for: ClientFor, events: Events
):
    for client in (client_for(project), client_for(project, session=alice.session)):
        refused: list[Reply] = [
            client.call("POST", f"{PLACE}/import", b'{"title":"A"}\n'),
            client.get(f"{PLACE}/export"),
        ]
        assert [(each.status, each.error) for each in refused] == [
            (401, "general_unauthorized_scope")
        ] * 2
    assert [name for name in events.names() if ".documents." in name] == []


def test_encrypted_values_are_sealed_on_the_way_in_and_opened_on_the_way_out(
    project: ProjectContext, client_for: ClientFor, make_key: MakeKey
):
    make_collection(project, attributes={"pin": {"type": "string", "size": 200, "encrypt": True}})
    key = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    send(key, jsonl({"$id": "a", "pin": "1234"}))
    assert "1234" not in json.dumps(Document.objects.get(uid="a").data)
    assert json.loads(fetch(key))["pin"] == "1234"


def test_a_batch_costs_the_same_statements_whatever_its_size(key: ApiClient, statements: Any):
    def cost(size: int) -> int:
        text = jsonl(*[{"title": "T", "$permissions": [ANY]} for _ in range(size)])
        with statements() as seen:
            send(key, text)
        return len(seen)

    cost(1)
    assert cost(2) == cost(200)


# Out


def test_json_lines_hold_what_an_import_takes(key: ApiClient):
    send(key, jsonl({"$id": "a", "title": "A"}, {"$id": "b", "title": "B"}))
    first, second = [json.loads(line) for line in fetch(key).splitlines()]
    listed = key.get(DOCUMENTS).json["documents"]
    assert first == {
        name: value
        for name, value in listed[0].items()
        if name not in ("$databaseId", "$collectionId")
    }
    assert second["$id"] == "b"


def test_an_export_goes_on_behind_a_document(key: ApiClient):
    send(key, jsonl(*[{"$id": f"p{number}", "title": "T"} for number in range(4)]))
    sequence = key.get(f"{DOCUMENTS}/p1").json["$sequence"]
    ids = [json.loads(line)["$id"] for line in fetch(key, after=sequence).splitlines()]
    assert ids == ["p2", "p3"]


@pytest.mark.parametrize("limit", [1, 10])
def test_pages_are_bounded_and_leave_nothing_out(
    key: ApiClient, monkeypatch: pytest.MonkeyPatch, limit: int
):
    monkeypatch.setattr("documents.services.transfers.exports.EXPORT_PAGE_BYTES", limit)
    monkeypatch.setattr("documents.services.transfers.exports.EXPORT_PAGE", 3)
    send(key, jsonl(*[{"$id": f"p{number}", "title": "T"} for number in range(8)]))
    ids = [json.loads(line)["$id"] for line in fetch(key, ROWS_PLACE).splitlines()]
    assert ids == [f"p{number}" for number in range(8)]


def test_an_empty_collection_has_a_csv_of_its_columns(key: ApiClient):
    assert fetch(key, format="csv").decode() == (
        "$id,$sequence,$createdAt,$updatedAt,$permissions," + ",".join(POST) + "\r\n"
    )
    assert fetch(key) == b""


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_lines_are_the_same_however_a_stream_is_cut(pieces: list[bytes]):
    whole = b"".join(pieces)
    assert (
        list(lines(pieces)) == list(lines([whole])) == list(lines(bytes([each]) for each in whole))
    )


def test_a_line_too_long_is_never_held_as_a_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 20)
    stream = [b'{"title":"', *[b"x" * 10] * 50, b'"}\n{"a":1}\n', b"y" * 30]
    schema: Any = None  # JSON lines are read alike for all collections
    found = list(records.read_json_lines(lines(stream), schema))
    assert isinstance(found[0], Fault)
    assert [each.line for each in found] == [1, 2, 3]
    assert max(len(each) for each in lines(stream)) <= 22
