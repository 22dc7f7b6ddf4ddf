"""Imports and exports by hand: the commands, and the service for other sources."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from documents import records
from documents.records import Fault
from documents.services import transfers
from documents.services.transfers import imports
from documents.vocabulary import COLLECTIONS
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.documents.blog import operator
from tests.documents.transfers import fetch, jsonl, key, send

__all__ = ["key"]  # a fixture

pytestmark = [pytest.mark.db, pytest.mark.django_db]


# By hand


@pytest.fixture
def command(key: ApiClient, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    def run(name: str, file: Path, *options: str) -> tuple[str, str]:
        out, progress = StringIO(), StringIO()
        call_command(
            name, "blog", "main", "posts", str(file), *options, stdout=out, stderr=progress
        )
        return out.getvalue(), progress.getvalue()

    return run


def test_commands_import_and_export_files(
    command: Callable[..., tuple[str, str]], tmp_path: Path, key: ApiClient
):
    source, copy = tmp_path / "in.jsonl", tmp_path / "out.csv"
    source.write_text(jsonl({"$id": "a", "title": "A"}, {"title": "B"}))
    out, progress = command("import_documents", source)
    assert json.loads(out)["created"] == 2
    assert "line 2: 2 created, 0 existed, 0 faulty" in progress
    assert json.loads(command("import_documents", source)[0])["existing"] == 2
    out, progress = command("export_documents", copy)
    assert json.loads(out) == {"total": 2}
    assert "2 written" in progress
    assert copy.read_bytes() == fetch(key, format="csv")
    assert {each.name for each in tmp_path.iterdir()} == {"in.jsonl", "out.csv"}
    with pytest.raises(CommandError, match="There is such a file already"):
        command("export_documents", copy)


def test_the_command_writes_faulty_lines_to_a_file_and_says_how_to_go_on(
    command: Callable[..., tuple[str, str]],
    tmp_path: Path,
    key: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(imports, "BATCH_RECORDS", 2)
    source, told = tmp_path / "in.jsonl", tmp_path / "faulty.jsonl"
    source.write_text(jsonl({"likes": 1}, {"likes": 2}, {"title": "C"}))
    options = ("--errors", str(told), "--max-errors", "1")
    with pytest.raises(CommandError) as stopped:
        command("import_documents", source, *options)
    assert [json.loads(line)["line"] for line in told.read_text().splitlines()] == [1, 2]
    how = str(stopped.value).partition("Go on with ")[2].split()
    assert json.loads(command("import_documents", source, *how)[0])["created"] == 1


def test_an_interrupted_export_goes_on_where_it_was(
    command: Callable[..., tuple[str, str]],
    tmp_path: Path,
    key: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("documents.services.transfers.exports.EXPORT_PAGE", 2)
    send(key, jsonl(*[{"$id": f"p{number}", "title": "T"} for number in range(5)]))
    pages = transfers.export_documents

    def interrupted(**place: Any) -> Iterator[Any]:
        for number, page in enumerate(pages(**place)):
            if number == 1:
                raise KeyboardInterrupt
            yield page

    copy = tmp_path / "out.jsonl"
    monkeypatch.setattr(transfers, "export_documents", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command("export_documents", copy)
    monkeypatch.setattr(transfers, "export_documents", pages)
    with copy.open("ab") as file:
        file.write(b'{"$id": "half a li')  # what a crash may leave behind
    assert json.loads(command("export_documents", copy)[0]) == {"total": 5}
    assert copy.read_bytes() == fetch(key)


def test_commands_say_what_is_missing(command: Callable[..., tuple[str, str]], tmp_path: Path):
    with pytest.raises(CommandError, match="No such file"):
        command("import_documents", tmp_path / "none.csv")
    with pytest.raises(CommandError, match="There is no project"):
        call_command("export_documents", "none", "main", "posts", str(tmp_path / "x"))
    strange = tmp_path / "strange.csv"
    strange.write_text("title,strange\na,b\n")
    with pytest.raises(CommandError, match="strange"):
        command("import_documents", strange)


def test_a_service_takes_records_of_any_source(key: ApiClient, project: ProjectContext):
    report = transfers.import_documents(
        caller=operator(project),
        names=COLLECTIONS,
        database_id="main",
        collection_id="posts",
        records=[records.Record(1, records.sent_document({"title": "A"}), 10), Fault(2, "Gone")],
        import_id="elsewhere",
    )
    assert (report.created, [each.line for each in report.errors]) == (1, [2])
