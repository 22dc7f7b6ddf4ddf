"""New attributes and indexes, checked against the collection they are to join."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from documents import attributes as attribute_types
from documents import indexes as index_types
from documents.attributes import (
    ATTRIBUTE_TYPES,
    FREE,
    Attribute,
    InvalidFormatError,
    InvalidTypeError,
)
from documents.indexes import Index
from documents.vocabulary import Vocabulary
from kernel import clock
from kernel.errors import ApiError, ErrorKind

MIN_ENCRYPTED_SIZE = 150
ARRAY_INDEX_REFUSED = "Creating indexes on array attributes is not currently supported."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRequest:
    """An attribute as a client asks for it. `type` names a class of `documents.attributes`."""

    key: str
    type: str
    required: bool
    default: Any = None
    array: bool = False
    size: int = 0
    min: int | float | None = None
    max: int | float | None = None
    elements: Sequence[str] = ()
    encrypt: bool = False
    description: str = ""


#: Among the attributes of a new collection it makes this schema-less.
ANYTHING = AttributeRequest(key="*", type=FREE, required=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationshipRequest:
    """A relationship as a client asks for it; its words are those of `documents.relations`."""

    related_collection_id: str
    type: str
    two_way: bool
    key: str
    two_way_key: str
    on_delete: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRequest:
    """An index as a client asks for it."""

    key: str
    type: str
    attributes: list[str]
    orders: list[str]
    lengths: list[int]
    description: str = ""


def define_attribute(
    request: AttributeRequest,
    others: Sequence[Attribute],
    *,
    names: Vocabulary,
    stored_name: str,
    status: str,
) -> Attribute:
    """Return the attribute a client asks for, fit to join `others`.

    Raises: ATTRIBUTE_ALREADY_EXISTS, ATTRIBUTE_DEFAULT_UNSUPPORTED, ATTRIBUTE_VALUE_INVALID,
        ATTRIBUTE_LIMIT_EXCEEDED, BAD_REQUEST
    """
    if any(other.key == request.key for other in others):
        raise ApiError(names.attribute_already_exists)
    moment = clock.api_time(clock.now())
    attribute = check_attribute(
        Attribute(
            key=request.key,
            type=request.type,
            name=stored_name,
            status=status,
            required=request.required,
            array=request.array,
            default=request.default,
            size=ATTRIBUTE_TYPES[request.type].fixed_size or request.size,
            min=request.min,
            max=request.max,
            elements=tuple(request.elements),
            encrypt=request.encrypt,
            description=request.description,
            created_at=moment,
            updated_at=moment,
        ),
        names=names,
    )
    if attribute_types.is_over_budget([*others, attribute]):
        raise ApiError(names.attribute_limit_exceeded)
    return attribute


def check_attribute(attribute: Attribute, *, names: Vocabulary) -> Attribute:
    """Return an attribute whose limits and default agree, the default in its stored form.

    Raises: ATTRIBUTE_DEFAULT_UNSUPPORTED, ATTRIBUTE_VALUE_INVALID, BAD_REQUEST
    """
    _check_limits(attribute, names)
    if attribute.default is None:
        return attribute
    if attribute.required or attribute.array:
        raise ApiError(names.attribute_default_unsupported)
    try:
        default = attribute.kind.validate(attribute.default, attribute)
    except (InvalidTypeError, InvalidFormatError) as error:
        raise ApiError(names.attribute_value_invalid, str(error)) from None
    return attribute.changed(default=default)


def _check_limits(attribute: Attribute, names: Vocabulary) -> None:
    low, high = attribute.min, attribute.max
    if low is not None and high is not None and low > high:
        raise ApiError(
            names.attribute_value_invalid, "Minimum value must be lesser than maximum value"
        )
    if attribute.kind.has_elements and not attribute.elements:
        raise ApiError(names.attribute_value_invalid, "Elements must not be empty")
    if attribute.encrypt and attribute.size < MIN_ENCRYPTED_SIZE:
        raise ApiError(
            ErrorKind.BAD_REQUEST,
            f"Size too small. Encrypted strings need at least {MIN_ENCRYPTED_SIZE} characters.",
        )


def unused_name(key: str, *, version: int, has_retired_names: bool) -> str:
    """Return the name under which documents hold a new attribute, none that was used before.

    Keys have no tilde, and versions only grow.
    """
    return f"{key}~{version}" if has_retired_names else key


def define_index(
    request: IndexRequest,
    attributes: Mapping[str, Attribute],
    others: Sequence[Index],
    *,
    names: Vocabulary,
    name: str,
    status: str,
) -> Index:
    """Return the index a client asks for, fit to join `others`.

    Raises: INDEX_ALREADY_EXISTS, INDEX_LIMIT_EXCEEDED, INDEX_INVALID, ATTRIBUTE_UNKNOWN,
        ATTRIBUTE_NOT_AVAILABLE
    """
    if any(other.key == request.key for other in others):
        raise ApiError(names.index_already_exists)
    if len(others) >= index_types.MAX_INDEXES:
        raise ApiError(names.index_limit_exceeded)
    moment = clock.api_time(clock.now())
    index = Index(
        key=request.key,
        type=request.type,
        name=name,
        status=status,
        attributes=request.attributes,
        orders=request.orders,
        lengths=request.lengths,
        description=request.description,
        created_at=moment,
        updated_at=moment,
    )
    reason = _misfit(index)
    if reason:
        raise ApiError(names.index_invalid, reason)
    _check_parts(index, attributes, names)
    return index


def _misfit(index: Index) -> str:
    """Return what is wrong with an index whatever its attributes are."""
    count = len(index.attributes)
    if index.type not in index_types.OFFERED_TYPES:
        return f"Indexes of type {index.type} are not offered."
    if not 1 <= count <= index_types.MAX_INDEX_ATTRIBUTES:
        return f"An index takes 1 to {index_types.MAX_INDEX_ATTRIBUTES} attributes."
    if len(set(index.attributes)) < count:
        return "Duplicate attributes provided."
    if len(index.orders) > count or len(index.lengths) > count:
        return "An index takes at most one order and one length per attribute."
    return ""


def _check_parts(index: Index, attributes: Mapping[str, Attribute], names: Vocabulary) -> None:
    if index.type not in (index_types.KEY, index_types.UNIQUE):
        _check_declared(index, attributes, names)
    if index.type in (index_types.FULLTEXT, index_types.TRIGRAM):
        _check_prose(index, attributes, names)
        return
    if index.type == index_types.SPATIAL:
        _check_spatial(index, attributes, names)
        return
    total = 0
    for place, key in enumerate(index.attributes):
        length = index.length(place)
        if key in index_types.SYSTEM_COLUMNS:
            total += index_types.ID_LENGTH if key == "$id" else 0
            continue
        attribute = _indexable(attributes.get(key), key, names)
        if not 0 <= length <= attribute.size:
            raise ApiError(
                names.index_invalid,
                f'Invalid index length {length} for attribute "{key}".',
            )
        if attribute.kind.is_geometry:
            raise ApiError(
                names.index_invalid, f'Attribute "{key}" can only be part of a spatial index.'
            )
        total += length or attribute.size
    if total > index_types.MAX_INDEX_LENGTH:
        raise ApiError(
            names.index_invalid,
            f"Index length is longer than the maximum: {index_types.MAX_INDEX_LENGTH}",
        )


def _check_declared(index: Index, attributes: Mapping[str, Attribute], names: Vocabulary) -> None:
    for key in index.attributes:
        attribute = attributes.get(key)
        if attribute is not None and attribute.is_free:
            raise ApiError(
                names.index_invalid,
                f'An index of type {index.type} needs an {names.attribute}. Declare "{key}" first.',
            )


def _check_prose(index: Index, attributes: Mapping[str, Attribute], names: Vocabulary) -> None:
    if any(index.lengths):
        raise ApiError(names.index_invalid, f"A {index.type} index takes no lengths.")
    for key in index.attributes:
        is_system = key in index_types.SYSTEM_COLUMNS
        if is_system or not _indexable(attributes.get(key), key, names).kind.is_prose:
            raise ApiError(
                names.index_invalid,
                f'Attribute "{key}" cannot be part of a {index.type} index,'
                " must be of type string.",
            )
    if index.type == index_types.TRIGRAM and not index_types.knows_trigrams():
        raise ApiError(names.index_invalid, index_types.NO_TRIGRAMS)


def _check_spatial(index: Index, attributes: Mapping[str, Attribute], names: Vocabulary) -> None:
    if len(index.attributes) > 1 or index.orders or any(index.lengths):
        raise ApiError(
            names.index_invalid, "A spatial index takes one attribute, no orders and no lengths."
        )
    (key,) = index.attributes
    is_system = key in index_types.SYSTEM_COLUMNS
    if is_system or not _indexable(attributes.get(key), key, names).kind.is_geometry:
        raise ApiError(
            names.index_invalid,
            f'Attribute "{key}" cannot be part of a spatial index, must be of type point,'
            " line or polygon.",
        )


def _indexable(attribute: Attribute | None, key: str, names: Vocabulary) -> Attribute:
    if attribute is None:
        raise ApiError(names.attribute_unknown, f'Unknown {names.attribute}: "{key[:64]}"')
    if not attribute.is_available:
        raise ApiError(names.attribute_not_available)
    if attribute.relation is not None:
        raise ApiError(
            names.attribute_type_invalid,
            f"Cannot create an index for a relationship {names.attribute}: {key}",
        )
    if attribute.array:
        raise ApiError(names.index_invalid, ARRAY_INDEX_REFUSED)
    if attribute.is_encrypted:
        raise ApiError(names.index_invalid, f'Cannot index encrypted {names.attribute} "{key}".')
    return attribute
