"""Collections of fruits for tests of the SDK, in both vocabularies."""

import warnings
from collections.abc import Iterator

import pytest
from appwrite.client import Client
from appwrite.id import ID
from appwrite.services.tables_db import TablesDB

from tests.compat import sdk
from tests.compat.vocabulary import ROW_WORDS, Collection, Vocabulary

TITLES = ("apple", "banana", "cherry", "date", "elder")


@pytest.fixture(scope="module", params=[{}, ROW_WORDS], ids=["databases", "tablesDB"])
def service(request: pytest.FixtureRequest, key: Client) -> Vocabulary:
    return Vocabulary(key, request.param)


@pytest.fixture
def notes(service: Vocabulary, database: str) -> Collection:
    return service.make_collection(database)


@pytest.fixture
def fruits(notes: Collection) -> Collection:
    return filled(notes)


@pytest.fixture(scope="module")
def library(service: Vocabulary, key: Client) -> Iterator[Collection]:
    """The same fruits, for tests that only read them."""
    database = TablesDB(key).create(ID.unique(), "Read only").id
    with warnings.catch_warnings(record=True):
        notes = filled(service.make_collection(database))
    yield notes
    TablesDB(key).delete(database)


@pytest.fixture(scope="module")
def lists(service: Vocabulary, key: Client) -> Iterator[Collection]:
    """Notes with a list of tags."""
    database = TablesDB(key).create(ID.unique(), "Lists").id
    with warnings.catch_warnings(record=True):
        notes = service.make_collection(database)
        notes("create_string_attribute", "tags", 20, False, None, True)
        sdk.wait_until(lambda: notes.statuses("attribute") == {"available"})
    yield notes
    TablesDB(key).delete(database)


def filled(notes: Collection) -> Collection:
    for number, title in enumerate(TITLES):
        notes("create_document", title, {"title": title, "size": number * 10})
    return notes
