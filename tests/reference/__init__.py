"""Facts of the public API that tests compare with.

The JSON files are cut from a description of the API: the operations of the services that exist
here, the models they answer with, every error type with its status, the scopes, and the events
with their channels. Operations of our own are marked so, and those whose body
is a file.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00\Z")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
}


@cache
def load(name: str) -> Any:
    """Return the content of `name.json`."""
    return orjson.loads((Path(__file__).parent / f"{name}.json").read_bytes())


def assert_model(name: str, payload: Any) -> None:
    """Fail unless an answer is of a response model as strict clients read it.

    Every required key is there, nothing but the nullable is null, types, enumerations and times
    are right, and so are the models inside. Further keys are allowed.
    """
    problems = list(_problems(name, payload, name))
    assert not problems, "\n".join(problems)


def _problems(name: str, payload: Any, at: str) -> list[str]:
    if not isinstance(payload, Mapping):
        return [f"{at}: {type(payload).__name__} instead of an object"]
    found: list[str] = []
    for field in load("models")[name]:
        place = f"{at}.{field['name']}"
        if field["name"] not in payload:
            found += [f"{place}: missing"] if field["required"] else []
        else:
            found += _field_problems(field, payload[field["name"]], place)
    return found


def _field_problems(field: Mapping[str, Any], value: Any, place: str) -> list[str]:
    if value is None:
        return [] if field["nullable"] else [f"{place}: null"]
    if not field["array"]:
        return _value_problems(field, value, place)
    if not isinstance(value, list):
        return [f"{place}: {type(value).__name__} instead of a list"]
    return [
        problem
        for number, item in enumerate(value)
        for problem in _value_problems(field, item, f"{place}[{number}]")
    ]


def _value_problems(field: Mapping[str, Any], value: Any, place: str) -> list[str]:
    if "ref" in field:
        refs = field["ref"] if isinstance(field["ref"], list) else [field["ref"]]
        tried = [_problems(ref, value, place) for ref in refs]
        return min(tried, key=len)
    kinds = _TYPES.get(field["type"])
    if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        return [f"{place}: {value!r} is no {field['type']}"]
    if "enum" in field and value not in field["enum"]:
        return [f"{place}: {value!r} is none of {field['enum']}"]
    # The field named `format` holds the word itself.
    is_time = field.get("format") == "datetime" and field["name"] != "format"
    if is_time and value and not _TIME.match(value):
        return [f"{place}: {value!r} is no time as the API writes it"]
    return []
