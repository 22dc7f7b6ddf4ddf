"""The suite itself: no operation of databases is left out of it."""

import re
from pathlib import Path

from appwrite.services.databases import Databases
from appwrite.services.tables_db import TablesDB

from gateway.operations import all_operations
from tests.compat.vocabulary import ROW_WORDS

HERE = Path(__file__).parent
#: The SDK's classes, each with as many operations.
SERVICES = {"databases": Databases, "tablesDB": TablesDB}
OPERATIONS = 72


def test_every_operation_of_databases_is_called_here() -> None:
    texts = [path.read_text() for path in HERE.glob("test_*.py")]
    called = {word for text in texts for word in re.findall(r"\w+", text)}
    for service, sdk_class in SERVICES.items():
        served = {
            _snake(method)
            for name, _, method in (each.partition(".") for each in all_operations())
            if name == service and hasattr(sdk_class, _snake(method))
        }
        methods = {_older(each) for each in served}

        assert len(methods) == OPERATIONS
        assert [
            each for each in methods if each not in called and not _is_by_kind(each, called)
        ] == []


def _snake(method: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", method)


def _older(method: str) -> str:
    """Say a method as the tests do, which are run in both vocabularies."""
    for older, newer in ROW_WORDS.items():
        method = method.replace(newer, older)
    return method


def _is_by_kind(method: str, called: set[str]) -> bool:
    """Tell whether a method is called as one of those that each kind of attribute has."""
    kind = re.fullmatch(r"(?:create|update)_(\w+)_attribute", method)
    return kind is not None and kind[1] in called
