"""Encrypted attributes: their values are sealed in documents and events, and opened in answers.

A sealed value is the object `{"$sealed": text}`, which no client can send in place of a text. It is
bound to its project, database and collection.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from documents.attributes import Attribute
from projects import encryption

PURPOSE = "documents"
_MARK = "$sealed"
_PLAIN = frozenset({str, int, float, bool, type(None)})


def seal_values(
    values: Mapping[str, Any],
    attributes: Iterable[Attribute],
    *,
    project_id: int,
    place: tuple[str, str],
) -> dict[str, Any]:
    """Return values by stored name with those of encrypted attributes sealed.

    `place` is the public id of the database and of the collection.
    """

    def seal(text: str) -> dict[str, str]:
        sealed = encryption.encrypt(
            text, project_id=project_id, purpose=PURPOSE, bound_to="/".join(place)
        )
        return {_MARK: sealed}

    encrypted = {each.name for each in attributes if each.encrypt}
    return {
        name: _each(value, seal) if name in encrypted else value for name, value in values.items()
    }


def open_values(
    values: Mapping[str, Any], *, project_id: int, place: tuple[str, str]
) -> dict[str, Any]:
    """Return values, or a whole answer, with whatever is sealed opened.

    Raises:
        DecryptionError: A value was not sealed here.
    """

    def opened(value: Any) -> Any:
        if not _is_sealed(value):
            return value
        return encryption.decrypt(
            value[_MARK], project_id=project_id, purpose=PURPOSE, bound_to="/".join(place)
        )

    return {name: _each(value, opened) for name, value in values.items()}


def open_payload(payload: Mapping[str, Any], *, project_id: int) -> dict[str, Any]:
    """Return the payload of an event as its receivers are to get it.

    Raises:
        DecryptionError: A value was not sealed here.
    """
    if not is_sealed(payload):
        return dict(payload)
    place = (payload["$databaseId"], payload.get("$collectionId") or payload["$tableId"])
    return open_values(payload, project_id=project_id, place=place)


def is_sealed(payload: Mapping[str, Any]) -> bool:
    """Tell whether an event's payload is a document that holds sealed values."""
    if "$databaseId" not in payload:
        return False
    for value in payload.values():
        if type(value) in _PLAIN:
            continue
        if isinstance(value, dict):
            if _is_sealed(value):
                return True
        elif isinstance(value, list) and any(map(_is_sealed, value)):
            return True
    return False


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {_MARK}


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    return [change(item) for item in value] if isinstance(value, list) else change(value)
