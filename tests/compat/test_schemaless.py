"""Collections without a schema by the newest official Python SDK, in both vocabularies."""

from pathlib import Path
from typing import Any

import pytest
from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.query import Query
from appwrite.services.databases import Databases

from tests.compat import sdk
from tests.compat.live import PROJECT, Installation
from tests.compat.vocabulary import ROW_WORDS, Vocabulary
from tests.reference import assert_model

# The older service's methods warn that they are; so many warnings would bury the others.
pytestmark = pytest.mark.usefixtures("recwarn")

ANN: dict[str, Any] = {
    "name": "Ann",
    "level": 3,
    "bag": ["rope", None],
    "home": {"city": "Ayr", "at": [1.5, True]},
}


DOCS = Path(__file__).parents[2] / "docs" / "schemaless.md"


@pytest.fixture(scope="module", params=[{}, ROW_WORDS], ids=["databases", "tablesDB"])
def service(request: pytest.FixtureRequest, key: Client) -> Vocabulary:
    return Vocabulary(key, request.param)


def test_fields_are_written_found_and_declared(
    service: Vocabulary, key: Client, project: str, database: str
):
    made = service.create_collection(
        database,
        "players",
        "Players",
        **{service.word("attributes"): [{"key": "*", "type": "any"}]},
    ).to_dict()
    assert_model(service.word("collection").title(), made)
    assert made["schemaless"] is True

    root = "tablesdb" if service.word("document") == "row" else "databases"
    path = f"/{root}/{database}/{service.word('collections')}/players"
    own = {"content-type": "application/json", "x-appwrite-project": key.get_config("project")}
    changes = f"{path}/{service.word('documents')}/changes"
    cursor = key.call("get", changes, own)["cursor"]
    document = service.create_document(database, "players", "ann", ANN)
    (change,) = key.call("get", changes, own, {"since": cursor})["changes"]
    assert {name: change[service.word("document")][name] for name in ANN} == ANN
    assert {name: document.data[name] for name in ANN} == ANN
    service.create_document(database, "players", "bo", {"name": "Bo", "level": "high"})
    page = service.list_documents(
        database, "players", [Query.equal("home.city", "Ayr"), Query.greater_than("level", 2)]
    )
    assert [each.id for each in service.listed(page, "documents")] == ["ann"]
    service.increment_document_attribute(database, "players", "ann", "level")
    changed = service.update_document(database, "players", "ann", {"home": None, "level": 5})
    assert (changed.data["level"], "home" in changed.data) == (5, False)

    service.update_document(database, "players", "bo", {"level": 9})
    service.create_integer_attribute(database, "players", "level", False)
    sdk.wait_until(
        lambda: sdk.status(service.get_attribute(database, "players", "level")) == "available"
    )
    assert service.get_document(database, "players", "bo").data["level"] == 9
    closed = key.call("put", path, own, {"name": "P", "schemaless": False})
    assert closed["schemaless"] is False
    shown = service.get_document(database, "players", "bo").data
    assert (shown["level"], "name" in shown) == (9, False)
    with pytest.raises(AppwriteException) as refused:
        service.update_document(database, "players", "bo", {"name": "x"})
    assert refused.value.type == f"{service.word('document')}_invalid_structure"


def test_the_example_of_the_documentation_runs(
    server: Installation, key: Client, capsys: pytest.CaptureFixture[str]
):
    example = DOCS.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names = {"ENDPOINT": server.endpoint, "PROJECT": PROJECT, "KEY": server.key}
    exec(compile(example, str(DOCS), "exec"), names)  # noqa: S102  # our own text

    assert "'name': 'Ann'" in capsys.readouterr().out
    Databases(key).delete_collection("default", "players")
