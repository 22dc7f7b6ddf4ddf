"""Values as documents hold them, checked against their attributes."""

from typing import Any

from documents.attributes.definition import Attribute
from documents.attributes.types import InvalidFormatError, InvalidTypeError, StructureError

MAX_ARRAY_ITEMS = 10_000


def stored_value(attribute: Attribute, value: Any) -> Any:
    """Return a value, not null, as the document holds it.

    Raises: StructureError
    """
    if not attribute.array:
        return _checked(attribute, value, attribute.key)
    if not isinstance(value, list):
        raise StructureError(_invalid(f'Attribute "{attribute.key}" must be an array'))
    if len(value) > MAX_ARRAY_ITEMS:
        raise StructureError(
            _invalid(f'Attribute "{attribute.key}" holds more than {MAX_ARRAY_ITEMS} items')
        )
    return [
        _checked(attribute, item, f"{attribute.key}['{place}']") for place, item in enumerate(value)
    ]


def unknown(key: str) -> StructureError:
    return StructureError(_invalid(f'Unknown attribute: "{key[:64]}"'))


def missing(attribute: Attribute) -> StructureError:
    return StructureError(_invalid(f'Missing required attribute "{attribute.key}"'))


def _checked(attribute: Attribute, value: Any, place: str) -> Any:
    try:
        return attribute.kind.validate(value, attribute)
    except InvalidTypeError as error:
        raise StructureError(_invalid(f'Attribute "{place}" has invalid type. {error}')) from None
    except InvalidFormatError as error:
        raise StructureError(_invalid(f'Attribute "{place}" has invalid format. {error}')) from None


def _invalid(reason: str) -> str:
    return f"Invalid document structure: {reason}"
